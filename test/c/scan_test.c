/* scan_test.c -- rows in first-seen order, whatever came and went. */
#include <stdlib.h>

#include "harness.h"

enum { ROWS_MAX = 100000 };

static const mr_operator_spec plain = {.kind = MR_CUSTOM, .ttl_ms = 0};

static uint32_t numbers[ROWS_MAX + 1];
static uint32_t expected[ROWS_MAX + 1];
static uint64_t birth_of_number[ROWS_MAX + 1]; /* + 1; 0: it has no row. */

static void create_range(bench *b, uint32_t from, uint32_t upto, double now_ms) {
    while (from < upto) {
        begin_input(b, now_ms);
        while (from < upto && b->input->size < b->input->rows_max)
            add_key(b, from++);
        (void)find_input(b);
        for (uint32_t i = 0; i < b->input->size; i++) {
            assert_int_equal(mr_row_create(b->op, i, (const uint8_t *)""), MR_OK);
        }
    }
}

static int by_birth(const void *a, const void *b) {
    const uint64_t x = birth_of_number[*(const uint32_t *)a];
    const uint64_t y = birth_of_number[*(const uint32_t *)b];
    return x < y ? -1 : x > y;
}

/* Delete and make anew by chance, and keep births as a naive map does. */
static void churn(bench *b, uint32_t count, uint64_t *seed) {
    for (uint32_t chunk = 0; chunk < 2 + count / 2000; chunk++) {
        begin_input(b, 0);
        for (uint32_t i = 0; i < 1000; i++)
            add_key(b, random_below(seed, count));
        (void)find_input(b);
        for (uint32_t i = 0; i < 1000; i++) {
            mr_row *row = row_of(b, i);
            if (row == NULL) {
                const uint64_t birth = inside(b->op)->rows.births;
                assert_int_equal(mr_row_create(b->op, i, (const uint8_t *)""), MR_OK);
                row = row_of(b, i);
                birth_of_number[number_of(&inside(b->op)->rows, row)] = birth + 1;
            } else if (random_below(seed, 3) != 0) {
                birth_of_number[number_of(&inside(b->op)->rows, row)] = 0;
                assert_int_equal(mr_row_remove(b->op, i), MR_OK);
            }
        }
    }
}

static void check_scan(const bench *b, uint32_t count, uint32_t page_rows) {
    uint32_t rows = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (birth_of_number[i] != 0) expected[rows++] = i;
    }
    qsort(expected, rows, sizeof expected[0], by_birth);
    assert_int_equal(scan_numbers(b, -END, page_rows, numbers, ROWS_MAX), rows);
    assert_memory_equal(numbers, expected, rows * sizeof numbers[0]);
}

static void rows_come_in_first_seen_order_through_deletions_and_re_creations(void **state) {
    (void)state;
    const uint32_t counts[] = {1, 2, 5, 1024, 6000, ROWS_MAX};
    for (uint32_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        uint64_t seed = 31 + c;
        print_message("%u rows, seed %u\n", counts[c], (unsigned)seed);
        bench b = open_bench(&plain);
        create_range(&b, 0, counts[c], 0);
        for (uint32_t i = 0; i < counts[c]; i++)
            birth_of_number[i] = i + 1;
        check_scan(&b, counts[c], MR_SCAN_PAGE_ROWS);
        churn(&b, counts[c], &seed);
        check_scan(&b, counts[c], MR_SCAN_PAGE_ROWS);
        check_scan(&b, counts[c], 1000);
        if (counts[c] <= 6000) check_scan(&b, counts[c], 1);
        close_bench(&b);
    }
}

static void an_empty_state_has_an_empty_page(void **state) {
    (void)state;
    bench b = open_bench(&plain);
    assert_int_equal(scan_numbers(&b, -END, 10, numbers, ROWS_MAX), 0);
    create_range(&b, 0, 1, 0);
    assert_int_equal(mr_row_remove(b.op, 0), MR_OK);
    assert_int_equal(scan_numbers(&b, -END, 10, numbers, ROWS_MAX), 0);
    close_bench(&b);
}

static void births_above_32_bits_are_in_order_too(void **state) {
    (void)state;
    bench b = open_bench(&plain);
    mr_rows *rows = &inside(b.op)->rows;
    for (uint32_t i = 0; i < 6000; i++)
        birth_of_number[i] = i + 1;
    create_range(&b, 0, 2000, 0);
    rows->births = (UINT64_C(1) << 32) - 1000;
    create_range(&b, 2000, 4000, 0);
    rows->births = UINT64_C(1) << 46;
    create_range(&b, 4000, 6000, 0);
    check_scan(&b, 6000, 500);
    close_bench(&b);
}

