/* join.c -- pairs of the events of two inputs that have one key and are near in time.
 *
 *   row      one event that may still find partners
 *            key     tuple of [key, side] and [time, number], as bucket.h wants it
 *            record  a ref to the event on the host's side
 *            timer   when no partner can come any more
 *   bucket   all rows of a key and stretch of time, of either side in the order of their times
 *
 *   left event at t, before and after:     [t - before ........ t ...... t + after]
 *                                              right events that are its partners
 *
 * An event at row i first lets go what is over by the watermark before it, where that would count
 * toward a limit (else mr_operator_advance does: it finds no partners), then is paired with all
 * partners of the other side that came before it, then is kept for those that will come. So each
 * pair comes once, with the later of its events, whichever input runs ahead.
 *
 * A left event at t is over when the watermark W > t + after, a right one when W > t + before: no
 * event that is not late is a partner then. An event is late when its time is before the
 * watermark, or before that of its own source: some of its partners may be gone, so it gets none.
 *
 * An event that was loaded is looked at once more when its timer comes: with other bounds than
 * those that it was saved with it may have to stay.
 *
 * With MR_AS_OF a left event has one partner at most, the last right one in [t - before .. t], so
 * nothing is paired before the watermark is past t. Both have a timer there: a left event goes with
 * its partner, a right one lets go those before it, which no left event to come wants any more, and
 * is gone when W > t + before, and a moment has passed. Timers come in the order of time, so a left
 * event finds its partner. */
#include "../bucket.h"
#include "../error.h"
#include "../operator.h"

enum {
    LEFT = 0, /* Sides. */
    RIGHT = 1,
    OVER_STEPS = 4096,
    AHEAD = 32, /* Events that are read before they are run. */
};
_Static_assert(AHEAD <= MR_AHEAD_MAX, "read ahead at once");

/* An event, and where its partners are looked for. */
typedef struct event {
    mr_bucket_event row; /* What it will be kept as. */
    double watermark_ms;
    double from_ms; /* Partners have a time from here to there, */
    double upto_ms;
    double from_stretch; /* and are in the buckets of these stretches. */
    double upto_stretch;
    int64_t over_ms; /* From this watermark on it has no partner to come. */
    mr_addr bucket;  /* Its own, if it was there when the event was read. */
    uint32_t key_hash;
    uint32_t ref;
    mr_status status; /* Why it cannot be run. */
} event;

/* Events that were read, and where buckets were made since: a bit by hash. */
typedef struct ahead {
    event events[AHEAD];
    uint64_t made;
} ahead;

static const double most_ms = 2 * 8.64e15; /* From one end of time to the other. */

static MR_COLD mr_status fields(const mr_operator_spec *spec, uint8_t *fields_out,
                                uint32_t *count_out) {
    const uint32_t evicting = (spec->flags & MR_EVICT) != 0 ? MR_KEEP_EVICTED : 0;
    const uint32_t needed = MR_ENTRIES | MR_TIMERS | evicting; /* Results are read after a push. */
    if ((spec->flags & needed) != needed) return mr_fail(MR_ERR_ARGUMENT, "flags", spec->flags);
    if (!(spec->before_ms >= -most_ms && spec->before_ms <= most_ms)) {
        return mr_fail(MR_ERR_ARGUMENT, "before_ms", spec->before_ms);
    }
    if (!(spec->after_ms >= -spec->before_ms && spec->after_ms <= most_ms)) {
        return mr_fail(MR_ERR_ARGUMENT, "after_ms", spec->after_ms);
    }
    if (spec->count != 1 || spec->kinds[0] != MR_REF) {
        return mr_fail(MR_ERR_ARGUMENT, "count", spec->count);
    }
    fields_out[0] = MR_REF;
    *count_out = 1;
    return MR_OK;
}

/* A stretch is so many times as long as what the partners of an event are in, which is in two
 * stretches at most, and in one nearly always. */
static const double partners_in_stretch = 8;

static MR_COLD void open(mr_operator_data *op) {
    const double partners_ms = op->spec.before_ms + op->spec.after_ms + 1;
    op->rows.stretches_per_ms = 1 / (partners_in_stretch * partners_ms);
}

static bool is_as_of(const mr_operator_data *op) { return (op->spec.flags & MR_AS_OF) != 0; }

/* ---- reading ---- */

