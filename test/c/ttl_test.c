/* ttl_test.c -- reads that restart a ttl, and rows that stand until they are cleaned up. */
#include "harness.h"

enum { KEYS = 40, EVENTS = 3000 };

static const double forever = 8640000000000000;

static mr_operator_spec spec_of(uint32_t flags, double ttl_ms, double cleanup_ms) {
    return (mr_operator_spec){.kind = MR_CUSTOM,
                              .count = 1,
                              .kinds = {MR_F64},
                              .flags = flags,
                              .ttl_ms = ttl_ms,
                              .cleanup_ms = cleanup_ms};
}

static mr_row *enter(bench *b, uint32_t number, double time_ms, double watermark) {
    begin_input(b, 0);
    add_event(b, number, time_ms, watermark);
    (void)find_input(b);
    assert_int_equal(mr_row_enter(b->op, 0), MR_OK);
    return row_of(b, 0);
}

static void create(bench *b, uint32_t number, double time_ms) {
    static const uint64_t record[1];
    assert_null(enter(b, number, time_ms, -END));
    assert_int_equal(mr_row_create(b->op, 0, (const uint8_t *)record), MR_OK);
}

static bool looks(const bench *b, double time_ms) {
    uint32_t row = 0;
    assert_int_equal(mr_row_look(b->op, 0, time_ms, &row), MR_OK);
    return row != 0;
}

/* ---- reads ---- */

static void a_read_restarts_the_ttl_where_it_is_asked_to(void **state) {
    (void)state;
    for (uint32_t flags = 0; flags <= MR_TOUCH_READS; flags += MR_TOUCH_READS) {
        const mr_operator_spec spec = spec_of(flags, 100, 0);
        bench b = open_bench(&spec);
        create(&b, 1, 0);
        assert_non_null(enter(&b, 1, 60, 0));
        assert_int_equal(mr_row_touch(b.op, 0, 0), MR_OK);
        assert_non_null(enter(&b, 1, 50, 50)); /* Behind: the last use does not move back. */
        assert_int_equal(mr_row_touch(b.op, 0, 0), MR_OK);
        assert_int_equal(looks(&b, 100), flags != 0);
        assert_int_equal(looks(&b, 159), flags != 0);
        assert_false(looks(&b, 160));
        assert_int_equal(mr_operator_expire(b.op, 159, 100), MR_OK);
        assert_int_equal(stats_of(&b).rows, flags != 0);
        assert_int_equal(mr_operator_expire(b.op, 160, 100), MR_OK);
        assert_int_equal(stats_of(&b).rows, 0);
        close_bench(&b);
    }
}

static void a_read_that_restarts_the_ttl_changes_the_row(void **state) {
    (void)state;
    for (uint32_t flags = 0; flags <= MR_TOUCH_READS; flags += MR_TOUCH_READS) {
        const mr_operator_spec spec = spec_of(MR_TRACK | flags, 100, 0);
        bench b = open_bench(&spec);
        create(&b, 1, 0);
        assert_non_null(enter(&b, 1, 60, 0));
        end_epoch(&b);
        assert_int_equal(mr_row_touch(b.op, 0, 0), MR_OK);
        assert_int_equal(changes_of(&b).rows, flags != 0);
        end_epoch(&b);
        assert_int_equal(mr_row_touch(b.op, 0, 0), MR_OK); /* At the same time: nothing. */
        assert_int_equal(changes_of(&b).rows, 0);
        close_bench(&b);
    }
}

/* ---- rows that linger ---- */

static void a_row_is_gone_at_the_first_cleaning_that_finds_its_ttl_over(void **state) {
    (void)state;
    /* Last use, ttl, cleaning every; gone at. */
    const double cases[][4] = {
        {0, 100, 30, 120},     {0, 90, 30, 90},       {1, 90, 30, 120},     {29, 61, 30, 90},
        {-500, 100, 30, -390}, {-500, 110, 30, -390}, {-100, 100, 1000, 0}, {-5, 100, 1000, 1000},
        {-5, 4, 1000, 0},      {7, 1, 1, 8},
    };
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const double *each = cases[i];
        const mr_operator_spec spec = spec_of(MR_LINGER, each[1], each[2]);
        bench b = open_bench(&spec);
        create(&b, 1, each[0]);
        assert_true(looks(&b, each[3] - 1));
        assert_false(looks(&b, each[3]));
        assert_non_null(enter(&b, 1, each[3] - 0.5, -END));
        assert_non_null(enter(&b, 1, -END, each[3] - 1));
        uint32_t number = 0;
        assert_int_equal(scan_numbers(&b, each[3] - 1, 10, &number, 1), 1);
        assert_int_equal(scan_numbers(&b, each[3], 10, &number, 1), 0);
        assert_int_equal(mr_operator_expire(b.op, each[3] - 1, 100), MR_OK);
        assert_int_equal(stats_of(&b).rows, 1);
        if (i % 2 == 0) {
            assert_int_equal(mr_operator_expire(b.op, each[3], 100), MR_OK);
        } else {
            assert_null(enter(&b, 1, each[3], -END));
        }
        assert_int_equal(stats_of(&b).rows, 0);
        assert_int_equal(stats_of(&b).expired, 1);
        close_bench(&b);
    }
}

