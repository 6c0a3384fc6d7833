/* aggregate.c -- the aggregates of agg/basic.h per key, un-windowed.
 *
 * The record is the cells of all aggregates, one after another. Nulls are skipped; NaN is
 * left out and counted. A result per input (MR_EMIT_EACH), or one per key at the end of
 * the source, in first-seen order. */
#include "../agg/basic.h"
#include "../error.h"
#include "../operator.h"

static mr_status fields(const mr_operator_spec *spec, uint8_t *fields_out, uint32_t *count_out) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < spec->count; i++) {
        if (spec->kinds[i] >= MR_BASIC_KINDS)
            return mr_fail(MR_ERR_ARGUMENT, "kinds", spec->kinds[i]);
        if (spec->columns[i] >= MR_COLUMNS_MAX) {
            return mr_fail(MR_ERR_ARGUMENT, "columns", spec->columns[i]);
        }
        count += mr_basic_cells[spec->kinds[i]];
    }
    if (count > MR_FIELDS_MAX) return mr_fail(MR_ERR_LIMIT, "aggregate fields", MR_FIELDS_MAX);
    memset(fields_out, MR_F64, count);
    *count_out = count;
    return MR_OK;
}

/* ---- adding rows ---- */

static inline double *cells_of_row(mr_operator_data *op, uint32_t row) {
    return (double *)(void *)mr_row_record(&op->rows, mr_row_at(mr_found_row(&op->rows, row)));
}

/* Add rows [from, upto) of a column to the cells of their keys, `at` cells into the
 * record. Inlined once per kind of aggregate, so that the loop has no switch. */
static inline __attribute__((always_inline)) void
add_column(mr_operator_data *op, const mr_columns *in, uint32_t column, uint32_t at, uint32_t from,
           uint32_t upto, void (*add)(double *cells, double value)) {
    const double *values = mr_f64s(in->columns[column]);
    const bool nulls = ((in->nulls >> column) & 1u) != 0;
    for (uint32_t row = from; row < upto; row++) {
        if (nulls && !mr_column_valid(in, column, row)) continue;
        const double value = values[row];
        if (value != value) {
            op->nans++;
            continue;
        }
        add(cells_of_row(op, row) + at, value);
    }
}

/* Add rows [from, upto), whose keys all have their rows, aggregate by aggregate. */
static void apply(mr_operator_data *op, const mr_columns *in, uint32_t from, uint32_t upto) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < op->spec.count; at += mr_basic_cells[op->spec.kinds[i]], i++) {
        const uint32_t column = op->spec.columns[i];
        switch (op->spec.kinds[i]) {
        case MR_COUNT:
            for (uint32_t row = from; row < upto; row++)
                cells_of_row(op, row)[at] += 1;
            break;
        case MR_SUM:
            add_column(op, in, column, at, from, upto, mr_add_sum);
            break;
        case MR_MEAN:
            add_column(op, in, column, at, from, upto, mr_add_mean);
            break;
        case MR_MIN:
            add_column(op, in, column, at, from, upto, mr_add_min);
            break;
        case MR_MAX:
            add_column(op, in, column, at, from, upto, mr_add_max);
            break;
        default:
            add_column(op, in, column, at, from, upto, mr_add_variance);
        }
    }
}

/* A record that has seen nothing; it comes cleared. */
static void begin(const mr_operator_data *op, double *cells) {
    for (uint32_t i = 0; i < op->spec.count; cells += mr_basic_cells[op->spec.kinds[i]], i++)
        mr_basic_begin(op->spec.kinds[i], cells);
}

static void write_columns(const mr_operator_data *op, const double *cells, mr_columns *out) {
    const uint32_t at = out->size;
    for (uint32_t i = 0; i < op->spec.count; cells += mr_basic_cells[op->spec.kinds[i]], i++)
        mr_f64s(out->columns[i])[at] = mr_basic_result(op->spec.kinds[i], cells);
}

/* Make sure that input row `i` has its row. */
static mr_status ensure(mr_operator_data *op, uint32_t i) {
    mr_row *row = mr_rows_enter(&op->rows, i);
    if (row != NULL) {
        mr_rows_touch(&op->rows, row, i, true);
        return MR_OK;
    }
    MR_TRY(mr_rows_create(&op->rows, i, &row));
    begin(op, (double *)(void *)mr_row_record(&op->rows, row));
    return MR_OK;
}