static mr_bucket_name name_in(const mr_rows *rows, const event *event, double stretch) {
    mr_bucket_name name = event->row.name;
    name.stretch = stretch;
    name.hash = mr_bucket_hash(rows, event->key_hash, stretch);
    return name;
}

/* From this watermark on an event has no partner to come. */
static int64_t over_at(const mr_operator_spec *spec, double time_ms, bool right) {
    const int64_t most = mr_time_of(__builtin_inf());
    const int64_t last_ms = mr_time_of(time_ms + (right ? spec->before_ms : spec->after_ms));
    return last_ms < most ? last_ms + 1 : most;
}

static mr_status read_event(mr_operator_data *op, const mr_columns *in, uint32_t i, event *out) {
    const mr_rows *rows = &op->rows;
    const double side = mr_f64s(in->columns[MR_JOIN_SIDE])[i];
    const double ref = mr_f64s(in->columns[MR_JOIN_EVENT])[i];
    const uint32_t *offsets = mr_u32s(in->key_offsets);
    const uint32_t bytes = offsets[i + 1] - offsets[i];
    if (side != 0 && side != 1) return mr_fail(MR_ERR_ARGUMENT, "side", side);
    if (!(ref >= 1 && ref < rows->refs->capacity)) return mr_fail(MR_ERR_ARGUMENT, "event", ref);
    if (bytes > MR_KEY_BYTES_MAX - MR_BUCKET_KEY_AROUND) {
        return mr_fail(MR_ERR_LIMIT, "key bytes", MR_KEY_BYTES_MAX);
    }
    out->row.time_ms = mr_row_time(in, i);
    out->watermark_ms = mr_row_watermark(in, i);
    out->ref = (uint32_t)ref;
    out->row.side = (uint32_t)side;
    const bool right = out->row.side == RIGHT;
    out->from_ms = out->row.time_ms - (right ? op->spec.after_ms : op->spec.before_ms);
    out->upto_ms = out->row.time_ms + (right ? op->spec.before_ms : op->spec.after_ms);
    out->over_ms = over_at(&op->spec, out->row.time_ms, right && !is_as_of(op));
    out->from_stretch = mr_bucket_stretch(rows, out->from_ms);
    out->upto_stretch = mr_bucket_stretch(rows, out->upto_ms);
    out->row.name.key = (const uint8_t *)mr_at(in->keys) + offsets[i];
    out->row.name.key_bytes = bytes;
    out->key_hash = mr_hash32(rows, out->row.name.key, bytes);
    out->row.name.stretch = mr_bucket_stretch(rows, out->row.time_ms);
    out->row.name.hash = mr_bucket_hash(rows, out->key_hash, out->row.name.stretch);
    return MR_OK;
}

/* Look at the buckets of partners that are in another stretch, as at those of all events. */
static void look_further(const mr_rows *rows, const event *events, uint32_t count, bool upto) {
    mr_bucket_name names[AHEAD];
    mr_addr buckets[AHEAD];
    uint32_t further = 0;
    for (uint32_t i = 0; i < count; i++) {
        const event *event = &events[i];
        if (event->status != MR_OK) continue;
        const double stretch = upto ? event->upto_stretch : event->from_stretch;
        const bool known =
            stretch == event->row.name.stretch || (upto && stretch == event->from_stretch);
        if (!known) names[further++] = name_in(rows, event, stretch);
    }
    mr_buckets_ahead(rows, names, further, buckets);
}

/* Read the next events, and the memory that they will look at: cache misses overlap then. */
static uint32_t read_ahead(mr_operator_data *op, const mr_columns *in, uint32_t from, ahead *to) {
    const uint32_t count = mr_min_u32(in->size - from, AHEAD);
    mr_bucket_name names[AHEAD];
    mr_addr buckets[AHEAD];
    for (uint32_t i = 0; i < count; i++) {
        event *event = &to->events[i];
        event->row.name = (mr_bucket_name){0};
        event->status = read_event(op, in, from + i, event);
    }
    for (uint32_t i = 0; i < count; i++) /* Not at once: what was just written is slow to copy. */
        names[i] = to->events[i].row.name;
    mr_buckets_ahead(&op->rows, names, count, buckets);
    look_further(&op->rows, to->events, count, false);
    look_further(&op->rows, to->events, count, true);
    for (uint32_t i = 0; i < count; i++)
        to->events[i].bucket = buckets[i];
    to->made = 0;
    return count;
}

static uint64_t made_bit(uint32_t hash) { return UINT64_C(1) << (hash % 64); }

