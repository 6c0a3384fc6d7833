/* throttle_test.c -- of the events of a key only so many pass in so much time.
 *
 * What each algorithm passes is compared with plain code in TypeScript, event by event
 * (test/throttle_programs.ts); here are specs, long lists and damaged ones. */
#include "harness.h"
#include "random.h"

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

/* How many of the passes lie in (time - per, time]. */
static uint32_t passed_near(const double *passes_ms, uint32_t count, double time_ms,
                            double per_ms) {
    uint32_t near = 0;
    for (uint32_t i = 0; i < count; i++)
        near += passes_ms[i] > time_ms - per_ms && passes_ms[i] <= time_ms;
    return near;
}

static void events_out_of_order_find_their_place_in_lists_of_any_length(void **state) {
    (void)state;
    enum { EVENTS = 3000 };
    for (uint32_t limit = 1; limit <= 256; limit *= 4) {
        const double per_ms = 400;
        const double late_ms = 300;
        const mr_operator_spec spec = spec_of(MR_SLIDING, limit, per_ms);
        bench b = open_bench(&spec);
        double passes_ms[EVENTS];
        uint32_t count = 0;
        uint64_t seed = limit;
        for (uint32_t i = 0; i < EVENTS; i++) {
            const double newest = i;
            const double time_ms = newest - random_below(&seed, (uint32_t)late_ms);
            const bool wanted = passed_near(passes_ms, count, time_ms, per_ms) < limit;
            assert_int_equal(passes(&b, time_ms, newest - late_ms), wanted);
            if (wanted) passes_ms[count++] = time_ms;
        }
        close_bench(&b);
    }
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
    const double bounds[][2] = {{-1, 1},   {0, 5},   {4, 1},
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
    enum { ROOM = 10 }; /* 4 at first, then the limit, then twice as many. */
    uint64_t random = 3;
    for (uint32_t round = 0; round < 300; round++) {
        const mr_operator_spec spec = spec_of(round % 2 == 0 ? MR_SLIDING : MR_FIXED, 5, 20);
        bench b = open_bench(&spec);
        for (uint32_t i = 0; i < ROOM; i++)
            assert_true(passes(&b, 20.0 * i, -END));
        begin_input(&b, 0);
        add_event(&b, 1, 0, 0);
        (void)mr_rows_find(&inside(b.op)->rows, b.input);
        uint8_t *record = record_of(&b, 0);
        uint32_t blob;
        memcpy(&blob, record + inside(b.op)->rows.layout.field_at[MR_PASSES_LIST], sizeof blob);
        assert_int_equal(mr_blob_size(blob), ROOM * sizeof(mr_pass)); /* It is full. */
        for (uint32_t i = 0; i < ROOM; i++) {
            const mr_pass pass = {20.0 * random_below(&random, ROOM), random_below(&random, 3)};
            memcpy((uint8_t *)mr_at(blob) + 4 + i * sizeof pass, &pass, sizeof pass);
        }
        const double time = 20.0 * random_below(&random, ROOM);
        (void)passes(&b, time, time); /* The sanitizer sees where it writes. */
        (void)passes(&b, time, time);
        close_bench(&b);
    }
}

/* ---- delays ---- */

enum { KEYS = 3, EVENTS = 1500, HISTORY = 128 };

static mr_operator_spec delaying(uint32_t algorithm, double limit, double per_ms, double burst,
                                 double queue_max) {
    mr_operator_spec spec = spec_of(algorithm, limit, per_ms);
    const bool bucket = algorithm == MR_TOKEN_BUCKET || algorithm == MR_GCRA;
    spec.flags = MR_DELAY;
    spec.burst = burst;
    spec.queue_max = queue_max;
    spec.ttl_ms = bucket ? __builtin_ceil(burst * per_ms / limit) : per_ms;
    return spec;
}

/* Push one event of key 1 at `now_ms`; when may it go on? -1: never. */
static double released(bench *b, double now_ms) {
    uint32_t upto = 7;
    begin_input(b, now_ms);
    add_key(b, 1);
    const mr_status status = mr_operator_push(b->op, b->in, 0, &upto, b->out);
    if (status == MR_ERR_LIMIT) {
        assert_string_equal(mr_error_name(), "throttle.queueSize");
        assert_true(mr_error_value() == inside(b->op)->spec.queue_max);
        assert_int_equal(upto, 0);
        assert_int_equal(b->results->size, 0);
        return -1;
    }
    assert_int_equal(status, MR_OK);
    assert_int_equal(b->results->size, 1);
    assert_true(mr_batch_has(b->results, MR_HAS_TIME));
    return mr_f64s(b->results->time_ms)[0];
}

static void an_event_that_may_not_pass_waits_until_it_may(void **state) {
    (void)state;
    /* All at 10, limit 2 per 100, and the last at 130. */
    const double expected[4][6] = {
        {10, 10, 110, 110, 210, 210},
        {10, 10, 100, 100, 200, 200},
        {10, 10, 10, 60, 110, 160},
        {10, 10, 10, 60, 110, 160},
    };
    for (uint32_t algorithm = MR_SLIDING; algorithm <= MR_GCRA; algorithm++) {
        const mr_operator_spec spec = delaying(algorithm, 2, 100, 3, 4);
        bench b = open_bench(&spec);
        for (uint32_t i = 0; i < 6; i++) {
            const double now = i == 5 ? 130 : 10;
            const double time = released(&b, now);
            assert_true(time == expected[algorithm][i]);
        }
        close_bench(&b);
    }
}

static void a_queue_that_is_full_refuses_and_changes_nothing(void **state) {
    (void)state;
    for (uint32_t algorithm = MR_SLIDING; algorithm <= MR_GCRA; algorithm++) {
        const mr_operator_spec spec = delaying(algorithm, 1, 100, 1, 2);
        bench b = open_bench(&spec);
        assert_true(released(&b, 100) == 100);
        assert_true(released(&b, 100) == 200);
        assert_true(released(&b, 150) == 300);
        for (uint32_t i = 0; i < 3; i++)
            assert_true(released(&b, 199) == -1);
        assert_true(released(&b, 200) == 400); /* The first that waited does no more. */
        assert_true(released(&b, 299) == -1);
        assert_true(released(&b, 500) == 500);
        close_bench(&b);
    }
}

static void a_refusal_stops_a_push_where_it_is(void **state) {
    (void)state;
    const mr_operator_spec spec = delaying(MR_SLIDING, 1, 100, 1, 1);
    bench b = open_bench(&spec);
    uint32_t upto = 0;
    begin_input(&b, 0);
    const uint32_t keys[] = {1, 2, 1, 1, 2};
    for (uint32_t i = 0; i < 5; i++)
        add_key(&b, keys[i]);
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_ERR_LIMIT);
    assert_int_equal(upto, 3);
    assert_int_equal(b.results->size, 3);
    assert_true(mr_f64s(b.results->time_ms)[2] == 100);
    assert_int_equal(mr_operator_push(b.op, b.in, 4, &upto, b.out), MR_OK);
    assert_int_equal(b.results->size, 1);
    assert_int_equal(mr_u32s(b.results->position)[0], 4);
    assert_true(mr_f64s(b.results->time_ms)[0] == 100);
    close_bench(&b);
}

