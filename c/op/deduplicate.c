/* deduplicate.c -- the first event of a key passes, later ones do not.
 *
 * The row is the memory that the key was seen; it has no fields. Its last use is the
 * event that passed, and a duplicate does not move it unless MR_REFRESH says so: with a
 * ttl the key passes again at age exactly ttl. Where rows are evicted a duplicate counts
 * as a use. */
#include "../operator.h"

static MR_COLD mr_status fields(const mr_operator_spec *spec, uint8_t *fields_out,
                                uint32_t *count_out) {
    (void)spec;
    (void)fields_out;
    *count_out = 0;
    return MR_OK;
}

static mr_status push(mr_operator_data *op, const mr_columns *in, uint32_t from, uint32_t *upto_out,
                      mr_batch_data *results) {
    const bool refresh = (op->spec.flags & MR_REFRESH) != 0;
    for (uint32_t i = from; i < in->size; i++) {
        *upto_out = i;
        mr_row *row = mr_rows_enter(&op->rows, i);
        if (row != NULL) {
            mr_rows_touch(&op->rows, row, i, refresh);
            continue;
        }
        if (mr_results_full(results, 0)) return MR_MORE;
        MR_TRY(mr_rows_create(&op->rows, i, NULL, &row));
        mr_results_begin(results, in, i);
        results->columns.size++;
    }
    *upto_out = in->size;
    return MR_OK;
}

const mr_operator_kind mr_kind_deduplicate = {
    .name = "deduplicate",
    .flags = MR_REFRESH,
    .fields = fields,
    .push = push,
};