/* An event that was read is run: its bucket may have come since, or gone, where events go while a
 * chunk is run. */
static void look_again(const mr_operator_data *op, const ahead *ahead, event *event) {
    const bool came = event->bucket == 0 && (ahead->made & made_bit(event->row.name.hash)) != 0;
    if (came || mr_rows_limited(&op->rows))
        event->bucket = mr_bucket_find(&op->rows, &event->row.name);
}

/* The bucket of a stretch; 0: there is none. */
static mr_addr bucket_of(const mr_rows *rows, const event *event, double stretch) {
    if (stretch == event->row.name.stretch) return event->bucket;
    const mr_bucket_name name = name_in(rows, event, stretch);
    return mr_bucket_find(rows, &name);
}

static bool is_right(const mr_rows *rows, mr_row *row) { return mr_place_side(rows, row) == RIGHT; }

/* ---- what is over ---- */

/* Does an event whose timer has come stay, until another time? */
static bool stays(mr_operator_data *op, mr_row *row, double watermark_ms) {
    mr_rows *rows = &op->rows;
    const mr_row_timer *timer = mr_row_part(row, rows->timer_at);
    if (mr_row_timer_registered(timer) > rows->timers_loaded) return false;
    const int64_t over_ms = over_at(&op->spec, mr_entry_time(rows, row), is_right(rows, row));
    if ((double)over_ms <= watermark_ms) return false;
    mr_rows_timer_set(rows, row, over_ms);
    return true;
}

/* Let go what is over. MR_MORE: results have to be taken first, or the steps are used up. */
static mr_status let_go(mr_operator_data *op, double watermark_ms) {
    mr_rows *rows = &op->rows;
    uint32_t steps = OVER_STEPS;
    if (watermark_ms < mr_rows_timer_next(rows)) return MR_OK;
    if (op->join.encoded) return MR_MORE;
    for (uint32_t looks = 0; looks < OVER_STEPS / AHEAD; looks++) {
        mr_addr over[AHEAD];
        const uint32_t due = mr_rows_timers_unhang_due(rows, watermark_ms, AHEAD, &steps, over);
        if (due == 0) return steps == 0 ? MR_MORE : MR_OK;
        uint32_t count = 0;
        for (uint32_t i = 0; i < due; i++) {
            if (!stays(op, mr_row_at(over[i]), watermark_ms)) over[count++] = over[i];
        }
        mr_places_ahead(rows, over, count);
        for (uint32_t i = 0; i < count; i++)
            mr_rows_remove(rows, mr_row_at(over[i]));
    }
    return MR_MORE;
}

/* ---- as of ---- */

/* The last right event that is not behind a left one, nor too long before it; 0: there is none. */
static mr_addr last_before(const mr_operator_data *op, mr_row *left) {
    const mr_rows *rows = &op->rows;
    const double time_ms = mr_entry_time(rows, left);
    const double least = mr_bucket_stretch(rows, time_ms - op->spec.before_ms);
    mr_addr bucket = mr_place_of(rows, mr_addr_of(left))->bucket;
    mr_addr last = mr_bucket_last(rows, bucket, RIGHT, time_ms);
    mr_bucket_name name = {.stretch = mr_bucket_at(bucket)->stretch};
    name.key = mr_place_key(rows, left, &name.key_bytes);
    const uint32_t key_hash = mr_hash32(rows, name.key, name.key_bytes);
    while (last == 0 && name.stretch > least) {
        name.stretch -= 1;
        name.hash = mr_bucket_hash(rows, key_hash, name.stretch);
        bucket = mr_bucket_find(rows, &name);
        last = bucket == 0 ? 0 : mr_bucket_last(rows, bucket, RIGHT, time_ms);
    }
    if (last == 0) return 0;
    return mr_entry_time(rows, mr_row_at(last)) < time_ms - op->spec.before_ms ? 0 : last;
}

/* Let go the right events of a bucket that are before one of them. */
static void let_go_before(mr_rows *rows, mr_row *right) {
    const mr_bucket *bucket = mr_bucket_at(mr_place_of(rows, mr_addr_of(right))->bucket);
    while (bucket->first[RIGHT] != mr_addr_of(right))
        mr_rows_remove(rows, mr_row_at(bucket->first[RIGHT]));
}