static void delays_are_of_processing_time_alone(void **state) {
    (void)state;
    const mr_operator_spec spec = delaying(MR_GCRA, 1, 100, 1, 1);
    bench b = open_bench(&spec);
    uint32_t upto = 0;
    begin_input(&b, 0);
    add_event(&b, 1, 0, 0);
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "present");
    assert_int_equal(stats_of(&b).rows, 0);
    close_bench(&b);
    const double wrong[] = {0, 0.5, -1, -END, __builtin_nan("")};
    for (uint32_t i = 0; i < 5; i++)
        check_refused(delaying(MR_GCRA, 1, 100, 1, wrong[i]));
}

static void a_clock_that_goes_back_does_not_turn_the_order_round(void **state) {
    (void)state;
    for (uint32_t algorithm = MR_SLIDING; algorithm <= MR_GCRA; algorithm++) {
        const mr_operator_spec spec = delaying(algorithm, 2, 100, 2, 100);
        uint64_t random = algorithm;
        double last = 0;
        bench b = open_bench(&spec);
        for (uint32_t i = 0; i < 500; i++) {
            const double time = released(&b, 20.0 * i + random_below(&random, 100));
            if (time < 0) continue;
            assert_true(time >= last);
            last = time;
        }
        close_bench(&b);
    }
}

/* ---- a model of delays: what passed, and the definitions ---- */

typedef struct passed {
    double times[HISTORY]; /* The latest ones. */
    uint32_t size;
    double tokens; /* After the last one. */
    double tat;
} passed;

static double tokens_at(const mr_operator_spec *spec, const passed *p, double time_ms) {
    if (p->size == 0) return spec->burst;
    const double elapsed = time_ms - p->times[p->size - 1];
    const double tokens = p->tokens + elapsed * spec->limit / spec->per_ms;
    return tokens < spec->burst ? tokens : spec->burst;
}

