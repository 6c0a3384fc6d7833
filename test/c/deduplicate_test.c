/* deduplicate_test.c -- the first event of a key passes, later ones do not. */
#include "harness.h"

enum { EVENTS = 6000 };

static const mr_operator_spec plain = {.kind = MR_DEDUPLICATE};

/* Push the input from its start; the positions that passed, `base` added. */
static uint32_t push_all(const bench *b, uint32_t base, uint32_t *passed, uint32_t count) {
    mr_status status = MR_MORE;
    for (uint32_t from = 0; status == MR_MORE;) {
        status = mr_operator_push(b->op, b->in, from, &from, b->out);
        assert_int_equal(b->results->column_count, 0);
        for (uint32_t i = 0; i < b->results->size; i++) {
            passed[count++] = base + mr_u32s(b->results->position)[i];
        }
    }
    assert_int_equal(status, MR_OK);
    return count;
}

static uint32_t passed[2 * EVENTS];

static void only_the_first_event_of_a_key_passes(void **state) {
    (void)state;
    bench b = open_bench(&plain);
    const uint32_t keys[] = {4, 4, 2, 4, 2, 9};
    const uint32_t expected[] = {0, 2, 5};
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 6; i++)
        add_key(&b, keys[i]);
    assert_int_equal(push_all(&b, 0, passed, 0), 3);
    assert_memory_equal(passed, expected, sizeof expected);
    assert_int_equal(push_all(&b, 0, passed, 0), 0);
    assert_int_equal(mr_operator_advance(b.op, END, b.out), MR_OK);
    assert_int_equal(b.results->size, 0);
    close_bench(&b);
}

static void a_key_passes_again_at_age_exactly_ttl_and_duplicates_do_not_count(void **state) {
    (void)state;
    mr_operator_spec spec = plain;
    spec.ttl_ms = 100;
    bench b = open_bench(&spec);
    const double times[] = {0, 60, 99, 100, 150, 199, 200};
    const uint32_t expected[] = {0, 3, 6};
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 7; i++)
        add_event(&b, 1, times[i], i == 0 ? -END : times[i - 1]);
    assert_int_equal(push_all(&b, 0, passed, 0), 3);
    assert_memory_equal(passed, expected, sizeof expected);
    close_bench(&b);
}

/* ---- against a naive map, however the input is cut ---- */

typedef struct event {
    uint32_t key;
    double time;
    double watermark;
} event;

static event events[EVENTS];

static void make_events(uint64_t seed) {
    print_message("seed %u\n", (unsigned)seed);
    double watermark = -END;
    double time = 0;
    for (uint32_t i = 0; i < EVENTS; i++) {
        time += random_below(&seed, 4);
        events[i].key = random_below(&seed, 200);
        events[i].time = time - random_below(&seed, 60);
        events[i].watermark = watermark;
        if (events[i].time - 20 > watermark) watermark = events[i].time - 20;
    }
}

static uint32_t run_naively(double ttl_ms, uint32_t *out) {
    double seen[200];
    bool is_seen[200] = {0};
    uint32_t count = 0;
    for (uint32_t i = 0; i < EVENTS; i++) {
        const event *e = &events[i];
        const double clock = e->time > e->watermark ? e->time : e->watermark;
        if (is_seen[e->key] && clock < seen[e->key] + ttl_ms) continue;
        is_seen[e->key] = true;
        seen[e->key] = e->time;
        out[count++] = i;
    }
    return count;
}

static void what_passes_is_what_a_naive_map_lets_pass_however_the_input_is_cut(void **state) {
    (void)state;
    const uint32_t chunks[] = {1, 7, 1024, EVENTS};
    static uint32_t expected[EVENTS];
    for (uint64_t seed = 61; seed < 64; seed++) {
        make_events(seed);
        mr_operator_spec spec = plain;
        spec.ttl_ms = 150;
        const uint32_t count = run_naively(spec.ttl_ms, expected);
        assert_true(count > 300 && count < EVENTS - 300);
        for (uint32_t c = 0; c < 4; c++) {
            bench b = open_bench(&spec);
            uint32_t is = 0;
            for (uint32_t from = 0; from < EVENTS; from += chunks[c]) {
                begin_input(&b, 0);
                for (uint32_t i = from; i < EVENTS && i < from + chunks[c]; i++) {
                    add_event(&b, events[i].key, events[i].time, events[i].watermark);
                }
                is = push_all(&b, from, passed, is);
                (void)mr_operator_expire(b.op, events[from].watermark, c * 10);
            }
            assert_int_equal(is, count);
            assert_memory_equal(passed, expected, count * sizeof expected[0]);
            close_bench(&b);
        }
    }
}

static void more_results_than_a_batch_holds_come_in_several_calls(void **state) {
    (void)state;
    bench b = open_bench(&plain);
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 8192; i++)
        add_key(&b, i / 2 * 2 % 8190);
    uint32_t upto = 0;
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_OK); /* 4,095 keys. */
    assert_int_equal(b.results->size, 4095);
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 8192; i++)
        add_key(&b, 10000 + i);
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_MORE);
    assert_int_equal(upto, 4096);
    assert_int_equal(b.results->size, 4096);
    assert_int_equal(mr_operator_push(b.op, b.in, upto, &upto, b.out), MR_OK);
    assert_int_equal(b.results->size, 4096);
    assert_int_equal(mr_u32s(b.results->position)[0], 4096);
    close_bench(&b);
}

static void a_duplicate_counts_as_a_use_where_rows_are_evicted(void **state) {
    (void)state;
    mr_operator_spec spec = plain;
    spec.flags = MR_EVICT;
    spec.rows_max = 2;
    bench b = open_bench(&spec);
    const uint32_t keys[] = {1, 2, 1, 3, 1, 2, 3};
    const uint32_t expected[] = {0, 1, 3, 5, 6}; /* 3 evicts 2, which passes again, and so on. */
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 7; i++)
        add_key(&b, keys[i]);
    assert_int_equal(push_all(&b, 0, passed, 0), 5);
    assert_memory_equal(passed, expected, sizeof expected);
    assert_int_equal(stats_of(&b).evicted, 3);
    close_bench(&b);
}

static void an_error_leaves_the_rows_before_it_applied_and_no_other(void **state) {
    (void)state;
    mr_operator_spec spec = plain;
    spec.rows_max = 2;
    bench b = open_bench(&spec);
    begin_input(&b, 0);
    const uint32_t keys[] = {1, 1, 2, 2, 3, 1};
    for (uint32_t i = 0; i < 6; i++)
        add_key(&b, keys[i]);
    uint32_t upto = 0;
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_ERR_LIMIT);
    assert_int_equal(upto, 4);
    assert_int_equal(b.results->size, 2);
    assert_int_equal(stats_of(&b).rows, 2);
    assert_int_equal(mr_operator_push(b.op, b.in, 5, &upto, b.out), MR_OK);
    assert_int_equal(b.results->size, 0);
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_first_event_of_a_key_passes),
        cmocka_unit_test(a_key_passes_again_at_age_exactly_ttl_and_duplicates_do_not_count),
        cmocka_unit_test(what_passes_is_what_a_naive_map_lets_pass_however_the_input_is_cut),
        cmocka_unit_test(more_results_than_a_batch_holds_come_in_several_calls),
        cmocka_unit_test(a_duplicate_counts_as_a_use_where_rows_are_evicted),
        cmocka_unit_test(an_error_leaves_the_rows_before_it_applied_and_no_other),
    };
    return cmocka_run_group_tests_name("deduplicate", tests, NULL, NULL);
}
