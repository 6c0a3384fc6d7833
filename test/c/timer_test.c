/* timer_test.c -- timers of rows: their order, whatever is set, moved, dropped or restored. */
#include "harness.h"

enum { KEYS = 50 };

static const mr_operator_spec timed = {
    .kind = MR_CUSTOM, .count = 1, .kinds = {MR_F64}, .flags = MR_TIMERS};

/* ---- a host ---- */

/* The row of a key, entered at `now_ms`, made if there is none. */
static mr_row *row_at(bench *b, uint32_t number, double now_ms) {
    static const uint64_t record[1];
    begin_input(b, now_ms);
    add_key(b, number);
    (void)find_input(b);
    assert_int_equal(mr_row_enter(b->op, 0), MR_OK);
    if (row_of(b, 0) == NULL) {
        assert_int_equal(mr_row_create(b->op, 0, (const uint8_t *)record), MR_OK);
    }
    return row_of(b, 0);
}

static void set(bench *b, uint32_t number, double time_ms) {
    const mr_addr row = mr_addr_of(row_at(b, number, 0));
    assert_int_equal(mr_timer_set(b->op, row, time_ms), MR_OK);
}

static void clear(bench *b, uint32_t number) {
    assert_int_equal(mr_timer_clear(b->op, mr_addr_of(row_at(b, number, 0))), MR_OK);
}

static mr_due ask(const bench *b, mr_status (*call)(mr_operator, double, mr_due *),
                  double upto_ms) {
    mr_due due = {0};
    mr_status status;
    while ((status = call(b->op, upto_ms, &due)) == MR_MORE)
        assert_int_equal(due.row, 0);
    assert_int_equal(status, MR_OK);
    return due;
}

static mr_due peek(const bench *b, double upto_ms) { return ask(b, mr_timer_peek, upto_ms); }
static mr_due take(const bench *b, double upto_ms) { return ask(b, mr_timer_take, upto_ms); }

static uint32_t number_at(const bench *b, mr_addr row) {
    return number_of(&inside(b->op)->rows, mr_row_at(row));
}

static void check_fires(const bench *b, double upto_ms, uint32_t number, double time_ms) {
    const mr_due due = take(b, upto_ms);
    assert_true(due.row != 0);
    assert_int_equal(number_at(b, due.row), number);
    assert_true(due.time_ms == time_ms);
}

static void check_none(const bench *b, double upto_ms, double next_ms) {
    const mr_due due = take(b, upto_ms);
    assert_int_equal(due.row, 0);
    assert_true(due.time_ms == next_ms);
}

/* ---- order ---- */

static void timers_fire_by_time_and_then_as_they_were_set(void **state) {
    (void)state;
    bench b = open_bench(&timed);
    set(&b, 1, 20);
    set(&b, 2, 10);
    set(&b, 3, 20);
    set(&b, 4, 10.1); /* Rounded up. */
    check_none(&b, 9, 10);
    check_fires(&b, 10.9, 2, 10);
    check_none(&b, 10.9, 11);
    check_fires(&b, 15, 4, 11);
    check_none(&b, 15, 20);
    check_fires(&b, 20, 1, 20);
    check_fires(&b, END, 3, 20);
    check_none(&b, END, END);
    assert_int_equal(stats_of(&b).rows, 4);
    close_bench(&b);
}

static void setting_a_timer_again_moves_it_behind_the_others(void **state) {
    (void)state;
    bench b = open_bench(&timed);
    for (uint32_t i = 0; i < 4; i++)
        set(&b, i, 10);
    set(&b, 0, 10);
    set(&b, 2, 5);
    clear(&b, 1);
    clear(&b, 1);
    check_fires(&b, 10, 2, 5);
    check_fires(&b, 10, 3, 10);
    check_fires(&b, 10, 0, 10);
    check_none(&b, 10, END);
    close_bench(&b);
}

