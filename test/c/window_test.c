/* window_test.c -- tumbling and sliding windows: when they fire, in which order, what is late. */
#include "window_harness.h"

/* What is open of the key of the last input's first event. */
static void show(bench *b, out *to) {
    (void)find_input(b);
    const mr_addr row = mr_addr_of(row_of(b, 0));
    assert_int_equal(mr_operator_results(b->op, &row, 1, b->out), MR_OK);
    take(b, to);
}

static void a_window_fires_at_its_end_in_the_order_of_first_events(void **state) {
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

static void an_event_that_counts_later_gives_a_window_no_place(void **state) {
    (void)state;
    const mr_operator_spec spec = sliding(15, 5);
    const double own[] = {10, NEVER, NEVER}; /* The first is too late for the window -5..10. */
    bench b = open_bench(&spec);
    out o = {0};
    begin_input(&b, 0);
    b.input->present |= MR_HAS_OWN;
    memcpy(mr_at(b.input->own_watermark), own, sizeof own);
    put(&b, 1, 1, NEVER, 1);
    put(&b, 2, 7, NEVER, 2);
    put(&b, 1, 6, NEVER, 4);
    push_all(&b, &o);
    advance(&b, 10, &o);
    assert_string_equal(o.text, "k2 -5..10 #0: 1 2 @10\n"
                                "k1 -5..10 #0: 1 4 @10\n");
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

static void sessions_meet_at_a_gap_that_is_exact_and_are_bridged(void **state) {
    (void)state;
    mr_operator_spec spec = tumbling(5);
    spec.assigner = MR_SESSIONS;
    spec.late_ms = 4;
    bench b = open_bench(&spec);
    out o = {0};
    begin_input(&b, 0);
    put(&b, 1, 0, NEVER, 1);
    put(&b, 1, 11, NEVER, 2);
    put(&b, 2, 5, NEVER, 4);
    put(&b, 1, 20, 5, 8); /* At 5 the first may still go on. */
    put(&b, 1, 30, 6, 16);
    put(&b, 1, 6, 9, 32); /* Meets the second, which is exactly 5 behind it. */
    put(&b, 1, 1, 9, 64); /* Bridges the first, which stays until 10, and the second. */
    put(&b, 1, 2, 29, 128);
    push_all(&b, &o);
    assert_string_equal(o.text, "k1 0..5 #0: 1 1 @6\n"
                                "k2 5..10 #0: 1 4 @11\n"
                                "k1 0..16 #1: 4 99 @17\n"
                                "k1 20..25 #0: 1 8 @26\n"
                                "late 7\n");
    o = (out){0};
    advance(&b, END, &o);
    assert_string_equal(o.text, "k1 30..35 #0: 1 16 @36\n");
    assert_int_equal(stats_of(&b).bytes, 0);
    close_bench(&b);
}

static void an_event_finds_its_place_among_many_sessions(void **state) {
    (void)state;
    for (uint32_t exclusive = 0; exclusive < 2; exclusive++) {
        mr_operator_spec spec = tumbling(5);
        spec.assigner = MR_SESSIONS;
        spec.late_ms = 1e6;
        if (exclusive != 0) spec.flags |= MR_EXCLUSIVE;
        bench b = open_bench(&spec);
        out o = {0};
        begin_input(&b, 0);
        for (uint32_t i = 0; i < 1000; i++)
            put(&b, 1, i * 10, NEVER, 1);
        push_all(&b, &o);
        assert_string_equal(o.text, "");
        advance(&b, 10003, &o);
        o = (out){0};
        begin_input(&b, 0);
        put(&b, 1, 5, 10003, 4);    /* Meets the first at its end, and the second. */
        put(&b, 1, 5017, 10003, 8); /* The one behind it. */
        put(&b, 1, -6, 10003, 16);  /* None. */
        push_all(&b, &o);
        assert_string_equal(o.text, exclusive != 0 ? "k1 5..10 #0: 1 4 @-inf\n"
                                                     "k1 5017..5025 #1: 2 9 @-inf\n"
                                                     "k1 -6..-1 #0: 1 16 @-inf\n"
                                                   : "k1 0..15 #1: 3 6 @-inf\n"
                                                     "k1 5017..5025 #1: 2 9 @-inf\n"
                                                     "k1 -6..-1 #0: 1 16 @-inf\n");
        assert_int_equal(stats_of(&b).rows, 1);
        advance(&b, END, &o);
        assert_int_equal(stats_of(&b).rows, 0);
        close_bench(&b);
    }
}

static void a_key_has_so_many_sessions_and_no_more(void **state) {
    (void)state;
    mr_operator_spec spec = tumbling(5);
    spec.assigner = MR_SESSIONS;
    bench b = open_bench(&spec);
    mr_status status = MR_OK;
    uint32_t upto = 0;
    uint32_t sessions = 0;
    while (status == MR_OK) {
        begin_input(&b, 0);
        for (uint32_t i = 0; i < 4096; i++)
            put(&b, 1, (sessions + i) * 10, NEVER, 1);
        status = mr_operator_push(b.op, b.in, 0, &upto, b.out);
        sessions += upto;
    }
    assert_int_equal(status, MR_ERR_LIMIT);
    assert_string_equal(mr_error_name(), "sessions of a key");
    assert_true(mr_error_value() == sessions);
    out o = {0}; /* One that there is may go on. */
    begin_input(&b, 0);
    put(&b, 1, 3, NEVER, 2);
    push_all(&b, &o);
    advance(&b, 10, &o);
    assert_string_equal(o.text, "k1 0..8 #0: 2 3 @9\n");
    close_bench(&b);
}

static void sessions_end_with_time(void **state) {
    (void)state;
    const double last = 8.64e15;
    for (uint32_t final = 0; final < 2; final++) {
        mr_operator_spec spec = tumbling(5);
        spec.assigner = MR_SESSIONS;
        spec.late_ms = 100;
        if (final != 0) spec.flags |= MR_FINAL;
        bench b = open_bench(&spec);
        out o = {0};
        begin_input(&b, 0);
        put(&b, 1, last - 50, NEVER, 1); /* It would stay beyond all times. */
        put(&b, 1, last - 20, NEVER, 2);
        put(&b, 1, last, NEVER, 4);
        push_all(&b, &o);
        advance(&b, END, &o);
        assert_string_equal(o.text, "k1 8.64e+15..8.64e+15 #0: 1 1 @8.64e+15\n"
                                    "k1 8.64e+15..8.64e+15 #0: 1 2 @8.64e+15\n"
                                    "k1 8.64e+15..8.64e+15 #0: 1 4 @8.64e+15\n");
        assert_int_equal(stats_of(&b).rows, 0);
        close_bench(&b);
    }
}

static void counted_windows_fire_with_their_last_event(void **state) {
    (void)state;
    mr_operator_spec spec = sliding(3, 2);
    spec.assigner = MR_COUNTED;
    spec.flags = MR_PARTIAL;
    bench b = open_bench(&spec);
    out o = {0};
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 6; i++)
        put(&b, 1, 10 + i, NEVER, i);
    put(&b, 2, 7, NEVER, 100);
    push_all(&b, &o);
    advance(&b, 100, &o);
    assert_string_equal(o.text, "k1 10..12 #0: 3 3 @-inf\n"
                                "k1 12..14 #0: 3 9 @-inf\n");
    o = (out){0};
    advance(&b, END, &o);
    advance(&b, END, &o);
    assert_string_equal(o.text, "k1 14..15 #0: 2 9 @-inf\n"
                                "k2 7..7 #0: 1 100 @-inf\n");
    close_bench(&b);
}

/* Events 2, 5 and 8 of a key are in no window. */
static void counted_windows_may_leave_events_out(void **state) {
    (void)state;
    mr_operator_spec spec = sliding(2, 3);
    spec.assigner = MR_COUNTED;
    spec.flags = MR_PARTIAL;
    bench b = open_bench(&spec);
    out o = {0};
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 7; i++)
        put(&b, 1, 10 + i, NEVER, 1 << i);
    for (uint32_t i = 0; i < 3; i++)
        put(&b, 2, 10 + i, NEVER, 1 << i);
    push_all(&b, &o);
    restore(&b);
    show(&b, &o);
    begin_input(&b, 0);
    put(&b, 2, 13, NEVER, 8);
    put(&b, 2, 14, NEVER, 16);
    push_all(&b, &o);
    advance(&b, END, &o);
    assert_string_equal(o.text, "k1 10..11 #0: 2 3 @-inf\n"
                                "k1 13..14 #0: 2 24 @-inf\n"
                                "k2 10..11 #0: 2 3 @-inf\n"
                                "k1 16..16 #0: 1 64 @-inf\n" /* As it is shown. */
                                "k2 13..14 #0: 2 24 @-inf\n"
                                "k1 16..16 #0: 1 64 @-inf\n");
    close_bench(&b);

    spec.assigner = MR_COUNTED_EACH; /* Counted from the ends: of each three, the last two. */
    spec.flags = 0;
    b = open_bench(&spec);
    o = (out){0};
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 7; i++)
        put(&b, 1, 10 + i, NEVER, 1 << i);
    push_all(&b, &o);
    advance(&b, END, &o);
    assert_string_equal(o.text, "k1 11..12 #0: 2 6 @-inf\n"
                                "k1 14..15 #0: 2 48 @-inf\n");
    close_bench(&b);
}

