/* window_count.c -- windows of a number of events of a key: the last so many, every so many.
 *
 *   n-th event of the key   0 1 2 3 4 5 6 7 8 9
 *   size 4, slide 2        [0 1 2 3]
 *                              [2 3 4 5]
 *
 * The events of a key are numbered, and their numbers are what times are to sliding windows:
 * window_slices.c. `passed` of the list is how many have come. A window fires with its last
 * event; MR_COUNTED_EACH also fires before the first is full. Where slide is above size,
 * events between two windows are in none.
 *
 * The start and end of a window are the first and last time of its events: two aggregates
 * behind those that were asked for. */
#include "window.h"

static mr_slices *list_of(const mr_operator_data *op, mr_row *row) {
    return mr_slices_at(*mr_window_cell(op, row, MR_WINDOW_BLOB));
}

/* Does a window end before event `end`? */
static bool ends_at(const mr_operator_data *op, int64_t end) {
    const bool early = op->spec.assigner == MR_COUNTED && end < op->window.size;
    return !early && mr_window_end_by(&op->window, end) == end;
}

static mr_slice_id id_of(int64_t slice) { return (mr_slice_id){(double)slice, MR_SLICE_AT_ONCE}; }

/* Is this the last slice? */
static bool ends_with(const mr_operator_data *op, mr_slices *list, int64_t slice) {
    return list->count > 0 && mr_slices_is(&op->window.shape, list, list->count - 1, id_of(slice));
}

/* The row of input row `i`, or a new one, with room for a slice. */
static mr_status reserve(mr_operator_data *op, uint32_t i, int64_t slice, mr_row *row,
                         mr_row **row_out) {
    const mr_slice_shape *shape = &op->window.shape;
    *row_out = row;
    if (row != NULL) {
        if (ends_with(op, list_of(op, row), slice)) return MR_OK;
        return mr_slices_reserve(&op->rows, shape, mr_window_cell(op, row, MR_WINDOW_BLOB));
    }
    mr_addr blob = 0;
    MR_TRY(mr_slices_reserve(&op->rows, shape, &blob));
    return mr_window_begin(op, i, blob, 0, row_out);
}

/* Add input row `i` to the list's last slice. */
static void add(mr_operator_data *op, const mr_columns *in, uint32_t i, mr_slices *list) {
    const mr_slice_shape *shape = &op->window.shape;
    double *cells = mr_slice_cells(shape, list, list->count - 1);
    double *back = mr_slices_touch(shape, list, list->count - 1); /* After a partial window. */
    const double time_ms = mr_row_time(in, i);
    mr_window_add(op, in, i, cells, back);
    for (; cells != NULL; cells = cells == back ? NULL : back) {
        mr_add_min(cells + shape->cells - 2, time_ms);
        mr_add_max(cells + shape->cells - 1, time_ms);
    }
}

/* Emit the window of events [from, upto). */
static void emit(mr_operator_data *op, mr_row *row, uint32_t position, int64_t from, int64_t upto,
                 mr_batch_data *results) {
    const mr_slice_shape *shape = &op->window.shape;
    mr_slices *list = list_of(op, row);
    double cells[MR_SLICE_CELLS_MAX];
    mr_slices_slide(shape, list, from, upto);
    const double *window = cells;
    if (shape->stacked && list->front + list->back > 0) {
        window = mr_slices_window(shape, list, cells);
    } else {
        mr_slices_range(shape, list, from, upto, cells);
    }
    const mr_window_result result = {
        .start = mr_time_of(window[shape->cells - 2]),
        .end = mr_time_of(window[shape->cells - 1]),
        .due_ms = -__builtin_inf(),
        .cells = window,
    };
    mr_window_emit(op, row, position, &result, results);
}

static mr_status apply(mr_operator_data *op, const mr_columns *in, uint32_t i,
                       mr_batch_data *results) {
    const mr_window_data *w = &op->window;
    const uint32_t *offsets = mr_u32s(in->key_offsets);
    mr_row *row = mr_rows_visit(&op->rows, i);
    const int64_t number = row == NULL ? 0 : (int64_t)list_of(op, row)->passed;
    const int64_t end = number + 1;
    const int64_t start = mr_window_start_by(w, number);
    const int64_t slice = mr_window_slice_of(w, start, number);
    const bool fires = ends_at(op, end);
    if (fires) MR_TRY(mr_window_room(results, 1, offsets[i + 1] - offsets[i]));
    MR_TRY(reserve(op, i, slice, row, &row));
    mr_slices *list = list_of(op, row);
    list->passed = (double)end;
    if (number < start + w->size) {
        if (!ends_with(op, list, slice)) {
            mr_slices_insert(&w->shape, list, list->count, id_of(slice), op->window.firsts++,
                             false);
        }
        add(op, in, i, list);
    }
    if (fires) {
        emit(op, row, i, end - w->size, end, results);
        mr_slices_slide(&w->shape, list, end + w->slide - w->size, end);
        mr_slices_forget(&w->shape, list, list->old);
    }
    mr_rows_touch(&op->rows, row, i, true);
    return MR_OK;
}

/* ---- at the end of the source: windows that are not full ---- */

/* Where the window begins that fires next, when `upto` events have come. */
static int64_t next_start(const mr_window_data *w, int64_t upto) {
    return upto < w->size ? 0 : mr_window_end_by(w, upto) - w->size + w->slide;
}

/* The next window of a row, as far as it goes, if it has an event that none before it had. */
static mr_status emit_partial(mr_operator_data *op, mr_row *row, mr_batch_data *results) {
    const mr_window_data *w = &op->window;
    const int64_t upto = (int64_t)list_of(op, row)->passed;
    const int64_t from = next_start(w, upto);
    const bool seen = upto >= w->size && mr_window_end_by(w, upto) == upto;
    if (seen || upto <= from) return MR_OK;
    MR_TRY(mr_window_room(results, 1, row->key_bytes));
    mr_row_changed(&op->rows, row);
    emit(op, row, results->columns.size, from, upto, results);
    return MR_OK;
}

static mr_status finish(mr_operator_data *op, mr_batch_data *results) {
    if ((op->spec.flags & MR_PARTIAL) == 0) return MR_OK;
    return mr_flush(op, emit_partial, results);
}

static MR_COLD bool check(mr_operator_data *op, mr_row *row, uint64_t *firsts) {
    (void)firsts;
    const mr_addr blob = *mr_window_cell(op, row, MR_WINDOW_BLOB);
    return mr_slices_check(&op->window.shape, blob) && mr_slices_at(blob)->passed >= 0;
}

/* The window that fires next, as it is now. */
static MR_COLD mr_status show(mr_operator_data *op, mr_row *row, mr_batch_data *results) {
    const mr_window_data *w = &op->window;
    mr_slices *list = list_of(op, row);
    const int64_t upto = (int64_t)list->passed;
    double cells[MR_SLICE_CELLS_MAX];
    mr_slices_range(&w->shape, list, next_start(w, upto), upto, cells);
    if (!mr_is_finite(cells[0])) return MR_OK; /* It has no events. */
    MR_TRY(mr_window_room(results, 1, row->key_bytes));
    const mr_window_result result = {
        .start = mr_time_of(cells[w->shape.cells - 2]),
        .end = mr_time_of(cells[w->shape.cells - 1]),
        .due_ms = -__builtin_inf(),
        .cells = cells,
    };
    mr_window_emit(op, row, results->columns.size, &result, results);
    return MR_OK;
}

const mr_window_assigner mr_window_counted = {
    .apply = apply,
    .check = check,
    .finish = finish,
    .show = show,
};
