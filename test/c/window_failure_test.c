/* window_failure_test.c -- windows of every kind under allocations that fail, in chunks of any
 * size, and saved and loaded on the way: what comes out is always the same. */
#include "window_harness.h"

enum { EVENTS = 160, KEYS = 5, KINDS = 11 };

static mr_operator_spec spec_of(uint32_t kind) {
    mr_operator_spec spec = kind % 3 == 0 ? tumbling(10) : sliding(10, kind % 3 == 1 ? 4 : 5);
    spec.kinds[1] = kind % 2 == 0 ? MR_SUM : MR_MIN;
    spec.late_ms = kind % 4 < 2 ? 0 : 15;
    if (kind == 3 || kind == 7) spec.flags |= MR_EMIT_EACH;
    if (kind == 2) spec.flags |= MR_FINAL;
    if (kind == 5 || kind == 6) {
        spec.assigner = MR_SESSIONS;
        spec.size = 3;
        if (kind == 5) spec.flags |= MR_EXCLUSIVE;
    }
    if (kind == 8) {
        spec.assigner = MR_COUNTED;
        spec.flags = MR_PARTIAL;
        spec.late_ms = 0;
    }
    if (kind >= 9) {
        spec.assigner = kind == 9 ? MR_COUNTED_EACH : MR_COUNTED;
        spec.flags = 0;
        spec.late_ms = 0;
        spec.size = kind == 9 ? 10 : 3; /* The second leaves events out. */
        spec.slide = 4;
    }
    spec.flags |= MR_TRACK;
    return spec;
}

typedef struct script {
    uint32_t keys[EVENTS];
    double times[EVENTS];
    double watermarks[EVENTS];
    double own[EVENTS]; /* Of their sources, which may be further. */
    double values[EVENTS];
    double last;
} script;

static script script_of(uint64_t seed) {
    script s;
    double time = -60;
    double most = NEVER;
    for (uint32_t i = 0; i < EVENTS; i++) {
        time += (double)(random_next(&seed) % 9) - 3;
        if (random_next(&seed) % 20 == 0) time += (double)(random_next(&seed) % 60) - 20;
        s.keys[i] = (uint32_t)(random_next(&seed) % KEYS);
        s.times[i] = time;
        s.values[i] = (double)(random_next(&seed) % 100);
        s.watermarks[i] = most - 4;
        s.own[i] = most - 4 + (double)(random_next(&seed) % 3 == 0 ? random_next(&seed) % 9 : 0);
        if (time > most) most = time;
    }
    s.last = most - 4;
    return s;
}

/* Push the events, calling again after a refusal; `chunk` of them at a time. */
static void push_some(bench *b, const script *s, uint32_t from, uint32_t upto, out *o) {
    begin_input(b, 0);
    b->input->present |= MR_HAS_OWN;
    for (uint32_t i = from; i < upto; i++) {
        put(b, s->keys[i], s->times[i], s->watermarks[i], s->values[i]);
        mr_f64s(b->input->own_watermark)[i - from] = s->own[i];
    }
    mr_status status = MR_MORE;
    for (uint32_t at = 0; status != MR_OK;) {
        status = mr_operator_push(b->op, b->in, at, &at, b->out);
        assert_true(status >= 0 || status == MR_ERR_MEMORY);
        for (uint32_t i = 0; i < b->results->size; i++) /* Whatever the chunk. */
            mr_u32s(b->results->position)[i] += from;
        take(b, o);
    }
}

static void advance_all(const bench *b, double watermark, out *o) {
    mr_status status = MR_MORE;
    while (status != MR_OK) {
        status = mr_operator_advance(b->op, watermark, b->out);
        assert_true(status >= 0 || status == MR_ERR_MEMORY);
        take(b, o);
    }
}

typedef struct way {
    uint32_t chunk;
    uint32_t load_every; /* Events; 0: never. */
    uint32_t fail;       /* The n-th allocation; 0: none. */
} way;

static void play(uint32_t kind, const script *s, way w, out *o) {
    const mr_operator_spec spec = spec_of(kind);
    bench b = open_bench(&spec);
    *o = (out){0};
    uint32_t loaded = 0;
    mr_heap_fail_after(w.fail, false);
    for (uint32_t from = 0; from < EVENTS; from += w.chunk) {
        const uint32_t upto = from + w.chunk < EVENTS ? from + w.chunk : EVENTS;
        push_some(&b, s, from, upto, o);
        if (w.load_every == 0 || upto / w.load_every == loaded) continue;
        loaded = upto / w.load_every;
        restore(&b);
    }
    advance_all(&b, s->last, o);
    advance_all(&b, END, o);
    mr_heap_fail_after(0, false);
    if (spec.assigner < MR_COUNTED) assert_int_equal(stats_of(&b).bytes, 0);
    close_bench(&b);
}

