/* join.c -- pairs of the events of two inputs that have one key and are near in time.
 *
 *   row    one event that may still find partners
 *          key     tuple of [key, side] and [time, number], as entries.c wants it
 *          record  a ref to the event on the host's side
 *          timer   when no partner can come any more
 *   ring   all rows of a key and side, in the order of their times
 *
 *   left event at t, before and after:     [t - before ........ t ...... t + after]
 *                                              right events that are its partners
 *
 * An event at row i first lets go what is over by the watermark before it, then is paired with
 * all partners of the other side that came before it, then is kept for those that will come. So
 * each pair comes once, with the later of its events, whichever input runs ahead.
 *
 * A left event at t is over when the watermark W > t + after, a right one when W > t + before: no
 * event that is not late is a partner then. An event is late when its time is before the
 * watermark, or before that of its own source: some of its partners may be gone, so it gets none.
 *
 * What is over is looked at once more when its timer comes: with other bounds than those that it
 * was saved with it may have to stay. */
#include "../error.h"
#include "../operator.h"

enum {
    LEFT_TAG = 1, /* Sides as key bytes: false and true. */
    RIGHT_TAG = 2,
    OWNER_AT = 4,     /* Of the owner in the key of an entry, */
    OWNER_AROUND = 7, /* which has so many bytes beside the key of the event: */
    EVENT_KEY_AT = 4, /* [6][2] [u16 size][key] [u16 1][side]. */
    OVER_STEPS = 4096,
};

/* What is known of the event that is run. */
typedef struct event {
    double time_ms;
    double watermark_ms;
    uint8_t *key; /* Of its entry; so far only the owner's. */
    uint32_t owner_bytes;
    uint32_t ref;
    bool right;
} event;

static mr_status fields(const mr_operator_spec *spec, uint8_t *fields_out, uint32_t *count_out) {
    const uint32_t evicting = (spec->flags & MR_EVICT) != 0 ? MR_KEEP_EVICTED : 0;
    const uint32_t needed = MR_ENTRIES | MR_TIMERS | evicting; /* Results are read after a push. */
    if ((spec->flags & needed) != needed) return mr_fail(MR_ERR_ARGUMENT, "flags", spec->flags);
    if (!(spec->before_ms >= 0 && spec->before_ms <= 8.64e15)) {
        return mr_fail(MR_ERR_ARGUMENT, "before_ms", spec->before_ms);
    }
    if (!(spec->after_ms >= 0 && spec->after_ms <= 8.64e15)) {
        return mr_fail(MR_ERR_ARGUMENT, "after_ms", spec->after_ms);
    }
    if (spec->count != 1 || spec->kinds[0] != MR_REF) {
        return mr_fail(MR_ERR_ARGUMENT, "count", spec->count);
    }
    fields_out[0] = MR_REF;
    *count_out = 1;
    return MR_OK;
}

static void open(mr_operator_data *op) { op->rows.timed = true; }