static void put_cell(mr_operator_data *op, const mr_columns *out, uint32_t column, mr_addr row) {
    const mr_addr at = row == 0 ? 0 : mr_addr_of(mr_row_record(&op->rows, mr_row_at(row)));
    const uint32_t cell = at == 0 ? 0 : *mr_u32s(at);
    op->join.encoded |= (cell & MR_REF_ENCODED) != 0;
    mr_f64s(out->columns[column])[out->size] = cell;
    mr_f64s(out->columns[column + 1])[out->size] = at;
}

/* A left event and its partner; it stays until the results are taken, if they are its bytes. */
static void emit_as_of(mr_operator_data *op, mr_row *left, mr_batch_data *results) {
    mr_columns *out = &results->columns;
    put_cell(op, out, MR_JOIN_CELL, mr_addr_of(left));
    put_cell(op, out, MR_JOIN_RIGHT, last_before(op, left));
    out->present |= MR_HAS_TIME;
    mr_u32s(out->position)[out->size] = 0;
    mr_f64s(out->time_ms)[out->size] = mr_entry_time(&op->rows, left);
    out->size++;
    op->join.passed = mr_addr_of(left);
    op->join.changes = op->rows.changes;
}

/* The watermark has come so far. MR_MORE as let_go. */
static mr_status pass(mr_operator_data *op, double watermark_ms, mr_batch_data *results) {
    mr_rows *rows = &op->rows;
    uint32_t steps = OVER_STEPS;
    for (uint32_t looks = 0; looks < OVER_STEPS; looks++) {
        if (op->join.encoded) return MR_MORE;
        if (op->join.passed != 0 && op->join.changes == rows->changes) {
            mr_rows_remove(rows, mr_row_at(op->join.passed));
        }
        op->join.passed = 0;
        mr_row *row = mr_rows_timer_due(rows, watermark_ms, &steps);
        if (row == NULL) return steps == 0 ? MR_MORE : MR_OK;
        /* A moment later than over, as left events of the last one come at the same time. */
        const int64_t gone_ms = over_at(&op->spec, mr_entry_time(rows, row) + 1, true);
        if (!is_right(rows, row)) {
            if (mr_results_full(results, 0)) return MR_MORE;
            emit_as_of(op, row, results);
        } else if (mr_row_timer_ms(mr_row_part(row, rows->timer_at)) < gone_ms) {
            let_go_before(rows, row);
            mr_rows_timer_move(rows, row, gone_ms);
        } else {
            mr_rows_remove(rows, row);
        }
    }
    return MR_MORE;
}

static mr_status follow(mr_operator_data *op, double watermark_ms, mr_batch_data *results) {
    return is_as_of(op) ? pass(op, watermark_ms, results) : let_go(op, watermark_ms);
}

/* ---- events ---- */

static bool is_late(const mr_columns *in, uint32_t i, const event *event) {
    return event->row.time_ms < event->watermark_ms ||
           event->row.time_ms < mr_row_own_watermark(in, i);
}

static void emit(mr_batch_data *results, const mr_columns *in, uint32_t i, double time_ms,
                 mr_addr cell_at) {
    mr_columns *out = &results->columns;
    const uint32_t cell = cell_at == 0 ? 0 : *mr_u32s(cell_at);
    mr_results_begin(results, in, i);
    out->present |= MR_HAS_TIME;
    mr_f64s(out->time_ms)[out->size] = time_ms;
    mr_f64s(out->columns[MR_JOIN_CELL])[out->size] = cell;
    mr_f64s(out->columns[MR_JOIN_CELL_AT])[out->size] = cell_at;
    out->size++;
}

/* Pair an event with its partners in one bucket, past `skip` of them that it was given already. */
static mr_status pair_in(mr_operator_data *op, const mr_columns *in, uint32_t i, const event *event,
                         mr_addr bucket, uint32_t *skip, mr_batch_data *results) {
    const mr_rows *rows = &op->rows;
    mr_addr at = mr_bucket_at(bucket)->first[1 - event->row.side];
    for (; at != 0; at = mr_place_of(rows, at)->next) {
        mr_row *row = mr_row_at(at);
        const double other_ms = mr_entry_time(rows, row);
        if (other_ms < event->from_ms) continue;
        if (other_ms > event->upto_ms) break;
        if (*skip > 0) {
            --*skip;
            continue;
        }
        if (mr_results_full(results, 0)) return MR_MORE;
        const mr_addr cell_at = mr_addr_of(mr_row_record(rows, row));
        op->join.encoded |= (*mr_u32s(cell_at) & MR_REF_ENCODED) != 0;
        emit(results, in, i, other_ms > event->row.time_ms ? other_ms : event->row.time_ms,
             cell_at);
        op->join.given++;
    }
    return MR_OK;
}