static void a_time_that_has_passed_still_comes_in_its_order(void **state) {
    (void)state;
    bench b = open_bench(&timed);
    set(&b, 1, 1000);
    set(&b, 2, 1000);
    check_none(&b, 999, 1000);
    check_fires(&b, 1000, 1, 1000); /* The wheel stands at 1000. */
    set(&b, 3, 700);
    set(&b, 4, 300);
    set(&b, 5, 700);
    check_fires(&b, 1000, 4, 300);
    set(&b, 6, 100);
    check_fires(&b, 1000, 6, 100);
    check_fires(&b, 1000, 3, 700);
    check_fires(&b, 1000, 5, 700);
    check_fires(&b, 1000, 2, 1000);
    close_bench(&b);
}

static void the_ends_of_time_are_times_and_no_time_is_none(void **state) {
    (void)state;
    bench b = open_bench(&timed);
    set(&b, 1, END);
    set(&b, 2, -END);
    set(&b, 3, __builtin_nan(""));
    assert_int_equal(take(&b, -END).row, 0);
    assert_int_equal(take(&b, __builtin_nan("")).row, 0);
    check_fires(&b, -8.64e15, 2, -8.64e15);
    check_fires(&b, 0, 3, -8.64e15);
    check_none(&b, 0, 8.64e15);
    check_fires(&b, END, 1, 8.64e15);
    close_bench(&b);
}

/* ---- a model ---- */

typedef struct model_row {
    bool stands;
    bool set;
    int64_t time_ms;
    uint64_t registered;
} model_row;

typedef struct model {
    model_row rows[KEYS];
    uint64_t registered;
    uint64_t random;
    int64_t now;
} model;

/* The key whose timer is next; KEYS: there is none. */
static uint32_t first_of(const model *m) {
    uint32_t first = KEYS;
    for (uint32_t i = 0; i < KEYS; i++) {
        const model_row *row = &m->rows[i];
        if (!row->set) continue;
        const model_row *best = first < KEYS ? &m->rows[first] : NULL;
        const bool earlier = best == NULL || row->time_ms < best->time_ms ||
                             (row->time_ms == best->time_ms && row->registered < best->registered);
        if (earlier) first = i;
    }
    return first;
}

static int64_t random_time(model *m) {
    static const int64_t units[] = {1, 64, 1000, 4096, 60000, 3600000};
    const int64_t from = random_below(&m->random, 2) == 0 ? m->now : m->now / 1000 * 1000;
    const int64_t distance =
        (int64_t)random_below(&m->random, 4) * units[random_below(&m->random, 6)];
    return random_below(&m->random, 4) == 0 ? from - distance : from + distance;
}

static void change(bench *b, model *m) {
    const uint32_t number = random_below(&m->random, KEYS);
    model_row *row = &m->rows[number];
    switch (random_below(&m->random, 8)) {
    case 0:
        clear(b, number); /* And make the row, if it was none. */
        *row = (model_row){.stands = true};
        break;
    case 1:
        if (!row->stands) break;
        assert_int_equal(mr_row_drop(b->op, mr_addr_of(row_at(b, number, 0))), MR_OK);
        *row = (model_row){0};
        break;
    case 2:
        (void)row_at(b, number, 0);
        assert_int_equal(mr_row_remove(b->op, 0), MR_OK);
        *row = (model_row){0};
        break;
    default:
        *row = (model_row){true, true, random_time(m), ++m->registered};
        set(b, number, (double)row->time_ms);
    }
}

/* Take what is due, as the model says, changing timers on the way; returns how many fired. */
static uint32_t fire(bench *b, model *m) {
    for (uint32_t fired = 0;; fired++) {
        const double upto = (double)m->now;
        const uint32_t number = first_of(m);
        const bool none = number == KEYS || m->rows[number].time_ms > m->now;
        const mr_due due = peek(b, upto);
        const mr_due taken = take(b, upto);
        assert_memory_equal(&due, &taken, sizeof due);
        assert_int_equal(due.row == 0, none);
        if (none) {
            const double next = number == KEYS ? END : (double)m->rows[number].time_ms;
            assert_true(due.time_ms > upto && due.time_ms <= next);
            assert_true(number < KEYS || due.time_ms == END);
            return fired;
        }
        assert_int_equal(number_at(b, due.row), number);
        assert_true(due.time_ms == (double)m->rows[number].time_ms);
        m->rows[number].set = false;
        if (random_below(&m->random, 4) == 0) change(b, m);
    }
}

