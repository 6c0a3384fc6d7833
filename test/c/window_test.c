/* window_test.c -- tumbling and sliding windows: when they fire, in which order, what is late. */
#include "harness.h"

#define NEVER (-__builtin_inf())

static mr_operator_spec sliding(double size, double slide) {
    return (mr_operator_spec){
        .kind = MR_WINDOW,
        .flags = MR_TIMERS,
        .assigner = MR_ALIGNED,
        .size = size,
        .slide = slide,
        .count = 2,
        .kinds = {MR_COUNT, MR_SUM},
    };
}

static mr_operator_spec tumbling(double size) { return sliding(size, size); }

static void put(bench *b, uint32_t key, double time_ms, double watermark, double value) {
    const uint32_t row = add_event(b, key, time_ms, watermark);
    mr_f64s(b->input->columns[0])[row] = value;
}

/* What came out, as text: one line per result, all calls one after another. */
typedef struct out {
    char text[8192];
    uint32_t size;
} out;

static void take(const bench *b, out *to) {
    const mr_columns *columns = b->results;
    const uint32_t *offsets = mr_u32s(columns->key_offsets);
    for (uint32_t i = 0; i < columns->size; i++) {
        const double start = mr_f64s(columns->columns[MR_WINDOW_START])[i];
        char *at = to->text + to->size;
        const size_t left = sizeof to->text - to->size;
        int written;
        if (start != start) {
            written = snprintf(at, left, "late %u\n", mr_u32s(columns->position)[i]);
        } else {
            written = snprintf(
                at, left, "%.*s %g..%g #%g: %g %g @%g\n", (int)(offsets[i + 1] - offsets[i]),
                (const char *)mr_at(columns->keys) + offsets[i], start,
                mr_f64s(columns->columns[MR_WINDOW_END])[i],
                mr_f64s(columns->columns[MR_WINDOW_REVISION])[i],
                mr_f64s(columns->columns[MR_WINDOW_COLUMNS])[i],
                mr_f64s(columns->columns[MR_WINDOW_COLUMNS + 1])[i], mr_f64s(columns->time_ms)[i]);
        }
        to->size += (uint32_t)written;
        assert_true(to->size < sizeof to->text);
    }
}

static void push_all(const bench *b, out *to) {
    mr_status status = MR_MORE;
    for (uint32_t from = 0; status == MR_MORE;) {
        status = mr_operator_push(b->op, b->in, from, &from, b->out);
        take(b, to);
    }
    assert_int_equal(status, MR_OK);
}

static void advance(const bench *b, double watermark, out *to) {
    mr_status status = MR_MORE;
    while (status == MR_MORE) {
        status = mr_operator_advance(b->op, watermark, b->out);
        take(b, to);
    }
    assert_int_equal(status, MR_OK);
}

static void
a_window_fires_when_the_watermark_reaches_its_end_in_the_order_of_first_events(void **state) {
    (void)state;
    const mr_operator_spec spec = tumbling(10);
    bench b = open_bench(&spec);
    out o = {0};
    begin_input(&b, 0);
    put(&b, 7, 3, NEVER, 1);
    put(&b, 2, 9, 3, 2);
    put(&b, 5, -1, 9, 3); /* Too late by the watermark: its window ended at 0. */
    put(&b, 7, 10, 9, 4);
    put(&b, 9, 4, 9.5, 5);
    put(&b, 7, 25, 10, 6);
    push_all(&b, &o);
    assert_string_equal(o.text, "late 2\n"
                                "k7 0..10 #0: 1 1 @10\n"
                                "k2 0..10 #0: 1 2 @10\n"
                                "k9 0..10 #0: 1 5 @10\n");
    assert_int_equal(stats_of(&b).late, 1);
    assert_int_equal(stats_of(&b).rows, 1);
    o = (out){0};
    advance(&b, 20, &o);
    assert_string_equal(o.text, "k7 10..20 #0: 1 4 @20\n");
    advance(&b, 19, &o);
    advance(&b, 29.5, &o);
    assert_string_equal(o.text, "k7 10..20 #0: 1 4 @20\n");
    o = (out){0};
    advance(&b, END, &o);
    assert_string_equal(o.text, "k7 20..30 #0: 1 6 @30\n");
    assert_int_equal(stats_of(&b).rows, 0);
    assert_int_equal(stats_of(&b).bytes, 0);
    close_bench(&b);
}

static void windows_that_overlap_share_slices(void **state) {
    (void)state;
    const mr_operator_spec spec = sliding(10, 4);
    bench b = open_bench(&spec);
    out o = {0};
    begin_input(&b, 0);
    put(&b, 1, -3, NEVER, 1);
    put(&b, 1, 0, NEVER, 10);
    put(&b, 1, 2, NEVER, 100);
    put(&b, 1, 5, NEVER, 1000);
    put(&b, 1, 14, NEVER, 10000);
    push_all(&b, &o);
    advance(&b, END, &o);
    assert_string_equal(o.text, "k1 -12..-2 #0: 1 1 @-2\n"
                                "k1 -8..2 #0: 2 11 @2\n"
                                "k1 -4..6 #0: 4 1111 @6\n"
                                "k1 0..10 #0: 3 1110 @10\n"
                                "k1 4..14 #0: 1 1000 @14\n"
                                "k1 8..18 #0: 1 10000 @18\n"
                                "k1 12..22 #0: 1 10000 @22\n");
    close_bench(&b);
}

static void late_events_fire_an_update_while_they_are_allowed(void **state) {
    (void)state;
    mr_operator_spec spec = sliding(10, 5);
    spec.late_ms = 10;
    bench b = open_bench(&spec);
    out o = {0};
    begin_input(&b, 0);
    put(&b, 1, 1, NEVER, 1);
    put(&b, 1, 11, 1, 2);
    put(&b, 1, 3, 11, 4);    /* Of 0..10, and -5..5, which is closed by 15. */
    put(&b, 2, 9, 11, 8);    /* A key that is new. */
    put(&b, 1, 9, 19.5, 16); /* 0..10 and 5..15. */
    put(&b, 1, 9, 20, 32);   /* 5..15 alone. */
    put(&b, 1, 4, 20, 64);   /* None. */
    push_all(&b, &o);
    assert_string_equal(o.text, "k1 -5..5 #0: 1 1 @5\n"
                                "k1 0..10 #0: 1 1 @10\n"
                                "k1 -5..5 #1: 2 5 @-inf\n"
                                "k1 0..10 #1: 2 5 @-inf\n"
                                "k2 0..10 #0: 1 8 @-inf\n"
                                "k1 5..15 #0: 1 2 @15\n"
                                "k2 5..15 #0: 1 8 @15\n"
                                "k1 0..10 #2: 3 21 @-inf\n"
                                "k1 5..15 #1: 2 18 @-inf\n"
                                "k1 10..20 #0: 1 2 @20\n"
                                "k1 5..15 #2: 3 50 @-inf\n"
                                "late 6\n");
    o = (out){0};
    advance(&b, 24, &o);
    assert_string_equal(o.text, "");
    assert_int_equal(stats_of(&b).rows, 2);
    advance(&b, 30, &o);
    assert_string_equal(o.text, "");
    assert_int_equal(stats_of(&b).rows, 0);
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_window_fires_when_the_watermark_reaches_its_end_in_the_order_of_first_events),
        cmocka_unit_test(windows_that_overlap_share_slices),
        cmocka_unit_test(late_events_fire_an_update_while_they_are_allowed),
    };
    return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