static void windows_that_are_due_at_once_go_out_in_order_in_bounded_calls(void **state) {
    (void)state;
    const mr_operator_spec spec = tumbling(10);
    bench b = open_bench(&spec);
    static const uint32_t count = 20000;
    for (uint32_t from = 0; from < count; from += 5000) {
        begin_input(&b, 0);
        for (uint32_t i = from; i < from + 5000; i++)
            put(&b, i * 7919 % count, 5, NEVER, i);
        out none = {0};
        push_all(&b, &none);
    }
    uint32_t seen = 0;
    uint32_t calls = 0;
    for (mr_status status = MR_MORE; status == MR_MORE; calls++) {
        status = mr_operator_advance(b.op, 10, b.out);
        assert_true(b.results->size <= MR_RESULT_ROWS_MAX);
        for (uint32_t i = 0; i < b.results->size; i++, seen++)
            assert_true(mr_f64s(b.results->columns[MR_WINDOW_COLUMNS + 1])[i] == seen);
    }
    assert_int_equal(seen, count);
    assert_true(calls > count / MR_RESULT_ROWS_MAX);
    assert_int_equal(stats_of(&b).rows, 0);
    close_bench(&b);
}

/* A push or load, or a row that goes, while others are still due. */
static void what_comes_between_two_calls_loses_nothing(void **state) {
    (void)state;
    const mr_operator_spec spec = tumbling(10);
    bench b = open_bench(&spec);
    out o = {0};
    for (uint32_t from = 0; from < 12000; from += 6000) {
        begin_input(&b, 0);
        for (uint32_t i = from; i < from + 6000; i++)
            put(&b, i, 5, NEVER, i);
        push_all(&b, &o);
    }
    uint32_t fired = 0;
    while (fired == 0) {
        assert_int_equal(mr_operator_advance(b.op, 10, b.out), MR_MORE);
        fired = b.results->size;
    }
    assert_true(stats_of(&b).rows == 12000 - fired);
    begin_input(&b, 0);
    put(&b, 11999, 6, 6, 1); /* Its watermark is further back. */
    push_all(&b, &o);
    assert_string_equal(o.text, "");
    uint32_t numbers[1];
    assert_true(scan_numbers(&b, NEVER, 10, numbers, 1) == 12000 - fired);
    mr_status status = mr_operator_advance(b.op, 10, b.out);
    fired += b.results->size;
    mr_scan scan = 0;
    assert_int_equal(mr_scan_open(b.op, NEVER, &scan), MR_OK);
    assert_int_equal(mr_row_drop(b.op, mr_u32s(next_page(scan, 10)->rows)[0]), MR_OK);
    assert_int_equal(mr_scan_close(scan), MR_OK);
    fired++;
    for (; status == MR_MORE; fired += b.results->size)
        status = mr_operator_advance(b.op, 10, b.out);
    assert_int_equal(fired, 12000);
    assert_int_equal(stats_of(&b).rows, 0);
    close_bench(&b);
}

