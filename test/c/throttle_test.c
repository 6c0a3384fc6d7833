/* throttle_test.c -- of the events of a key only so many pass in so much time.
 *
 * What each algorithm passes is compared with plain code in TypeScript, event by event
 * (test/throttle_programs.ts); here are specs, long lists and damaged ones. */
#include "harness.h"

static mr_operator_spec spec_of(uint32_t algorithm, double limit, double per_ms) {
    return (mr_operator_spec){.kind = MR_THROTTLE,
                              .algorithm = algorithm,
                              .limit = limit,
                              .per_ms = per_ms,
                              .burst = 1,
                              .ttl_ms = per_ms};
}

static void check_refused(mr_operator_spec spec) {
    const mr_options options = {.memory_bytes_max = MIB};
    mr_engine engine = 0;
    mr_operator op = 0;
    assert_int_equal(mr_engine_open(&options, &engine), MR_OK);
    assert_int_equal(mr_operator_open(engine, &spec, &op), MR_ERR_ARGUMENT);
    assert_int_equal(mr_engine_close(engine), MR_OK);
}

static void a_spec_that_means_nothing_is_refused(void **state) {
    (void)state;
    const double wrong[] = {0, 0.5, -1, END, -END, __builtin_nan("")};
    for (uint32_t i = 0; i < 6; i++) {
        mr_operator_spec spec = spec_of(MR_SLIDING, 1, 1);
        spec.limit = wrong[i];
        check_refused(spec);
        if (wrong[i] == 0.5) continue; /* Half a millisecond is a time. */
        spec = spec_of(MR_SLIDING, 1, 1);
        spec.per_ms = wrong[i];
        check_refused(spec);
    }
    mr_operator_spec spec = spec_of(MR_TOKEN_BUCKET, 1, 1);
    spec.burst = 0;
    check_refused(spec);
    check_refused(spec_of(MR_GCRA + 1, 1, 1));
    spec = spec_of(MR_GCRA, 1, 1);
    spec.ttl_ms = 0;
    check_refused(spec);
}

/* Push one event of key 1; does it pass? */
static bool passes(bench *b, double time_ms, double watermark_ms) {
    uint32_t upto = 0;
    begin_input(b, 0);
    add_event(b, 1, time_ms, watermark_ms);
    assert_int_equal(mr_operator_push(b->op, b->in, 0, &upto, b->out), MR_OK);
    return b->results->size == 1;
}

static void a_pass_between_milliseconds_counts_to_its_end(void **state) {
    (void)state;
    for (uint32_t algorithm = MR_SLIDING; algorithm <= MR_GCRA; algorithm++) {
        if (algorithm == MR_FIXED) continue; /* Its windows begin at 0. */
        const mr_operator_spec spec = spec_of(algorithm, 1, 100);
        bench b = open_bench(&spec);
        assert_true(passes(&b, 100.5, 100.5));
        assert_false(passes(&b, 200.25, 200.25)); /* Its row must not be gone yet. */
        assert_int_equal(mr_operator_expire(b.op, 200.25, 100), MR_OK);
        assert_false(passes(&b, 200.25, 200.25));
        assert_true(passes(&b, 200.5, 200.5));
        close_bench(&b);
    }
}

static void a_long_list_keeps_its_order_and_its_count(void **state) {
    (void)state;
    const uint32_t limit = 1000;
    const uint32_t per_ms = 10000;
    const mr_operator_spec spec = spec_of(MR_SLIDING, limit, per_ms);
    bench b = open_bench(&spec);
    for (uint32_t i = 0; i < limit; i++) /* From both ends to the middle. */
        assert_true(passes(&b, i % 2 == 0 ? i : per_ms - 1 - i, -END));
    assert_false(passes(&b, per_ms - 1, -END));
    assert_true(passes(&b, per_ms, -END)); /* The one at 0 does not count any more. */
    assert_false(passes(&b, per_ms, -END));
    for (uint32_t round = 1; round < 20; round++) { /* The list moves along in its blob. */
        const double start = 20.0 * per_ms * round;
        for (uint32_t i = 0; i < limit; i++)
            assert_true(passes(&b, start + i, start));
        assert_false(passes(&b, start + limit, start));
    }
    assert_true(stats_of(&b).bytes < (uint64_t)limit * 16 * 4 + 200);
    close_bench(&b);
}

