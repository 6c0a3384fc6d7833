/* session_test.c -- what becomes of the events of sessions, and when these are over. */
#include "harness.h"

#define GAP 10.0 /* ms */

enum { KEYS = 40, EVENTS = 3000 };

static const mr_operator_spec sessions = {
    .kind = MR_SESSION,
    .flags = MR_TIMERS,
    .size = GAP,
    .count = 5,
    .kinds = {MR_F64, MR_F64, MR_F64, MR_REF, MR_REF},
};

static mr_operator_spec with(uint32_t flags) {
    mr_operator_spec spec = sessions;
    spec.flags |= flags;
    return spec;
}

/* What becomes of one event, which is taken. */
static int32_t take(bench *b, uint32_t key, double time_ms, double watermark_ms) {
    begin_input(b, 0);
    add_event(b, key, time_ms, watermark_ms);
    const mr_found *found = find_input(b);
    const uint32_t way = mr_u32s(found->ways)[0];
    const int32_t looked = mr_session_event(b->op, 0, 0);
    assert_true(way == (mr_u32s(found->rows)[0] == 0 ? MR_SESSION_ASK : (uint32_t)looked));
    assert_int_equal(mr_session_event(b->op, 0, 1), looked);
    return looked;
}

static void check(const bench *b, double start_ms, double last_ms, double count) {
    const mr_session *r = record_of(b, 0);
    assert_true(r->start_ms == start_ms && r->last_ms == last_ms && r->count == count);
}

static mr_due due_by(const bench *b, double upto_ms) {
    mr_due due = {0};
    while (mr_timer_take(b->op, upto_ms, &due) == MR_MORE) {
    }
    return due;
}

static void an_event_just_a_gap_away_joins_or_is_apart(void **state) {
    (void)state;
    for (uint32_t exclusive = 0; exclusive < 2; exclusive++) {
        const mr_operator_spec spec = with(exclusive ? MR_EXCLUSIVE : 0);
        bench b = open_bench(&spec);
        assert_int_equal(take(&b, 1, 100, 0), MR_SESSION_BEGINS);
        check(&b, 100, 100, 1);
        assert_int_equal(take(&b, 1, 109, 0), MR_SESSION_JOINS);
        check(&b, 100, 109, 2);
        assert_int_equal(take(&b, 1, 91, 0), MR_SESSION_JOINS);
        assert_int_equal(take(&b, 1, 95, 0), MR_SESSION_JOINS);
        check(&b, 91, 109, 4);
        const int32_t at_end = exclusive ? MR_SESSION_APART : MR_SESSION_JOINS;
        assert_int_equal(take(&b, 1, 81, 0), at_end);
        assert_int_equal(take(&b, 1, 119, 0), at_end);
        check(&b, exclusive ? 91 : 81, exclusive ? 109 : 119, exclusive ? 4 : 6);
        assert_int_equal(take(&b, 1, 130, 0), MR_SESSION_APART);
        assert_int_equal(take(&b, 1, 60, 0), MR_SESSION_APART);
        const double over_ms = exclusive ? 119 : 130;
        assert_int_equal(due_by(&b, over_ms - 1).row, 0);
        const mr_due due = due_by(&b, over_ms);
        assert_true(due.time_ms == over_ms && due.row == mr_addr_of(row_of(&b, 0)));
        close_bench(&b);
    }
}

static void parts_of_a_millisecond_count(void **state) {
    (void)state;
    mr_operator_spec spec = with(MR_EXCLUSIVE);
    spec.size = 0.5;
    bench b = open_bench(&spec);
    assert_int_equal(take(&b, 1, 100.25, 0), MR_SESSION_BEGINS);
    assert_int_equal(take(&b, 1, 100.7, 0), MR_SESSION_JOINS);
    assert_int_equal(take(&b, 1, 101.2, 0), MR_SESSION_APART);
    assert_int_equal(due_by(&b, 101).row, 0);
    assert_true(due_by(&b, 102).time_ms == 102); /* 101.2, in whole milliseconds. */
    close_bench(&b);
}