/* One after another: for results per row, and where making a row may remove another. */
static mr_status push_each(mr_operator_data *op, const mr_columns *in, uint32_t *upto,
                           mr_batch_data *results) {
    const bool each = (op->spec.flags & MR_EMIT_EACH) != 0;
    for (; *upto < in->size; (*upto)++) {
        if (each && mr_results_full(results, 0)) return MR_MORE;
        MR_TRY(ensure(op, *upto));
        apply(op, in, *upto, *upto + 1);
        if (!each) continue;
        mr_results_begin(results, in, *upto);
        write_columns(op, cells_of_row(op, *upto), &results->columns);
        results->columns.size++;
    }
    return MR_OK;
}

static mr_status push(mr_operator_data *op, const mr_columns *in, uint32_t from, uint32_t *upto_out,
                      mr_batch_data *results) {
    const bool stays = mr_rows_only_grow(&op->rows);
    *upto_out = from;
    if (!stays || (op->spec.flags & MR_EMIT_EACH) != 0) return push_each(op, in, upto_out, results);

    mr_status status = MR_OK;
    const bool all_there = op->rows.find.missing == 0 && !op->rows.track;
    uint32_t upto = all_there ? in->size : from;
    for (; upto < in->size; upto++) {
        if (mr_found_row(&op->rows, upto) != 0 && !op->rows.track) continue;
        status = ensure(op, upto);
        if (status != MR_OK) break;
    }
    apply(op, in, from, upto);
    *upto_out = upto;
    return status;
}

/* With its key: nobody pushed the event that caused it. */
static mr_status result(mr_operator_data *op, mr_row *row, mr_batch_data *results) {
    mr_columns *out = &results->columns;
    if (mr_results_full(results, row->key_bytes)) return MR_MORE;
    uint32_t *offsets = mr_u32s(out->key_offsets);
    memcpy((uint8_t *)mr_at(out->keys) + offsets[out->size], mr_row_key(&op->rows, row),
           row->key_bytes);
    offsets[out->size + 1] = offsets[out->size] + row->key_bytes;
    mr_u32s(out->position)[out->size] = out->size;
    write_columns(op, (const double *)(const void *)mr_row_record(&op->rows, row), out);
    out->present |= MR_HAS_KEYS;
    out->size++;
    return MR_OK;
}

static mr_status finish(mr_operator_data *op, mr_batch_data *results) {
    if ((op->spec.flags & MR_EMIT_EACH) != 0) return MR_OK;
    if (op->flushed) return MR_OK;
    if (!op->flushing) {
        MR_TRY(mr_scan_start(&op->flush, &op->rows, op->clock_ms));
        op->flushing = true;
        op->flush_at = 0;
    }
    for (;;) {
        const mr_page *page = &op->flush.page;
        for (; op->flush_at < page->count; op->flush_at++) {
            MR_TRY(result(op, mr_row_at(mr_u32s(page->rows)[op->flush_at]), results));
        }
        op->flush_at = 0;
        MR_TRY(mr_scan_page(&op->flush, MR_RESULT_ROWS_MAX));
        if (page->count == 0) break;
    }
    mr_flush_stop(op);
    op->flushed = true;
    return MR_OK;
}

static void merge(mr_operator_data *op, mr_row *into, mr_row *from) {
    double *to = (double *)(void *)mr_row_record(&op->rows, into);
    const double *cells = (const double *)(const void *)mr_row_record(&op->rows, from);
    for (uint32_t i = 0; i < op->spec.count; i++) {
        mr_basic_merge(op->spec.kinds[i], to, cells);
        to += mr_basic_cells[op->spec.kinds[i]];
        cells += mr_basic_cells[op->spec.kinds[i]];
    }
    mr_row_changed(&op->rows, into);
}

const mr_operator_kind mr_kind_aggregate = {
    .name = "aggregate",
    .fields = fields,
    .push = push,
    .finish = finish,
    .result = result,
    .merge = merge,
};
