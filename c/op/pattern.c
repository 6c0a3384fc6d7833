/* pattern.c -- sequences of events of one key, as a pattern describes them.
 *
 *   event     a row while it waits: a ref to the event, the conditions that hold for it
 *             key     tuple of [key] and [time, number], as entries.c wants it
 *             timer   when no earlier one can come any more
 *   matches   a row for each key that has any: the blob of pattern.h, with refs of its events
 *             key     the same with a number that no event has
 *             timer   when the first partial match is over
 *
 * Where events have times, each waits in its row until the watermark has come to its time, so that
 * those of a key are run in the order of their times, and those of one time as they came. Where it
 * brings the watermark there itself, it is run at once, behind all that is due by then: nothing
 * shows how events were cut into chunks. So it is where there are no times.
 *
 * Where nobody is told that the time of a partial match is over, those of many keys that are over
 * go together when the chunk is run: cache misses overlap then.
 *
 * An event is run by a plan (pattern_plan.c), which changes nothing. Where a condition depends on
 * the match so far, the host has to answer: the call ends with the questions, the next one plans
 * once more with the answers, until nothing is asked. */
#include "pattern.h"

#include "../bytes.h"
#include "../error.h"

enum { FIRE_STEPS = 4096 };

#define ALL_GIVEN UINT32_MAX /* In mr_pattern_data.node: only the last row is to come. */

/* ---- spec ---- */

static MR_COLD mr_status fields(const mr_operator_spec *spec, uint8_t *fields_out,
                                uint32_t *count_out) {
    static const uint8_t kinds[] = {MR_REF, MR_REFS, MR_F64};
    const uint32_t needed = MR_ENTRIES | MR_TIMERS;
    if ((spec->flags & (needed | MR_EVICT)) != needed || spec->ttl_ms != 0) {
        return mr_fail(MR_ERR_ARGUMENT, "flags", spec->flags);
    }
    if (spec->count != sizeof kinds || memcmp(spec->kinds, kinds, sizeof kinds) != 0) {
        return mr_fail(MR_ERR_ARGUMENT, "count", spec->count);
    }
    const mr_pattern *p = mr_at(spec->pattern);
    if (spec->pattern == 0 || !mr_pattern_check(p)) {
        return mr_fail(MR_ERR_ARGUMENT, "pattern", spec->pattern);
    }
    memcpy(fields_out, kinds, sizeof kinds);
    *count_out = sizeof kinds;
    return MR_OK;
}

static MR_COLD void open(mr_operator_data *op) {
    op->rows.stretch_ms = 0.5; /* A ring for the events of a key and time. */
    op->rows.has_alone = true;
    op->pattern.next_ms = -__builtin_inf();
    op->pattern.waits_ms = -__builtin_inf();
    op->pattern.silent = mr_pattern_is_silent(mr_pattern_of(op));
}

static MR_COLD void stop(mr_operator_data *op) {
    mr_pattern_data *d = &op->pattern;
    mr_room *const rooms[] = {&d->key, &d->moves, &d->next, &d->answers};
    for (uint32_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++)
        mr_heap_free(op->rows.heap, rooms[i]->at, rooms[i]->bytes);
    *d = (mr_pattern_data){.unchecked = true, .silent = d->silent};
    d->next_ms = d->waits_ms = -__builtin_inf();
}

/* ---- rows ---- */

/* Let go of a ref that no row has. */
static void drop_ref(mr_operator_data *op, uint32_t ref) {
    op->rows.heap->external_bytes += MR_REF_BYTES; /* It goes at once. */
    mr_ref_drop(op->rows.refs, op->rows.heap, ref);
}

static void set_timer(mr_operator_data *op, mr_row *row, int64_t time_ms) {
    mr_rows_timer_set(&op->rows, row, time_ms);
    if ((double)time_ms < op->pattern.next_ms) op->pattern.next_ms = (double)time_ms;
}

/* Matches have changed: set the timer to the first that will be over, unless it is before. Matches
 * that wait come out at the end at last. */
