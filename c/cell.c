/* cell.c -- a ref that is put into a row that stands: for states whose rows are there with and
 * without a value of the host's. Counted as that of a row which is made with it. */
#include "error.h"
#include "row.h"

mr_status mr_rows_ref_put(mr_rows *rows, mr_row *row, uint32_t field, uint32_t number) {
    const mr_layout *layout = &rows->layout;
    if (field >= layout->field_count || layout->field_kind[field] != MR_REF) {
        return mr_fail(MR_ERR_ARGUMENT, "field", field);
    }
    if (number != 0 && number >= rows->refs->capacity) {
        return mr_fail(MR_ERR_ARGUMENT, "number", number);
    }
    uint32_t *cell = (uint32_t *)(void *)(mr_row_record(rows, row) + layout->field_at[field]);
    const bool more = *cell == 0 && number != 0;
    const bool less = *cell != 0 && number == 0;
    const bool leaves = mr_row_leaves(rows, row); /* It counts toward no limit. */
    if (more && !leaves) MR_TRY(mr_rows_check_bytes(rows, MR_REF_BYTES, 0));
    if (number != 0) MR_TRY(mr_ref_take(rows->heap));
    if (leaves) mr_row_leave(rows, row, false);
    if (more) rows->bytes += MR_REF_BYTES;
    if (less) rows->bytes -= MR_REF_BYTES;
    mr_ref_release(rows->refs, rows->heap, *cell);
    *cell = number;
    if (leaves) mr_row_leave(rows, row, true); /* With what it weighs now. */
    mr_row_changed(rows, row);
    return MR_OK;
}
