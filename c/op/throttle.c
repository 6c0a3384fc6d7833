/* throttle.c -- of the events of a key only so many pass in so much time.
 *
 * Four algorithms over a record of a few numbers per key:
 *
 *   sliding, fixed   [forgotten][first][size] + passes, a list of (time, how many
 *                    events passed up to and including that time), ascending
 *   token bucket     [tokens][time]   as of the last event that passed
 *   GCRA             [tat]            theoretical arrival time (ITU-T I.371)
 *   with MR_DELAY    [forgotten][first][size][last pass][tokens or tat] + passes
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
 * With MR_DELAY nothing is dropped: an event passes at the earliest time, from its own on,
 * at which the algorithm lets it pass after all that were let pass before it, and that may
 * be in the future. So the passes of a key are in order, each is put behind the last, and
 * all algorithms keep the list, which says how many are waiting: more than queue_max would
 * be a refusal. Processing time alone has such a future.
 *
 *   sliding       per after the pass that must leave (t - per, t]
 *   fixed         its window if there is room, else the start of the next one
 *   token bucket  when a token is there: a bucket that owes is one whose [time] is to come
 *   GCRA          TAT - tolerance
 *
 * A row stands for ttl_ms after its last pass, by when it is as if nothing had passed (a
 * pass between two milliseconds counts from the later one, or it would be forgotten early);
 * unlike state of users it is not forgotten by an event from ahead of the watermark. */
#include "../error.h"
#include "../operator.h"

enum { TOKENS = 0, TIME = 1 };
enum { TAT = 0 };
enum { PASSES_MIN = 4, LOOK_AHEAD = 32 };

_Static_assert(MR_PASSES_MAX * sizeof(mr_pass) <= MR_STRING_BYTES_MAX, "a list is a string field");

static bool delays(const mr_operator_spec *spec) { return (spec->flags & MR_DELAY) != 0; }

static bool keeps_passes(const mr_operator_spec *spec) {
    return spec->algorithm == MR_SLIDING || spec->algorithm == MR_FIXED || delays(spec);
}

static bool is_positive(double value) { return value > 0 && value - value == 0; }