static void results_are_of_windows_that_have_not_closed(void **state) {
    (void)state;
    for (uint32_t final = 0; final < 2; final++) {
        mr_operator_spec spec = sliding(10, 5);
        spec.late_ms = 10;
        if (final != 0) spec.flags |= MR_FINAL;
        bench b = open_bench(&spec);
        out o = {0};
        begin_input(&b, 0);
        put(&b, 1, -3, NEVER, 1);
        put(&b, 1, 1, NEVER, 2);
        put(&b, 1, 11, NEVER, 4);
        push_all(&b, &o);
        show(&b, &o);
        assert_string_equal(o.text, "k1 -10..0 #0: 1 1 @-inf\n"
                                    "k1 -5..5 #0: 2 3 @-inf\n"
                                    "k1 0..10 #0: 1 2 @-inf\n"
                                    "k1 5..15 #0: 1 4 @-inf\n"
                                    "k1 10..20 #0: 1 4 @-inf\n");
        advance(&b, 17, &o);
        o = (out){0};
        show(&b, &o);
        assert_string_equal(o.text, "k1 0..10 #0: 1 2 @-inf\n"
                                    "k1 5..15 #0: 1 4 @-inf\n"
                                    "k1 10..20 #0: 1 4 @-inf\n");
        close_bench(&b);
    }
}