static void any_life_of_timers_is_as_the_model_says(void **state) {
    (void)state;
    for (uint32_t seed = 0; seed < 8; seed++) {
        mr_operator_spec spec = timed;
        if (seed % 2 == 1) spec.flags |= MR_TRACK | MR_EVICT; /* Rows of another shape. */
        bench b = open_bench(&spec);
        model m = {.random = seed, .now = seed % 4 == 0 ? -100000 : 1700000000000};
        uint32_t fired = 0;
        for (uint32_t round = 0; round < 2000; round++) {
            for (uint32_t i = random_below(&m.random, 4); i > 0; i--)
                change(&b, &m);
            if (random_below(&m.random, 40) == 0) restore(&b);
            if (random_below(&m.random, 3) == 0) fired += fire(&b, &m);
            const bool leaps = random_below(&m.random, 60) == 0;
            m.now += leaps ? 3600000 : random_below(&m.random, 500);
        }
        assert_true(fired > 500);
        close_bench(&b);
    }
}

/* ---- what is bounded, and what changes nothing ---- */

static void a_call_takes_a_bounded_number_of_steps(void **state) {
    (void)state;
    enum { MANY = 10000 };
    bench b = open_bench(&timed);
    check_none(&b, 0, END); /* The wheel stands at 0. */
    for (uint32_t i = 0; i < MANY; i++)
        set(&b, i, 5000000 + i % 10);
    mr_due due;
    assert_int_equal(mr_timer_peek(b.op, 4000000, &due), MR_OK);
    uint32_t calls = 0;
    while (mr_timer_peek(b.op, 5000009, &due) == MR_MORE) {
        assert_int_equal(due.row, 0);
        assert_true(due.time_ms <= 5000000);
        calls++;
    }
    assert_in_range(calls, 2, 20);
    for (uint32_t i = 0; i < MANY; i++)
        check_fires(&b, END, (i * 10) % MANY + i * 10 / MANY, 5000000 + i * 10 / MANY);
    close_bench(&b);
}

static void peeking_changes_nothing(void **state) {
    (void)state;
    static uint8_t before[SAVED_MAX];
    static uint8_t after[SAVED_MAX];
    mr_operator_spec spec = timed;
    spec.flags |= MR_TRACK;
    bench b = open_bench(&spec);
    for (uint32_t i = 0; i < 20; i++)
        set(&b, i, 100 - i);
    mr_rows *rows = &inside(b.op)->rows;
    const uint32_t size = save_all(&b, before);
    const uint32_t changed = rows->dirty.changed;
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(number_at(&b, peek(&b, 1000).row), 19);
    assert_int_equal(save_all(&b, after), size);
    assert_memory_equal(before, after, size);
    assert_int_equal(rows->dirty.changed, changed);
    close_bench(&b);
}

static void the_next_time_is_exact_where_one_timer_is_alone(void **state) {
    (void)state;
    bench b = open_bench(&timed);
    check_none(&b, 0, END);
    set(&b, 1, 123456789);
    check_none(&b, 1000, 123456789);
    set(&b, 2, 123456780);
    const mr_due due = peek(&b, 1000);
    assert_true(due.time_ms > 1000 && due.time_ms <= 123456780);
    close_bench(&b);
}

static void a_changed_timer_is_a_changed_row(void **state) {
    (void)state;
    mr_operator_spec spec = timed;
    spec.flags |= MR_TRACK;
    bench b = open_bench(&spec);
    const mr_addr address = mr_addr_of(row_at(&b, 1, 0));
    for (uint32_t i = 0; i < 5; i++) {
        end_epoch(&b);
        if (i == 0) assert_int_equal(mr_timer_set(b.op, address, 5), MR_OK);
        if (i == 1) assert_int_equal(mr_timer_set(b.op, address, 7), MR_OK);
        if (i == 2) assert_int_equal(mr_timer_clear(b.op, address), MR_OK);
        if (i == 3) assert_int_equal(mr_timer_clear(b.op, address), MR_OK); /* Nothing. */
        if (i == 4) {
            assert_int_equal(mr_timer_set(b.op, address, 5), MR_OK);
            end_epoch(&b);
            check_fires(&b, 5, 1, 5);
        }
        assert_int_equal(changes_of(&b).rows, i == 3 ? 0 : 1);
    }
    close_bench(&b);
}

