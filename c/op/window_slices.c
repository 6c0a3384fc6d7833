/* window_slices.c -- tumbling and sliding windows of time: slices of it, shared.
 *
 *   slide 4, size 10     |---slices--|                boundaries: every start, every end
 *   window 0  [          .           .         )
 *   window 4        [    .           .              )
 *   slices    [  0  ][2 ][  4 ][ 6  ][  8 ][ 10 ]
 *
 * A slice goes from one start or end of a window to the next one, so that a window is whole
 * slices; there are two of them per slide, or one where slide divides size, and only those
 * that have events are kept. slices.h makes a window of its slices at a cost that does not
 * grow with their number; `passed` of the list is the end of the last window that has fired.
 *
 * A window that fires again, because of a late event, or for every event, is merged slice by
 * slice: it is not the next one. */
#include "window.h"

/* ---- where windows begin and end ---- */

/* The last window that begins by `time`; quicker where events are near each other. */
static int64_t start_near(mr_window_data *w, int64_t time) {
    if (time < w->start || time >= w->start + w->slide) w->start = mr_window_start_by(w, time);
    return w->start;
}

/* The first window that ends after `time`: windows end so far behind a start. */
static int64_t end_after(mr_window_data *w, int64_t time) {
    const int64_t end = start_near(w, time) + w->cut;
    return end > time ? end : end + w->slide;
}

/* The last end of a window that holds a slice. */
static int64_t last_end(mr_window_data *w, int64_t start) { return start_near(w, start) + w->size; }

static mr_slices *list_of(const mr_operator_data *op, mr_row *row) {
    return mr_slices_at(*mr_window_cell(op, row, MR_WINDOW_BLOB));
}

/* ---- what is due ---- */

/* The end of the first window that slice `index` counts in, of those that end at `after` or
 * later; the slice is not before that one. */
static int64_t next_end_of(mr_window_data *w, mr_slices *list, uint32_t index, int64_t after) {
    const int64_t start = mr_slice_start(&w->shape, list, index);
    const int64_t end = start < after ? after : end_after(w, start);
    const double from = mr_slice_from(&w->shape, list, index);
    return from > (double)end ? (int64_t)from : end;
}

/* The same of slice `index` and those behind it. */
static int64_t next_end_from(mr_window_data *w, mr_slices *list, uint32_t index, int64_t after) {
    int64_t end = next_end_of(w, list, index, after);
    if (list->later == 0) return end;
    for (uint32_t i = index + 1; i < list->count; i++) {
        const int64_t other = next_end_of(w, list, i, after);
        if (other < end) end = other;
    }
    return end;
}

/* The end of the next window that fires; there is a slice that is not old. */
static int64_t next_end(mr_window_data *w, mr_slices *list) {
    return next_end_from(w, list, list->old, (int64_t)list->passed + w->slide);
}

/* Set the row's timer: to its next window, or to when its oldest slice may go. */
static inline void set_timer(mr_operator_data *op, mr_row *row, mr_slices *list) {
    mr_window_data *w = &op->window;
    int64_t due_ms = INT64_MAX;
    if (list->old < list->count) due_ms = next_end(w, list) + w->wait_ms;
    if (list->old > 0) {
        const int64_t gone_ms = last_end(w, mr_slice_start(&w->shape, list, 0)) + w->keep_ms;
        if (gone_ms < due_ms) due_ms = gone_ms;
    }
    mr_window_timer(op, row, due_ms);
}

static bool due(mr_operator_data *op, mr_row *row, int64_t time_ms, uint64_t *first_out) {
    mr_window_data *w = &op->window;
    mr_slices *list = list_of(op, row);
    if (list->old == list->count) return false;
    const int64_t end = next_end(w, list);
    if (!mr_window_come(end + w->wait_ms, time_ms)) return false;
    mr_slices_slide(&w->shape, list, end - w->size, end);
    mr_row_changed(&op->rows, row);
    *first_out = mr_slices_first(&w->shape, list);
    return true;
}