static void results_are_of_sessions_that_are_open(void **state) {
    (void)state;
    mr_operator_spec spec = tumbling(5);
    spec.assigner = MR_SESSIONS;
    bench b = open_bench(&spec);
    out o = {0};
    begin_input(&b, 0);
    put(&b, 1, 0, NEVER, 1);
    put(&b, 1, 3, NEVER, 2);
    put(&b, 1, 20, NEVER, 4);
    push_all(&b, &o);
    show(&b, &o);
    assert_string_equal(o.text, "k1 0..8 #0: 2 3 @-inf\n"
                                "k1 20..25 #0: 1 4 @-inf\n");
    advance(&b, 9, &o);
    o = (out){0};
    show(&b, &o);
    assert_string_equal(o.text, "k1 20..25 #0: 1 4 @-inf\n");
    close_bench(&b);
}

static void results_take_no_time_for_windows_without_events_or_closed(void **state) {
    (void)state;
    mr_operator_spec spec = sliding(2, 1);
    spec.late_ms = 1e12;
    bench b = open_bench(&spec);
    out o = {0};
    begin_input(&b, 0);
    put(&b, 1, 0, NEVER, 1);
    put(&b, 1, 1e12, NEVER, 2);
    push_all(&b, &o);
    show(&b, &o);
    assert_string_equal(o.text, "k1 -1..1 #0: 1 1 @-inf\n"
                                "k1 0..2 #0: 1 1 @-inf\n"
                                "k1 1e+12..1e+12 #0: 1 2 @-inf\n"
                                "k1 1e+12..1e+12 #0: 1 2 @-inf\n");
    close_bench(&b);

    spec = sliding(1e12, 1);
    b = open_bench(&spec);
    o = (out){0};
    begin_input(&b, 0);
    put(&b, 1, 0, 1e12 - 2, 1);
    push_all(&b, &o);
    show(&b, &o);
    assert_string_equal(o.text, "k1 -1..1e+12 #0: 1 1 @-inf\n"
                                "k1 0..1e+12 #0: 1 1 @-inf\n");
    close_bench(&b);
}

static void timers_of_windows_are_theirs(void **state) {
    (void)state;
    const mr_operator_spec spec = tumbling(10);
    bench b = open_bench(&spec);
    out o = {0};
    mr_due due = {0};
    begin_input(&b, 0);
    put(&b, 1, 3, NEVER, 1);
    push_all(&b, &o);
    (void)find_input(&b);
    const mr_addr row = mr_addr_of(row_of(&b, 0));
    assert_int_equal(mr_timer_set(b.op, row, 50), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "operator");
    assert_int_equal(mr_timer_clear(b.op, row), MR_ERR_ARGUMENT);
    assert_int_equal(mr_timer_take(b.op, 10, &due), MR_ERR_ARGUMENT);
    assert_int_equal(mr_timer_peek(b.op, 10, &due), MR_OK);
    assert_int_equal(due.row, row);
    advance(&b, 10, &o);
    assert_string_equal(o.text, "k1 0..10 #0: 1 1 @10\n");
    close_bench(&b);
}

static void specs_that_make_no_windows_are_refused(void **state) {
    (void)state;
    bench b = open_bench(&(mr_operator_spec){.kind = MR_CUSTOM});
    const mr_operator_spec good = sliding(10, 5);
    mr_operator_spec bad[11];
    for (uint32_t i = 0; i < 11; i++)
        bad[i] = good;
    bad[0].size = 0;
    bad[1].size = 1.5;
    bad[2].slide = 11;
    bad[3].slide = 0;
    bad[4].offset_ms = NEVER;
    bad[5].late_ms = -1;
    bad[6].ttl_ms = 5;
    bad[7].assigner = 4;
    bad[8].flags = 0;
    bad[9].kinds[1] = 99;
    bad[10].assigner = MR_COUNTED;
    bad[10].flags = 0;
    bad[10].late_ms = 1;
    const char *names[] = {"size",   "size",     "slide", "slide", "offset_ms", "late_ms",
                           "ttl_ms", "assigner", "flags", "kinds", "late_ms"};
    for (uint32_t i = 0; i < 11; i++) {
        mr_operator op = 0;
        assert_int_equal(mr_operator_open(b.engine, &bad[i], &op), MR_ERR_ARGUMENT);
        assert_string_equal(mr_error_name(), names[i]);
    }
    mr_operator op = 0;
    mr_operator_spec many = good;
    many.count = MR_COLUMNS_MAX - MR_WINDOW_COLUMNS + 1;
    memset(many.kinds, MR_COUNT, many.count);
    assert_int_equal(mr_operator_open(b.engine, &many, &op), MR_ERR_LIMIT);
    assert_string_equal(mr_error_name(), "aggregates of a window");
    assert_true(mr_error_value() == 61);
    mr_operator_spec often = sliding(5000, 1);
    often.late_ms = 1;
    assert_int_equal(mr_operator_open(b.engine, &often, &op), MR_ERR_LIMIT);
    assert_string_equal(mr_error_name(), "windows of an event");
    often.flags |= MR_FINAL; /* Once is not often. */
    assert_int_equal(mr_operator_open(b.engine, &often, &op), MR_OK);
    assert_int_equal(mr_operator_close(op), MR_OK);
    close_bench(&b);
}