static void pages_are_as_small_as_asked_and_never_larger_than_the_limit(void **state) {
    (void)state;
    bench b = open_bench(&plain);
    create_range(&b, 0, 10000, 0);
    mr_scan scan = 0;
    uint32_t page = 0;
    assert_int_equal(mr_scan_open(b.op, -END, &scan), MR_OK);
    assert_int_equal(mr_scan_next(scan, 0, &page), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "rows_max");
    assert_int_equal(next_page(scan, 7)->count, 7);
    assert_int_equal(next_page(scan, UINT32_MAX)->count, MR_SCAN_PAGE_ROWS);
    assert_int_equal(next_page(scan, 5000)->count, MR_SCAN_PAGE_ROWS);
    assert_int_equal(next_page(scan, 5000)->count, 10000 - 7 - 2 * MR_SCAN_PAGE_ROWS);
    assert_int_equal(next_page(scan, 5000)->count, 0);
    assert_int_equal(next_page(scan, 5000)->count, 0);
    assert_int_equal(mr_scan_close(scan), MR_OK);
    close_bench(&b);
}

static void expired_rows_are_hidden_at_the_time_of_the_scan(void **state) {
    (void)state;
    const mr_operator_spec spec = {.kind = MR_CUSTOM, .ttl_ms = 100};
    bench b = open_bench(&spec);
    create_range(&b, 0, 20000, 0);
    create_range(&b, 20000, 20003, 50);
    assert_int_equal(scan_numbers(&b, 99, 4096, numbers, ROWS_MAX), 20003);
    assert_int_equal(scan_numbers(&b, 100, 4096, numbers, ROWS_MAX), 3);
    assert_int_equal(numbers[0], 20000);
    assert_int_equal(numbers[2], 20002);
    assert_int_equal(scan_numbers(&b, 150, 4096, numbers, ROWS_MAX), 0);
    assert_int_equal(scan_numbers(&b, -END, 4096, numbers, ROWS_MAX), 20003);
    assert_int_equal(stats_of(&b).rows, 20003); /* None was freed by looking. */
    close_bench(&b);
}

/* Every call of a scan takes about one run; stop it after each, and after half a merge. */
static void a_scan_may_be_closed_at_any_point(void **state) {
    (void)state;
    bench b = open_bench(&plain);
    create_range(&b, 0, 20000, 0);
    const uint64_t before = live_bytes(b.engine);
    for (uint32_t calls = 0; calls < 30; calls++) {
        mr_scan scan = 0;
        uint32_t page = 0;
        assert_int_equal(mr_scan_open(b.op, -END, &scan), MR_OK);
        for (uint32_t i = 0; i < calls; i++)
            assert_true(mr_scan_next(scan, 1500, &page) >= 0);
        assert_int_equal(mr_scan_close(scan), MR_OK);
        assert_int_equal(live_bytes(b.engine), before);
        assert_int_equal(mr_scan_close(scan), MR_ERR_HANDLE);
    }
    close_bench(&b);
}

static mr_status next(mr_scan scan) {
    uint32_t page = 0;
    return mr_scan_next(scan, 10, &page);
}

static void a_changed_state_ends_its_scans(void **state) {
    (void)state;
    bench b = open_bench(&plain);
    create_range(&b, 0, 100, 0);
    mr_scan scans[3] = {0};
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(mr_scan_open(b.op, -END, &scans[i]), MR_OK);
    }
    assert_int_equal(next_page(scans[1], 10)->count, 10);
    assert_int_equal(next_page(scans[2], 10)->count, 10);
    assert_int_equal(mr_row_touch(b.op, 5, 1), MR_OK); /* No row came or went. */
    assert_int_equal(next(scans[1]), MR_OK);
    assert_int_equal(mr_row_remove(b.op, 5), MR_OK);
    uint32_t upto = 0;
    uint32_t size = 0;
    uint8_t out[64];
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(mr_save(scans[i], 0, NULL, NULL, out, 64, 1, &upto, &size), MR_ERR_HANDLE);
        assert_int_equal(next(scans[i]), MR_ERR_HANDLE);
        assert_string_equal(mr_error_name(), "scan");
        assert_int_equal(mr_scan_close(scans[i]), MR_OK);
    }
    close_bench(&b);
}

