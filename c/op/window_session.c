/* window_session.c -- sessions: events of a key with no gap between them.
 *
 *   list.h   [ session ][ session ] ...    by start, apart
 *   session  [start][end][revision][ cells ]        cells: [ first ][ of each aggregate ]
 *
 * An event at t is [t, t + gap]; it joins the sessions that it meets, and those that it
 * bridges become one. A session ends a gap behind its last event. Inclusive: an event at
 * the very end still belongs to it, so it is over when the watermark is beyond its end.
 *
 * Sessions that have fired stay for keep_ms. One that an event touches then fires again at
 * once, or, if it goes on beyond the watermark, at its new end. A session that is over by a
 * watermark has fired: so what is to be done follows from its end. */
#include "window.h"

typedef struct session {
    double start;
    double end;
    double revision; /* Of the next time that it is emitted. */
    double cells[];
} session;

typedef struct sessions {
    uint32_t blob_bytes; /* These three as list.h has them. */
    uint32_t head;
    uint32_t count;
    uint32_t spare;
    double of[];
} sessions;

static sessions *list_at(mr_addr blob) { return mr_at(blob); }

static sessions *list_of(const mr_operator_data *op, mr_row *row) {
    return list_at(*mr_window_cell(op, row, MR_WINDOW_BLOB));
}

/* In numbers. */
static uint32_t stride_of(const mr_slice_shape *shape) { return 3 + shape->cells; }

static session *session_at(const mr_slice_shape *shape, sessions *list, uint32_t index) {
    return (session *)(void *)(list->of + (list->head + index) * stride_of(shape));
}

static mr_list_shape list_shape(const mr_slice_shape *shape) {
    const uint32_t each = stride_of(shape) * (uint32_t)sizeof(double);
    return (mr_list_shape){sizeof(sessions), each, "sessions of a key"};
}

/* Room for one session more. MR_ERR_LIMIT, MR_ERR_MEMORY. */
static mr_status reserve(mr_rows *rows, const mr_slice_shape *shape, mr_addr *cell) {
    const mr_list_shape list = list_shape(shape);
    return mr_list_reserve(rows, &list, 1, cell);
}

/* ---- what is due ---- */

/* The watermark at which a session is over. */
static int64_t over_at(const mr_operator_data *op, double end) {
    return (int64_t)end + ((op->spec.flags & MR_EXCLUSIVE) != 0 ? 0 : 1);
}

/* The first session that is not over by `time_ms`; there may be none. Ends ascend. Mostly it
 * is one of the last: looked for in ever longer steps from there. */
