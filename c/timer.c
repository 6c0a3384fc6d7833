/* timer.c -- the timers of rows: at most one each, fired by (time, order of setting).
 *
 *   overdue  [t]               a wheel, for times that `timers` has passed
 *   ordered  [t] [t] [t] ...   a queue of those that were set in the order of their times
 *   timers   [t] [t] [t] ...   a wheel of all others, whose time follows what was asked for
 *
 * What is set to a time that has passed, as for an event behind the watermark, still comes
 * before all that is later: which timer is next depends on the timers that there are, and
 * not on what was asked when. (Else a job that was restored, whose wheels begin anew, would
 * fire in another order.) A wheel cannot go back without hanging again what it has hung
 * low, so the many timers that are to come are left alone, and the few that are overdue,
 * which mostly fire before the next event, have a wheel that turns back.
 *
 * A timer of a row whose ttl is over by the timer's time does not fire: the row is as good
 * as gone then, whether or not it is freed yet.
 *
 * Of one time, those in `ordered` come first: it takes no more of a time that it once refused.
 *
 * Invariant: a timer that hangs is in `overdue` iff its time is before that of `timers`, which does
 * not pass what is in `ordered`. */
#include "row.h"

static mr_row_timer *timer_of(const mr_rows *rows, mr_row *row) {
    return mr_row_part(row, rows->timer_at);
}

_Static_assert(offsetof(mr_row_timer, time_ms) == sizeof(mr_wheel_node), "what the wheel reads");

mr_status mr_rows_timers_open(mr_rows *rows) {
    MR_TRY(mr_wheel_open(&rows->timers, rows->heap, NULL, NULL, false));
    mr_queue_open(&rows->ordered, rows->heap);
    mr_rows_tell_wheel(rows, &rows->timers, rows->timer_at);
    const mr_status status = mr_wheel_open(&rows->overdue, rows->heap, NULL, NULL, true);
    if (status != MR_OK) mr_wheel_close(&rows->timers);
    return status;
}

void mr_rows_timers_close(mr_rows *rows) {
    mr_queue_close(&rows->ordered);
    mr_wheel_close(&rows->timers);
    mr_wheel_close(&rows->overdue);
}

MR_INLINE void hang(mr_rows *rows, mr_row_timer *timer) {
    const int64_t time_ms = mr_row_timer_ms(timer);
    if (mr_wheel_is_past(&rows->timers, time_ms)) {
        mr_wheel_add_past(&rows->overdue, &timer->node);
    } else if (mr_queue_refuses(&rows->ordered, time_ms) ||
               !mr_queue_add(&rows->ordered, &timer->node, rows->timers.size == 0)) {
        mr_wheel_add(&rows->timers, &timer->node);
    }
}

static void unhang(mr_rows *rows, mr_row_timer *timer) {
    if (timer->node.before == 0) return; /* None, or it is being loaded. */
    if (mr_queue_has(&timer->node)) {
        mr_queue_remove(&rows->ordered, &timer->node);
        return;
    }
    const bool past = mr_wheel_is_past(&rows->timers, mr_row_timer_ms(timer));
    mr_wheel_remove(past ? &rows->overdue : &rows->timers, &timer->node);
}

MR_INLINE void set(mr_rows *rows, mr_row *row, int64_t time_ms, uint64_t registered) {
    mr_row_timer *timer = timer_of(rows, row);
    unhang(rows, timer);
    memcpy(timer->time_ms, &time_ms, sizeof time_ms);
    memcpy(timer->registered, &registered, sizeof registered);
    hang(rows, timer);
    mr_row_changed(rows, row);
}

void mr_rows_timer_set(mr_rows *rows, mr_row *row, int64_t time_ms) {
    set(rows, row, time_ms, ++rows->timers_set);
}

void mr_rows_timer_move(mr_rows *rows, mr_row *row, int64_t time_ms) {
    set(rows, row, time_ms, mr_row_timer_registered(timer_of(rows, row)));
}

void mr_rows_timer_drop(mr_rows *rows, mr_row *row) {
    mr_row_timer *timer = timer_of(rows, row);
    unhang(rows, timer);
    *timer = (mr_row_timer){0};
}

