/* join.c -- pairs of the events of two inputs that have one key and are near in time.
 *
 *   row    one event that may still find partners
 *          key     tuple of [key, side] and [time, number], as entries.c wants it
 *          record  a ref to the event on the host's side
 *          timer   when no partner can come any more
 *   ring   all rows of a key, side and stretch of time, in the order of their times
 *
 *   left event at t, before and after:     [t - before ........ t ...... t + after]
 *                                              right events that are its partners
 *
 * An event at row i first lets go what is over by the watermark before it, where that would count
 * toward a limit (else mr_operator_advance does), then is paired with all partners of the other
 * side that came before it, then is kept for those that will come. So each pair comes once, with
 * the later of its events, whichever input runs ahead.
 *
 * A left event at t is over when the watermark W > t + after, a right one when W > t + before: no
 * event that is not late is a partner then. An event is late when its time is before the
 * watermark, or before that of its own source: some of its partners may be gone, so it gets none.
 *
 * What is over is looked at once more when its timer comes: with other bounds than those that it
 * was saved with it may have to stay.
 *
 * With MR_AS_OF a left event has one partner at most, the last right one in [t - before .. t], so
 * nothing is paired before the watermark is past t. Both have a timer there: a left event goes with
 * its partner, a right one lets go those before it, which no left event to come wants any more, and
 * is gone when W > t + before, and a moment has passed. Timers come in the order of time, so a left
 * event finds its partner. */
#include "../bytes.h"
#include "../error.h"
#include "../operator.h"

enum {
    LEFT_TAG = 1, /* Sides as key bytes: false and true. */
    RIGHT_TAG = 2,
    OWNER_AT = 4,     /* Of the owner in the key of an entry, */
    OWNER_AROUND = 7, /* which has so many bytes beside the key of the event: */
    EVENT_KEY_AT = 4, /* [6][2] [u16 size][key] [u16 1][side]. */
    OVER_STEPS = 4096,
    AHEAD = 32, /* Events that are read before they are run. */
};
_Static_assert(AHEAD <= MR_AHEAD_MAX, "read ahead at once");

/* An event, and where its ring, that of its partners and its row are looked for. */
typedef struct event {
    double time_ms;
    double watermark_ms;
    uint32_t key; /* Its own, */
    uint32_t key_bytes;
    uint32_t ref;
    uint32_t own_hash;
    double from_ms; /* Partners have a time from here to there, */
    double upto_ms;
    uint32_t from_hash; /* and are in the rings of these two, and what is between. */
    uint32_t upto_hash;
    uint32_t row_hash; /* If no other has its time. */
    mr_status status;  /* Why it cannot be run. */
    bool right;
} event;

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
    op->rows.stretch_ms = partners_in_stretch * (op->spec.before_ms + op->spec.after_ms + 1);
}

static bool is_as_of(const mr_operator_data *op) { return (op->spec.flags & MR_AS_OF) != 0; }

static MR_COLD void stop(mr_operator_data *op) {
    mr_heap_free(op->rows.heap, op->join.key, op->join.key_room);
    op->join = (mr_join_data){0};
}

/* ---- keys ---- */

/* Room for the key of an entry whose event has a key of `bytes`. */
static mr_status make_room(mr_operator_data *op, uint32_t bytes) {
    const uint32_t needed = bytes + OWNER_AROUND + MR_TIMED_KEY_BYTES;
    if (needed > MR_KEY_BYTES_MAX) return mr_fail(MR_ERR_LIMIT, "key bytes", MR_KEY_BYTES_MAX);
    if (needed <= op->join.key_room) return MR_OK;
    const uint32_t room = mr_round8(needed * 2);
    const mr_addr made = mr_heap_alloc(op->rows.heap, room);
    if (made == 0) {
        return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)op->rows.heap->budget_bytes);
    }
    mr_heap_free(op->rows.heap, op->join.key, op->join.key_room);
    op->join.key = made;
    op->join.key_room = room;
    return MR_OK;
}

static uint32_t owner_bytes(const event *event) { return event->key_bytes + OWNER_AROUND; }

/* The key of the rings of the same event's side, or of the other. */
static uint8_t *set_side(const mr_operator_data *op, const event *event, bool right) {
    uint8_t *owner = (uint8_t *)mr_at(op->join.key) + OWNER_AT;
    owner[EVENT_KEY_AT + event->key_bytes + 2] = right ? RIGHT_TAG : LEFT_TAG;
    return owner;
}

