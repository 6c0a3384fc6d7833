/* cell.c -- what hangs off a record: refs and blobs; and refs that are put into rows that stand,
 * for states whose rows are there with and without values of the host's. Counted as those of a row
 * which is made with them. */
#include "error.h"
#include "row.h"

uint64_t mr_cell_bytes(uint32_t kind, uint32_t cell) {
    if (kind == MR_REF) return MR_REF_BYTES;
    uint64_t bytes = mr_heap_size_of(mr_blob_size(cell) + (uint32_t)sizeof(uint32_t));
    for (uint32_t i = 0; kind == MR_REFS && i < mr_cells_count(cell); i++)
        bytes += mr_cells(cell)[i] == 0 ? 0 : MR_REF_BYTES;
    return bytes;
}

void mr_rows_blob_release(mr_rows *rows, mr_addr blob) {
    if (blob == 0) return;
    rows->bytes -= mr_heap_size_of(mr_blob_size(blob) + (uint32_t)sizeof(uint32_t));
    mr_blob_release(rows->heap, blob);
}

static void release_ref(mr_rows *rows, uint32_t cell) {
    rows->bytes -= MR_REF_BYTES;
    mr_ref_release(rows->refs, rows->heap, cell);
}

void mr_rows_cell_release(mr_rows *rows, uint32_t kind, uint32_t cell) {
    if (kind == MR_REF) {
        release_ref(rows, cell);
        return;
    }
    for (uint32_t i = 0; kind == MR_REFS && i < mr_cells_count(cell); i++) {
        const uint32_t ref = mr_cells(cell)[i];
        if (ref != 0) release_ref(rows, ref);
    }
    mr_rows_blob_release(rows, cell);
}

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
    if (number != 0) MR_TRY(mr_refs_take(rows->heap, 1));
    if (leaves) mr_row_leave(rows, row, false);
    if (more) rows->bytes += MR_REF_BYTES;
    if (less) rows->bytes -= MR_REF_BYTES;
    mr_ref_release(rows->refs, rows->heap, *cell);
    *cell = number;
    if (leaves) mr_row_leave(rows, row, true); /* With what it weighs now. */
    mr_row_changed(rows, row);
    return MR_OK;
}

mr_status mr_rows_ref_take(mr_rows *rows) {
    MR_TRY(mr_rows_check_bytes(rows, MR_REF_BYTES, 0));
    MR_TRY(mr_refs_take(rows->heap, 1));
    rows->bytes += MR_REF_BYTES;
    return MR_OK;
}