static void pass(const mr_operator_spec *spec, passed *p, double time_ms) {
    const double tat = p->size == 0 || time_ms > p->tat ? time_ms : p->tat;
    p->tokens = tokens_at(spec, p, time_ms) - 1;
    p->tat = tat + spec->per_ms / spec->limit;
    if (p->size == HISTORY) { /* What was long ago is in no window any more. */
        p->size /= 2;
        memmove(p->times, p->times + p->size, p->size * sizeof(double));
    }
    p->times[p->size++] = time_ms;
}

/* May an event pass at `time_ms`, by what the algorithm is? */
static bool may_pass(const mr_operator_spec *spec, const passed *p, double time_ms) {
    uint32_t near = 0;
    const double window = __builtin_floor(time_ms / spec->per_ms);
    switch (spec->algorithm) {
    case MR_SLIDING:
        for (uint32_t i = 0; i < p->size; i++)
            near += p->times[i] > time_ms - spec->per_ms && p->times[i] <= time_ms;
        return near < spec->limit;
    case MR_FIXED:
        for (uint32_t i = 0; i < p->size; i++)
            near += __builtin_floor(p->times[i] / spec->per_ms) == window;
        return near < spec->limit;
    case MR_TOKEN_BUCKET:
        return tokens_at(spec, p, time_ms) >= 1;
    default:
        return p->size == 0 || time_ms >= p->tat - (spec->burst - 1) * spec->per_ms / spec->limit;
    }
}

/* When the event of `now` passes, found by trying every quarter of a millisecond; -1: never. */
static double try_all(const mr_operator_spec *spec, passed *p, double now_ms) {
    uint32_t waiting = 0;
    double time_ms = now_ms;
    for (uint32_t i = 0; i < p->size; i++) {
        waiting += p->times[i] > now_ms;
        if (p->times[i] > time_ms) time_ms = p->times[i];
    }
    while (!may_pass(spec, p, time_ms))
        time_ms += 0.25;
    if (time_ms > now_ms && waiting + 1 > spec->queue_max) return -1;
    pass(spec, p, time_ms);
    return time_ms;
}

/* One chunk of random keys at `now_ms`, compared event by event; returns how many waited, and
 * counts the refused. */
static uint32_t compare_chunk(bench *b, passed *model, double now_ms, uint64_t *random,
                              uint32_t *refused) {
    const mr_operator_spec *spec = &inside(b->op)->spec;
    const uint32_t size = 1 + random_below(random, 8);
    uint32_t keys[8];
    uint32_t waited = 0;
    begin_input(b, now_ms);
    for (uint32_t i = 0; i < size; i++)
        add_key(b, keys[i] = random_below(random, KEYS));
    for (uint32_t from = 0; from < size;) {
        uint32_t upto = from;
        const mr_status status = mr_operator_push(b->op, b->in, from, &upto, b->out);
        assert_int_equal(b->results->size, upto - from);
        for (uint32_t i = 0; i < upto - from; i++) {
            const double expected = try_all(spec, &model[keys[from + i]], now_ms);
            assert_int_equal(mr_u32s(b->results->position)[i], from + i);
            assert_true(mr_f64s(b->results->time_ms)[i] == expected);
            waited += expected > now_ms;
        }
        from = upto;
        if (status == MR_OK) continue;
        assert_int_equal(status, MR_ERR_LIMIT);
        assert_true(try_all(spec, &model[keys[from++]], now_ms) == -1);
        ++*refused;
    }
    return waited;
}

static void check_delays(const mr_operator_spec *spec, uint64_t random) {
    static passed model[KEYS];
    memset(model, 0, sizeof model);
    bench b = open_bench(spec);
    double now = random % 2 == 0 ? -3000 : 1700000000000;
    const double step = 4 * spec->per_ms / spec->limit / (double)KEYS; /* Less than they want. */
    uint32_t waited = 0;
    uint32_t refused = 0;
    uint64_t expired = 0;
    for (uint32_t i = 0; i < EVENTS / 4; i++) {
        const uint32_t chance = random_below(&random, 100);
        waited += compare_chunk(&b, model, now, &random, &refused);
        expired += chance < 10 ? stats_of(&b).expired : 0;
        if (chance < 10) restore(&b);
        if (chance > 50) (void)mr_operator_expire(b.op, now, 10);
        now += __builtin_floor(step * random_below(&random, chance == 20 ? 400 : 8)) / 4;
    }
    assert_true(waited > 100 && refused > 5);
    assert_true(expired + stats_of(&b).expired > 0);
    close_bench(&b);
}

