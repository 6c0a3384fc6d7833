/* throttle.c -- of the events of a key only so many pass in so much time.
 *
 * Four algorithms over a record of a few numbers per key:
 *
 *   sliding, fixed   [forgotten][first][size] + passes, a list of (time, how many
 *                    events passed up to and including that time), ascending
 *   token bucket     [tokens][time]   as of the last event that passed
 *   GCRA             [tat]            theoretical arrival time (ITU-T I.371)
 *
 * sliding: an event at t passes if fewer than `limit` passed in (t - per, t].
 * fixed: the same within its window [k per, (k + 1) per), and a pass is written down at
 * the window's start. Passes are counted up, so a range is two look-ups, and events that
 * pass at one time are one entry. Those that no event at or after the watermark may ask
 * for are forgotten.
 *
 * token bucket: `burst` tokens at first, `limit` more per `per`, one for an event.
 * GCRA: events may come `per` / `limit` apart, and `burst` - 1 of them earlier. In both,
 * an event before the last that passed counts as if it came with it.
 *
 * An event behind the watermark is judged, and written down, at the watermark: nobody
 * gets more by being late.
 *
 * A row stands for ttl_ms after its last pass, by when it is as if nothing had passed (a
 * pass between two milliseconds counts from the later one, or it would be forgotten early);
 * unlike state of users it is not forgotten by an event from ahead of the watermark. */
#include "../error.h"
#include "../operator.h"

enum { TOKENS = 0, TIME = 1 };
enum { TAT = 0 };
enum { PASSES_MIN = 2 };

_Static_assert(MR_PASSES_MAX * sizeof(mr_pass) <= MR_STRING_BYTES_MAX, "a list is a string field");

static bool keeps_passes(const mr_operator_spec *spec) {
    return spec->algorithm == MR_SLIDING || spec->algorithm == MR_FIXED;
}

static bool is_positive(double value) { return value > 0 && value - value == 0; }

static mr_status fields(const mr_operator_spec *spec, uint8_t *fields_out, uint32_t *count_out) {
    if (spec->algorithm > MR_GCRA) return mr_fail(MR_ERR_ARGUMENT, "algorithm", spec->algorithm);
    if (!(spec->limit >= 1) || !is_positive(spec->limit)) {
        return mr_fail(MR_ERR_ARGUMENT, "limit", spec->limit);
    }
    if (!is_positive(spec->per_ms)) return mr_fail(MR_ERR_ARGUMENT, "per_ms", spec->per_ms);
    if (!(spec->burst >= 1)) return mr_fail(MR_ERR_ARGUMENT, "burst", spec->burst);
    if (!(spec->ttl_ms > 0)) return mr_fail(MR_ERR_ARGUMENT, "ttl_ms", spec->ttl_ms);
    *count_out = spec->algorithm == MR_GCRA ? 1 : 2;
    memset(fields_out, MR_F64, 3);
    if (keeps_passes(spec)) {
        fields_out[MR_PASSES_LIST] = MR_STRING;
        *count_out = 4;
    }
    return MR_OK;
}

/* ---- the list of passes ---- */

/* The record of sliding and fixed; the list lies unaligned in its blob. */
typedef struct history {
    double *numbers;
    mr_addr *blob;
    uint32_t first;
    uint32_t size;
} history;

static uint32_t room_of(mr_addr blob) {
    return blob == 0 ? 0 : mr_blob_size(blob) / (uint32_t)sizeof(mr_pass);
}

/* MR_ERR_CORRUPT for a list that reaches out of its blob, as bytes that somebody else
 * saved may have it. */
static mr_status history_of(const mr_operator_data *op, mr_row *row, history *history_out) {
    uint8_t *record = mr_row_record(&op->rows, row);
    double *numbers = (double *)(void *)record;
    mr_addr *blob = (mr_addr *)(void *)(record + op->rows.layout.field_at[MR_PASSES_LIST]);
    const double room = room_of(*blob);
    const bool inside = numbers[MR_PASSES_FIRST] >= 0 && numbers[MR_PASSES_SIZE] >= 0 &&
                        numbers[MR_PASSES_FIRST] + numbers[MR_PASSES_SIZE] <= room;
    if (!inside) return mr_fail(MR_ERR_CORRUPT, "passes", room);
    *history_out = (history){
        .numbers = numbers,
        .blob = blob,
        .first = (uint32_t)numbers[MR_PASSES_FIRST],
        .size = (uint32_t)numbers[MR_PASSES_SIZE],
    };
    return MR_OK;
}

static uint8_t *entry_of(const history *h, uint32_t index) {
    return (uint8_t *)mr_at(*h->blob) + sizeof(uint32_t) + (h->first + index) * sizeof(mr_pass);
}

static mr_pass pass_at(const history *h, uint32_t index) {
    mr_pass entry;
    memcpy(&entry, entry_of(h, index), sizeof entry);
    return entry;
}