static void a_use_moves_the_cleaning_that_takes_a_row(void **state) {
    (void)state;
    const mr_operator_spec spec = spec_of(MR_LINGER, 100, 50);
    bench b = open_bench(&spec);
    create(&b, 1, 0); /* Until 100. */
    assert_non_null(enter(&b, 1, 99, 0));
    assert_int_equal(mr_row_touch(b.op, 0, 1), MR_OK); /* Until 199, that is 200. */
    assert_int_equal(mr_operator_expire(b.op, 199, 100), MR_OK);
    assert_non_null(enter(&b, 1, 199, 199)); /* Over since a millisecond, and a use. */
    assert_int_equal(mr_row_touch(b.op, 0, 1), MR_OK);
    assert_int_equal(mr_operator_expire(b.op, 299, 100), MR_OK);
    assert_int_equal(stats_of(&b).rows, 1);
    assert_null(enter(&b, 1, 300, 300));
    close_bench(&b);
}

static void the_ends_of_time_do_not_overflow(void **state) {
    (void)state;
    const double times[] = {-END, -forever, -1, 0, 1, forever, END, __builtin_nan("")};
    const double cleanings[] = {1, 7, forever - 1, forever};
    for (uint32_t i = 0; i < 4; i++) {
        const mr_operator_spec spec = spec_of(MR_LINGER, forever, cleanings[i]);
        bench b = open_bench(&spec);
        for (uint32_t k = 0; k < 8; k++)
            create(&b, k, times[k]);
        while (mr_operator_expire(b.op, -1, 100) == MR_MORE) {
        }
        assert_int_equal(stats_of(&b).rows, 8);
        close_bench(&b);
    }
}

static void wrong_cleanings_are_refused(void **state) {
    (void)state;
    const double wrong[] = {0, -1, 0.5, 1.5, 9e15, END, -END, __builtin_nan("")};
    bench b = open_bench(&(mr_operator_spec){.kind = MR_CUSTOM});
    mr_operator op = 0;
    for (uint32_t i = 0; i < 8; i++) {
        mr_operator_spec spec = spec_of(MR_LINGER, 10, wrong[i]);
        assert_int_equal(mr_operator_open(b.engine, &spec, &op), MR_ERR_ARGUMENT);
        assert_string_equal(mr_error_name(), "cleanup_ms");
        spec.flags = 0; /* Nobody asks for it. */
        assert_int_equal(mr_operator_open(b.engine, &spec, &op), MR_OK);
        assert_int_equal(mr_operator_close(op), MR_OK);
    }
    close_bench(&b);
}

/* ---- any life, in chunks of any size ---- */

typedef struct event {
    uint32_t number;
    double time_ms;
    double watermark;
    bool write;
} event;

static void make_events(event *events, uint32_t seed) {
    uint64_t random = seed;
    double most = -3000;
    for (uint32_t i = 0; i < EVENTS; i++) {
        const double watermark = most - 40;
        const double time = most + random_below(&random, 60) - 40 + (i % 3 == 0 ? 0.25 : 0);
        events[i] = (event){
            .number = random_below(&random, KEYS),
            .time_ms = time,
            .watermark = watermark,
            .write = random_below(&random, 3) == 0,
        };
        if (time > most) most = time;
    }
}

/* By the definition: which events find a row. */
static void run_plainly(const mr_operator_spec *spec, const event *events, bool *seen) {
    bool stands[KEYS] = {false};
    double last[KEYS] = {0};
    for (uint32_t i = 0; i < EVENTS; i++) {
        const event *e = &events[i];
        const uint32_t k = e->number;
        double gone = last[k] + spec->ttl_ms;
        if ((spec->flags & MR_LINGER) != 0) {
            gone = __builtin_ceil(gone / spec->cleanup_ms) * spec->cleanup_ms;
        }
        const double clock = e->time_ms > e->watermark ? e->time_ms : e->watermark;
        if (stands[k] && clock >= gone) stands[k] = false;
        seen[i] = stands[k];
        const bool uses = e->write || !stands[k] || (spec->flags & MR_TOUCH_READS) != 0;
        const double time = __builtin_floor(e->time_ms);
        if (uses && (!stands[k] || time > last[k])) last[k] = time;
        stands[k] = true;
    }
}