/* Write the key of the rings of the other side; it stands until that of the next event. */
static uint8_t *write_owner(const mr_operator_data *op, const event *event) {
    const uint32_t bytes = event->key_bytes;
    uint8_t *owner = (uint8_t *)mr_at(op->join.key) + OWNER_AT;
    owner[0] = 6; /* A tuple of two. */
    owner[1] = 2;
    owner[2] = (uint8_t)bytes;
    owner[3] = (uint8_t)(bytes >> 8);
    mr_copy_bytes(owner + EVENT_KEY_AT, mr_at(event->key), bytes);
    owner[EVENT_KEY_AT + bytes] = 1;
    owner[EVENT_KEY_AT + bytes + 1] = 0;
    return set_side(op, event, !event->right);
}

/* Write the key of an event's row behind that of its rings; gives the hash. */
static uint32_t write_key(const mr_operator_data *op, const event *event, double number) {
    uint8_t *key = mr_at(op->join.key);
    mr_timed_key_write(key, key + OWNER_AT, owner_bytes(event), event->time_ms, number);
    return mr_hash32(&op->rows, key, owner_bytes(event) + MR_TIMED_KEY_BYTES);
}

static mr_status read_event(mr_operator_data *op, const mr_columns *in, uint32_t i, event *out) {
    const mr_rows *rows = &op->rows;
    const double side = mr_f64s(in->columns[MR_JOIN_SIDE])[i];
    const double ref = mr_f64s(in->columns[MR_JOIN_EVENT])[i];
    const uint32_t *offsets = mr_u32s(in->key_offsets);
    const uint32_t bytes = offsets[i + 1] - offsets[i];
    if (side != 0 && side != 1) return mr_fail(MR_ERR_ARGUMENT, "side", side);
    if (!(ref >= 1 && ref < rows->refs->capacity)) return mr_fail(MR_ERR_ARGUMENT, "event", ref);
    MR_TRY(make_room(op, bytes));
    out->time_ms = mr_row_time(in, i);
    out->watermark_ms = mr_row_watermark(in, i);
    out->key = in->keys + offsets[i];
    out->key_bytes = bytes;
    out->ref = (uint32_t)ref;
    out->right = side == 1;
    out->from_ms = out->time_ms - (out->right ? op->spec.after_ms : op->spec.before_ms);
    out->upto_ms = out->time_ms + (out->right ? op->spec.before_ms : op->spec.after_ms);
    const uint32_t other = mr_hash32(rows, write_owner(op, out), owner_bytes(out));
    const uint32_t own = mr_hash32(rows, set_side(op, out, out->right), owner_bytes(out));
    out->from_hash = mr_stretch_hash(rows, other, mr_stretch_of(rows, out->from_ms));
    out->upto_hash = mr_stretch_hash(rows, other, mr_stretch_of(rows, out->upto_ms));
    out->own_hash = mr_stretch_hash(rows, own, mr_stretch_of(rows, out->time_ms));
    out->row_hash = write_key(op, out, 0);
    return MR_OK;
}

/* Read the next events, and the memory that they will look at: cache misses overlap then. */
static uint32_t read_ahead(mr_operator_data *op, const mr_columns *in, uint32_t from,
                           event *events) {
    const uint32_t count = mr_min_u32(in->size - from, AHEAD);
    uint32_t own[AHEAD];
    uint32_t from_rings[AHEAD];
    uint32_t upto_rings[AHEAD];
    uint32_t further = 0;
    for (uint32_t i = 0; i < count; i++) {
        events[i] = (event){0};
        events[i].status = read_event(op, in, from + i, &events[i]);
        own[i] = events[i].own_hash;
        from_rings[i] = events[i].from_hash;
        if (events[i].upto_hash != events[i].from_hash) {
            upto_rings[further++] = events[i].upto_hash;
        }
    }
    mr_rings_ahead(&op->rows, from_rings, count, false);
    mr_rings_ahead(&op->rows, upto_rings, further, false);
    mr_rings_ahead(&op->rows, own, count, true);
    for (uint32_t i = 0; i < count; i++) {
        const volatile mr_addr home = mr_table_home(&op->rows.table, events[i].row_hash);
        (void)home;
    }
    return count;
}

static bool is_right(const mr_rows *rows, mr_row *row) {
    uint32_t bytes;
    const uint8_t *owner = mr_owner_key(mr_row_key(rows, row), &bytes);
    return owner[bytes - 1] == RIGHT_TAG;
}

/* ---- what is over ---- */

/* From this watermark on an event has no partner to come. */
static int64_t over_at(const mr_operator_spec *spec, double time_ms, bool right) {
    const int64_t most = mr_time_of(__builtin_inf());
    const int64_t last_ms = mr_time_of(time_ms + (right ? spec->before_ms : spec->after_ms));
    return last_ms < most ? last_ms + 1 : most;
}