static void follow(mr_operator_data *op, mr_row *row, bool fired) {
    mr_matches *m = mr_matches_of(op, row);
    const double deadline = mr_matches_deadline(mr_pattern_of(op), m);
    const mr_row_timer *timer = mr_row_part(row, op->rows.timer_at);
    const bool set = mr_row_timer_registered(timer) != 0 && !fired;
    if (deadline == __builtin_inf() && m->waiting == 0) {
        mr_rows_timer_clear(&op->rows, row);
        return;
    }
    const int64_t at = mr_time_of(__builtin_ceil(deadline));
    if (!set || mr_row_timer_ms(timer) > at) set_timer(op, row, at);
}

/* ---- results ---- */

/* Where results go, and what they are caused by. */
typedef struct sink {
    mr_batch_data *results;
    uint32_t position;
} sink;

/* Write the fields of a result row; false: there is no room. */
static bool emit(mr_operator_data *op, const sink *to, int32_t step, uint32_t cell, mr_addr cell_at,
                 double value) {
    mr_columns *out = &to->results->columns;
    if (mr_results_full(to->results, 0)) return false;
    const uint32_t i = out->size++;
    mr_u32s(out->position)[i] = to->position;
    mr_f64s(out->time_ms)[i] = op->pattern.due_ms;
    out->present |= MR_HAS_TIME;
    mr_f64s(out->columns[MR_PATTERN_STEP])[i] = step;
    mr_f64s(out->columns[MR_PATTERN_CELL])[i] = cell;
    mr_f64s(out->columns[MR_PATTERN_CELL_AT])[i] = cell_at;
    mr_f64s(out->columns[MR_PATTERN_VALUE])[i] = value;
    op->pattern.encoded |= (cell & MR_REF_ENCODED) != 0;
    return true;
}

/* The events from a node back to the first, as far as they were not given already. */
static mr_status emit_path(mr_operator_data *op, mr_matches *m, uint32_t node, const sink *to) {
    mr_pattern_data *d = &op->pattern;
    if (d->node == 0) d->node = node == 0 ? ALL_GIVEN : node;
    while (d->node != ALL_GIVEN) {
        MR_ASSERT(m != NULL);
        const mr_node *at = mr_node_at(m, d->node);
        const uint32_t *cell = mr_taken_cell(m, at->event);
        const int32_t step = (int32_t)(at->step & ~MR_NODE_TOLD);
        if (!emit(op, to, step, *cell, mr_addr_of(cell), 0)) return MR_MORE;
        d->node = at->parent == 0 ? ALL_GIVEN : at->parent;
    }
    return MR_OK;
}

/* Emit what is out of a key's matches, and let go of it. What is still bytes of a row has to be
 * taken before the row goes. */
static mr_status drain(mr_operator_data *op, mr_row *row, const sink *to) {
    mr_pattern_data *d = &op->pattern;
    mr_matches *m = mr_matches_of(op, row);
    d->row = mr_addr_of(row);
    mr_row_reach(&op->rows, row);
    for (; d->given < m->out; d->given++) {
        const mr_partial *out = mr_partials(m) + m->live + m->waiting + d->given;
        if (!d->told) {
            MR_TRY(emit_path(op, m, out->node, to));
            if (!emit(op, to, out->sort, 0, 0, out->start_ms)) return MR_MORE;
            d->node = 0;
            d->told = true;
            if (d->encoded) return MR_MORE;
        }
        d->told = false;
        mr_node_release(op, m, out->node);
    }
    d->row = 0;
    d->given = 0;
    m->out = 0;
    mr_row_changed(&op->rows, row);
    if (m->live + m->waiting == 0) mr_matches_remove(op, row);
    return MR_OK;
}

/* Tell what has to be answered before the event can be run. */
static MR_COLD mr_status ask(mr_operator_data *op, mr_row *row, const mr_pattern_event *event,
                             const sink *to) {
    mr_pattern_data *d = &op->pattern;
    const mr_pattern *p = mr_pattern_of(op);
    mr_matches *m = mr_matches_of(op, row);
    const uint32_t live = m == NULL ? 0 : m->live;
    const mr_addr at = event->at == NULL ? 0 : mr_addr_of(event->at);
    const mr_move *asks = mr_at(d->moves.at);
    if (!d->asked) {
        MR_TRY(mr_pattern_room(op, &d->answers, live + 1, p->conditions));
        memset(mr_at(d->answers.at), 0, (live + 1) * p->conditions);
        d->asked = true;
    }
    for (uint32_t i = 0; i < d->count; i++) {
        const uint32_t partial = asks[i].partial;
        const uint32_t node = partial == live ? 0 : mr_partials(m)[partial].node;
        const int32_t step = MR_PATTERN_ASKS - (int32_t)asks[i].condition;
        const mr_addr answer = d->answers.at + partial * p->conditions + asks[i].condition;
        MR_TRY(emit_path(op, m, node, to));
        if (!emit(op, to, step, event->cell, at, answer)) return MR_MORE;
        d->node = 0;
    }
    return MR_MORE;
}