static void flags_of_other_windows_are_refused(void **state) {
    (void)state;
    const uint32_t fit[][4] = {
        [MR_ALIGNED] = {MR_TIMERS, MR_TIMERS | MR_EMIT_EACH, MR_TIMERS | MR_FINAL, MR_TIMERS},
        [MR_SESSIONS] = {MR_TIMERS, MR_TIMERS | MR_EXCLUSIVE,
                         MR_TIMERS | MR_EXCLUSIVE | MR_EMIT_EACH,
                         MR_TIMERS | MR_EXCLUSIVE | MR_FINAL},
        [MR_COUNTED] = {0, MR_PARTIAL, 0, MR_PARTIAL},
        [MR_COUNTED_EACH] = {0, 0, 0, 0},
    };
    const uint32_t unfit[][4] = {
        [MR_ALIGNED] = {0, MR_TIMERS | MR_EXCLUSIVE, MR_TIMERS | MR_PARTIAL,
                        MR_TIMERS | MR_EMIT_EACH | MR_FINAL},
        [MR_SESSIONS] = {0, MR_TIMERS | MR_PARTIAL, MR_EXCLUSIVE,
                         MR_TIMERS | MR_EMIT_EACH | MR_FINAL},
        [MR_COUNTED] = {MR_TIMERS, MR_EMIT_EACH, MR_FINAL, MR_EXCLUSIVE},
        [MR_COUNTED_EACH] = {MR_TIMERS, MR_EMIT_EACH, MR_EXCLUSIVE, MR_PARTIAL},
    };
    mr_engine engine = open_engine(MIB, 1);
    for (uint32_t assigner = MR_ALIGNED; assigner <= MR_COUNTED_EACH; assigner++) {
        mr_operator_spec spec = sliding(10, 5);
        spec.assigner = assigner;
        for (uint32_t i = 0; i < 4; i++) {
            mr_operator op = 0;
            spec.flags = unfit[assigner][i];
            assert_int_equal(mr_operator_open(engine, &spec, &op), MR_ERR_ARGUMENT);
            assert_string_equal(mr_error_name(), "flags");
            spec.flags = fit[assigner][i];
            assert_int_equal(mr_operator_open(engine, &spec, &op), MR_OK);
            assert_int_equal(mr_operator_close(op), MR_OK);
        }
    }
    assert_int_equal(mr_engine_close(engine), MR_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_fires_at_its_end_in_the_order_of_first_events),
        cmocka_unit_test(windows_that_overlap_share_slices),
        cmocka_unit_test(an_event_that_counts_later_gives_a_window_no_place),
        cmocka_unit_test(late_events_fire_an_update_while_they_are_allowed),
        cmocka_unit_test(sessions_meet_at_a_gap_that_is_exact_and_are_bridged),
        cmocka_unit_test(an_event_finds_its_place_among_many_sessions),
        cmocka_unit_test(a_key_has_so_many_sessions_and_no_more),
        cmocka_unit_test(sessions_end_with_time),
        cmocka_unit_test(counted_windows_fire_with_their_last_event),
        cmocka_unit_test(counted_windows_may_leave_events_out),
        cmocka_unit_test(windows_that_are_due_at_once_go_out_in_order_in_bounded_calls),
        cmocka_unit_test(what_comes_between_two_calls_loses_nothing),
        cmocka_unit_test(results_are_of_windows_that_have_not_closed),
        cmocka_unit_test(results_are_of_sessions_that_are_open),
        cmocka_unit_test(results_take_no_time_for_windows_without_events_or_closed),
        cmocka_unit_test(timers_of_windows_are_theirs),
        cmocka_unit_test(specs_that_make_no_windows_are_refused),
        cmocka_unit_test(flags_of_other_windows_are_refused),
    };
    return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