/* ---- firing ---- */

static double next_revision(const mr_operator_data *op, mr_row *row, int64_t end) {
    if (!mr_window_revised(op)) return 0;
    return mr_revisions_next(*mr_window_cell(op, row, MR_WINDOW_REVISIONS), end);
}

/* Emit the next window of the row, which ends at `end`: due() has slid to it. */
static mr_status emit_next(mr_operator_data *op, mr_row *row, int64_t end, mr_batch_data *results) {
    const mr_window_data *w = &op->window;
    if (mr_window_revised(op)) {
        MR_TRY(mr_revisions_reserve(&op->rows, mr_window_cell(op, row, MR_WINDOW_REVISIONS), 1));
    }
    mr_slices *list = list_of(op, row);
    double cells[MR_SLICE_CELLS_MAX];
    const mr_window_result result = {
        .start = end - w->size,
        .end = end,
        .revision = next_revision(op, row, end),
        .due_ms = (double)(end + w->wait_ms),
        .cells = mr_slices_window(&w->shape, list, cells),
    };
    mr_window_emit(op, row, 0, &result, results);
    list->passed = (double)end;
    mr_slices_slide(&w->shape, list, end + w->slide - w->size, end);
    return MR_OK;
}

/* Emit the window that ends at `end` as it is now. */
static void emit_now(mr_operator_data *op, mr_row *row, uint32_t position, int64_t end,
                     double revision, mr_batch_data *results) {
    const mr_window_data *w = &op->window;
    double cells[MR_SLICE_CELLS_MAX];
    mr_slices_range(&w->shape, list_of(op, row), end - w->size, end, cells);
    const mr_window_result result = {
        .start = end - w->size,
        .end = end,
        .revision = revision,
        .due_ms = -__builtin_inf(),
        .cells = cells,
    };
    mr_window_emit(op, row, position, &result, results);
}

/* Forget old slices and revisions that no event may change by `time_ms`. */
static void forget(mr_operator_data *op, mr_row *row, mr_slices *list, int64_t time_ms) {
    mr_window_data *w = &op->window;
    uint32_t gone = w->keep_ms == 0 ? list->old : 0;
    while (gone < list->old &&
           mr_window_come(last_end(w, mr_slice_start(&w->shape, list, gone)) + w->keep_ms, time_ms))
        gone++;
    mr_slices_forget(&w->shape, list, gone);
    if (!mr_window_revised(op)) return;
    mr_revisions_forget(*mr_window_cell(op, row, MR_WINDOW_REVISIONS), time_ms - w->late_ms);
}

static mr_status fire(mr_operator_data *op, mr_row *row, int64_t time_ms, mr_batch_data *results) {
    mr_window_data *w = &op->window;
    mr_slices *list = list_of(op, row);
    if (list->old < list->count) {
        const int64_t end = next_end(w, list);
        if (mr_window_come(end + w->wait_ms, time_ms)) MR_TRY(emit_next(op, row, end, results));
    }
    forget(op, row, list, time_ms);
    if (list->count == 0) {
        mr_rows_remove(&op->rows, row);
    } else {
        set_timer(op, row, list);
    }
    return MR_OK;
}

/* ---- events ---- */

/* The windows of an event that it fires at once: those that have fired and are not closed,
 * or with MR_EMIT_EACH all that are not closed. [first, upto), in steps of slide; by end. */
typedef struct fired {
    int64_t first;
    int64_t upto;
} fired;

static fired fired_by(mr_operator_data *op, const mr_window_event *event, int64_t start) {
    mr_window_data *w = &op->window;
    const bool each = (op->spec.flags & MR_EMIT_EACH) != 0;
    const int64_t end = start + w->size;
    if (!each && (w->keep_ms == 0 || event->time_ms >= event->watermark_ms)) {
        return (fired){end, end};
    }
    int64_t first = end_after(w, event->time_ms);
    const int64_t open = end_after(w, event->own_ms - w->late_ms);
    if (open > first) first = open;
    int64_t upto = end + w->slide;
    if (!each) upto = end_after(w, event->watermark_ms);
    if (upto > end + w->slide) upto = end + w->slide;
    return (fired){first, upto > first ? upto : first};
}