/* ---- timers and ttl ---- */

static void a_timer_of_a_row_that_is_over_does_not_fire(void **state) {
    (void)state;
    mr_operator_spec spec = timed;
    spec.ttl_ms = 100;
    bench b = open_bench(&spec);
    set(&b, 1, 99);
    set(&b, 2, 100); /* The row is gone then. */
    set(&b, 3, 500);
    (void)row_at(&b, 3, 50);
    assert_int_equal(mr_row_touch(b.op, 0, 1), MR_OK);
    set(&b, 3, 149);
    check_fires(&b, 1000, 1, 99);
    check_fires(&b, 1000, 3, 149);
    check_none(&b, 1000, END);
    assert_int_equal(stats_of(&b).rows, 3); /* Not freed: that is another's job. */
    set(&b, 2, 99);
    while (mr_operator_expire(b.op, 1000, 100) == MR_MORE) {
    }
    assert_int_equal(stats_of(&b).rows, 0);
    check_none(&b, 1000, END);
    close_bench(&b);
}

static void many_are_taken_off_as_they_would_be_one_by_one(void **state) {
    (void)state;
    const uint32_t expected[] = {5, 1, 4, 6};
    mr_operator_spec spec = timed;
    spec.ttl_ms = 100;
    for (uint32_t max = 1; max <= 5; max++) {
        bench b = open_bench(&spec);
        mr_rows *rows = &inside(b.op)->rows;
        set(&b, 1, 40);
        set(&b, 2, 100);
        set(&b, 3, 95);
        set(&b, 4, 40);
        check_none(&b, 39, 40);
        set(&b, 5, 10); /* Overdue. */
        set(&b, 6, 41);
        mr_addr due[6];
        uint32_t count = 0;
        for (uint32_t some = 1; some > 0; count += some) {
            uint32_t steps = 100;
            some = mr_rows_timers_unhang_due(rows, 90, mr_min_u32(max, 6 - count), &steps,
                                             due + count);
        }
        assert_int_equal(count, 4);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(number_at(&b, due[i]), expected[i]);
            mr_rows_timer_rehang(rows, mr_row_at(due[i])); /* It is set yet. */
        }
        check_fires(&b, 10, 5, 10);
        set(&b, 3, 100);
        uint32_t steps = 100;
        count = mr_rows_timers_unhang_due(rows, 1000, 6, &steps, due);
        assert_int_equal(count, 3); /* Timers of rows that are over are none. */
        check_none(&b, 1000, END);
        for (uint32_t i = 0; i < count; i++)
            mr_rows_timer_rehang(rows, mr_row_at(due[i]));
        close_bench(&b);
    }
}

typedef struct life {
    uint32_t numbers[20000];
    double times[20000];
    uint32_t size;
} life;

/* A script of events and timers; what fires is written down. How often rows are freed, or
 * everything restored, may not be seen. */
static void live_with_ttl(life *l, uint32_t seed, uint32_t expires, uint32_t restores) {
    mr_operator_spec spec = timed;
    spec.ttl_ms = 300;
    bench b = open_bench(&spec);
    uint64_t random = seed;
    uint64_t chance = seed + 1;
    int64_t now = 0;
    l->size = 0;
    for (uint32_t round = 0; round < 3000; round++) {
        for (mr_due due; (due = take(&b, (double)now)).row != 0;) {
            assert_true(l->size < 20000);
            l->numbers[l->size] = number_at(&b, due.row);
            l->times[l->size++] = due.time_ms;
            const int64_t again = (int64_t)due.time_ms + (int64_t)random_below(&random, 200) - 20;
            if (random_below(&random, 3) > 0) continue;
            assert_int_equal(mr_timer_set(b.op, due.row, (double)again), MR_OK);
        }
        if (expires > 0 && random_below(&chance, expires) == 0) {
            (void)mr_operator_expire(b.op, (double)now, random_below(&chance, 20));
        }
        if (restores > 0 && random_below(&chance, restores) == 0) restore(&b);
        const uint32_t number = random_below(&random, KEYS);
        const mr_addr row = mr_addr_of(row_at(&b, number, (double)now));
        assert_int_equal(mr_row_touch(b.op, 0, 1), MR_OK);
        const double time = (double)now + random_below(&random, 500) - 50;
        assert_int_equal(mr_timer_set(b.op, row, time), MR_OK);
        now += random_below(&random, 12);
    }
    close_bench(&b);
}