/* The same in all buckets, by their time. */
static mr_status pair(mr_operator_data *op, const mr_columns *in, uint32_t i, const event *event,
                      mr_batch_data *results) {
    uint32_t skip = op->join.given;
    for (double at = event->from_stretch; at <= event->upto_stretch; at += 1) {
        const mr_addr bucket = bucket_of(&op->rows, event, at);
        if (bucket != 0) MR_TRY(pair_in(op, in, i, event, bucket, &skip, results));
    }
    op->join.given = 0;
    return MR_OK;
}

/* Keep an event for partners that are to come. */
static mr_status keep(mr_operator_data *op, uint32_t i, ahead *ahead, event *event) {
    mr_rows *rows = &op->rows;
    const mr_moment moment = {event->row.time_ms, event->watermark_ms, i};
    const uint64_t record = event->ref; /* Its cell comes first: as one word it is quick to read. */
    mr_row *row;
    mr_place_behind(rows, event->bucket, &event->row);
    MR_TRY(mr_rows_make_event(rows, &event->row, &moment, (const uint8_t *)&record, &row));
    ahead->made |= made_bit(event->row.name.hash);
    mr_rows_timer_set(rows, row, event->over_ms);
    return MR_OK;
}

/* Let go an event that is not kept. */
static void forget(mr_rows *rows, const event *event) {
    rows->heap->external_bytes += MR_REF_BYTES; /* As if it had been. */
    mr_ref_drop(rows->refs, rows->heap, event->ref);
}

/* Run one event. MR_MORE: once more, when the results are taken. */
static mr_status run(mr_operator_data *op, const mr_columns *in, uint32_t i, ahead *ahead,
                     event *event, mr_batch_data *results) {
    const uint32_t before = results->columns.size;
    /* Is it over as it comes? So it is where bounds have one sign. */
    const bool over = !is_as_of(op) && (double)event->over_ms <= event->watermark_ms;
    const bool limited = mr_rows_limited(&op->rows);
    if (op->join.given == 0) {
        if (limited) MR_TRY(follow(op, event->watermark_ms, results));
        if (mr_results_full(results, 0)) return MR_MORE;
        if (is_late(in, i, event)) {
            emit(results, in, i, event->row.time_ms, 0);
            op->late++;
            return MR_OK;
        }
        const uint32_t key_bytes = event->row.name.key_bytes + MR_BUCKET_KEY_AROUND;
        if (limited && !over) MR_TRY(mr_rows_check_room(&op->rows, key_bytes, MR_REF_BYTES));
    }
    look_again(op, ahead, event);
    if (!is_as_of(op)) MR_TRY(pair(op, in, i, event, results));
    if (over) {
        forget(&op->rows, event);
        return MR_OK;
    }
    const mr_status status = keep(op, i, ahead, event);
    if (status != MR_OK) results->columns.size = before;
    return status;
}

static mr_status push(mr_operator_data *op, const mr_columns *in, uint32_t from, uint32_t *upto_out,
                      mr_batch_data *results) {
    if (in->column_count < MR_JOIN_COLUMNS) {
        return mr_fail(MR_ERR_ARGUMENT, "columns", in->column_count);
    }
    op->join.encoded = false;
    for (uint32_t i = from; i < in->size;) {
        ahead ahead;
        const uint32_t count = read_ahead(op, in, i, &ahead);
        for (uint32_t e = 0; e < count; e++, i++) {
            event *event = &ahead.events[e];
            *upto_out = i;
            if (event->status != MR_OK) MR_TRY(read_event(op, in, i, event)); /* Tell. */
            MR_TRY(run(op, in, i, &ahead, event, results));
        }
    }
    *upto_out = in->size;
    return MR_OK;
}

static mr_status advance(mr_operator_data *op, double watermark_ms, mr_batch_data *results) {
    op->join.encoded = false;
    return follow(op, watermark_ms, results);
}

const mr_operator_kind mr_kind_join = {
    .name = "join",
    .flags = MR_ENTRIES | MR_AS_OF,
    .columns = 4,
    .pairs = true,
    .sided = true,
    .fields = fields,
    .push = push,
    .open = open,
    .advance = advance,
};