static void set_pass(const history *h, uint32_t index, mr_pass entry) {
    memcpy(entry_of(h, index), &entry, sizeof entry);
}

static void set_bounds(history *h, uint32_t first, uint32_t size) {
    h->numbers[MR_PASSES_FIRST] = h->first = first;
    h->numbers[MR_PASSES_SIZE] = h->size = size;
}

/* How many entries have a time of at most `time_ms`, or less where it is `before`. */
static uint32_t entries_upto(const history *h, double time_ms, bool before) {
    uint32_t low = 0;
    uint32_t high = h->size;
    while (low < high) {
        /* Mostly all of them: an event in order is the latest. */
        const uint32_t middle = high == h->size ? high - 1 : (low + high) / 2;
        const double at = pass_at(h, middle).time_ms;
        if (at < time_ms || (at == time_ms && !before)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static double passed_through(const history *h, uint32_t entries) {
    return entries == 0 ? h->numbers[MR_PASSES_FORGOTTEN] : pass_at(h, entries - 1).through;
}

static double window_start(const mr_operator_spec *spec, double time_ms) {
    const double start = __builtin_floor(time_ms / spec->per_ms) * spec->per_ms;
    /* The quotient may have been rounded up; + 0 makes 0 of -0. */
    return (start > time_ms ? start - spec->per_ms : start) + 0;
}

/* How many passed in the time that an event at `time_ms` asks for. */
static double passed_near(const mr_operator_spec *spec, const history *h, double time_ms) {
    if (spec->algorithm == MR_SLIDING) {
        return passed_through(h, entries_upto(h, time_ms, false)) -
               passed_through(h, entries_upto(h, time_ms - spec->per_ms, false));
    }
    const double start = window_start(spec, time_ms);
    return passed_through(h, entries_upto(h, start, false)) -
           passed_through(h, entries_upto(h, start, true));
}

/* Forget what no event at or after the watermark asks for, of the first `most` entries;
 * returns how many went. */
static uint32_t forget(const mr_operator_spec *spec, history *h, double watermark_ms,
                       uint32_t most) {
    const bool sliding = spec->algorithm == MR_SLIDING;
    const double upto = sliding ? watermark_ms - spec->per_ms : window_start(spec, watermark_ms);
    const uint32_t old = mr_min_u32(entries_upto(h, upto, !sliding), most);
    h->numbers[MR_PASSES_FORGOTTEN] = passed_through(h, old);
    set_bounds(h, h->first + old, h->size - old);
    return old;
}

/* Room for one entry more behind the last: moves the list down, or to a larger blob. */
static mr_status make_room(mr_operator_data *op, history *h) {
    const uint32_t room = room_of(*h->blob);
    if (h->first + h->size < room) return MR_OK;
    if (h->size <= room / 2 && h->first > 0) {
        const uint8_t *from = entry_of(h, 0);
        set_bounds(h, 0, h->size);
        memmove(entry_of(h, 0), from, h->size * sizeof(mr_pass));
        return MR_OK;
    }
    const uint32_t wanted = room == 0 ? PASSES_MIN : room * 2;
    if (wanted > MR_PASSES_MAX) {
        return mr_fail(MR_ERR_LIMIT, "remembered passes", room);
    }
    mr_addr grown;
    MR_TRY(mr_rows_blob_new(&op->rows, NULL, wanted * (uint32_t)sizeof(mr_pass), &grown));
    if (h->size > 0) {
        memcpy((uint8_t *)mr_at(grown) + sizeof(uint32_t), entry_of(h, 0),
               h->size * sizeof(mr_pass));
    }
    mr_rows_blob_release(&op->rows, *h->blob);
    *h->blob = grown;
    set_bounds(h, 0, h->size);
    return MR_OK;
}

/* Write down that an event passed at `time_ms`. Its place is looked for once: a list that
 * somebody else saved may be in any order, and must not be written behind. */
static mr_status remember(mr_operator_data *op, history *h, double time_ms, double watermark_ms) {
    uint32_t at = entries_upto(h, time_ms, true);
    const bool there = at < h->size && pass_at(h, at).time_ms == time_ms;
    if (!there) MR_TRY(make_room(op, h));
    at -= forget(&op->spec, h, watermark_ms, at);
    if (!there) {
        const double before = passed_through(h, at);
        set_bounds(h, h->first, h->size + 1);
        memmove(entry_of(h, at + 1), entry_of(h, at), (h->size - 1 - at) * sizeof(mr_pass));
        set_pass(h, at, (mr_pass){.time_ms = time_ms, .through = before});
    }
    for (; at < h->size; at++) {
        mr_pass entry = pass_at(h, at);
        entry.through += 1;
        set_pass(h, at, entry);
    }
    return MR_OK;
}

/* Judge an event by a key's passes, and write it down if it passes. */
static mr_status judge_passes(mr_operator_data *op, const mr_columns *in, uint32_t i, mr_row *row,
                              bool *passes_out) {
    const mr_operator_spec *spec = &op->spec;
    const double clock_ms = mr_row_clock(in, i);
    history h;
    MR_TRY(history_of(op, row, &h));
    *passes_out = passed_near(spec, &h, clock_ms) < spec->limit;
    if (!*passes_out) return MR_OK;
    const double time_ms = spec->algorithm == MR_SLIDING ? clock_ms : window_start(spec, clock_ms);
    return remember(op, &h, time_ms, mr_row_watermark(in, i));
}

/* ---- buckets ---- */

static bool judge_tokens(const mr_operator_spec *spec, double *cells, double time_ms) {
    const double elapsed = time_ms - cells[TIME];
    const double now = elapsed > 0 ? time_ms : cells[TIME];
    double tokens = cells[TOKENS];
    if (elapsed > 0) tokens += elapsed * spec->limit / spec->per_ms;
    if (tokens > spec->burst) tokens = spec->burst;
    if (tokens < 1) return false;
    cells[TOKENS] = tokens - 1;
    cells[TIME] = now;
    return true;
}

static bool judge_gcra(const mr_operator_spec *spec, double *cells, double time_ms) {
    const double interval = spec->per_ms / spec->limit;
    const double tolerance = interval * (spec->burst - 1);
    if (time_ms < cells[TAT] - tolerance) return false;
    cells[TAT] = (time_ms > cells[TAT] ? time_ms : cells[TAT]) + interval;
    return true;
}

static mr_status judge(mr_operator_data *op, const mr_columns *in, uint32_t i, mr_row *row,
                       bool *passes_out) {
    if (keeps_passes(&op->spec)) return judge_passes(op, in, i, row, passes_out);
    double *cells = (double *)(void *)mr_row_record(&op->rows, row);
    *passes_out = (op->spec.algorithm == MR_GCRA ? judge_gcra : judge_tokens)(&op->spec, cells,
                                                                              mr_row_clock(in, i));
    return MR_OK;
}

/* The row of a key of which nothing has passed, or not for long: this event passes. What
 * it needs is reserved first. */
static mr_status begin(mr_operator_data *op, const mr_columns *in, uint32_t i) {
    mr_rows *rows = &op->rows;
    const double time_ms = mr_row_clock(in, i);
    const bool list = keeps_passes(&op->spec);
    mr_addr passes = 0;
    mr_row *row;
    if (list) MR_TRY(mr_rows_blob_new(rows, NULL, PASSES_MIN * (uint32_t)sizeof(mr_pass), &passes));
    const mr_status status = mr_rows_create(rows, i, &row);
    if (status != MR_OK) {
        mr_rows_blob_release(rows, passes);
        return status;
    }
    uint8_t *record = mr_row_record(rows, row);
    double *cells = (double *)(void *)record;
    if (list) {
        memcpy(record + rows->layout.field_at[MR_PASSES_LIST], &passes, sizeof passes);
    } else if (op->spec.algorithm == MR_TOKEN_BUCKET) {
        cells[TOKENS] = op->spec.burst;
        cells[TIME] = time_ms;
    } else {
        cells[TAT] = time_ms;
    }
    bool passes_now = false;
    const mr_status judged = judge(op, in, i, row, &passes_now);
    MR_ASSERT(judged == MR_OK && passes_now); /* There is room, and nothing passed before. */
    mr_rows_touch_at(rows, row, i, true, __builtin_ceil(time_ms));
    return MR_OK;
}

/* The row of input row `i`, unless nothing that it remembers matters any more. */
static mr_row *enter(mr_operator_data *op, const mr_columns *in, uint32_t i) {
    mr_row *row = mr_rows_visit(&op->rows, i);
    if (row == NULL) return NULL;
    if (!mr_row_expired(&op->rows, row, mr_row_watermark(in, i))) return row;
    mr_rows_remove(&op->rows, row);
    op->rows.expired++;
    return NULL;
}

static mr_status push(mr_operator_data *op, const mr_columns *in, uint32_t from, uint32_t *upto_out,
                      mr_batch_data *results) {
    for (uint32_t i = from; i < in->size; i++) {
        *upto_out = i;
        if (mr_results_full(results, 0)) return MR_MORE;
        bool passes = true;
        mr_row *row = enter(op, in, i);
        if (row == NULL) {
            MR_TRY(begin(op, in, i));
        } else {
            MR_TRY(judge(op, in, i, row, &passes));
            mr_rows_touch_at(&op->rows, row, i, passes, __builtin_ceil(mr_row_clock(in, i)));
        }
        if (!passes) continue;
        mr_results_begin(results, in, i);
        results->columns.size++;
    }
    *upto_out = in->size;
    return MR_OK;
}

const mr_operator_kind mr_kind_throttle = {
    .name = "throttle",
    .fields = fields,
    .push = push,
};