static void a_row_that_was_refused_does_not_lead_a_scan_astray(void **state) {
    (void)state;
    mr_operator_spec spec = plain;
    for (uint32_t rows = 1; rows < 4000; rows += rows / 8 + 1) { /* The table is at any load. */
        spec.rows_max = rows;
        bench b = open_bench(&spec);
        create_range(&b, 0, rows, 0);
        mr_scan scan = 0;
        assert_int_equal(mr_scan_open(b.op, -END, &scan), MR_OK);
        begin_input(&b, 0);
        add_key(&b, rows);
        (void)find_input(&b);
        assert_int_equal(mr_row_create(b.op, 0, (const uint8_t *)""), MR_ERR_LIMIT);
        uint32_t seen = 0;
        for (uint32_t count; (count = next_page(scan, 100)->count) > 0;)
            seen += count;
        assert_int_equal(seen, rows);
        assert_int_equal(mr_scan_close(scan), MR_OK);
        close_bench(&b);
    }
}

/* At how many rows, from `rows` on, the next one makes the table grow. */
static uint32_t rows_before_growth(uint32_t rows) {
    bench b = open_bench(&plain);
    const mr_table *table = &inside(b.op)->rows.table;
    create_range(&b, 0, rows, 0);
    for (uint64_t bytes = table->bytes; table->bytes == bytes; rows++)
        create_range(&b, rows, rows + 1, 0);
    close_bench(&b);
    return rows - 1;
}

static void a_table_that_grew_for_a_row_that_got_no_memory_ends_its_scans(void **state) {
    (void)state;
    const uint32_t rows = rows_before_growth(12000);
    bench b = open_bench(&plain);
    create_range(&b, 0, rows, 0);
    mr_scan scan = 0;
    uint32_t page = 0;
    assert_int_equal(mr_scan_open(b.op, -END, &scan), MR_OK);
    assert_int_equal(mr_scan_next(scan, 10, &page), MR_MORE); /* Half collected. */
    begin_input(&b, 0);
    add_key(&b, rows);
    (void)find_input(&b);
    const mr_table *table = &inside(b.op)->rows.table;
    const uint64_t bytes = table->bytes;
    for (uint32_t nth = 1; table->bytes == bytes; nth++) { /* Until the row's own fails. */
        mr_heap_fail_after(nth, true);
        assert_int_equal(mr_row_create(b.op, 0, (const uint8_t *)""), MR_ERR_MEMORY);
        mr_heap_fail_after(0, false);
    }
    assert_int_equal(next(scan), MR_ERR_HANDLE);
    assert_int_equal(mr_scan_close(scan), MR_OK);
    assert_int_equal(scan_numbers(&b, -END, 4096, numbers, ROWS_MAX), rows);
    close_bench(&b);
}

static void a_scan_outlives_its_operator_only_to_be_closed(void **state) {
    (void)state;
    bench b = open_bench(&plain);
    create_range(&b, 0, 10000, 0);
    mr_scan scan = 0;
    uint32_t upto = 0;
    uint32_t size = 0;
    assert_int_equal(mr_scan_open(b.op, -END, &scan), MR_OK);
    assert_int_equal(next_page(scan, 10)->count, 10);
    assert_int_equal(mr_operator_close(b.op), MR_OK);
    assert_int_equal(next(scan), MR_ERR_HANDLE);
    assert_int_equal(mr_save(scan, 0, NULL, NULL, NULL, 0, 1, &upto, &size), MR_ERR_HANDLE);
    assert_int_equal(mr_scan_close(scan), MR_OK);
    assert_int_equal(mr_operator_open(b.engine, &plain, &b.op), MR_OK);
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_in_first_seen_order_through_deletions_and_re_creations),
        cmocka_unit_test(an_empty_state_has_an_empty_page),
        cmocka_unit_test(births_above_32_bits_are_in_order_too),
        cmocka_unit_test(pages_are_as_small_as_asked_and_never_larger_than_the_limit),
        cmocka_unit_test(expired_rows_are_hidden_at_the_time_of_the_scan),
        cmocka_unit_test(a_scan_may_be_closed_at_any_point),
        cmocka_unit_test(a_changed_state_ends_its_scans),
        cmocka_unit_test(a_row_that_was_refused_does_not_lead_a_scan_astray),
        cmocka_unit_test(a_table_that_grew_for_a_row_that_got_no_memory_ends_its_scans),
        cmocka_unit_test(a_scan_outlives_its_operator_only_to_be_closed),
    };
    return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