/* Through the exports, in chunks; rows that are over are freed between some of them. */
static void run_in_chunks(const mr_operator_spec *spec, const event *events, uint32_t chunk,
                          uint32_t seed, bool *seen) {
    static const uint64_t record[1];
    uint64_t random = seed;
    bench b = open_bench(spec);
    for (uint32_t from = 0; from < EVENTS; from += chunk) {
        const uint32_t upto = from + chunk < EVENTS ? from + chunk : EVENTS;
        begin_input(&b, 0);
        for (uint32_t i = from; i < upto; i++)
            add_event(&b, events[i].number, events[i].time_ms, events[i].watermark);
        (void)find_input(&b);
        for (uint32_t i = from; i < upto; i++) {
            const uint32_t at = i - from;
            assert_int_equal(mr_row_enter(b.op, at), MR_OK);
            seen[i] = row_of(&b, at) != NULL;
            const mr_status status = seen[i] ? mr_row_touch(b.op, at, events[i].write)
                                             : mr_row_create(b.op, at, (const uint8_t *)record);
            assert_int_equal(status, MR_OK);
        }
        if (random_below(&random, 2) == 0) continue;
        (void)mr_operator_expire(b.op, events[upto - 1].watermark, random_below(&random, 40));
    }
    close_bench(&b);
}

static void chunks_of_any_size_see_what_the_definition_says(void **state) {
    (void)state;
    static event events[EVENTS];
    static bool expected[EVENTS];
    static bool seen[EVENTS];
    const uint32_t chunks[] = {1, 2, 7, 100, EVENTS};
    const uint32_t modes[] = {0, MR_TOUCH_READS, MR_LINGER, MR_TOUCH_READS | MR_LINGER};
    for (uint32_t mode = 0; mode < 4; mode++) {
        uint32_t found = 0;
        const mr_operator_spec spec = spec_of(modes[mode], 130, 64);
        make_events(events, mode);
        run_plainly(&spec, events, expected);
        for (uint32_t i = 0; i < EVENTS; i++)
            found += expected[i];
        assert_in_range(found, EVENTS / 8, EVENTS - EVENTS / 8);
        for (uint32_t i = 0; i < 5; i++) {
            run_in_chunks(&spec, events, chunks[i], 7 * mode + i, seen);
            assert_memory_equal(seen, expected, sizeof seen);
        }
    }
}

/* The same through an operator that is pushed: duplicates are those that find a row. */
static void operators_that_are_pushed_see_the_same(void **state) {
    (void)state;
    static event events[EVENTS];
    static bool expected[EVENTS];
    const uint32_t chunks[] = {1, 13, EVENTS};
    mr_operator_spec spec = spec_of(MR_LINGER, 130, 64);
    spec.kind = MR_DEDUPLICATE;
    spec.count = 0;
    make_events(events, 9);
    for (uint32_t i = 0; i < EVENTS; i++)
        events[i].write = false; /* A duplicate is a read. */
    run_plainly(&spec, events, expected);
    for (uint32_t c = 0; c < 3; c++) {
        bench b = open_bench(&spec);
        for (uint32_t from = 0; from < EVENTS; from += chunks[c]) {
            const uint32_t upto = from + chunks[c] < EVENTS ? from + chunks[c] : EVENTS;
            begin_input(&b, 0);
            for (uint32_t i = from; i < upto; i++)
                add_event(&b, events[i].number, events[i].time_ms, events[i].watermark);
            uint32_t done = 0;
            assert_int_equal(mr_operator_push(b.op, b.in, 0, &done, b.out), MR_OK);
            uint32_t at = 0;
            for (uint32_t i = from; i < upto; i++) {
                if (expected[i]) continue;
                assert_true(at < b.results->size);
                assert_int_equal(mr_u32s(b.results->position)[at++], i - from);
            }
            assert_int_equal(at, b.results->size);
            if (from % 3 == 0) (void)mr_operator_expire(b.op, events[upto - 1].watermark, 50);
        }
        close_bench(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_restarts_the_ttl_where_it_is_asked_to),
        cmocka_unit_test(a_read_that_restarts_the_ttl_changes_the_row),
        cmocka_unit_test(a_row_is_gone_at_the_first_cleaning_that_finds_its_ttl_over),
        cmocka_unit_test(a_use_moves_the_cleaning_that_takes_a_row),
        cmocka_unit_test(the_ends_of_time_do_not_overflow),
        cmocka_unit_test(wrong_cleanings_are_refused),
        cmocka_unit_test(chunks_of_any_size_see_what_the_definition_says),
        cmocka_unit_test(operators_that_are_pushed_see_the_same),
    };
    return cmocka_run_group_tests_name("ttl", tests, NULL, NULL);
}