static void when_rows_are_freed_or_restored_does_not_show(void **state) {
    (void)state;
    static life reference;
    static life other;
    for (uint32_t seed = 0; seed < 4; seed++) {
        live_with_ttl(&reference, seed, 0, 0);
        assert_true(reference.size > 1000);
        const uint32_t variants[][2] = {{1, 0}, {5, 0}, {0, 7}, {3, 50}};
        for (uint32_t i = 0; i < 4; i++) {
            live_with_ttl(&other, seed, variants[i][0], variants[i][1]);
            assert_int_equal(other.size, reference.size);
            assert_memory_equal(other.numbers, reference.numbers, other.size * sizeof(uint32_t));
            assert_memory_equal(other.times, reference.times, other.size * sizeof(double));
        }
    }
}

/* ---- saved timers ---- */

static void timers_and_the_lack_of_them_come_back(void **state) {
    (void)state;
    static uint8_t saved[SAVED_MAX];
    static uint8_t again[SAVED_MAX];
    bench b = open_bench(&timed);
    set(&b, 1, 50);
    set(&b, 2, 50);
    set(&b, 1, 50); /* Behind 2 now. */
    (void)row_at(&b, 3, 0);
    set(&b, 4, -7);
    const uint32_t size = save_all(&b, saved);
    restore(&b);
    assert_int_equal(save_all(&b, again), size);
    assert_memory_equal(saved, again, size);
    assert_int_equal(mr_load(b.op, saved, size, 0, 1), MR_OK); /* Over what stands. */
    check_none(&b, END, END); /* They wait for the end of loading. */
    assert_int_equal(mr_load_end(b.op), MR_OK);
    assert_int_equal(mr_load_end(b.op), MR_OK);
    set(&b, 3, 50); /* Registered behind those that were loaded. */
    const uint32_t order[] = {4, 2, 1, 3};
    for (uint32_t i = 0; i < 4; i++)
        check_fires(&b, END, order[i], i == 0 ? -7 : 50);
    check_none(&b, END, END);
    close_bench(&b);
}

static void a_loaded_timer_may_be_moved_before_loading_ends(void **state) {
    (void)state;
    static uint8_t saved[SAVED_MAX];
    bench a = open_bench(&timed);
    for (uint32_t i = 0; i < 4; i++)
        set(&a, i, 50);
    const uint32_t size = save_all(&a, saved);
    bench b = open_bench(&timed);
    assert_int_equal(mr_load(b.op, saved, size, 0, 1), MR_OK);
    set(&b, 0, 50);
    clear(&b, 1);
    assert_int_equal(mr_row_drop(b.op, mr_addr_of(row_at(&b, 2, 0))), MR_OK);
    assert_int_equal(mr_load_end(b.op), MR_OK);
    check_fires(&b, END, 3, 50);
    check_fires(&b, END, 0, 50);
    check_none(&b, END, END);
    close_bench(&a);
    close_bench(&b);
}

static void segments_without_timers_load_and_those_with_them_need_them(void **state) {
    (void)state;
    static uint8_t saved[SAVED_MAX];
    const mr_operator_spec plain = {.kind = MR_CUSTOM, .count = 1, .kinds = {MR_F64}};
    bench a = open_bench(&plain);
    (void)row_at(&a, 1, 0);
    uint32_t size = save_all(&a, saved);
    bench b = open_bench(&timed);
    assert_int_equal(mr_load(b.op, saved, size, 0, 1), MR_OK);
    assert_int_equal(mr_load_end(b.op), MR_OK);
    check_none(&b, END, END);
    set(&b, 1, 5);
    size = save_all(&b, saved);
    assert_int_equal(mr_load(a.op, saved, size, 0, 1), MR_ERR_CORRUPT);
    assert_string_equal(mr_error_name(), "parts");
    close_bench(&a);
    close_bench(&b);
}