static void nothing_passes_too_early_and_nothing_waits_too_long(void **state) {
    (void)state;
    /* Limit, per, burst, queue: quotients that a double can hold. */
    const double figures[][4] = {{1, 8, 1, 1}, {4, 64, 3, 5}, {5, 40, 5, 2}, {2, 128, 7, 12}};
    for (uint32_t algorithm = MR_SLIDING; algorithm <= MR_GCRA; algorithm++) {
        for (uint32_t i = 0; i < 4; i++) {
            const double *f = figures[i];
            const mr_operator_spec spec = delaying(algorithm, f[0], f[1], f[2], f[3]);
            check_delays(&spec, 10 * algorithm + i);
        }
    }
}

static void windows_and_intervals_of_fractions_go_on(void **state) {
    (void)state;
    const double pers[] = {0.1, 100.0 / 3, 1e9 / 7};
    for (uint32_t algorithm = MR_SLIDING; algorithm <= MR_GCRA; algorithm++) {
        for (uint32_t k = 0; k < 3; k++) {
            mr_operator_spec spec = delaying(algorithm, 1, pers[k], 1, 1e6);
            spec.ttl_ms = __builtin_ceil(pers[k]);
            bench b = open_bench(&spec);
            const double now = 1.7e12 + 0.3;
            double last = released(&b, now);
            assert_true(last == now);
            for (uint32_t i = 1; i < 2000; i++) {
                const double time = released(&b, now);
                const double least = algorithm == MR_FIXED && i == 1 ? 0 : pers[k] - 0.001;
                assert_true(time > last && time - last > least && time - last < pers[k] + 0.001);
                last = time;
            }
            close_bench(&b);
        }
    }
}

static void a_key_is_remembered_until_its_last_pass_matters_no_more(void **state) {
    (void)state;
    for (uint32_t algorithm = MR_SLIDING; algorithm <= MR_GCRA; algorithm++) {
        const mr_operator_spec spec = delaying(algorithm, 1, 100, 1, 10);
        bench b = open_bench(&spec);
        for (uint32_t i = 0; i < 6; i++) /* The last passes at 600. */
            assert_true(released(&b, 100) == 100 + 100.0 * i);
        assert_int_equal(mr_operator_expire(b.op, 699, 100), MR_OK);
        assert_int_equal(stats_of(&b).rows, 1);
        assert_int_equal(mr_operator_expire(b.op, 700, 100), MR_OK);
        assert_int_equal(stats_of(&b).rows, 0);
        assert_true(released(&b, 700) == 700);
        close_bench(&b);
    }
}

static void long_queues_take_a_bounded_list(void **state) {
    (void)state;
    for (uint32_t algorithm = MR_SLIDING; algorithm <= MR_GCRA; algorithm++) {
        const mr_operator_spec spec = delaying(algorithm, 1, 10, 1, 500);
        bench b = open_bench(&spec);
        double now = 0;
        for (uint32_t i = 0; i < 5000; i++) {
            now = i < 500 ? 0 : now + 10;
            assert_true(released(&b, now) == 10.0 * i);
        }
        assert_true(stats_of(&b).bytes < 500 * 16 * 4 + 200);
        close_bench(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spec_that_means_nothing_is_refused),
        cmocka_unit_test(a_pass_between_milliseconds_counts_to_its_end),
        cmocka_unit_test(a_long_list_keeps_its_order_and_its_count),
        cmocka_unit_test(events_out_of_order_find_their_place_in_lists_of_any_length),
        cmocka_unit_test(events_at_one_time_are_one_entry),
        cmocka_unit_test(a_time_too_short_to_matter_does_not_grow_the_list_out_of_its_blob),
        cmocka_unit_test(a_key_remembers_only_so_many_passes),
        cmocka_unit_test(a_list_in_any_order_is_not_written_out_of_its_blob),
        cmocka_unit_test(a_list_that_reaches_out_of_its_blob_is_not_followed),
        cmocka_unit_test(an_event_that_may_not_pass_waits_until_it_may),
        cmocka_unit_test(a_queue_that_is_full_refuses_and_changes_nothing),
        cmocka_unit_test(a_refusal_stops_a_push_where_it_is),
        cmocka_unit_test(delays_are_of_processing_time_alone),
        cmocka_unit_test(a_clock_that_goes_back_does_not_turn_the_order_round),
        cmocka_unit_test(nothing_passes_too_early_and_nothing_waits_too_long),
        cmocka_unit_test(windows_and_intervals_of_fractions_go_on),
        cmocka_unit_test(a_key_is_remembered_until_its_last_pass_matters_no_more),
        cmocka_unit_test(long_queues_take_a_bounded_list),
    };
    return cmocka_run_group_tests_name("throttle", tests, NULL, NULL);
}