static uint32_t count_of(const mr_window_data *w, fired f) {
    return f.upto == f.first ? 0 : (uint32_t)((f.upto - f.first) / w->slide);
}

/* The slice of an event. Its own source may have closed windows that another keeps open. */
static mr_slice_id id_of(mr_window_data *w, const mr_window_event *event, int64_t start) {
    mr_slice_id id = {(double)mr_window_slice_of(w, start, event->time_ms), MR_SLICE_AT_ONCE};
    if (event->own_ms == event->watermark_ms) return id;
    const int64_t open = end_after(w, event->own_ms - w->late_ms);
    if (open > end_after(w, event->time_ms)) id.from = (double)open;
    return id;
}

/* Where the slice of an event is, or belongs. */
typedef struct place {
    mr_row *row;
    uint32_t at;
    bool there;
} place;

/* A row for input row `i`, which has none, with the same room. */
static mr_status begin(mr_operator_data *op, uint32_t i, uint32_t windows, mr_row **row_out) {
    mr_rows *rows = &op->rows;
    const mr_slice_shape *shape = &op->window.shape;
    mr_addr blob = 0;
    mr_addr revisions = 0;
    MR_TRY(mr_slices_reserve(rows, shape, &blob));
    const mr_status status = windows > 0 ? mr_revisions_reserve(rows, &revisions, windows) : MR_OK;
    if (status != MR_OK) {
        mr_rows_blob_release(rows, blob);
        return status;
    }
    mr_slices_at(blob)->passed = -MR_TIMES_MAX;
    return mr_window_begin(op, i, blob, revisions, row_out);
}

/* Make room for a slice of input row `i` and the windows that it fires. */
static mr_status reserve(mr_operator_data *op, uint32_t i, mr_slice_id slice, uint32_t windows,
                         place *place_out) {
    mr_rows *rows = &op->rows;
    const mr_slice_shape *shape = &op->window.shape;
    mr_row *row = mr_rows_visit(rows, i);
    *place_out = (place){.row = row};
    if (row == NULL) return begin(op, i, windows, &place_out->row);
    if (windows > 0) {
        mr_addr *revisions = mr_window_cell(op, row, MR_WINDOW_REVISIONS);
        MR_TRY(mr_revisions_reserve(rows, revisions, windows));
    }
    mr_slices *list = list_of(op, row);
    place_out->at = mr_slices_find(shape, list, slice);
    place_out->there = mr_slices_is(shape, list, place_out->at, slice);
    if (place_out->there) return MR_OK;
    return mr_slices_reserve(rows, shape, mr_window_cell(op, row, MR_WINDOW_BLOB));
}

/* Put a new slice where it belongs; returns whether the row's timer must be set anew. */
static bool insert(mr_operator_data *op, mr_slices *list, mr_slice_id slice, uint32_t at) {
    mr_window_data *w = &op->window;
    const bool old = last_end(w, (int64_t)slice.start) <= (int64_t)list->passed;
    mr_slices_insert(&w->shape, list, at, slice, w->firsts++, old);
    return at <= list->old || list->later > 0;
}