static MR_COLD mr_status fields(const mr_operator_spec *spec, uint8_t *fields_out,
                                uint32_t *count_out) {
    if (spec->algorithm > MR_GCRA) return mr_fail(MR_ERR_ARGUMENT, "algorithm", spec->algorithm);
    if (!(spec->limit >= 1) || !is_positive(spec->limit)) {
        return mr_fail(MR_ERR_ARGUMENT, "limit", spec->limit);
    }
    if (!is_positive(spec->per_ms)) return mr_fail(MR_ERR_ARGUMENT, "per_ms", spec->per_ms);
    if (!(spec->burst >= 1)) return mr_fail(MR_ERR_ARGUMENT, "burst", spec->burst);
    if (!(spec->ttl_ms > 0)) return mr_fail(MR_ERR_ARGUMENT, "ttl_ms", spec->ttl_ms);
    if (delays(spec) && !(spec->queue_max >= 1)) {
        return mr_fail(MR_ERR_ARGUMENT, "queue_max", spec->queue_max);
    }
    *count_out = spec->algorithm == MR_GCRA ? 1 : 2;
    memset(fields_out, MR_F64, MR_PASSES_LEVEL + 1);
    if (keeps_passes(spec)) {
        fields_out[MR_PASSES_LIST] = MR_STRING;
        *count_out = delays(spec) ? MR_PASSES_LEVEL + 1 : MR_PASSES_LIST + 1;
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

static bool is_upto(const history *h, uint32_t index, double time_ms, bool before) {
    const double at = pass_at(h, index).time_ms;
    return at < time_ms || (at == time_ms && !before);
}

/* How many entries have a time of at most `time_ms`, or less where it is `before`. Mostly
 * all of them, where an event in order is the latest, or a few that the last pass did not
 * forget yet: so the last entry is tried first, then ever longer steps from the front. */
static uint32_t entries_upto(const history *h, double time_ms, bool before) {
    uint32_t low = 0;
    uint32_t high = h->size;
    if (high == 0 || is_upto(h, high - 1, time_ms, before)) return high;
    for (uint32_t step = 1; low + step < high; step *= 2) {
        if (is_upto(h, low + step - 1, time_ms, before)) {
            low += step;
        } else {
            high = low + step - 1;
        }
    }
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (is_upto(h, middle, time_ms, before)) {
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

/* How many of the first `most` entries no event at or after the watermark asks for. */
static uint32_t outdated(const mr_operator_spec *spec, const history *h, double watermark_ms,
                         uint32_t most) {
    const bool fixed = spec->algorithm == MR_FIXED;
    double upto = watermark_ms; /* Buckets only count who waits. */
    if (fixed) upto = window_start(spec, watermark_ms);
    if (spec->algorithm == MR_SLIDING) upto = watermark_ms - spec->per_ms;
    return mr_min_u32(entries_upto(h, upto, fixed), most);
}

static void forget(history *h, uint32_t old) {
    h->numbers[MR_PASSES_FORGOTTEN] = passed_through(h, old);
    set_bounds(h, h->first + old, h->size - old);
}

/* Is there no room for an entry more, once `old` of them are forgotten? A list that can be
 * moved down has room, unless it would have to be moved again soon. */
static bool is_full(const history *h, uint32_t old) {
    const uint32_t room = room_of(*h->blob);
    if (h->first + h->size < room) return false;
    return h->first + old == 0 || h->first + old < room / 8;
}

/* A list larger than one of `room` entries: mostly no more than `limit` are ever kept. */
static mr_status new_list(mr_operator_data *op, uint32_t room, mr_addr *list_out) {
    const uint32_t most = room == 0 ? PASSES_MIN : mr_min_u32(room * 2, MR_PASSES_MAX);
    const bool limited = op->spec.limit > room && op->spec.limit < most;
    const uint32_t wanted = limited ? (uint32_t)__builtin_ceil(op->spec.limit) : most;
    if (wanted == room) return mr_fail(MR_ERR_LIMIT, "remembered passes", room);
    return mr_rows_blob_new(&op->rows, NULL, wanted * (uint32_t)sizeof(mr_pass), list_out);
}

/* A larger list with the entries from `old` on, which goes to `grown_out`. */
static mr_status grow(mr_operator_data *op, const history *h, uint32_t old, mr_addr *grown_out) {
    MR_TRY(new_list(op, room_of(*h->blob), grown_out));
    if (h->size == old) return MR_OK;
    memcpy((uint8_t *)mr_at(*grown_out) + sizeof(uint32_t), entry_of(h, old),
           (h->size - old) * sizeof(mr_pass));
    return MR_OK;
}

/* Put an entry at its place, in the room that there is; `grown` (or 0) has the others already. */
static void insert(mr_operator_data *op, history *h, uint32_t at, double time_ms, mr_addr grown) {
    const double before = passed_through(h, at);
    if (grown != 0) {
        mr_rows_blob_release(&op->rows, *h->blob);
        *h->blob = grown;
        set_bounds(h, 0, h->size);
    } else if (h->first + h->size == room_of(*h->blob)) {
        const uint8_t *from = entry_of(h, 0);
        set_bounds(h, 0, h->size);
        memmove(entry_of(h, 0), from, h->size * sizeof(mr_pass));
    }
    set_bounds(h, h->first, h->size + 1);
    memmove(entry_of(h, at + 1), entry_of(h, at), (h->size - 1 - at) * sizeof(mr_pass));
    set_pass(h, at, (mr_pass){.time_ms = time_ms, .through = before});
}

/* Write down that an event passed at `time_ms`. Its place is looked for once: a list that
 * somebody else saved may be in any order, and must not be written behind. */
static mr_status remember(mr_operator_data *op, history *h, double time_ms, double watermark_ms) {
    uint32_t at = entries_upto(h, time_ms, true);
    const uint32_t old = outdated(&op->spec, h, watermark_ms, at);
    const bool there = at < h->size && pass_at(h, at).time_ms == time_ms;
    mr_addr grown = 0;
    if (!there && is_full(h, old)) MR_TRY(grow(op, h, old, &grown));
    forget(h, old);
    at -= old;
    if (!there) insert(op, h, at, time_ms, grown);
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

/* ---- delays ---- */

static double *number_of(const mr_operator_data *op, mr_row *row, uint32_t field) {
    return (double *)(void *)(mr_row_record(&op->rows, row) + op->rows.layout.field_at[field]);
}

static double later(double a, double b) { return a > b ? a : b; }

/* The earliest time from `from_ms` on that has fewer than limit passes in (t - per, t]: when
 * the first of the latest `limit` passes has left it. */
static double free_sliding(const mr_operator_spec *spec, const history *h, double from_ms) {
    const double earlier = passed_through(h, h->size) - spec->limit;
    uint32_t low = 0;
    uint32_t high = h->size;
    if (passed_through(h, 0) > earlier) return from_ms; /* It was forgotten. */
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (pass_at(h, middle).through > earlier) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    if (low == h->size) return from_ms; /* Only in a list that somebody else saved. */
    return later(from_ms, pass_at(h, low).time_ms + spec->per_ms);
}

/* The window of the pass goes to `entry_out`: from `from_ms` on, the first with room. No
 * pass is in a later one than the last is. */
static double free_fixed(const mr_operator_spec *spec, const history *h, double from_ms,
                         double *entry_out) {
    const double newest = h->size > 0 ? pass_at(h, h->size - 1).time_ms : -__builtin_inf();
    const double start = later(window_start(spec, from_ms), newest);
    const double passed =
        passed_through(h, h->size) - passed_through(h, entries_upto(h, start, true));
    *entry_out = start;
    if (passed < spec->limit) return later(from_ms, start);
    /* Out of its middle: of fractions, the start may be a little before or behind. */
    const double next = window_start(spec, start + 1.5 * spec->per_ms);
    *entry_out = later(next, start);
    return later(from_ms, *entry_out);
}

/* When a token is there; the tokens that are left then go to `level`. */
static double free_tokens(const mr_operator_spec *spec, double from_ms, double last_ms,
                          double *level) {
    double tokens = *level + (from_ms - last_ms) * spec->limit / spec->per_ms;
    if (tokens > spec->burst) tokens = spec->burst;
    *level = tokens < 1 ? 0 : tokens - 1;
    return tokens < 1 ? from_ms + (1 - tokens) * spec->per_ms / spec->limit : from_ms;
}

static double free_gcra(const mr_operator_spec *spec, double from_ms, double *level) {
    const double interval = spec->per_ms / spec->limit;
    const double time_ms = later(from_ms, *level - interval * (spec->burst - 1));
    *level = later(time_ms, *level) + interval;
    return time_ms;
}

/* When the event may pass, not before `from_ms`; what is to be written down goes to
 * `entry_out` and `level`. */
static double free_at(const mr_operator_spec *spec, const history *h, double from_ms,
                      double last_ms, double *level, double *entry_out) {
    double time_ms;
    switch (spec->algorithm) {
    case MR_SLIDING:
        time_ms = free_sliding(spec, h, from_ms);
        break;
    case MR_FIXED:
        return free_fixed(spec, h, from_ms, entry_out);
    case MR_TOKEN_BUCKET:
        time_ms = free_tokens(spec, from_ms, last_ms, level);
        break;
    default:
        time_ms = free_gcra(spec, from_ms, level);
    }
    *entry_out = time_ms;
    return time_ms;
}

/* The time at which an event passes goes to `time_out`, and is written down. */
static mr_status delay(mr_operator_data *op, const mr_columns *in, uint32_t i, mr_row *row,
                       double *time_out) {
    const mr_operator_spec *spec = &op->spec;
    const double now_ms = mr_row_clock(in, i);
    double *last_ms = number_of(op, row, MR_PASSES_LAST);
    double level = *number_of(op, row, MR_PASSES_LEVEL);
    double entry_ms;
    history h;
    MR_TRY(history_of(op, row, &h));
    const double from_ms = later(*last_ms, now_ms);
    const double time_ms = free_at(spec, &h, from_ms, *last_ms, &level, &entry_ms);
    const double waiting =
        passed_through(&h, h.size) - passed_through(&h, entries_upto(&h, now_ms, false));
    if (time_ms > now_ms && waiting + 1 > spec->queue_max) {
        return mr_fail(MR_ERR_LIMIT, "throttle.queueSize", spec->queue_max);
    }
    MR_TRY(remember(op, &h, entry_ms, now_ms));
    *last_ms = time_ms;
    *number_of(op, row, MR_PASSES_LEVEL) = level;
    *time_out = time_ms;
    return MR_OK;
}

/* ---- events ---- */

/* May input row `i` pass, and when? Written down if it does. */
static mr_status judge(mr_operator_data *op, const mr_columns *in, uint32_t i, mr_row *row,
                       bool *passes_out, double *time_out) {
    *passes_out = true;
    *time_out = mr_row_clock(in, i);
    if (delays(&op->spec)) return delay(op, in, i, row, time_out);
    if (keeps_passes(&op->spec)) return judge_passes(op, in, i, row, passes_out);
    double *cells = (double *)(void *)mr_row_record(&op->rows, row);
    *passes_out =
        (op->spec.algorithm == MR_GCRA ? judge_gcra : judge_tokens)(&op->spec, cells, *time_out);
    return MR_OK;
}

/* A row for a key of which nothing has passed, or not for long: what the event needs to
 * pass at once, which it will, is reserved in it. */
static mr_status begin(mr_operator_data *op, const mr_columns *in, uint32_t i, mr_row **row_out) {
    mr_rows *rows = &op->rows;
    const double time_ms = mr_row_clock(in, i);
    const bool bucket = op->spec.algorithm == MR_TOKEN_BUCKET;
    const bool list = keeps_passes(&op->spec);
    mr_addr passes = 0;
    if (list) MR_TRY(new_list(op, 0, &passes));
    const mr_status status = mr_rows_create(rows, i, NULL, row_out);
    if (status != MR_OK) {
        mr_rows_blob_release(rows, passes);
        return status;
    }
    uint8_t *record = mr_row_record(rows, *row_out);
    double *cells = (double *)(void *)record;
    if (list) {
        memcpy(record + rows->layout.field_at[MR_PASSES_LIST], &passes, sizeof passes);
    } else if (bucket) {
        cells[TOKENS] = op->spec.burst;
        cells[TIME] = time_ms;
    } else {
        cells[TAT] = time_ms;
    }
    if (!delays(&op->spec)) return MR_OK;
    *number_of(op, *row_out, MR_PASSES_LAST) = time_ms;
    *number_of(op, *row_out, MR_PASSES_LEVEL) = bucket ? op->spec.burst : time_ms;
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

static void emit(const mr_operator_data *op, const mr_columns *in, uint32_t i, double time_ms,
                 mr_batch_data *results) {
    mr_columns *out = &results->columns;
    mr_results_begin(results, in, i);
    if (delays(&op->spec)) {
        out->present |= MR_HAS_TIME;
        mr_f64s(out->time_ms)[out->size] = time_ms;
    }
    out->size++;
}

/* Read where the lists of the next input rows begin and end. The rows of a chunk were all
 * found before, but their lists are elsewhere in memory: read one by one as events are
 * judged, each would be waited for; together their cache misses overlap. */
static void look_ahead(const mr_operator_data *op, const mr_columns *in, uint32_t from) {
    const mr_rows *rows = &op->rows;
    const uint32_t list_at = rows->layout.field_at[MR_PASSES_LIST];
    const uint32_t upto = in->size - from < LOOK_AHEAD ? in->size : from + LOOK_AHEAD;
    mr_addr lists[LOOK_AHEAD];
    double ends[LOOK_AHEAD];
    uint32_t count = 0;
    for (uint32_t i = from; i < upto; i++) {
        const mr_addr row = mr_found_row(rows, i);
        if (row == 0) continue;
        const uint8_t *record = mr_row_record(rows, mr_row_at(row));
        const double *numbers = (const double *)(const void *)record;
        mr_touch(record); /* The rest of it is read here. */
        lists[count] = *(const mr_addr *)(const void *)(record + list_at);
        ends[count] = numbers[MR_PASSES_FIRST] + numbers[MR_PASSES_SIZE];
        count++;
    }
    for (uint32_t l = 0; l < count; l++) {
        if (!(ends[l] >= 1 && ends[l] <= room_of(lists[l]))) continue;
        const history h = {.blob = &lists[l]};
        (void)*(const volatile uint8_t *)entry_of(&h, (uint32_t)ends[l] - 1);
    }
}

static mr_status push(mr_operator_data *op, const mr_columns *in, uint32_t from, uint32_t *upto_out,
                      mr_batch_data *results) {
    if (delays(&op->spec) && mr_batch_has(in, MR_HAS_TIME)) {
        return mr_fail(MR_ERR_ARGUMENT, "present", in->present);
    }
    const bool lists = keeps_passes(&op->spec);
    for (uint32_t i = from; i < in->size; i++) {
        bool passes;
        double time_ms;
        *upto_out = i;
        if (lists && (i - from) % LOOK_AHEAD == 0) look_ahead(op, in, i);
        if (mr_results_full(results, 0)) return MR_MORE;
        mr_row *row = enter(op, in, i);
        if (row == NULL) MR_TRY(begin(op, in, i, &row));
        MR_TRY(judge(op, in, i, row, &passes, &time_ms));
        mr_rows_touch_at(&op->rows, row, i, passes, __builtin_ceil(time_ms));
        if (passes) emit(op, in, i, time_ms, results);
    }
    *upto_out = in->size;
    return MR_OK;
}

const mr_operator_kind mr_kind_throttle = {
    .name = "throttle",
    .flags = MR_DELAY,
    .fields = fields,
    .push = push,
};
