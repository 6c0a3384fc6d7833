/* window.h -- what the kinds of windows have in common.
 *
 * An assigner knows what a row's blob holds and which windows are due; window.c drives it:
 * events in, and windows out in their order. */
#ifndef MR_OP_WINDOW_H
#define MR_OP_WINDOW_H

#include "../error.h"
#include "../operator.h"

enum { MR_WINDOW_BLOB = 0, MR_WINDOW_REVISIONS = 1 }; /* Fields of the record. */

typedef struct mr_window_assigner {
    /* Apply input row `i`: whole, or not at all. MR_MORE: the results have no room. */
    mr_status (*apply)(mr_operator_data *op, const mr_columns *in, uint32_t i,
                       mr_batch_data *results);
    /* Is a window of the row due by `time_ms`? Its first event's number. This and the next are
     * NULL where windows have no timers. */
    bool (*due)(mr_operator_data *op, mr_row *row, int64_t time_ms, uint64_t *first_out);
    /* Emit that window, if there is one, forget what no event may change by `time_ms`, and
     * set the row's timer, or remove the row. There is room for a result. */
    mr_status (*fire)(mr_operator_data *op, mr_row *row, int64_t time_ms, mr_batch_data *results);
    /* The row was loaded: is it sound? *firsts grows beyond its numbers. */
    bool (*check)(mr_operator_data *op, mr_row *row, uint64_t *firsts);
    /* Emit what is left at the end of the source; MR_MORE. NULL: timers tell. */
    mr_status (*finish)(mr_operator_data *op, mr_batch_data *results);
    /* The row's windows that have not closed, as they are now. MR_MORE: as many as fit. */
    mr_status (*show)(mr_operator_data *op, mr_row *row, mr_batch_data *results);
} mr_window_assigner;

extern const mr_window_assigner mr_window_aligned;
extern const mr_window_assigner mr_window_sessions;
extern const mr_window_assigner mr_window_counted;

#define MR_WINDOW_MS_LAST INT64_C(8640000000000000) /* Timers beyond wait for the end. */

/* ---- times ---- */

/* What is left over `by`, also of what is below 0. */
static inline int64_t mr_window_rest(int64_t value, int64_t by) {
    const int64_t rest = value % by;
    return rest < 0 ? rest + by : rest;
}

/* ---- windows that repeat: at every slide, of time or of a number of events ---- */

/* The last window that begins by `time`. */
static inline int64_t mr_window_start_by(const mr_window_data *w, int64_t time) {
    return time - mr_window_rest(time - w->offset, w->slide);
}

/* The last window that ends by `time`. */
static inline int64_t mr_window_end_by(const mr_window_data *w, int64_t time) {
    return time - mr_window_rest(time - w->offset - w->size, w->slide);
}

/* The slice that holds `time`, in a window that starts at `start`, the last by then. */
static inline int64_t mr_window_slice_of(const mr_window_data *w, int64_t start, int64_t time) {
    const int64_t cut = start + w->cut; /* Where an earlier window ends. */
    return time >= cut ? cut : start;
}

/* ---- events ---- */

/* An event's time, the watermark before it, and its own source's, no earlier than that. */
typedef struct mr_window_event {
    int64_t time_ms;
    int64_t watermark_ms;
    int64_t own_ms;
} mr_window_event;

static inline mr_window_event mr_window_event_of(const mr_columns *in, uint32_t i) {
    const int64_t watermark_ms = mr_time_of(mr_row_watermark(in, i));
    mr_window_event event = {mr_time_of(mr_row_time(in, i)), watermark_ms, watermark_ms};
    if (!mr_batch_has(in, MR_HAS_OWN)) return event;
    const int64_t own_ms = mr_time_of(mr_row_own_watermark(in, i));
    if (own_ms > watermark_ms) event.own_ms = own_ms;
    return event;
}

/* Has a time come, at the end of the source also one beyond all times? */
static inline bool mr_window_come(int64_t due_ms, int64_t time_ms) {
    return due_ms <= time_ms || time_ms == MR_WINDOW_MS_LAST;
}

static inline void mr_window_timer(mr_operator_data *op, mr_row *row, int64_t due_ms) {
    if (due_ms > MR_WINDOW_MS_LAST) due_ms = MR_WINDOW_MS_LAST;
    if ((double)due_ms < op->window.next_ms) op->window.next_ms = (double)due_ms;
    mr_rows_timer_set(&op->rows, row, due_ms);
}

/* ---- rows ---- */

static inline mr_addr *mr_window_cell(const mr_operator_data *op, mr_row *row, uint32_t field) {
    uint8_t *record = mr_row_record(&op->rows, row);
    return (mr_addr *)(void *)(record + op->rows.layout.field_at[field]);
}

/* Do windows have revisions? */
static inline bool mr_window_revised(const mr_operator_data *op) {
    return op->rows.layout.field_count > MR_WINDOW_REVISIONS;
}

/* Add what input row `i` has to the aggregates behind a first event, and to others if there
 * are any. */
void mr_window_add(mr_operator_data *op, const mr_columns *in, uint32_t i, double *cells,
                   double *also);

/* A new row for input row `i`, which has none, with these blobs. MR_ERR_LIMIT, MR_ERR_MEMORY:
 * they are freed. */
mr_status mr_window_begin(mr_operator_data *op, uint32_t i, mr_addr blob, mr_addr revisions,
                          mr_row **row_out);

/* ---- results ---- */

/* Room for `count` results with keys of `key_bytes`? MR_MORE: when they have been taken. */
mr_status mr_window_room(const mr_batch_data *results, uint32_t count, uint32_t key_bytes);

/* A window, of these aggregates behind a first event. `due_ms`: when it was, or -Infinity. */
typedef struct mr_window_result {
    int64_t start;
    int64_t end;
    double revision;
    double due_ms;
    const double *cells;
} mr_window_result;
void mr_window_emit(mr_operator_data *op, mr_row *row, uint32_t position,
                    const mr_window_result *result, mr_batch_data *results);

/* Input row `i` was too late. There is room for a result. */
void mr_window_late(mr_operator_data *op, uint32_t i, mr_batch_data *results);

/* ---- revisions: how often windows were emitted, by their ends ---- */

/* Room for `more` windows. MR_ERR_LIMIT, MR_ERR_MEMORY. */
mr_status mr_revisions_reserve(mr_rows *rows, mr_addr *cell, uint32_t more);

/* The revision of a window that is emitted now: 0 the first time. There is room for it. */
double mr_revisions_next(mr_addr cell, int64_t end);

/* Forget windows that end by `upto`. */
void mr_revisions_forget(mr_addr cell, int64_t upto);

bool mr_revisions_check(mr_addr cell);

#endif