static mr_status apply(mr_operator_data *op, const mr_columns *in, uint32_t i,
                       mr_batch_data *results) {
    mr_window_data *w = &op->window;
    const mr_window_event event = mr_window_event_of(in, i);
    const int64_t start = start_near(w, event.time_ms);
    const mr_slice_id slice = id_of(w, &event, start);
    if (start + w->size + w->late_ms <= event.own_ms) {
        MR_TRY(mr_window_room(results, 1, 1));
        mr_window_late(op, i, results);
        return MR_OK;
    }
    const fired f = fired_by(op, &event, start);
    const uint32_t windows = count_of(w, f);
    if (windows > 0) {
        const uint32_t *offsets = mr_u32s(in->key_offsets);
        MR_TRY(mr_window_room(results, windows, offsets[i + 1] - offsets[i]));
    }
    place to;
    MR_TRY(reserve(op, i, slice, windows, &to));
    mr_slices *list = list_of(op, to.row);
    if (event.time_ms < event.watermark_ms) { /* Windows may have come without an event. */
        const double passed = (double)mr_window_end_by(w, event.watermark_ms - w->wait_ms);
        if (passed > list->passed) list->passed = passed;
    }
    const bool timer = !to.there && insert(op, list, slice, to.at);
    double *back = mr_slices_touch(&w->shape, list, to.at);
    mr_window_add(op, in, i, mr_slice_cells(&w->shape, list, to.at), back);
    for (int64_t end = f.first; end < f.upto; end += w->slide)
        emit_now(op, to.row, i, end, next_revision(op, to.row, end), results);
    if (timer) set_timer(op, to.row, list);
    mr_rows_touch(&op->rows, to.row, i, true);
    return MR_OK;
}

/* ---- bytes that somebody else saved ---- */

/* Does a list end where a window may have fired? */
static bool is_passed(const mr_window_data *w, double passed) {
    if (passed == -MR_TIMES_MAX) return true; /* None has. */
    return mr_window_end_by(w, (int64_t)passed) == (int64_t)passed;
}

/* Does a slice belong to the window that ends there? */
static bool is_in(mr_window_data *w, int64_t start, double end) {
    return is_passed(w, end) && end > (double)start && end <= (double)last_end(w, start);
}

static MR_COLD bool check(mr_operator_data *op, mr_row *row, uint64_t *firsts) {
    mr_window_data *w = &op->window;
    const mr_addr blob = *mr_window_cell(op, row, MR_WINDOW_BLOB);
    if (!mr_slices_check(&w->shape, blob)) return false;
    mr_slices *list = mr_slices_at(blob);
    if (list->count == 0 || !is_passed(w, list->passed)) return false;
    for (uint32_t i = 0; i < list->count; i++) {
        const int64_t start = mr_slice_start(&w->shape, list, i);
        const uint64_t first = (uint64_t)*mr_slice_cells(&w->shape, list, i);
        const bool old = last_end(w, start) <= (int64_t)list->passed;
        const double from = mr_slice_from(&w->shape, list, i);
        if (from != MR_SLICE_AT_ONCE && !is_in(w, start, from)) return false;
        if (mr_window_slice_of(w, mr_window_start_by(w, start), start) != start) return false;
        if (old != (i < list->old)) return false;
        if (first >= *firsts) *firsts = first + 1;
    }
    return true;
}

/* ---- what is open ---- */

/* The end of the first window that has not closed: the others have lost slices. The clock
 * begins anew when rows were loaded, but no earlier than what has fired. */
static int64_t open_end(mr_operator_data *op, mr_slices *list) {
    mr_window_data *w = &op->window;
    const int64_t passed = (int64_t)list->passed;
    const int64_t clock_ms = mr_time_of(op->clock_ms);
    const bool kept = w->keep_ms > 0 && clock_ms > passed;
    return end_after(w, (kept ? clock_ms : passed) - w->keep_ms);
}

static MR_COLD mr_status show(mr_operator_data *op, mr_row *row, mr_batch_data *results) {
    mr_window_data *w = &op->window;
    mr_slices *list = list_of(op, row);
    for (int64_t end = open_end(op, list);; end += w->slide) {
        const mr_slice_id oldest = {(double)(end - w->size), MR_SLICE_AT_ONCE};
        const uint32_t at = mr_slices_find(&w->shape, list, oldest);
        if (at == list->count) return MR_OK;
        end = next_end_from(w, list, at, end);
        MR_TRY(mr_window_room(results, 1, row->key_bytes));
        emit_now(op, row, results->columns.size, end, 0, results);
    }
}

const mr_window_assigner mr_window_aligned = {
    .apply = apply,
    .due = due,
    .fire = fire,
    .check = check,
    .show = show,
};
