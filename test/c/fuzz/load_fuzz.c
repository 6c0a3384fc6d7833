/* load_fuzz.c -- any bytes at all, loaded as saved rows.
 *
 *   input   [u8 which state][bytes given to mr_load]
 *
 * Half of the mutations are mended afterwards, so that what lies behind the magic, the
 * kinds of the fields and the groups of the keys is reached as well. What was loaded is
 * then saved, loaded and saved again: the same bytes. */
#include "../../../c/handle.h"
#include "../../../c/save.h"
#include "fuzz.h"

enum { ROOM = 1 << 22, HEAD = 16, SPECS = 14, ROWS = 4096 };

static const mr_operator_spec specs[SPECS] = {
    {.kind = MR_CUSTOM,
     .count = 6,
     .kinds = {MR_BOOL, MR_STRING, MR_F64, MR_REF, MR_I64, MR_TIMESTAMP},
     .ttl_ms = 100,
     .flags = MR_EVICT | MR_TRACK},
    {.kind = MR_AGGREGATE, .count = 2, .kinds = {MR_COUNT, MR_MEAN}, .flags = MR_EVICT},
    {.kind = MR_DEDUPLICATE, .ttl_ms = 10},
    {.kind = MR_CUSTOM, .count = 2, .kinds = {MR_REF, MR_STRING}},
    {.kind = MR_THROTTLE, .limit = 2, .per_ms = 10, .burst = 1, .ttl_ms = 10},
    {.kind = MR_THROTTLE,
     .algorithm = MR_TOKEN_BUCKET,
     .limit = 2,
     .per_ms = 10,
     .burst = 3,
     .ttl_ms = 15},
    {.kind = MR_THROTTLE,
     .algorithm = MR_SLIDING,
     .limit = 2,
     .per_ms = 10,
     .burst = 1,
     .ttl_ms = 10,
     .flags = MR_DELAY,
     .queue_max = 5},
    {.kind = MR_THROTTLE,
     .algorithm = MR_FIXED,
     .limit = 1,
     .per_ms = 10,
     .burst = 1,
     .ttl_ms = 10,
     .flags = MR_DELAY,
     .queue_max = 5},
    {.kind = MR_CUSTOM, .count = 1, .kinds = {MR_BOOL}, .flags = MR_TIMERS},
    {.kind = MR_CUSTOM, .ttl_ms = 100, .flags = MR_TIMERS | MR_EVICT | MR_TRACK},
    {.kind = MR_WINDOW, .count = 1, .size = 10, .slide = 10, .flags = MR_TIMERS},
    {.kind = MR_WINDOW, .count = 1, .size = 10, .slide = 4, .late_ms = 5, .flags = MR_TIMERS},
    {.kind = MR_WINDOW, .count = 1, .assigner = MR_SESSIONS, .size = 5, .flags = MR_TIMERS},
    {.kind = MR_WINDOW, .count = 1, .assigner = MR_COUNTED, .size = 3, .slide = 2},
};

/* ---- mending ---- */