void mr_rows_timer_clear(mr_rows *rows, mr_row *row) {
    if (mr_row_timer_registered(timer_of(rows, row)) == 0) return;
    mr_rows_timer_drop(rows, row);
    mr_row_changed(rows, row);
}

void mr_rows_timer_unhang(mr_rows *rows, mr_row *row) { unhang(rows, timer_of(rows, row)); }

void mr_rows_timer_rehang(mr_rows *rows, mr_row *row) {
    mr_row_timer *timer = timer_of(rows, row);
    unhang(rows, timer);
    hang(rows, timer);
}

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

/* The first timer that is due: what is overdue comes before all others. */
static mr_wheel_node *first_due(mr_rows *rows, int64_t upto, uint32_t *steps) {
    if (rows->overdue.size > 0) return mr_wheel_first(&rows->overdue, upto, steps);
    const int64_t next = rows->ordered.next;
    mr_wheel_node *node = mr_wheel_first(&rows->timers, earlier(upto, next - 1), steps);
    if (node != NULL || next > upto || *steps == 0) return node;
    --*steps;
    return mr_queue_first(&rows->ordered);
}

/* Take off the first timers that are due, as mr_wheel_take. */
static uint32_t take_due(mr_rows *rows, int64_t upto, uint32_t *steps, mr_addr *nodes_out,
                         uint32_t max) {
    if (rows->overdue.size > 0) return mr_wheel_take(&rows->overdue, upto, steps, nodes_out, max);
    while (*steps > 0) {
        const int64_t until = earlier(upto, mr_wheel_next(&rows->timers));
        uint32_t count = mr_queue_take(&rows->ordered, until, nodes_out, mr_min_u32(max, *steps));
        *steps -= count;
        if (count > 0) return count;
        const int64_t next = rows->ordered.next;
        count = mr_wheel_take(&rows->timers, earlier(upto, next - 1), steps, nodes_out, max);
        if (count > 0 || next > upto) return count;
    }
    return 0;
}

mr_row *mr_rows_timer_due(mr_rows *rows, double upto_ms, uint32_t *steps) {
    if (!(upto_ms >= -8.64e15)) return NULL; /* Before all times, or none. */
    const int64_t upto = mr_time_of(upto_ms);
    for (;;) {
        mr_wheel_node *node = first_due(rows, upto, steps);
        if (node == NULL) return NULL;
        mr_row *row = (mr_row *)(void *)((uint8_t *)node - rows->timer_at);
        mr_row_reach(rows, row);
        if (!mr_row_expired(rows, row, (double)mr_row_timer_ms(timer_of(rows, row)))) return row;
        mr_rows_timer_clear(rows, row);
    }
}

uint32_t mr_rows_timers_unhang_due(mr_rows *rows, double upto_ms, uint32_t max, uint32_t *steps,
                                   mr_addr *rows_out) {
    if (!(upto_ms >= -8.64e15)) return 0;
    const int64_t upto = mr_time_of(upto_ms);
    uint32_t count = 0;
    while (count < max) {
        mr_addr *nodes = rows_out + count;
        const uint32_t some = take_due(rows, upto, steps, nodes, max - count);
        if (some == 0) break;
        for (uint32_t i = 0; i < some; i++) {
            mr_row *row = mr_row_at(nodes[i] - rows->timer_at);
            mr_row_reach(rows, row);
            if (mr_row_expired(rows, row, (double)mr_row_timer_ms(timer_of(rows, row)))) {
                mr_rows_timer_clear(rows, row);
            } else {
                rows_out[count++] = mr_addr_of(row);
            }
        }
    }
    return count;
}

void mr_rows_timer_take(mr_rows *rows, mr_row *row) {
    mr_row_timer *timer = timer_of(rows, row);
    unhang(rows, timer);
    *timer = (mr_row_timer){0};
    mr_row_changed(rows, row);
}

double mr_rows_timer_next(mr_rows *rows) {
    const mr_wheel *wheel = rows->overdue.size > 0 ? &rows->overdue : &rows->timers;
    const int64_t next = earlier(mr_wheel_next(wheel), rows->ordered.next);
    return next == INT64_MAX ? __builtin_inf() : (double)next;
}