static void a_timer_that_cannot_be_is_refused(void **state) {
    (void)state;
    static uint8_t saved[SAVED_MAX];
    static uint8_t bad[SAVED_MAX];
    bench b = open_bench(&timed);
    set(&b, 1, 5);
    const uint32_t size = save_all(&b, saved);
    const uint64_t wrong[][2] = {
        {0, 5}, {UINT64_MAX, 5}, {1, UINT64_MAX >> 1}, {1, 8640000000000001}, {0, UINT64_MAX}};
    for (uint32_t i = 0; i < 5; i++) {
        memcpy(bad, saved, size);
        memcpy(bad + 17 + 12, wrong[i], 16);
        bench other = open_bench(&timed);
        assert_int_equal(mr_load(other.op, bad, size, 0, 1), MR_ERR_CORRUPT);
        assert_string_equal(mr_error_name(), "timer");
        assert_int_equal(mr_load_end(other.op), MR_OK);
        close_bench(&other);
    }
    close_bench(&b);
}

/* ---- refusals ---- */

static void calls_that_make_no_sense_are_refused(void **state) {
    (void)state;
    const mr_operator_spec plain = {.kind = MR_CUSTOM};
    mr_due due = {0};
    bench b = open_bench(&plain);
    begin_input(&b, 0);
    add_key(&b, 1);
    (void)find_input(&b);
    assert_int_equal(mr_row_create(b.op, 0, (const uint8_t *)&due), MR_OK);
    const mr_addr row = mr_addr_of(row_of(&b, 0));
    assert_int_equal(mr_timer_set(b.op, row, 1), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "flags");
    assert_int_equal(mr_timer_clear(b.op, row), MR_ERR_ARGUMENT);
    assert_int_equal(mr_timer_peek(b.op, 1, &due), MR_ERR_ARGUMENT);
    assert_int_equal(mr_timer_take(b.op, 1, &due), MR_ERR_ARGUMENT);
    assert_int_equal(mr_row_drop(b.op, 0), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "row");
    assert_int_equal(mr_row_drop(b.op, row), MR_OK);
    assert_null(row_of(&b, 0));
    assert_int_equal(stats_of(&b).rows, 0);
    close_bench(&b);

    b = open_bench(&timed);
    assert_int_equal(mr_timer_set(b.op, 0, 1), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "row");
    assert_int_equal(mr_timer_clear(b.op, 0), MR_ERR_ARGUMENT);
    assert_int_equal(mr_timer_set(b.in, 0, 1), MR_ERR_HANDLE);
    assert_int_equal(mr_timer_clear(b.in, 0), MR_ERR_HANDLE);
    assert_int_equal(mr_timer_peek(b.in, 1, &due), MR_ERR_HANDLE);
    assert_int_equal(mr_timer_take(b.in, 1, &due), MR_ERR_HANDLE);
    assert_int_equal(mr_row_drop(b.in, 8), MR_ERR_HANDLE);
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_by_time_and_then_as_they_were_set),
        cmocka_unit_test(setting_a_timer_again_moves_it_behind_the_others),
        cmocka_unit_test(a_time_that_has_passed_still_comes_in_its_order),
        cmocka_unit_test(the_ends_of_time_are_times_and_no_time_is_none),
        cmocka_unit_test(any_life_of_timers_is_as_the_model_says),
        cmocka_unit_test(a_call_takes_a_bounded_number_of_steps),
        cmocka_unit_test(peeking_changes_nothing),
        cmocka_unit_test(the_next_time_is_exact_where_one_timer_is_alone),
        cmocka_unit_test(a_changed_timer_is_a_changed_row),
        cmocka_unit_test(a_timer_of_a_row_that_is_over_does_not_fire),
        cmocka_unit_test(many_are_taken_off_as_they_would_be_one_by_one),
        cmocka_unit_test(when_rows_are_freed_or_restored_does_not_show),
        cmocka_unit_test(timers_and_the_lack_of_them_come_back),
        cmocka_unit_test(a_loaded_timer_may_be_moved_before_loading_ends),
        cmocka_unit_test(segments_without_timers_load_and_those_with_them_need_them),
        cmocka_unit_test(a_timer_that_cannot_be_is_refused),
        cmocka_unit_test(calls_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