static void an_event_is_late_when_its_session_would_be_over(void **state) {
    (void)state;
    bench b = open_bench(&sessions);
    assert_int_equal(take(&b, 1, 100, 110), MR_SESSION_BEGINS); /* Over at 111. */
    assert_int_equal(take(&b, 2, 100, 111), MR_SESSION_LATE);
    assert_int_equal(stats_of(&b).rows, 1);
    assert_int_equal(take(&b, 1, 95, 110), MR_SESSION_JOINS);
    check(&b, 95, 100, 2);
    assert_int_equal(take(&b, 1, 95, 111), MR_SESSION_LATE);
    check(&b, 95, 100, 2);
    begin_input(&b, 0);
    add_event(&b, 3, 100, 50);
    b.input->present |= MR_HAS_OWN;
    mr_f64s(b.input->own_watermark)[0] = 111;
    (void)find_input(&b);
    assert_int_equal(mr_session_event(b.op, 0, 1), MR_SESSION_LATE);
    begin_input(&b, 5); /* Nothing is late under processing time. */
    add_key(&b, 4);
    (void)find_input(&b);
    assert_int_equal(mr_session_event(b.op, 0, 1), MR_SESSION_BEGINS);
    check(&b, 5, 5, 1);
    close_bench(&b);
}

static void the_ways_of_a_chunk_are_told_at_once_as_far_as_they_are_known(void **state) {
    (void)state;
    bench b = open_bench(&sessions);
    for (uint32_t key = 1; key <= 3; key++)
        assert_int_equal(take(&b, key, 100, 0), MR_SESSION_BEGINS);
    assert_int_equal(mr_timer_clear(b.op, mr_addr_of(row_of(&b, 0))),
                     MR_OK); /* It hangs nowhere. */
    begin_input(&b, 0);
    add_event(&b, 1, 105, 0);
    add_event(&b, 2, 105, 200);
    add_event(&b, 3, 150, 0);
    add_event(&b, 4, 105, 0);
    add_event(&b, 1, 106, 0); /* What the first one does decides. */
    const mr_found *found = find_input(&b);
    const uint32_t ways[] = {MR_SESSION_JOINS, MR_SESSION_LATE, MR_SESSION_APART, MR_SESSION_ASK,
                             MR_SESSION_ASK};
    assert_memory_equal(mr_u32s(found->ways), ways, sizeof ways);
    assert_int_equal(mr_session_event(b.op, 0, 1), MR_SESSION_JOINS);
    assert_int_equal(mr_session_event(b.op, 4, 1), MR_SESSION_JOINS);
    assert_int_equal(mr_row_drop(b.op, mr_addr_of(row_of(&b, 0))), MR_OK);
    assert_int_equal(mr_u32s(found->rows)[0], 0); /* So what was said of them is void. */
    assert_int_equal(mr_u32s(found->rows)[4], 0);
    assert_int_equal(mr_session_event(b.op, 4, 1), MR_SESSION_BEGINS);
    assert_int_equal(mr_session_event(b.op, 0, 1), MR_SESSION_JOINS);
    check(&b, 105, 106, 2);
    close_bench(&b);
}

static void a_key_with_several_sessions_is_the_hosts_to_do(void **state) {
    (void)state;
    uint32_t refs = 0;
    const mr_engine engine = open_engine(64 * MIB, 42);
    assert_int_equal(mr_refs_reserve(engine, 8, &refs), MR_OK);
    bench b = open_bench_in(engine, &sessions);
    assert_int_equal(take(&b, 1, 100, 0), MR_SESSION_BEGINS);
    const mr_addr row = mr_addr_of(row_of(&b, 0));
    assert_int_equal(mr_ref_put(b.op, row, 3, 1), MR_OK); /* Its state. */
    assert_int_equal(take(&b, 1, 101, 0), MR_SESSION_JOINS);
    assert_int_equal(mr_ref_put(b.op, row, 4, 2), MR_OK); /* Others. */
    assert_int_equal(take(&b, 1, 101, 0), MR_SESSION_APART);
    check(&b, 100, 101, 2);
    close_bench(&b);
}

/* ---- a host, and a naive twin of it ---- */

typedef struct naive {
    double start_ms;
    double last_ms;
    double count; /* 0: there is none. */
} naive;

/* Random events in order, whose sessions are let go as they are over, one by one, as their latest
 * events came. */