static uint32_t first_open(const mr_operator_data *op, sessions *list, int64_t time_ms) {
    const mr_slice_shape *shape = &op->window.shape;
    const double over = (double)(time_ms - over_at(op, 0)); /* Where the last of the others end. */
    uint32_t low = 0;
    uint32_t high = list->count;
    for (uint32_t step = 1; step <= high; step *= 2) {
        if (session_at(shape, list, high - step)->end <= over) {
            low = high - step + 1;
            break;
        }
        high -= step;
    }
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (session_at(shape, list, middle)->end > over) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* When a session that is over at `over_ms` may go, if it has fired by `passed_ms`, or fires. */
static int64_t due_of(const mr_window_data *w, int64_t over_ms, int64_t passed_ms) {
    return over_ms + (over_ms + w->wait_ms <= passed_ms ? w->keep_ms : w->wait_ms);
}

/* When the row's timer is to come, once `passed_ms` has passed: when the first goes that has
 * fired, or the first fires that has not. */
static int64_t next_due(const mr_operator_data *op, sessions *list, int64_t passed_ms) {
    const mr_window_data *w = &op->window;
    const int64_t over_ms = over_at(op, session_at(&w->shape, list, 0)->end);
    const int64_t due_ms = due_of(w, over_ms, passed_ms);
    const uint32_t next = first_open(op, list, passed_ms - w->wait_ms);
    if (next == list->count) return due_ms;
    const int64_t next_ms = over_at(op, session_at(&w->shape, list, next)->end) + w->wait_ms;
    return next_ms < due_ms ? next_ms : due_ms;
}

/* The session that fires at `time_ms`, the row's timer, if there is one: it has not before.
 * All that is beyond the last time comes one by one. */
static session *due_session(const mr_operator_data *op, sessions *list, int64_t time_ms) {
    const int64_t over_ms = time_ms - op->window.wait_ms;
    const uint32_t at = first_open(op, list, over_ms - 1);
    if (at == list->count) return NULL;
    session *s = session_at(&op->window.shape, list, at);
    return over_at(op, s->end) == over_ms || time_ms == MR_WINDOW_MS_LAST ? s : NULL;
}

static bool due(mr_operator_data *op, mr_row *row, int64_t time_ms, uint64_t *first_out) {
    const session *s = due_session(op, list_of(op, row), time_ms);
    if (s == NULL) return false;
    *first_out = (uint64_t)s->cells[0];
    return true;
}

/* ---- firing ---- */

static void emit(mr_operator_data *op, mr_row *row, uint32_t position, session *s, double due_ms,
                 mr_batch_data *results) {
    const mr_window_result result = {
        .start = (int64_t)s->start,
        .end = (int64_t)s->end,
        .revision = s->revision++,
        .due_ms = due_ms,
        .cells = s->cells,
    };
    mr_window_emit(op, row, position, &result, results);
}

static mr_status fire(mr_operator_data *op, mr_row *row, int64_t time_ms, mr_batch_data *results) {
    const mr_window_data *w = &op->window;
    sessions *list = list_of(op, row);
    session *s = due_session(op, list, time_ms);
    if (s != NULL) emit(op, row, 0, s, (double)time_ms, results);
    uint32_t gone = first_open(op, list, time_ms - w->late_ms);
    if (time_ms == MR_WINDOW_MS_LAST) { /* The end: none that has fired stays. */
        gone = first_open(op, list, s == NULL ? time_ms : over_at(op, s->end));
    }
    list->head += gone;
    list->count -= gone;
    if (list->count == 0) {
        mr_rows_remove(&op->rows, row);
    } else {
        mr_window_timer(op, row, next_due(op, list, time_ms));
    }
    return MR_OK;
}

/* ---- events ---- */

/* An event as a session of its own, then with all that it meets: [from, upto) of the list. */
typedef struct span {
    double start;
    double end;
    uint32_t from;
    uint32_t upto;
} span;

static span span_of(const mr_operator_data *op, sessions *list, int64_t time_ms) {
    const mr_slice_shape *shape = &op->window.shape;
    span all = {.start = (double)time_ms, .end = (double)(time_ms + op->window.size)};
    if (list == NULL) return all;
    const double apart = (double)over_at(op, all.end); /* What begins there is not met. */
    all.from = all.upto = first_open(op, list, time_ms);
    for (; all.upto < list->count; all.upto++) {
        const session *s = session_at(shape, list, all.upto);
        if (s->start >= apart) break;
        if (s->start < all.start) all.start = s->start;
        if (s->end > all.end) all.end = s->end;
    }
    return all;
}

static void drop_session(const mr_slice_shape *shape, sessions *list, uint32_t index) {
    const uint32_t each = stride_of(shape) * (uint32_t)sizeof(double);
    list->count--;
    memmove(session_at(shape, list, index), session_at(shape, list, index + 1),
            (list->count - index) * each);
}

/* Make one session of a span; there is room for it if it meets none. */
static session *join(mr_operator_data *op, sessions *list, span all) {
    const mr_slice_shape *shape = &op->window.shape;
    session *s = session_at(shape, list, all.from);
    if (all.from == all.upto) {
        const uint32_t each = stride_of(shape) * (uint32_t)sizeof(double);
        memmove(session_at(shape, list, all.from + 1), s, (list->count - all.from) * each);
        list->count++;
        s->revision = 0;
        mr_cells_begin(shape, s->cells);
        s->cells[0] = (double)op->window.firsts++;
    }
    while (all.upto > all.from + 1) {
        const session *next = session_at(shape, list, all.from + 1);
        mr_cells_merge(shape, s->cells, next->cells);
        if (next->revision > s->revision) s->revision = next->revision;
        drop_session(shape, list, all.from + 1);
        all.upto--;
    }
    s->start = all.start;
    s->end = all.end;
    return s;
}

/* The row of input row `i`, or a new one, with room for a session of its own if it meets none. */
static mr_status reserve_row(mr_operator_data *op, uint32_t i, mr_row *row, span all,
                             mr_row **row_out) {
    const mr_slice_shape *shape = &op->window.shape;
    *row_out = row;
    if (row != NULL) {
        if (all.from < all.upto) return MR_OK;
        return reserve(&op->rows, shape, mr_window_cell(op, row, MR_WINDOW_BLOB));
    }
    mr_addr blob = 0;
    MR_TRY(reserve(&op->rows, shape, &blob));
    return mr_window_begin(op, i, blob, 0, row_out);
}

static mr_status apply(mr_operator_data *op, const mr_columns *in, uint32_t i,
                       mr_batch_data *results) {
    const mr_window_data *w = &op->window;
    const mr_window_event event = mr_window_event_of(in, i);
    const uint32_t *offsets = mr_u32s(in->key_offsets);
    const bool each = (op->spec.flags & MR_EMIT_EACH) != 0;
    mr_row *row = mr_rows_visit(&op->rows, i);
    const span all = span_of(op, row == NULL ? NULL : list_of(op, row), event.time_ms);
    const int64_t over_ms = over_at(op, all.end);
    if (over_ms + w->late_ms <= event.own_ms) {
        MR_TRY(mr_window_room(results, 1, 1));
        mr_window_late(op, i, results);
        return MR_OK;
    }
    /* Where a window fires once only, at the end of its wait, it cannot have fired. */
    const bool again = w->wait_ms == 0 && over_ms <= event.watermark_ms;
    if (each || again) MR_TRY(mr_window_room(results, 1, offsets[i + 1] - offsets[i]));
    MR_TRY(reserve_row(op, i, row, all, &row));
    sessions *list = list_of(op, row);
    session *s = join(op, list, all);
    mr_window_add(op, in, i, s->cells, NULL);
    if (each || again) emit(op, row, i, s, -__builtin_inf(), results);
    /* Mostly a session goes on: a timer that comes too early is set anew then. It is no later
     * than the others ask for. */
    const int64_t due_ms = due_of(w, over_ms, event.watermark_ms);
    const mr_row_timer *timer = mr_row_part(row, op->rows.timer_at);
    if (mr_row_timer_registered(timer) == 0 || due_ms < mr_row_timer_ms(timer)) {
        mr_window_timer(op, row, due_ms);
    }
    mr_rows_touch(&op->rows, row, i, true);
    return MR_OK;
}

/* ---- bytes that somebody else saved ---- */

static MR_COLD bool check(mr_operator_data *op, mr_row *row, uint64_t *firsts) {
    const mr_slice_shape *shape = &op->window.shape;
    const mr_addr blob = *mr_window_cell(op, row, MR_WINDOW_BLOB);
    const mr_list_shape of = list_shape(shape);
    if (!mr_list_check(&of, blob)) return false;
    sessions *list = list_at(blob);
    if (list->count == 0) return false;
    double before = -MR_TIMES_MAX;
    for (uint32_t i = 0; i < list->count; i++) {
        const session *s = session_at(shape, list, i);
        if (!mr_is_whole(s->start, before, MR_TIMES_MAX)) return false;
        if (!mr_is_whole(s->end, s->start, MR_TIMES_MAX)) return false;
        if (!mr_is_whole(s->cells[0], 0, 0x1p48 - 1)) return false;
        if ((uint64_t)s->cells[0] >= *firsts) *firsts = (uint64_t)s->cells[0] + 1;
        before = s->end;
    }
    return true;
}

static MR_COLD mr_status show(mr_operator_data *op, mr_row *row, mr_batch_data *results) {
    const mr_slice_shape *shape = &op->window.shape;
    sessions *list = list_of(op, row);
    for (uint32_t i = 0; i < list->count; i++) {
        const session *s = session_at(shape, list, i);
        MR_TRY(mr_window_room(results, 1, row->key_bytes));
        const mr_window_result result = {
            .start = (int64_t)s->start,
            .end = (int64_t)s->end,
            .revision = s->revision,
            .due_ms = -__builtin_inf(),
            .cells = s->cells,
        };
        mr_window_emit(op, row, results->columns.size, &result, results);
    }
    return MR_OK;
}

const mr_window_assigner mr_window_sessions = {
    .apply = apply,
    .due = due,
    .fire = fire,
    .check = check,
    .show = show,
};