static void any_chunk_and_any_restore_gives_the_same(void **state) {
    (void)state;
    static out expected;
    static out is;
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        for (uint64_t seed = 1; seed < 6; seed++) {
            const script s = script_of(seed);
            play(kind, &s, (way){.chunk = EVENTS}, &expected);
            assert_true(expected.size > 0);
            for (uint32_t chunk = 1; chunk < 20; chunk += 6) {
                for (uint32_t every = 0; every < 40; every += 13) {
                    play(kind, &s, (way){.chunk = chunk, .load_every = every}, &is);
                    assert_string_equal(is.text, expected.text);
                }
            }
        }
    }
}

static void an_allocation_that_fails_changes_nothing(void **state) {
    (void)state;
    static out expected;
    static out is;
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        const script s = script_of(kind + 10);
        play(kind, &s, (way){.chunk = 50}, &expected);
        for (uint32_t fail = 1; fail < 250; fail += 1 + fail / 40) {
            play(kind, &s, (way){.chunk = 50, .fail = fail}, &is);
            assert_string_equal(is.text, expected.text);
        }
    }
}

/* Bytes that others wrote are refused or taken; either way nothing breaks. */
static void bytes_that_were_damaged_do_no_harm(void **state) {
    (void)state;
    static uint8_t saved[SAVED_MAX];
    static out o;
    uint64_t seed = 77;
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        const mr_operator_spec spec = spec_of(kind);
        const script s = script_of(kind);
        bench b = open_bench(&spec);
        push_some(&b, &s, 0, 60, &o);
        const uint32_t size = save_all(&b, saved);
        close_bench(&b);
        for (uint32_t round = 0; round < 400; round++) {
            const uint32_t at = (uint32_t)(random_next(&seed) % size);
            const uint8_t was = saved[at];
            saved[at] = (uint8_t)random_next(&seed);
            b = open_bench(&spec);
            mr_status status = mr_load(b.op, saved, size, 0, 1);
            if (status == MR_OK) status = mr_load_end(b.op);
            begin_input(&b, 0);
            for (uint32_t i = 60; i < 120; i++)
                put(&b, s.keys[i], s.times[i], s.watermarks[i], s.values[i]);
            for (uint32_t from = 0, calls = 0; status >= 0 && calls < 10; calls++)
                status = mr_operator_push(b.op, b.in, from, &from, b.out);
            for (uint32_t calls = 0; status >= 0 && calls < 10; calls++)
                status = mr_operator_advance(b.op, END, b.out);
            assert_true(status >= 0 || status == MR_ERR_CORRUPT || status == MR_ERR_LIMIT);
            close_bench(&b);
            saved[at] = was;
        }
    }
}

static void nan_is_left_out_of_windows_and_counted(void **state) {
    (void)state;
    const mr_operator_spec spec = tumbling(10);
    bench b = open_bench(&spec);
    out o = {0};
    begin_input(&b, 0);
    put(&b, 1, 1, NEVER, 5);
    put(&b, 1, 2, NEVER, __builtin_nan(""));
    push_all(&b, &o);
    advance(&b, END, &o);
    assert_string_equal(o.text, "k1 0..10 #0: 2 5 @10\n");
    assert_int_equal(stats_of(&b).nans, 1);
    close_bench(&b);
}

static void an_event_whose_results_fit_no_batch_is_refused(void **state) {
    (void)state;
    mr_operator_spec spec = sliding(4000, 1);
    spec.late_ms = 1;
    spec.flags |= MR_EMIT_EACH;
    bench b = open_bench(&spec);
    const uint8_t key[300] = {1};
    uint32_t upto = 0;
    begin_input(&b, 0);
    b.input->present |= MR_HAS_TIME;
    (void)add_bytes(&b, key, sizeof key);
    mr_f64s(b.input->time_ms)[0] = 0;
    mr_f64s(b.input->watermark_before)[0] = NEVER;
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_ERR_LIMIT);
    assert_string_equal(mr_error_name(), "results of an event");
    assert_int_equal(stats_of(&b).rows, 0);
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_chunk_and_any_restore_gives_the_same),
        cmocka_unit_test(an_allocation_that_fails_changes_nothing),
        cmocka_unit_test(bytes_that_were_damaged_do_no_harm),
        cmocka_unit_test(nan_is_left_out_of_windows_and_counted),
        cmocka_unit_test(an_event_whose_results_fit_no_batch_is_refused),
    };
    return cmocka_run_group_tests_name("window failures", tests, NULL, NULL);
}