static void run(uint32_t chunk) {
    bench b = open_bench(&sessions);
    naive open[KEYS] = {0};
    uint32_t came[KEYS] = {0};
    uint64_t seed = 7 + chunk;
    double now_ms = 0;
    for (uint32_t n = 0; n < EVENTS;) {
        double times[64];
        uint32_t keys[64];
        begin_input(&b, 0);
        for (uint32_t i = 0; i < chunk; i++) {
            now_ms += random_below(&seed, 3);
            keys[i] = random_below(&seed, KEYS);
            times[i] = now_ms;
            add_event(&b, keys[i], now_ms, now_ms);
        }
        const mr_found *found = find_input(&b);
        for (uint32_t i = 0; i < chunk; i++, n++) {
            for (mr_due due; (due = due_by(&b, times[i])).row != 0;) {
                const uint32_t key = number_of(&inside(b.op)->rows, mr_row_at(due.row));
                assert_true(open[key].count > 0 && open[key].last_ms + GAP + 1 == due.time_ms);
                for (uint32_t k = 0; k < KEYS; k++) {
                    if (open[k].count == 0 || k == key) continue;
                    assert_true(open[k].last_ms > open[key].last_ms ||
                                (open[k].last_ms == open[key].last_ms && came[k] > came[key]));
                }
                open[key].count = 0;
                assert_int_equal(mr_row_drop(b.op, due.row), MR_OK);
            }
            naive *own = &open[keys[i]];
            for (uint32_t k = 0; k < KEYS; k++)
                assert_true(open[k].count == 0 || open[k].last_ms + GAP >= times[i]);
            const int32_t way = own->count == 0 ? MR_SESSION_BEGINS : MR_SESSION_JOINS;
            const uint32_t told = mr_u32s(found->ways)[i];
            if (mr_u32s(found->rows)[i] != 0 && told != MR_SESSION_ASK) {
                assert_int_equal(told, way);
            }
            assert_int_equal(mr_session_event(b.op, i, 1), way);
            if (own->count == 0) own->start_ms = times[i];
            if (own->count == 0 || times[i] > own->last_ms) came[keys[i]] = n;
            own->last_ms = times[i];
            own->count++;
            const mr_session *r = record_of(&b, i);
            assert_true(r->start_ms == own->start_ms && r->last_ms == own->last_ms);
            assert_true(r->count == own->count);
        }
    }
    close_bench(&b);
}

static void sessions_are_what_a_naive_host_makes_of_them(void **state) {
    (void)state;
    const uint32_t chunks[] = {1, 7, 64};
    for (uint32_t i = 0; i < 3; i++)
        run(chunks[i]);
}

static void a_refused_event_has_never_been(void **state) {
    (void)state;
    mr_operator_spec spec = sessions;
    spec.rows_max = 1;
    bench b = open_bench(&spec);
    assert_int_equal(take(&b, 1, 100, 0), MR_SESSION_BEGINS);
    begin_input(&b, 0);
    add_event(&b, 2, 100, 0);
    (void)find_input(&b);
    assert_int_equal(mr_session_event(b.op, 0, 0), MR_SESSION_BEGINS);
    assert_int_equal(mr_session_event(b.op, 0, 1), MR_ERR_LIMIT);
    assert_string_equal(mr_error_name(), "state.maxSize");
    assert_null(row_of(&b, 0));
    assert_int_equal(stats_of(&b).rows, 1);
    close_bench(&b);
}

static mr_status open_with(mr_engine engine, const mr_operator_spec *spec) {
    mr_operator op = 0;
    return mr_operator_open(engine, spec, &op);
}

static void calls_that_make_no_sense_are_refused(void **state) {
    (void)state;
    bench b = open_bench(&sessions);
    assert_int_equal(mr_session_event(b.op, 0, 1), MR_ERR_ARGUMENT); /* Nothing was found. */
    assert_int_equal(mr_session_event(b.in, 0, 1), MR_ERR_HANDLE);
    mr_operator_spec spec = sessions;
    spec.flags = 0;
    assert_int_equal(open_with(b.engine, &spec), MR_ERR_ARGUMENT);
    spec = sessions;
    spec.size = __builtin_nan("");
    assert_int_equal(open_with(b.engine, &spec), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "size");
    spec = sessions;
    spec.ttl_ms = 5;
    assert_int_equal(open_with(b.engine, &spec), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "ttl_ms");
    spec = sessions;
    spec.kinds[4] = MR_F64;
    assert_int_equal(open_with(b.engine, &spec), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "count");
    close_bench(&b);

    const mr_operator_spec custom = {.kind = MR_CUSTOM, .count = 1, .kinds = {MR_F64}};
    b = open_bench(&custom);
    begin_input(&b, 0);
    add_key(&b, 1);
    (void)find_input(&b);
    assert_int_equal(mr_session_event(b.op, 0, 1), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "operator");
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_just_a_gap_away_joins_or_is_apart),
        cmocka_unit_test(parts_of_a_millisecond_count),
        cmocka_unit_test(an_event_is_late_when_its_session_would_be_over),
        cmocka_unit_test(the_ways_of_a_chunk_are_told_at_once_as_far_as_they_are_known),
        cmocka_unit_test(a_key_with_several_sessions_is_the_hosts_to_do),
        cmocka_unit_test(sessions_are_what_a_naive_host_makes_of_them),
        cmocka_unit_test(a_refused_event_has_never_been),
        cmocka_unit_test(calls_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
