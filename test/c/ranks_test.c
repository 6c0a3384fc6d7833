/* ranks_test.c -- savepoints: the same rows are the same bytes, whatever they went through. */
#include "harness.h"

enum { ROWS = 6000, ROOM = 1 << 20 }; /* More rows than are sorted at once. */

static uint8_t saved[ROOM];
static uint8_t again[ROOM];

static const mr_operator_spec every_order = {
    .kind = MR_CUSTOM,
    .ttl_ms = 1000,
    .rows_max = 2 * ROWS,
    .flags = MR_EVICT | MR_TIMERS | MR_TRACK,
};

static mr_addr enter(bench *b, uint32_t number, double now_ms) {
    begin_input(b, now_ms);
    add_key(b, number);
    (void)find_input(b);
    if (row_of(b, 0) == NULL) {
        assert_int_equal(mr_row_create(b->op, 0, (const uint8_t *)""), MR_OK);
    } else {
        assert_int_equal(mr_row_touch(b->op, 0, 1), MR_OK);
    }
    return mr_addr_of(row_of(b, 0));
}

/* Every other row has a timer, set from the last row on; the first are used once more. */
static void fill(bench *b) {
    for (uint32_t i = 0; i < ROWS; i++)
        (void)enter(b, i, 500);
    for (uint32_t i = ROWS; i > 0; i -= 2)
        assert_int_equal(mr_timer_set(b->op, enter(b, i - 1, 500), 700), MR_OK);
    for (uint32_t i = 0; i < 100; i++)
        (void)enter(b, i, 500);
}

static uint32_t savepoint(const bench *b, double time_ms, uint8_t *out) {
    const uint32_t offsets[1] = {0};
    mr_scan scan = 0;
    uint32_t total = 0;
    assert_int_equal(mr_savepoint_scan(b->op, time_ms, &scan), MR_OK);
    for (const mr_page *page; (page = next_page(scan, 1000))->count > 0;) {
        uint32_t upto = 0;
        uint32_t size = 0;
        assert_int_equal(mr_save(scan, 0, out, offsets, out + total, ROOM - total, 0, &upto, &size),
                         MR_OK);
        total += size;
    }
    assert_int_equal(mr_scan_close(scan), MR_OK);
    return total;
}

static void the_past_of_rows_does_not_show(void **state) {
    (void)state;
    bench a = open_bench(&every_order);
    bench b = open_bench(&every_order);
    for (uint32_t i = 0; i < 200; i++) /* Births and uses, and rows that linger, expired. */
        (void)enter(&b, ROWS + i, -10000);
    fill(&a);
    fill(&b);
    const uint32_t size = savepoint(&a, 500, saved);
    assert_int_equal(savepoint(&b, 500, again), size);
    assert_memory_equal(again, saved, size);
    close_bench(&a);
    close_bench(&b);
}

static void a_loaded_savepoint_is_the_same_and_in_no_checkpoint_yet(void **state) {
    (void)state;
    bench a = open_bench(&every_order);
    bench b = open_bench(&every_order);
    fill(&a);
    const uint32_t size = savepoint(&a, 500, saved);
    assert_int_equal(mr_load(b.op, saved, size, 0, 0), MR_OK);
    assert_int_equal(mr_load_end(b.op), MR_OK);
    assert_int_equal(savepoint(&b, 500, again), size);
    assert_memory_equal(again, saved, size);
    assert_int_equal(changes_of(&b).rows, ROWS);
    end_epoch(&b);
    assert_int_equal(changes_of(&b).rows, 0);
    assert_int_equal(mr_load(b.op, saved, size, 0, 0), MR_ERR_ARGUMENT); /* Not into old rows. */
    close_bench(&a);
    close_bench(&b);
}

static void nothing_is_nothing_and_expired_rows_are_left_out(void **state) {
    (void)state;
    bench b = open_bench(&every_order);
    assert_int_equal(savepoint(&b, 0, saved), 0);
    (void)enter(&b, 1, 500);
    assert_true(savepoint(&b, 1499, saved) > 0);
    assert_int_equal(savepoint(&b, 1500, saved), 0);
    close_bench(&b);
}

static void without_memory_for_ranks_nothing_has_changed(void **state) {
    (void)state;
    bench b = open_bench_in(open_engine(4 * MIB, 7), &every_order);
    fill(&b);
    const uint64_t live = live_bytes(b.engine);
    uint32_t held[64];
    uint32_t count = 0;
    while (count < 64 && mr_alloc(b.engine, 60000, &held[count]) == MR_OK)
        count++;
    mr_scan scan = 0;
    mr_status status = mr_savepoint_scan(b.op, 500, &scan);
    for (uint32_t pages = 0; status == MR_OK && pages < 1000; pages++) {
        uint32_t page;
        status = mr_scan_next(scan, 1000, &page);
        if (status == MR_MORE) status = MR_OK;
    }
    assert_int_equal(status, MR_ERR_MEMORY);
    if (scan != 0) assert_int_equal(mr_scan_close(scan), MR_OK);
    while (count > 0)
        assert_int_equal(mr_free(b.engine, held[--count], 60000), MR_OK);
    assert_int_equal(live_bytes(b.engine), live);
    assert_true(savepoint(&b, 500, saved) > 0);
    close_bench(&b);
}

static void an_allocation_that_fails_opens_no_scan(void **state) {
    (void)state;
    bench b = open_bench(&every_order);
    fill(&b);
    const uint64_t live = live_bytes(b.engine);
    mr_scan scan = 0;
    mr_status status = MR_ERR_MEMORY;
    uint32_t fails = 0;
    for (; status != MR_OK; fails++) {
        mr_heap_fail_after(fails + 1, false);
        status = mr_savepoint_scan(b.op, 500, &scan);
        mr_heap_fail_after(0, false);
        if (status == MR_OK) break;
        assert_int_equal(status, MR_ERR_MEMORY);
        assert_int_equal(scan, 0);
        assert_int_equal(live_bytes(b.engine), live);
    }
    assert_int_equal(fails, 5); /* The scan, its page, the list, two orders. */
    assert_int_equal(mr_scan_close(scan), MR_OK);
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_past_of_rows_does_not_show),
        cmocka_unit_test(a_loaded_savepoint_is_the_same_and_in_no_checkpoint_yet),
        cmocka_unit_test(nothing_is_nothing_and_expired_rows_are_left_out),
        cmocka_unit_test(without_memory_for_ranks_nothing_has_changed),
        cmocka_unit_test(an_allocation_that_fails_opens_no_scan),
    };
    return cmocka_run_group_tests_name("ranks", tests, NULL, NULL);
}