static void events_at_one_time_are_one_entry(void **state) {
    (void)state;
    const mr_operator_spec spec = spec_of(MR_SLIDING, 50000, 1000);
    bench b = open_bench(&spec);
    for (uint32_t i = 0; i < 50000; i++)
        assert_true(passes(&b, 7, 7));
    assert_false(passes(&b, 7, 7));
    assert_true(stats_of(&b).bytes < 200);
    close_bench(&b);
}

static void a_time_too_short_to_matter_does_not_grow_the_list_out_of_its_blob(void **state) {
    (void)state;
    mr_operator_spec spec = spec_of(MR_SLIDING, 1, 1e-5);
    spec.ttl_ms = 1;
    const double times[] = {1.7e12, 1.7e12, 1.7e12, 1.7e12, END, END, END, END};
    bench b = open_bench(&spec);
    for (uint32_t i = 0; i < 8; i++) /* t - per is t, so nothing is in between. */
        assert_true(passes(&b, times[i], times[i]));
    close_bench(&b);
}

static void a_key_remembers_only_so_many_passes(void **state) {
    (void)state;
    const uint32_t most = MR_PASSES_MAX;
    const mr_operator_spec spec = spec_of(MR_SLIDING, 1e9, 1e9);
    bench b = open_bench(&spec);
    for (uint32_t i = 0; i < most; i++)
        assert_true(passes(&b, i, 0));
    uint32_t upto = 0;
    begin_input(&b, 0);
    add_event(&b, 1, most, 0);
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_ERR_LIMIT);
    assert_int_equal(upto, 0);
    assert_true(passes(&b, 3, 0)); /* A time that is there already. */
    close_bench(&b);
}

static void a_list_that_reaches_out_of_its_blob_is_not_followed(void **state) {
    (void)state;
    const mr_operator_spec spec = spec_of(MR_SLIDING, 5, 1000);
    const double bounds[][2] = {{-1, 1},   {0, 3},   {2, 1},
                                {1e18, 1}, {0, END}, {__builtin_nan(""), 0}};
    for (uint32_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        bench b = open_bench(&spec);
        assert_true(passes(&b, 1, 1));
        begin_input(&b, 0);
        add_event(&b, 1, 2, 2);
        (void)mr_rows_find(&inside(b.op)->rows, b.input);
        double *numbers = record_of(&b, 0);
        numbers[MR_PASSES_FIRST] = bounds[i][0];
        numbers[MR_PASSES_SIZE] = bounds[i][1];
        uint32_t upto = 0;
        assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_ERR_CORRUPT);
        close_bench(&b);
    }
}

static void a_list_in_any_order_is_not_written_out_of_its_blob(void **state) {
    (void)state;
    uint64_t random = 3;
    for (uint32_t round = 0; round < 300; round++) {
        const mr_operator_spec spec = spec_of(round % 2 == 0 ? MR_SLIDING : MR_FIXED, 5, 20);
        bench b = open_bench(&spec);
        for (uint32_t i = 0; i < 8; i++)
            assert_true(passes(&b, 20.0 * i, -END));
        begin_input(&b, 0);
        add_event(&b, 1, 0, 0);
        (void)mr_rows_find(&inside(b.op)->rows, b.input);
        uint8_t *record = record_of(&b, 0);
        uint32_t blob;
        memcpy(&blob, record + inside(b.op)->rows.layout.field_at[MR_PASSES_LIST], sizeof blob);
        assert_int_equal(mr_blob_size(blob), 8 * sizeof(mr_pass)); /* It is full. */
        for (uint32_t i = 0; i < 8; i++) {
            const mr_pass pass = {20.0 * random_below(&random, 8), random_below(&random, 3)};
            memcpy((uint8_t *)mr_at(blob) + 4 + i * sizeof pass, &pass, sizeof pass);
        }
        const double time = 20.0 * random_below(&random, 8);
        (void)passes(&b, time, time); /* The sanitizer sees where it writes. */
        (void)passes(&b, time, time);
        close_bench(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spec_that_means_nothing_is_refused),
        cmocka_unit_test(a_pass_between_milliseconds_counts_to_its_end),
        cmocka_unit_test(a_long_list_keeps_its_order_and_its_count),
        cmocka_unit_test(events_at_one_time_are_one_entry),
        cmocka_unit_test(a_time_too_short_to_matter_does_not_grow_the_list_out_of_its_blob),
        cmocka_unit_test(a_key_remembers_only_so_many_passes),
        cmocka_unit_test(a_list_in_any_order_is_not_written_out_of_its_blob),
        cmocka_unit_test(a_list_that_reaches_out_of_its_blob_is_not_followed),
    };
    return cmocka_run_group_tests_name("throttle", tests, NULL, NULL);
}