/* Let go what is over. MR_MORE: results have to be taken first, or the steps are used up. */
static mr_status let_go(mr_operator_data *op, double watermark_ms) {
    mr_rows *rows = &op->rows;
    uint32_t steps = OVER_STEPS;
    if (watermark_ms < mr_rows_timer_next(rows)) return MR_OK;
    if (op->join.encoded) return MR_MORE;
    for (uint32_t looks = 0; looks < OVER_STEPS / AHEAD; looks++) {
        mr_addr over[AHEAD];
        uint32_t count = 0;
        mr_row *row = NULL;
        for (uint32_t i = 0; i < AHEAD; i++) {
            row = mr_rows_timer_due(rows, watermark_ms, &steps);
            if (row == NULL) break;
            const double time_ms = mr_entry_time(rows, row);
            const int64_t over_ms = over_at(&op->spec, time_ms, is_right(rows, row));
            if ((double)over_ms > watermark_ms) {
                mr_rows_timer_set(rows, row, over_ms);
                continue;
            }
            mr_rows_timer_unhang(rows, row);
            over[count++] = mr_addr_of(row);
        }
        mr_entries_ahead(rows, over, count);
        for (uint32_t i = 0; i < count; i++)
            mr_rows_remove(rows, mr_row_at(over[i]));
        if (row == NULL) return steps == 0 ? MR_MORE : MR_OK;
    }
    return MR_MORE;
}

/* ---- as of ---- */

/* The last right event that is not behind a left one, nor too long before it; 0: there is none. */
static mr_addr last_before(const mr_operator_data *op, mr_row *left) {
    const mr_rows *rows = &op->rows;
    const double time_ms = mr_entry_time(rows, left);
    const double least = mr_stretch_of(rows, time_ms - op->spec.before_ms);
    mr_addr last = 0;
    uint32_t bytes;
    uint8_t *owner = mr_at(mr_addr_of(mr_owner_key(mr_row_key(rows, left), &bytes)));
    const uint8_t side = owner[bytes - 1];
    owner[bytes - 1] = RIGHT_TAG; /* For the time being: so the key need not be copied. */
    const uint32_t hash = mr_hash32(rows, owner, bytes);
    for (double at = mr_stretch_of(rows, time_ms); last == 0 && at >= least; at -= 1) {
        const mr_addr first =
            mr_ring_first(rows, mr_stretch_hash(rows, hash, at), owner, bytes, at);
        for (mr_addr row = first; row != 0; row = mr_ring_next(rows, first, row)) {
            if (mr_entry_time(rows, mr_row_at(row)) > time_ms) break;
            last = row;
        }
    }
    owner[bytes - 1] = side;
    if (last == 0) return 0;
    return mr_entry_time(rows, mr_row_at(last)) < time_ms - op->spec.before_ms ? 0 : last;
}

