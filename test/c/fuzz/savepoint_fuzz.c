/* savepoint_fuzz.c -- savepoints of any state that can be loaded.
 *
 *   input   [u8 which state][u8 rows of a page][u8 room of a block][u8 what fails][u8 time]
 *           [bytes given to mr_load]
 *
 * A savepoint that is loaded into another engine, of another seed, gives the same savepoint,
 * whatever births, uses and registrations the rows came with; also of what was loaded before
 * bytes turned out to be damaged. Allocations fail on the way; rows that go on the way end
 * the scan, and nothing else. */
#include "segments.h"

enum { ROOM = 1 << 22, INPUT_HEAD = 5, ROWS_MAX = 4096 };

/* How the savepoint is taken. */
typedef struct manner {
    uint32_t page_rows;
    uint32_t room;
    uint32_t fail_after; /* 0: nothing fails. */
    double time_ms;
} manner;

static manner manner_of(const uint8_t *bytes) {
    return (manner){
        .page_rows = 1u + bytes[1],
        .room = (1u << 12) + bytes[2] * 64u,
        .fail_after = bytes[3] % 16,
        .time_ms = bytes[4] - 1.0,
    };
}

/* A block of the page from row `from` on: one that no room is enough for ends the run. */
static uint32_t save_block(mr_scan scan, const manner *how, uint32_t *from, uint8_t *out) {
    static const uint32_t offsets[ROWS_MAX * MR_FIELDS_MAX + 1]; /* The host's refs are empty. */
    uint32_t size = 0;
    uint32_t upto = 0;
    for (uint32_t room = how->room; size == 0; room *= 2) {
        const mr_status status = mr_save(scan, *from, out, offsets, out, room, 1, &upto, &size);
        CHECK(status == MR_OK || status == MR_MORE);
        CHECK(room < ROOM);
    }
    *from = upto;
    return size;
}

/* The next page; an allocation that fails is only a call more. */
static const mr_page *next_page(mr_scan scan, const manner *how) {
    uint32_t page = 0;
    mr_status status = MR_MORE;
    for (uint32_t fails = 0; status != MR_OK; fails += status == MR_ERR_MEMORY) {
        if (fails == 0) mr_heap_fail_after(how->fail_after, false);
        status = mr_scan_next(scan, how->page_rows, &page);
        CHECK(status == MR_OK || status == MR_MORE || (status == MR_ERR_MEMORY && fails == 0));
    }
    mr_heap_fail_after(0, false);
    return mr_at(page);
}

static uint32_t take_savepoint(mr_operator op, const manner *how, uint8_t *out) {
    mr_scan scan = 0;
    uint32_t total = 0;
    mr_heap_fail_after(how->fail_after, false);
    const mr_status opened = mr_savepoint_scan(op, how->time_ms, &scan);
    mr_heap_fail_after(0, false);
    CHECK(opened == MR_OK || opened == MR_ERR_MEMORY);
    if (opened != MR_OK) CHECK(mr_savepoint_scan(op, how->time_ms, &scan) == MR_OK);
    for (;;) {
        const mr_page *page = next_page(scan, how);
        if (page->count == 0) break;
        for (uint32_t from = 0; from < page->count;)
            total += save_block(scan, how, &from, out + total);
    }
    CHECK(mr_scan_close(scan) == MR_OK);
    return total;
}

/* Births are ranks: the first row of all has the first. */
static void check_ranked(uint32_t which, const uint8_t *saved, uint32_t size) {
    const size_t birth_at = HEAD + layout_of(which)->field_count + 4;
    uint64_t birth;
    if (size == 0) return;
    memcpy(&birth, saved + birth_at, sizeof birth);
    CHECK(birth == 1);
}

static void open_state(uint64_t seed, uint32_t which, mr_engine *engine, mr_operator *op) {
    const mr_options options = {.memory_bytes_max = 64 << 20, .hash_seed = seed};
    CHECK(mr_engine_open(&options, engine) == MR_OK);
    CHECK(mr_operator_open(*engine, &specs[which], op) == MR_OK);
}

/* The first row of a scan goes: there is no next page. */
static void remove_meanwhile(mr_operator op, const manner *how) {
    mr_scan scan = 0;
    uint32_t page = 0;
    CHECK(mr_savepoint_scan(op, how->time_ms, &scan) == MR_OK);
    const mr_page *first = next_page(scan, how);
    if (first->count > 0) {
        CHECK(mr_row_drop(op, mr_u32s(first->rows)[0]) == MR_OK);
        CHECK(mr_scan_next(scan, how->page_rows, &page) == MR_ERR_HANDLE);
    }
    CHECK(mr_scan_close(scan) == MR_OK);
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed) {
    return mutate(bytes, size, room, seed, INPUT_HEAD);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static uint8_t once[ROOM];
    static uint8_t twice[ROOM];
    if (size <= INPUT_HEAD) return 0;
    const uint32_t which = bytes[0] % SPECS;
    const manner how = manner_of(bytes);
    mr_engine engine = 0;
    mr_engine other = 0;
    mr_operator from = 0;
    mr_operator to = 0;
    open_state(3, which, &engine, &from);
    open_state(4, which, &other, &to);
    (void)mr_load(from, bytes + INPUT_HEAD, (uint32_t)size - INPUT_HEAD, 7, 1);
    CHECK(mr_load_end(from) == MR_OK);
    const uint32_t saved = take_savepoint(from, &how, once);
    check_ranked(which, once, saved);
    CHECK(mr_load(to, once, saved, 7, 0) == MR_OK && mr_load_end(to) == MR_OK);
    CHECK(take_savepoint(to, &how, twice) == saved);
    CHECK(memcmp(once, twice, saved) == 0);
    remove_meanwhile(to, &how);
    CHECK(mr_engine_close(engine) == MR_OK);
    CHECK(mr_engine_close(other) == MR_OK);
    return 0;
}