/* ---- events ---- */

/* All the room that a plan needs, also for the row of the matches, which may be new; and the ref of
 * an event that is taken counts. */
static mr_status reserve(mr_operator_data *op, mr_row **row, const mr_pattern_event *event,
                         const mr_plan_sizes *sizes) {
    const mr_pattern *p = mr_pattern_of(op);
    const bool makes = *row == NULL;
    const mr_matches *m = mr_matches_of(op, *row);
    const uint32_t waiting =
        (m == NULL ? 0 : m->waiting) + (p->skip == MR_SKIP_NONE ? 0 : sizes->matches);
    const uint32_t partials = sizes->live + sizes->matches + (m == NULL ? 0 : m->waiting);
    if (sizes->live + waiting > p->partials_max) {
        return mr_fail(MR_ERR_LIMIT, "maxPartialMatches", p->partials_max);
    }
    MR_TRY(
        mr_pattern_room(op, &op->pattern.next, sizes->live + sizes->matches, sizeof(mr_partial)));
    if (makes) {
        const mr_moment moment = {event->time_ms, event->time_ms, 0};
        static const uint8_t record[16] = {0};
        const mr_keyed keyed = mr_pattern_key(op, event->owner, event->owner_bytes, 0, MR_ALONE);
        MR_TRY(mr_rows_make(&op->rows, &keyed, &moment, record, row));
        mr_matches_made(op, keyed.hash);
    }
    mr_status status = mr_matches_reserve(op, *row, partials, sizes->nodes);
    const bool comes = event->at == NULL && sizes->nodes > 0;
    if (status == MR_OK && comes) status = mr_rows_ref_take(&op->rows);
    if (status != MR_OK && makes) mr_matches_remove(op, *row);
    return status;
}

/* Is any partial match of a row over by then? The timer is set to no later than the first. */
static bool may_be_over(const mr_operator_data *op, mr_row *row, double time_ms) {
    const mr_row_timer *timer = mr_row_part(row, op->rows.timer_at);
    return mr_row_timer_registered(timer) == 0 || (double)mr_row_timer_ms(timer) <= time_ms;
}

/* Run an event; what it makes goes out. MR_MORE before it is run: once more, when the results are
 * taken, and the questions among them answered. */
static mr_status run(mr_operator_data *op, mr_pattern_event *event, const sink *to) {
    mr_row *row = mr_matches_find(op, event);
    bool asks;
    if (row != NULL) {
        mr_row_reach(&op->rows, row);
        if (may_be_over(op, row, event->time_ms)) {
            MR_TRY(mr_matches_time_out(op, row, event->time_ms));
            MR_TRY(drain(op, row, to));
            row = mr_matches_find(op, event);
        }
    }
    mr_matches *m = mr_matches_of(op, row);
    MR_TRY(mr_matches_plan(op, m, event, &asks));
    if (asks) return ask(op, row, event, to);
    const mr_plan_sizes sizes = mr_plan_measure(op, m);
    op->pattern.asked = false;
    if (!sizes.changes) return MR_OK;
    MR_TRY(reserve(op, &row, event, &sizes));
    mr_matches_apply(op, row, event);
    mr_row_changed(&op->rows, row);
    follow(op, row, false);
    op->pattern.row = mr_addr_of(row);
    return MR_OK;
}

/* The matches of a key that a run has changed: emit what is out. */
static mr_status finish_run(mr_operator_data *op, const sink *to) {
    return op->pattern.row == 0 ? MR_OK : drain(op, mr_row_at(op->pattern.row), to);
}

