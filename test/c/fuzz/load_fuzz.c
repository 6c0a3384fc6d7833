/* load_fuzz.c -- any bytes at all, loaded as saved rows.
 *
 *   input   [u8 which state][bytes given to mr_load]
 *
 * What was loaded is then saved, loaded and saved again: the same bytes. */
#include "segments.h"

enum { ROOM = 1 << 22, ROWS = 4096 };

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

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed) {
    return mutate(bytes, size, room, seed, 1);
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
