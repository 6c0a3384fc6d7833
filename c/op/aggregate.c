/* aggregate.c -- the aggregates of agg/basic.h per key, un-windowed.
 *
 * The record is the cells of all aggregates, one after another. Nulls are skipped; NaN is
 * left out and counted. A result per input (MR_EMIT_EACH), or one per key at the end of
 * the source, in first-seen order. */
#include "../agg/basic.h"
#include "../error.h"
#include "../operator.h"

static MR_COLD mr_status fields(const mr_operator_spec *spec, uint8_t *fields_out,
                                uint32_t *count_out) {
    MR_TRY(mr_basic_check(spec));
    *count_out = mr_basic_cells_of(spec->kinds, spec->count);
    memset(fields_out, MR_F64, *count_out);
    return MR_OK;
}

/* ---- adding rows ---- */

static inline double *cells_of(mr_operator_data *op, mr_row *row) {
    return (double *)(void *)mr_row_record(&op->rows, row);
}

static inline double *cells_of_row(mr_operator_data *op, uint32_t row) {
    return cells_of(op, mr_row_at(mr_found_row(&op->rows, row)));
}

typedef void (*add_value)(double *cells, double value);

/* Add rows [from, upto) of a column to the cells of their keys, `at` cells into the
 * record, and write down what each row makes of it to `out`, unless that is NULL. Inlined
 * once per kind of aggregate, so that the loop has no switch. */
static inline __attribute__((always_inline)) void
add_column(mr_operator_data *op, const mr_columns *in, uint32_t kind, uint32_t column, uint32_t at,
           uint32_t from, uint32_t upto, double *out, add_value add) {
    const double *values = mr_f64s(in->columns[column]);
    const bool nulls = ((in->nulls >> column) & 1u) != 0;
    for (uint32_t row = from; row < upto; row++) {
        double *cells = cells_of_row(op, row) + at;
        if (!nulls || mr_column_valid(in, column, row)) {
            if (values[row] == values[row]) {
                add(cells, values[row]);
            } else {
                op->nans++;
            }
        }
        if (out != NULL) *out++ = mr_basic_result(kind, cells);
    }
}

static void add_count(mr_operator_data *op, uint32_t at, uint32_t from, uint32_t upto,
                      double *out) {
    for (uint32_t row = from; row < upto; row++) {
        double *cells = cells_of_row(op, row) + at;
        cells[0] += 1;
        if (out != NULL) *out++ = cells[0];
    }
}

/* Add rows [from, upto), whose keys all have their rows, aggregate by aggregate: none
 * asks for what another has come to. With `results` there is one for each of them. */
static void apply(mr_operator_data *op, const mr_columns *in, uint32_t from, uint32_t upto,
                  mr_columns *results) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < op->spec.count; at += mr_basic_cells[op->spec.kinds[i]], i++) {
        const uint32_t column = op->spec.columns[i];
        double *out = NULL;
        if (results != NULL) out = mr_f64s(results->columns[i]) + results->size;
        switch (op->spec.kinds[i]) {
        case MR_COUNT:
            add_count(op, at, from, upto, out);
            break;
        case MR_SUM:
            add_column(op, in, MR_SUM, column, at, from, upto, out, mr_add_sum);
            break;
        case MR_MEAN:
            add_column(op, in, MR_MEAN, column, at, from, upto, out, mr_add_mean);
            break;
        case MR_MIN:
            add_column(op, in, MR_MIN, column, at, from, upto, out, mr_add_min);
            break;
        case MR_MAX:
            add_column(op, in, MR_MAX, column, at, from, upto, out, mr_add_max);
            break;
        default:
            add_column(op, in, op->spec.kinds[i], column, at, from, upto, out, mr_add_variance);
        }
    }
}

/* Make sure that input row `i` has its row. */
static mr_status ensure(mr_operator_data *op, uint32_t i) {
    mr_row *row = mr_rows_enter(&op->rows, i);
    if (row != NULL) {
        mr_rows_touch(&op->rows, row, i, true);
        return MR_OK;
    }
    MR_TRY(mr_rows_create(&op->rows, i, NULL, &row));
    mr_basic_begin(op->spec.kinds, op->spec.count, cells_of(op, row));
    return MR_OK;
}

/* One after another, where making a row may remove another. */
static mr_status push_each(mr_operator_data *op, const mr_columns *in, uint32_t *upto,
                           mr_batch_data *results) {
    const bool each = (op->spec.flags & MR_EMIT_EACH) != 0;
    for (; *upto < in->size; (*upto)++) {
        if (each && mr_results_full(results, 0)) return MR_MORE;
        MR_TRY(ensure(op, *upto));
        apply(op, in, *upto, *upto + 1, each ? &results->columns : NULL);
        if (!each) continue;
        mr_results_begin(results, in, *upto);
        results->columns.size++;
    }
    return MR_OK;
}

/* How many more results the batch has room for. */
static uint32_t room_of(const mr_columns *results) {
    return mr_min_u32(results->rows_max, MR_RESULT_ROWS_MAX) - results->size;
}

static mr_status push(mr_operator_data *op, const mr_columns *in, uint32_t from, uint32_t *upto_out,
                      mr_batch_data *results) {
    const bool each = (op->spec.flags & MR_EMIT_EACH) != 0;
    *upto_out = from;
    if (!mr_rows_only_grow(&op->rows)) return push_each(op, in, upto_out, results);

    const uint32_t rest = in->size - from;
    const uint32_t count = each ? mr_min_u32(rest, room_of(&results->columns)) : rest;
    mr_status status = count < rest ? MR_MORE : MR_OK;
    const bool tracked = op->rows.age_at != 0;
    const bool all_there = op->rows.find.missing == 0 && !tracked;
    uint32_t upto = all_there ? from + count : from;
    for (; upto < from + count; upto++) {
        if (mr_found_row(&op->rows, upto) != 0 && !tracked) continue;
        const mr_status made = ensure(op, upto);
        if (made == MR_OK) continue;
        status = made;
        break;
    }
    apply(op, in, from, upto, each ? &results->columns : NULL);
    for (*upto_out = from; each && *upto_out < upto; (*upto_out)++) {
        mr_results_begin(results, in, *upto_out);
        results->columns.size++;
    }
    *upto_out = upto;
    return status;
}

/* With its key: nobody pushed the event that caused it. */
static mr_status result(mr_operator_data *op, mr_row *row, mr_batch_data *results) {
    mr_columns *out = &results->columns;
    if (mr_results_full(results, row->key_bytes)) return MR_MORE;
    mr_results_key(results, mr_row_key(&op->rows, row), row->key_bytes, out->size);
    mr_basic_write(&op->spec, cells_of(op, row), out, 0);
    out->size++;
    return MR_OK;
}

static mr_status finish(mr_operator_data *op, mr_batch_data *results) {
    if ((op->spec.flags & MR_EMIT_EACH) != 0) return MR_OK;
    return mr_flush(op, result, results);
}

static void merge(mr_operator_data *op, mr_row *into, mr_row *from) {
    mr_basic_merge(op->spec.kinds, op->spec.count, cells_of(op, into), cells_of(op, from));
    mr_row_changed(&op->rows, into);
}

const mr_operator_kind mr_kind_aggregate = {
    .name = "aggregate",
    .flags = MR_EMIT_EACH,
    .fields = fields,
    .push = push,
    .finish = finish,
    .result = result,
    .merge = merge,
};