/* An event that has waited cannot be run: the host is told, and it goes. */
static MR_COLD mr_status give_up(mr_operator_data *op, mr_row *row, const sink *to) {
    uint32_t *cell = mr_event_cell(op, row);
    if (!emit(op, to, MR_PATTERN_FAILED, *cell, mr_addr_of(cell), 0)) return MR_MORE;
    op->pattern.failed = mr_addr_of(row);
    return MR_MORE;
}

/* The timer of an event: no earlier one can come. */
static mr_status run_kept(mr_operator_data *op, mr_row *row, const sink *to) {
    mr_pattern_event event = {
        .time_ms = mr_entry_time(&op->rows, row),
        .bits = (uint32_t)mr_event_bits(op, row),
        .at = mr_event_cell(op, row),
        .cell = *mr_event_cell(op, row),
    };
    event.owner = mr_owner_key(mr_row_key(&op->rows, row), &event.owner_bytes);
    MR_TRY(mr_pattern_room(op, &op->pattern.key, event.owner_bytes + MR_TIMED_KEY_BYTES, 1));
    event.hash = mr_hash32(&op->rows, event.owner, event.owner_bytes);
    const mr_status status = run(op, &event, to);
    if (status == MR_ERR_LIMIT) return give_up(op, row, to);
    MR_TRY(status);
    mr_rows_remove(&op->rows, row);
    return finish_run(op, to);
}

/* The timer of matches: the first of them may be over. */
static mr_status end_some(mr_operator_data *op, mr_row *row, int64_t due_ms, const sink *to) {
    const bool ends = due_ms == mr_time_of(__builtin_inf());
    const double passed_ms = ends ? __builtin_inf() : (double)due_ms;
    MR_TRY(mr_matches_time_out(op, row, passed_ms));
    follow(op, row, true);
    return drain(op, row, to);
}

/* The row of matches whose timer is due next, off the wheel; 0: none is, or an event is before. */
static mr_addr next_matches(mr_operator_data *op, double upto_ms, uint64_t before,
                            uint32_t *steps) {
    mr_row *row = mr_rows_timer_due(&op->rows, upto_ms, steps);
    if (row == NULL) return 0;
    const mr_row_timer *timer = mr_row_part(row, op->rows.timer_at);
    const double due_ms = (double)mr_row_timer_ms(timer);
    if (due_ms == upto_ms && mr_row_timer_registered(timer) >= before) return 0;
    if (due_ms >= op->pattern.waits_ms && !mr_is_matches(&op->rows, row)) return 0;
    mr_rows_timer_unhang(&op->rows, row);
    return mr_addr_of(row);
}

/* The timers of matches that come before all events, where nobody is told what is over. */
static mr_status end_many(mr_operator_data *op, double upto_ms, uint64_t before, uint32_t *steps,
                          const sink *to) {
    uint32_t count = MR_PATTERN_AHEAD;
    while (count == MR_PATTERN_AHEAD) {
        mr_addr due[MR_PATTERN_AHEAD];
        mr_status status = MR_OK;
        for (count = 0; count < MR_PATTERN_AHEAD; count++) {
            due[count] = next_matches(op, upto_ms, before, steps);
            if (due[count] == 0) break;
        }
        mr_matches_touch(op, due, count, true);
        for (uint32_t i = 0; i < count; i++) {
            mr_row *row = mr_row_at(due[i]);
            const int64_t due_ms = mr_row_timer_ms(mr_row_part(row, op->rows.timer_at));
            if (status == MR_OK) status = end_some(op, row, due_ms, to);
            if (status != MR_OK) mr_rows_timer_rehang(&op->rows, row);
        }
        MR_TRY(status);
    }
    return MR_OK;
}

/* All that is due at a time, but for what was set for just then from registration `before` on. */
static mr_status fire_some(mr_operator_data *op, double upto_ms, uint64_t before, uint32_t *steps,
                           const sink *to) {
    mr_rows *rows = &op->rows;
    if (op->pattern.failed != 0) mr_rows_remove(rows, mr_row_at(op->pattern.failed));
    op->pattern.failed = 0;
    MR_TRY(finish_run(op, to));
    while (upto_ms >= op->pattern.next_ms) {
        if (op->pattern.silent) MR_TRY(end_many(op, upto_ms, before, steps, to));
        mr_row *row = mr_rows_timer_due(rows, upto_ms, steps);
        if (row == NULL) {
            if (*steps == 0) return MR_MORE;
            op->pattern.next_ms = mr_rows_timer_next(rows);
            return MR_OK;
        }
        const mr_row_timer *timer = mr_row_part(row, rows->timer_at);
        const int64_t due_ms = mr_row_timer_ms(timer);
        if ((double)due_ms == upto_ms && mr_row_timer_registered(timer) >= before) return MR_OK;
        op->pattern.due_ms = (double)due_ms;
        MR_TRY(mr_is_matches(rows, row) ? end_some(op, row, due_ms, to) : run_kept(op, row, to));
    }
    return MR_OK;
}