static uint32_t u32_at(const uint8_t *bytes) {
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static const mr_layout *layout_of(uint32_t which) {
    static mr_layout layouts[SPECS];
    static bool known;
    if (known) return &layouts[which];
    mr_engine engine = 0;
    const mr_options options = {.memory_bytes_max = 1 << 20};
    CHECK(mr_engine_open(&options, &engine) == MR_OK);
    for (uint32_t i = 0; i < SPECS; i++) {
        mr_operator op = 0;
        CHECK(mr_operator_open(engine, &specs[i], &op) == MR_OK);
        CHECK(mr_operator_layout(op, &layouts[i]) == MR_OK);
    }
    CHECK(mr_engine_close(engine) == MR_OK);
    known = true;
    return &layouts[which];
}

/* The bytes of a field at `at`, or too many. */
static size_t field_bytes(uint32_t kind, const uint8_t *at, size_t left) {
    if (kind == MR_BOOL) return 1;
    if (kind != MR_STRING && kind != MR_REF) return 8;
    return left < 4 ? 4 : (size_t)4 + u32_at(at);
}

static size_t mend_tombstone(uint8_t *entry, size_t left) {
    const uint32_t key_bytes = 1 + entry[2] % 8;
    if (left < 4 + key_bytes) return 0;
    entry[0] = 2;
    entry[1] = (uint8_t)(mr_hash_fixed(entry + 4, key_bytes) % MR_KEY_GROUPS);
    entry[2] = (uint8_t)key_bytes;
    entry[3] = 0;
    return 4 + key_bytes;
}

/* Mend the entry at the start of `left` bytes; how many it takes, 0 when it does not fit. */
static size_t mend_entry(const mr_layout *layout, uint32_t parts, uint8_t *entry, size_t left) {
    const size_t timer_at = 12 + ((parts & 1) != 0 ? 8 : 0) + ((parts & 2) != 0 ? 8 : 0);
    const size_t key_at = timer_at + ((parts & 4) != 0 ? 16 : 0);
    if (left <= key_at) return 0;
    if (entry[0] % 8 == 2) return mend_tombstone(entry, left);
    if ((parts & 4) != 0) { /* Small registrations and times, or no timer at all. */
        memset(entry + timer_at + 1, 0, 7);
        memset(entry + timer_at + 8 + 5, 0, 3);
        if (entry[timer_at] == 0) memset(entry + timer_at + 8, 0, 5);
    }
    const uint32_t key_bytes = 1 + entry[2] % 32;
    entry[0] = 1;
    entry[2] = (uint8_t)key_bytes;
    entry[3] = 0;
    entry[10] = entry[11] = 0; /* The highest bytes of the birth and, by chance, times. */
    size_t at = key_at + key_bytes;
    if (at > left) return 0;
    entry[1] = (uint8_t)(mr_hash_fixed(entry + key_at, key_bytes) % MR_KEY_GROUPS);
    for (uint32_t i = 0; i < layout->field_count; i++) {
        if (layout->field_kind[i] == MR_BOOL && at < left) entry[at] &= 1;
        const bool sized = layout->field_kind[i] == MR_STRING || layout->field_kind[i] == MR_REF;
        if (sized && at + 4 <= left) memset(entry + at + 1, 0, 3);
        if (at > left) return 0;
        at += field_bytes(layout->field_kind[i], entry + at, left - at);
    }
    return at <= left ? at : 0;
}

/* One block over all of `size` bytes, its entries mended as far as they go. */
static void mend(uint32_t which, uint8_t *bytes, size_t size) {
    const mr_layout *layout = layout_of(which);
    const size_t head = HEAD + layout->field_count;
    if (size < head) return;
    const uint32_t parts = bytes[6] & ((specs[which].flags & MR_TIMERS) != 0 ? 7 : 3);
    uint32_t entries = 0;
    size_t at = head;
    for (size_t took; (took = mend_entry(layout, parts, bytes + at, size - at)) > 0; at += took) {
        if (bytes[at] == 1) memcpy(bytes + at + 4, &entries, 4); /* Births ascend. */
        entries++;
    }
    const uint16_t version = MR_SEGMENT_VERSION;
    const uint32_t body = (uint32_t)(at - head);
    memcpy(bytes, "MRSB", 4);
    memcpy(bytes + 4, &version, 2);
    bytes[6] = (uint8_t)parts;
    bytes[7] = (uint8_t)layout->field_count;
    memcpy(bytes + 8, &entries, 4);
    memcpy(bytes + 12, &body, 4);
    memcpy(bytes + HEAD, layout->field_kind, layout->field_count);
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed) {
    size = LLVMFuzzerMutate(bytes, size, room);
    if (size > 1 && seed % 2 == 0) mend(bytes[0] % SPECS, bytes + 1, size - 1);
    return size;
}

/* ---- loading ---- */

/* Whether the rows of a page are in one order only: hostile births may be alike. */
static bool is_ordered(const mr_page *page, int64_t *last) {
    bool ordered = true;
    for (uint32_t i = 0; i < page->count; i++) {
        const int64_t birth = (int64_t)mr_row_birth(mr_row_at(mr_u32s(page->rows)[i]));
        CHECK(birth >= *last);
        ordered &= birth > *last;
        *last = birth;
    }
    return ordered;
}

/* Save all rows; the host's refs, of which there are none, would be empty. */
static uint32_t save_all(mr_operator op, uint8_t *out, bool *ordered_out) {
    static const uint32_t offsets[ROWS * 64 + 1];
    mr_scan scan = 0;
    uint32_t total = 0;
    int64_t last = -1;
    *ordered_out = true;
    CHECK(mr_scan_open(op, -__builtin_inf(), &scan) == MR_OK);
    for (;;) {
        uint32_t page = 0;
        uint32_t upto = 0;
        uint32_t size = 0;
        const mr_status status = mr_scan_next(scan, ROWS, &page);
        if (status == MR_MORE) continue;
        CHECK(status == MR_OK);
        if (((const mr_page *)mr_at(page))->count == 0) break;
        *ordered_out &= is_ordered(mr_at(page), &last);
        CHECK(mr_save(scan, 0, out, offsets, out + total, ROOM - total, 1, &upto, &size) == MR_OK);
        total += size;
    }
    CHECK(mr_scan_close(scan) == MR_OK);
    return total;
}

/* A row that the loaded ones may stand in the way of. */
static void use(mr_engine engine, mr_operator op) {
    mr_batch batch = 0;
    uint32_t out = 0;
    CHECK(mr_batch_open(engine, &batch) == MR_OK);
    CHECK(mr_batch_reserve(batch, 2, 2, 2, &out) == MR_OK);
    mr_columns *in = mr_at(out);
    in->size = 2;
    in->present = MR_HAS_KEYS;
    memcpy(mr_at(in->key_offsets), (const uint32_t[]){0, 1, 2}, 12);
    memcpy(mr_at(in->keys), "\1k", 2);
    static const uint64_t record[8];
    CHECK(mr_find(op, batch, &out) == MR_OK);
    for (uint32_t i = 0; i < 2; i++) {
        CHECK(mr_row_enter(op, i) == MR_OK);
        mr_status status = mr_row_create(op, i, (const uint8_t *)record);
        CHECK(status == MR_OK || status == MR_ERR_ARGUMENT);
        CHECK(mr_row_touch(op, i, 1) == MR_OK);
        CHECK(mr_row_remove(op, i) == MR_OK);
    }
    CHECK(mr_batch_close(batch) == MR_OK);
    while (mr_operator_expire(op, 5, 100) == MR_MORE) {
    }
}

/* A list of passes that was loaded is worked on, whatever is in it. */
static void push(mr_engine engine, mr_operator op, const uint8_t *key) {
    mr_batch in = 0;
    mr_batch results = 0;
    uint32_t out = 0;
    CHECK(mr_batch_open(engine, &in) == MR_OK && mr_batch_open(engine, &results) == MR_OK);
    CHECK(mr_batch_reserve(in, 1, 64, 2, &out) == MR_OK);
    mr_columns *columns = mr_at(out);
    columns->size = 1;
    columns->present = MR_HAS_KEYS;
    memcpy(mr_at(columns->key_offsets), (const uint32_t[]){0, key[0]}, 8);
    memcpy(mr_at(columns->keys), key + 1, key[0]);
    for (uint32_t i = 0; i < 20; i++) {
        columns->now_ms = i * 3;
        (void)mr_operator_push(op, in, 0, &out, results);
        if (i % 8 == 0) (void)mr_operator_advance(op, i * 5, results);
    }
    for (uint32_t i = 0; i < 5; i++)
        (void)mr_operator_advance(op, __builtin_inf(), results);
    CHECK(mr_batch_close(in) == MR_OK && mr_batch_close(results) == MR_OK);
}

/* Push the key of the first row. */
static void push_first(mr_engine engine, mr_operator op) {
    mr_scan scan = 0;
    uint32_t page = 0;
    uint8_t key[65] = {1, 'x'};
    mr_layout layout;
    CHECK(mr_operator_layout(op, &layout) == MR_OK);
    CHECK(mr_scan_open(op, -__builtin_inf(), &scan) == MR_OK);
    while (mr_scan_next(scan, 1, &page) == MR_MORE) {
    }
    const mr_page *first = mr_at(page);
    if (first->count > 0) {
        const mr_row *row = mr_row_at(*mr_u32s(first->rows));
        key[0] = (uint8_t)(row->key_bytes < 64 ? row->key_bytes : 64);
        memcpy(key + 1, (const uint8_t *)row + layout.key_at, key[0]);
    }
    CHECK(mr_scan_close(scan) == MR_OK);
    push(engine, op, key);
}

/* All timers, each once, in their order. */
static void fire(mr_operator op) {
    mr_due last = {.time_ms = -__builtin_inf()};
    for (mr_due due; (mr_timer_take(op, __builtin_inf(), &due)) >= 0; last = due) {
        CHECK(due.time_ms >= last.time_ms);
        if (due.row == 0 && due.time_ms == __builtin_inf()) return;
    }
}

static void check_round_trip(mr_engine engine, uint32_t which, mr_operator op) {
    static uint8_t once[ROOM];
    static uint8_t twice[ROOM];
    mr_operator other = 0;
    bool ordered;
    const uint32_t size = save_all(op, once, &ordered);
    CHECK(mr_operator_open(engine, &specs[which], &other) == MR_OK);
    CHECK(mr_load(other, once, size, 0, 1) == MR_OK);
    CHECK(mr_load_end(other) == MR_OK);
    CHECK(save_all(other, twice, &ordered) == size);
    CHECK(!ordered || memcmp(once, twice, size) == 0);
    CHECK(mr_operator_close(other) == MR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size == 0) return 0;
    const uint32_t which = bytes[0] % SPECS;
    mr_engine engine = 0;
    mr_operator op = 0;
    const mr_options options = {.memory_bytes_max = 64 << 20, .hash_seed = 3};
    CHECK(mr_engine_open(&options, &engine) == MR_OK);
    const uint64_t before = live_bytes(engine);
    CHECK(mr_operator_open(engine, &specs[which], &op) == MR_OK);
    const mr_status status = mr_load(op, bytes + 1, (uint32_t)(size - 1), 7, 1);
    CHECK(status == MR_OK || status == MR_ERR_CORRUPT);
    CHECK(mr_load_end(op) == MR_OK);
    if (status == MR_OK) check_round_trip(engine, which, op);
    push_first(engine, op);
    use(engine, op);
    fire(op);
    CHECK(mr_operator_close(op) == MR_OK);
    CHECK(live_bytes(engine) == before);
    CHECK(mr_engine_close(engine) == MR_OK);
    return 0;
}
