/* aggregate.c -- count, sum, mean, min and max per key, un-windowed.
 *
 * The record is the accumulators of all aggregates, one after another:
 *
 *   count  [n]                    mean  [sum][lost][n]
 *   sum    [sum][lost]            min   [least]         max  [greatest]
 *
 * A sum carries what rounding lost (Neumaier 1974), so that a million small numbers
 * beside a large one are not forgotten. Nulls are skipped; NaN is left out and counted.
 * The least and greatest of nothing are NaN, which no value can be.
 *
 * A result per input (MR_EMIT_EACH), or one per key at the end of the source, in
 * first-seen order. */
#include "../error.h"
#include "../operator.h"

static uint32_t cells_of(uint32_t aggregate) {
    switch (aggregate) {
    case MR_SUM:
        return 2;
    case MR_MEAN:
        return 3;
    default:
        return 1;
    }
}

static mr_status fields(const mr_operator_spec *spec, uint8_t *fields_out, uint32_t *count_out) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < spec->count; i++) {
        if (spec->kinds[i] > MR_MAX) return mr_fail(MR_ERR_ARGUMENT, "kinds", spec->kinds[i]);
        if (spec->columns[i] >= MR_COLUMNS_MAX) {
            return mr_fail(MR_ERR_ARGUMENT, "columns", spec->columns[i]);
        }
        count += cells_of(spec->kinds[i]);
    }
    if (count > MR_FIELDS_MAX) return mr_fail(MR_ERR_LIMIT, "aggregate fields", MR_FIELDS_MAX);
    memset(fields_out, MR_F64, count);
    *count_out = count;
    return MR_OK;
}

static bool is_finite(double value) { return value - value == 0; }

static void add_to_sum(double *cells, double value) {
    const double sum = cells[0] + value;
    if (is_finite(sum)) {
        const bool sum_larger = __builtin_fabs(cells[0]) >= __builtin_fabs(value);
        cells[1] += sum_larger ? (cells[0] - sum) + value : (value - sum) + cells[0];
    }
    cells[0] = sum;
}

static double sum_of(const double *cells) {
    return is_finite(cells[0]) ? cells[0] + cells[1] : cells[0];
}

/* The value of row `row` that aggregate `i` reads; false when it is null or NaN. */
static bool value_of(mr_operator_data *op, const mr_columns *in, uint32_t i, uint32_t row,
                     double *value_out) {
    const uint32_t column = op->spec.columns[i];
    if (!mr_column_valid(in, column, row)) return false;
    *value_out = mr_f64s(in->columns[column])[row];
    if (*value_out == *value_out) return true;
    op->nans++;
    return false;
}

static void apply(mr_operator_data *op, const mr_columns *in, uint32_t row, double *cells) {
    for (uint32_t i = 0; i < op->spec.count; cells += cells_of(op->spec.kinds[i]), i++) {
        double value;
        if (op->spec.kinds[i] == MR_COUNT) {
            cells[0] += 1;
            continue;
        }
        if (!value_of(op, in, i, row, &value)) continue;
        switch (op->spec.kinds[i]) {
        case MR_SUM:
            add_to_sum(cells, value);
            break;
        case MR_MEAN:
            add_to_sum(cells, value);
            cells[2] += 1;
            break;
        case MR_MIN:
            if (!(value >= cells[0])) cells[0] = value;
            break;
        default:
            if (!(value <= cells[0])) cells[0] = value;
        }
    }
}

/* A record that has seen nothing; it comes cleared. */
static void begin(const mr_operator_data *op, double *cells) {
    for (uint32_t i = 0; i < op->spec.count; cells += cells_of(op->spec.kinds[i]), i++) {
        if (op->spec.kinds[i] == MR_MIN || op->spec.kinds[i] == MR_MAX)
            cells[0] = __builtin_nan("");
    }
}

static void write_columns(const mr_operator_data *op, const double *cells, mr_columns *out) {
    const uint32_t at = out->size;
    for (uint32_t i = 0; i < op->spec.count; cells += cells_of(op->spec.kinds[i]), i++) {
        double *column = mr_f64s(out->columns[i]);
        switch (op->spec.kinds[i]) {
        case MR_SUM:
            column[at] = sum_of(cells);
            break;
        case MR_MEAN:
            column[at] = sum_of(cells) / cells[2];
            break;
        default:
            column[at] = cells[0];
        }
    }
}

static mr_status push(mr_operator_data *op, const mr_columns *in, uint32_t from, uint32_t *upto_out,
                      mr_batch_data *results) {
    const bool each = (op->spec.flags & MR_EMIT_EACH) != 0;
    for (uint32_t i = from; i < in->size; i++) {
        *upto_out = i;
        if (each && mr_results_full(results, 0)) return MR_MORE;
        mr_row *row = mr_rows_enter(&op->rows, i);
        double *cells;
        if (row == NULL) {
            MR_TRY(mr_rows_create(&op->rows, i, &row));
            cells = (double *)(void *)mr_row_record(&op->rows, row);
            begin(op, cells);
        } else {
            mr_rows_touch(&op->rows, row, i, true);
            cells = (double *)(void *)mr_row_record(&op->rows, row);
        }
        apply(op, in, i, cells);
        if (!each) continue;
        mr_results_begin(results, in, i);
        write_columns(op, cells, &results->columns);
        results->columns.size++;
    }
    *upto_out = in->size;
    return MR_OK;
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

const mr_operator_kind mr_kind_aggregate = {
    .name = "aggregate",
    .fields = fields,
    .push = push,
    .finish = finish,
    .result = result,
};