/* All that is due by a watermark, or now. */
static mr_status fire_due(mr_operator_data *op, double upto_ms, uint32_t *steps, const sink *to) {
    const mr_pattern_data *d = &op->pattern;
    if (d->failed == 0 && d->row == 0 && !(upto_ms >= d->next_ms)) return MR_OK;
    return fire_some(op, upto_ms, UINT64_MAX, steps, to);
}

/* All that comes before an event that brings the watermark to its own time: as if it had waited,
 * timers that are set for that time from now on come behind it. */
static mr_status fire_before(mr_operator_data *op, double time_ms, uint32_t *steps,
                             const sink *to) {
    mr_pattern_data *d = &op->pattern;
    if (d->came == 0) d->came = op->rows.timers_set + 1;
    return time_ms >= d->next_ms ? fire_some(op, time_ms, d->came, steps, to) : MR_OK;
}

/* May what is over wait until the chunk is run? So it may where nobody is told, and no limit counts
 * it: an event looks itself for what is over of its key. Events that wait come in order. */
static bool may_wait(const mr_operator_data *op) {
    const mr_rows *rows = &op->rows;
    return op->pattern.silent && !mr_rows_limited(rows) && rows->owners.size == 0 &&
           op->pattern.row == 0;
}

/* ---- input ---- */

static mr_status read_event(mr_operator_data *op, const mr_columns *in, uint32_t i,
                            mr_pattern_event *out) {
    const double ref = mr_f64s(in->columns[MR_PATTERN_EVENT])[i];
    const double bits = mr_f64s(in->columns[MR_PATTERN_BITS])[i];
    const uint32_t *offsets = mr_u32s(in->key_offsets);
    if (!(ref >= 1 && ref < op->rows.refs->capacity)) return mr_fail(MR_ERR_ARGUMENT, "event", ref);
    if (!mr_is_u32(bits)) return mr_fail(MR_ERR_ARGUMENT, "bits", bits);
    *out = (mr_pattern_event){
        .owner = (const uint8_t *)mr_at(in->keys) + offsets[i],
        .owner_bytes = offsets[i + 1] - offsets[i],
        .time_ms = (double)mr_time_of(mr_row_time(in, i)), /* Whole, as timers are. */
        .bits = (uint32_t)bits,
        .cell = (uint32_t)ref,
    };
    const uint32_t key_bytes = out->owner_bytes + MR_TIMED_KEY_BYTES;
    if (key_bytes > MR_KEY_BYTES_MAX) return mr_fail(MR_ERR_LIMIT, "key bytes", MR_KEY_BYTES_MAX);
    return mr_pattern_room(op, &op->pattern.key, key_bytes, 1);
}

/* An event is run as it comes, and causes what comes of it. */
static mr_status run_now(mr_operator_data *op, mr_pattern_event *event, const sink *to) {
    if (!op->pattern.applied) {
        op->pattern.due_ms = -__builtin_inf();
        MR_TRY(run(op, event, to));
        op->pattern.applied = true;
        if (event->cell != 0) drop_ref(op, event->cell);
    }
    MR_TRY(finish_run(op, to));
    op->pattern.applied = false;
    op->pattern.came = 0;
    return MR_OK;
}