/* Let go the right events of a ring that are before one of them. */
static void let_go_before(mr_rows *rows, mr_row *right) {
    uint32_t bytes;
    const uint8_t *key = mr_row_key(rows, right);
    const uint8_t *owner = mr_owner_key(key, &bytes);
    const uint32_t hash = mr_ring_hash(rows, key, right->key_bytes);
    const double stretch = mr_stretch_of(rows, mr_entry_time(rows, right));
    for (;;) {
        const mr_addr first = mr_ring_first(rows, hash, owner, bytes, stretch);
        if (first == mr_addr_of(right)) return;
        mr_rows_remove(rows, mr_row_at(first));
    }
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
    return event->time_ms < event->watermark_ms || event->time_ms < mr_row_own_watermark(in, i);
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

/* Pair an event with its partners in one ring, past `skip` of them that it was given already. */
static mr_status pair_in(mr_operator_data *op, const mr_columns *in, uint32_t i, const event *event,
                         mr_addr first, uint32_t *skip, mr_batch_data *results) {
    const mr_rows *rows = &op->rows;
    for (mr_addr at = first; at != 0; at = mr_ring_next(rows, first, at)) {
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
        emit(results, in, i, other_ms > event->time_ms ? other_ms : event->time_ms, cell_at);
        op->join.given++;
    }
    return MR_OK;
}

/* The hash of a ring of partners. */
static uint32_t hash_of(const mr_rows *rows, const event *event, const uint8_t *owner,
                        double stretch) {
    if (stretch == mr_stretch_of(rows, event->from_ms)) return event->from_hash;
    if (stretch == mr_stretch_of(rows, event->upto_ms)) return event->upto_hash;
    const uint32_t hash = mr_hash32(rows, owner, owner_bytes(event)); /* Of rounded times. */
    return mr_stretch_hash(rows, hash, stretch);
}

/* The same in all rings, by their time. */
static mr_status pair(mr_operator_data *op, const mr_columns *in, uint32_t i, const event *event,
                      mr_batch_data *results) {
    const mr_rows *rows = &op->rows;
    const double upto = mr_stretch_of(rows, event->upto_ms);
    const uint8_t *owner = write_owner(op, event);
    uint32_t skip = op->join.given;
    for (double stretch = mr_stretch_of(rows, event->from_ms); stretch <= upto; stretch += 1) {
        const uint32_t hash = hash_of(rows, event, owner, stretch);
        const mr_addr first = mr_ring_first(rows, hash, owner, owner_bytes(event), stretch);
        MR_TRY(pair_in(op, in, i, event, first, &skip, results));
    }
    op->join.given = 0;
    return MR_OK;
}

/* Keep an event for partners that are to come. */
static mr_status keep(mr_operator_data *op, uint32_t i, const event *event) {
    mr_rows *rows = &op->rows;
    const uint32_t bytes = owner_bytes(event);
    const mr_moment moment = {event->time_ms, event->watermark_ms, i};
    uint64_t record = 0;
    mr_row *row;
    const uint8_t *owner = set_side(op, event, event->right);
    const mr_addr first =
        mr_ring_first(rows, event->own_hash, owner, bytes, mr_stretch_of(rows, event->time_ms));
    const double number = mr_ring_number(rows, first, event->time_ms);
    uint32_t hash = event->row_hash;
    if (number == 0) {
        mr_timed_key_write(mr_at(op->join.key), owner, bytes, event->time_ms, number);
    } else {
        hash = write_key(op, event, number);
    }
    memcpy(&record, &event->ref, sizeof event->ref);
    const mr_keyed keyed = {
        .key = mr_at(op->join.key),
        .key_bytes = bytes + MR_TIMED_KEY_BYTES,
        .hash = hash,
    };
    MR_TRY(mr_rows_make(rows, &keyed, &moment, (const uint8_t *)&record, &row));
    const bool later = event->right && !is_as_of(op);
    mr_rows_timer_set(rows, row, over_at(&op->spec, event->time_ms, later));
    return MR_OK;
}

/* Is it over as it comes? So it is where bounds have one sign, and it has no partners to come. */
static bool is_over(const mr_operator_data *op, const event *event) {
    if (is_as_of(op)) return false;
    return (double)over_at(&op->spec, event->time_ms, event->right) <= event->watermark_ms;
}

/* Let go an event that is not kept. */
static void forget(mr_rows *rows, const event *event) {
    rows->heap->external_bytes += MR_REF_BYTES; /* As if it had been. */
    mr_ref_drop(rows->refs, rows->heap, event->ref);
}

/* Is there a limit that what is over must not count toward? Else it may go when the chunk is run:
 * it finds no partners in any case. */
static bool is_limited(const mr_operator_data *op) {
    return op->rows.rows_max != 0 || op->rows.bytes_max != 0;
}

/* Run one event. MR_MORE: once more, when the results are taken. */
static mr_status run(mr_operator_data *op, const mr_columns *in, uint32_t i, const event *event,
                     mr_batch_data *results) {
    const uint32_t before = results->columns.size;
    const bool over = is_over(op, event);
    if (op->join.given == 0) {
        if (is_limited(op)) MR_TRY(follow(op, event->watermark_ms, results));
        if (mr_results_full(results, 0)) return MR_MORE;
        if (is_late(in, i, event)) {
            emit(results, in, i, event->time_ms, 0);
            op->late++;
            return MR_OK;
        }
        const uint32_t key_bytes = owner_bytes(event) + MR_TIMED_KEY_BYTES;
        if (!over) MR_TRY(mr_rows_check_room(&op->rows, key_bytes, MR_REF_BYTES));
    }
    if (is_as_of(op)) {
        (void)write_owner(op, event);
    } else {
        MR_TRY(pair(op, in, i, event, results));
    }
    if (over) {
        forget(&op->rows, event);
        return MR_OK;
    }
    const mr_status status = keep(op, i, event);
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
        event events[AHEAD];
        const uint32_t count = read_ahead(op, in, i, events);
        for (uint32_t e = 0; e < count; e++, i++) {
            *upto_out = i;
            if (events[e].status != MR_OK) MR_TRY(read_event(op, in, i, &events[e])); /* Tell. */
            MR_TRY(run(op, in, i, &events[e], results));
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
    .fields = fields,
    .push = push,
    .open = open,
    .advance = advance,
    .stop = stop,
};