static void stop(mr_operator_data *op) {
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

static void set_side(event *event, bool right) {
    event->key[OWNER_AT + event->owner_bytes - 1] = right ? RIGHT_TAG : LEFT_TAG;
}

static mr_status read_event(mr_operator_data *op, const mr_columns *in, uint32_t i, event *out) {
    const double side = mr_f64s(in->columns[MR_JOIN_SIDE])[i];
    const double ref = mr_f64s(in->columns[MR_JOIN_EVENT])[i];
    const uint32_t *offsets = mr_u32s(in->key_offsets);
    const uint32_t bytes = offsets[i + 1] - offsets[i];
    if (side != 0 && side != 1) return mr_fail(MR_ERR_ARGUMENT, "side", side);
    if (!(ref >= 1 && ref < op->rows.refs->capacity)) {
        return mr_fail(MR_ERR_ARGUMENT, "event", ref);
    }
    MR_TRY(make_room(op, bytes));
    *out = (event){
        .time_ms = mr_row_time(in, i),
        .watermark_ms = mr_row_watermark(in, i),
        .key = mr_at(op->join.key),
        .owner_bytes = bytes + OWNER_AROUND,
        .ref = (uint32_t)ref,
        .right = side == 1,
    };
    uint8_t *owner = out->key + OWNER_AT;
    owner[0] = 6; /* A tuple of two. */
    owner[1] = 2;
    owner[2] = (uint8_t)bytes;
    owner[3] = (uint8_t)(bytes >> 8);
    memcpy(owner + EVENT_KEY_AT, (const uint8_t *)mr_at(in->keys) + offsets[i], bytes);
    owner[EVENT_KEY_AT + bytes] = 1;
    owner[EVENT_KEY_AT + bytes + 1] = 0;
    return MR_OK;
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
    for (uint32_t gone = 0; gone < OVER_STEPS; gone++) {
        mr_row *row = mr_rows_timer_due(rows, watermark_ms, &steps);
        if (row == NULL) return steps == 0 ? MR_MORE : MR_OK;
        if (op->join.encoded) return MR_MORE;
        const int64_t over_ms = over_at(&op->spec, mr_entry_time(rows, row), is_right(rows, row));
        if ((double)over_ms > watermark_ms) {
            mr_rows_timer_set(rows, row, over_ms);
        } else {
            mr_rows_remove(rows, row);
        }
    }
    return MR_MORE;
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

/* Pair an event with its partners, past those that it was given already. */
static mr_status pair(mr_operator_data *op, const mr_columns *in, uint32_t i, event *event,
                      mr_batch_data *results) {
    const mr_rows *rows = &op->rows;
    const mr_operator_spec *spec = &op->spec;
    const double time_ms = event->time_ms;
    const double from_ms = time_ms - (event->right ? spec->after_ms : spec->before_ms);
    const double upto_ms = time_ms + (event->right ? spec->before_ms : spec->after_ms);
    uint32_t given = op->join.given;
    set_side(event, !event->right);
    const mr_addr first = mr_ring_first(rows, event->key + OWNER_AT, event->owner_bytes);
    for (mr_addr at = first; at != 0; at = mr_ring_next(rows, first, at)) {
        mr_row *row = mr_row_at(at);
        const double other_ms = mr_entry_time(rows, row);
        if (other_ms < from_ms) continue;
        if (other_ms > upto_ms) break;
        if (given > 0) {
            given--;
            continue;
        }
        if (mr_results_full(results, 0)) return MR_MORE;
        const mr_addr cell_at = mr_addr_of(mr_row_record(rows, row));
        op->join.encoded |= (*mr_u32s(cell_at) & MR_REF_ENCODED) != 0;
        emit(results, in, i, other_ms > time_ms ? other_ms : time_ms, cell_at);
        op->join.given++;
    }
    op->join.given = 0;
    return MR_OK;
}

/* Keep an event for partners that are to come. */
static mr_status keep(mr_operator_data *op, uint32_t i, event *event) {
    mr_rows *rows = &op->rows;
    const uint32_t key_bytes = event->owner_bytes + MR_TIMED_KEY_BYTES;
    const mr_moment moment = {event->time_ms, event->watermark_ms, i};
    uint64_t record = 0;
    mr_row *row;
    set_side(event, event->right);
    const uint8_t *owner = event->key + OWNER_AT;
    const double number = mr_ring_number(rows, owner, event->owner_bytes, event->time_ms);
    mr_timed_key_write(event->key, owner, event->owner_bytes, event->time_ms, number);
    memcpy(&record, &event->ref, sizeof event->ref);
    const mr_keyed keyed = {event->key, key_bytes, mr_hash32(rows, event->key, key_bytes)};
    MR_TRY(mr_rows_make(rows, &keyed, &moment, (const uint8_t *)&record, &row));
    mr_rows_timer_set(rows, row, over_at(&op->spec, event->time_ms, event->right));
    return MR_OK;
}

/* Run one event. MR_MORE: once more, when the results are taken. */
static mr_status run(mr_operator_data *op, const mr_columns *in, uint32_t i,
                     mr_batch_data *results) {
    const uint32_t before = results->columns.size;
    event event;
    MR_TRY(read_event(op, in, i, &event));
    if (op->join.given == 0) {
        MR_TRY(let_go(op, event.watermark_ms));
        if (mr_results_full(results, 0)) return MR_MORE;
        if (is_late(in, i, &event)) {
            emit(results, in, i, event.time_ms, 0);
            op->late++;
            return MR_OK;
        }
        const uint32_t key_bytes = event.owner_bytes + MR_TIMED_KEY_BYTES;
        MR_TRY(mr_rows_check_room(&op->rows, key_bytes, MR_REF_BYTES));
    }
    MR_TRY(pair(op, in, i, &event, results));
    const mr_status status = keep(op, i, &event);
    if (status != MR_OK) results->columns.size = before;
    return status;
}

static mr_status push(mr_operator_data *op, const mr_columns *in, uint32_t from, uint32_t *upto_out,
                      mr_batch_data *results) {
    if (in->column_count < MR_JOIN_COLUMNS) {
        return mr_fail(MR_ERR_ARGUMENT, "columns", in->column_count);
    }
    if (!mr_batch_has(in, MR_HAS_TIME)) return mr_fail(MR_ERR_ARGUMENT, "present", in->present);
    op->join.encoded = false;
    for (uint32_t i = from; i < in->size; i++) {
        *upto_out = i;
        MR_TRY(run(op, in, i, results));
    }
    *upto_out = in->size;
    return MR_OK;
}

static mr_status advance(mr_operator_data *op, double watermark_ms, mr_batch_data *results) {
    (void)results;
    op->join.encoded = false;
    return let_go(op, watermark_ms);
}

const mr_operator_kind mr_kind_join = {
    .name = "join",
    .flags = MR_ENTRIES,
    .columns = 2,
    .pairs = true,
    .fields = fields,
    .push = push,
    .open = open,
    .advance = advance,
    .stop = stop,
};