/* An event waits until none before it can come. */
static mr_status keep(mr_operator_data *op, const mr_columns *in, uint32_t i,
                      mr_pattern_event *event, uint32_t *steps, const sink *to) {
    const double time_ms = event->time_ms;
    if (time_ms < mr_row_watermark(in, i) || time_ms < mr_row_own_watermark(in, i)) {
        op->pattern.due_ms = -__builtin_inf();
        if (!emit(op, to, MR_PATTERN_LATE, 0, 0, time_ms)) return MR_MORE;
        op->late++;
        return MR_OK;
    }
    if (event->bits == 0 && mr_pattern_of(op)->passive != 0) {
        drop_ref(op, event->cell);
        return MR_OK;
    }
    /* Where rows are limited, the one in which it would wait counts. */
    const bool brings =
        !mr_rows_limited(&op->rows) && i + 1 < in->size && mr_row_watermark(in, i + 1) >= time_ms;
    if (brings && !op->pattern.applied && !may_wait(op)) {
        MR_TRY(fire_before(op, time_ms, steps, to));
    }
    if (brings || op->pattern.applied) return run_now(op, event, to);
    mr_row *row;
    const bool first = op->rows.owners.size == 0;
    MR_TRY(mr_event_make(op, event, &row));
    if (first || time_ms < op->pattern.waits_ms) op->pattern.waits_ms = time_ms;
    set_timer(op, row, mr_time_of(time_ms));
    return MR_OK;
}

/* Read the next events, up to one that cannot be, and their matches: cache misses overlap then.
 * An error is that of the first one. */
static mr_status read_ahead(mr_operator_data *op, const mr_columns *in, uint32_t from,
                            mr_pattern_event *events, uint32_t *count_out) {
    uint32_t count = 0;
    for (; count < MR_PATTERN_AHEAD && from + count < in->size; count++) {
        const mr_status status = read_event(op, in, from + count, &events[count]);
        if (status != MR_OK && count == 0) return status;
        if (status != MR_OK) break;
        mr_pattern_event *event = &events[count];
        event->hash = mr_hash32(&op->rows, event->owner, event->owner_bytes);
    }
    mr_matches_find_all(op, events, count);
    *count_out = count;
    return MR_OK;
}

static mr_status push_some(mr_operator_data *op, const mr_columns *in, uint32_t from,
                           uint32_t *upto_out, mr_batch_data *results) {
    const bool timed = mr_pattern_of(op)->timed != 0;
    uint32_t steps = FIRE_STEPS;
    if (in->column_count < MR_PATTERN_COLUMNS) {
        return mr_fail(MR_ERR_ARGUMENT, "columns", in->column_count);
    }
    if (mr_batch_has(in, MR_HAS_TIME) != timed) {
        return mr_fail(MR_ERR_ARGUMENT, "present", in->present);
    }
    MR_TRY(mr_pattern_check_rows(op));
    op->pattern.encoded = false;
    mr_pattern_event events[MR_PATTERN_AHEAD];
    for (uint32_t i = from, next = 0, count = 0; i < in->size; i++, next++) {
        const sink to = {results, i};
        *upto_out = i;
        if (next == count) {
            MR_TRY(read_ahead(op, in, i, events, &count));
            next = 0;
        }
        mr_pattern_event *event = &events[next];
        if (!op->pattern.applied && !may_wait(op)) {
            MR_TRY(fire_due(op, mr_row_watermark(in, i), &steps, &to));
        }
        MR_TRY(timed ? keep(op, in, i, event, &steps, &to) : run_now(op, event, &to));
    }
    *upto_out = in->size;
    return MR_OK;
}

/* After an error the host may come with another event: no answer is of that. */
static mr_status forget_event(mr_operator_data *op, mr_status status) {
    if (status < 0) op->pattern.came = 0;
    if (status < 0 && op->pattern.asked) {
        op->pattern.asked = false;
        op->pattern.node = 0;
    }
    return status;
}

static mr_status push(mr_operator_data *op, const mr_columns *in, uint32_t from, uint32_t *upto_out,
                      mr_batch_data *results) {
    return forget_event(op, push_some(op, in, from, upto_out, results));
}

static mr_status advance(mr_operator_data *op, double watermark_ms, mr_batch_data *results) {
    uint32_t steps = FIRE_STEPS;
    const sink to = {results, 0};
    MR_TRY(mr_pattern_check_rows(op));
    op->pattern.encoded = false;
    return forget_event(op, fire_due(op, watermark_ms, &steps, &to));
}

const mr_operator_kind mr_kind_pattern = {
    .name = "pattern",
    .flags = MR_ENTRIES,
    .columns = 4,
    .pairs = true,
    .fields = fields,
    .push = push,
    .open = open,
    .advance = advance,
    .stop = stop,
};
