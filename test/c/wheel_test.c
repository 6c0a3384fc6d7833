/* wheel_test.c -- the wheel against a plain list of deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../c/wheel.h"
#include "random.h"

#define MIB (UINT64_C(1) << 20)
#define FAR (INT64_C(1) << 54)

/* A row as an operator would have it: its true deadline beside the node. */
typedef struct row {
    mr_wheel_node node;
    int64_t deadline;
    int64_t due;    /* The deadline, or the wheel's time when it was added, if later. */
    uint64_t added; /* Counts up. */
    bool hangs;
} row;

enum { ROWS = 1000 };

static bool few; /* Wheels are opened so: all is tested both ways. */

typedef struct bench {
    mr_heap heap;
    mr_wheel wheel;
    mr_addr rows;
    uint64_t added;
    bool exact; /* Add by deadline alone: mr_wheel_add_past. */
} bench;

static int64_t deadline_of(const void *owner, const mr_wheel_node *node) {
    (void)owner;
    return ((const row *)(const void *)node)->deadline;
}

static row *row_of(bench *b, uint32_t index) { return (row *)mr_at(b->rows) + index; }

static void open_bench(bench *b) {
    *b = (bench){0};
    assert_int_equal(mr_heap_open(&b->heap, MIB), MR_OK);
    assert_int_equal(mr_wheel_open(&b->wheel, &b->heap, deadline_of, b, few), MR_OK);
    b->rows = mr_heap_alloc_zeroed(&b->heap, ROWS * sizeof(row));
    assert_true(b->rows != 0);
}

static void close_bench(bench *b) {
    mr_heap_free(&b->heap, b->rows, ROWS * sizeof(row));
    mr_wheel_close(&b->wheel);
    assert_int_equal(b->heap.live_bytes, 0);
    mr_heap_close(&b->heap);
}

static void add(bench *b, uint32_t index, int64_t deadline) {
    row *r = row_of(b, index);
    const int64_t time = (int64_t)(b->wheel.time - ((uint64_t)1 << 54));
    r->deadline = deadline;
    r->due = deadline > time || b->exact ? deadline : time;
    r->added = b->added++;
    r->hangs = true;
    assert_int_equal(mr_wheel_is_past(&b->wheel, deadline), deadline < time);
    if (b->exact) {
        mr_wheel_add_past(&b->wheel, &r->node);
    } else {
        mr_wheel_add(&b->wheel, &r->node);
    }
}

static void remove_row(bench *b, uint32_t index) {
    row *r = row_of(b, index);
    r->hangs = false;
    mr_wheel_remove(&b->wheel, &r->node);
    assert_int_equal(r->node.before, 0);
}

/* The next row that is due, as an operator takes it; NULL when the wheel says none. */
static row *take(bench *b, int64_t now, uint32_t *budget) {
    for (;;) {
        row *r = (row *)(void *)mr_wheel_first(&b->wheel, now, budget);
        if (r == NULL) return NULL;
        mr_wheel_remove(&b->wheel, &r->node);
        assert_true(r->hangs && r->node.before == 0);
        if (r->deadline <= now) {
            r->hangs = false;
            return r;
        }
        mr_wheel_add(&b->wheel, &r->node); /* It has moved. */
    }
}

static void check_none_due(bench *b, int64_t now) {
    uint64_t size = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        const row *r = row_of(b, i);
        if (!r->hangs) continue;
        assert_true(r->deadline > now);
        size++;
    }
    assert_int_equal(b->wheel.size, size);
}

static void nodes_come_in_order_of_time_none_early_and_none_missed(void **state) {
    (void)state;
    bench b;
    open_bench(&b);
    uint64_t seed = 12;
    for (uint32_t i = 0; i < ROWS; i++) { /* From milliseconds to half a million years. */
        int64_t spread = (int64_t)(random_next(&seed) >> (10 + random_below(&seed, 50)));
        add(&b, i, i % 2 == 0 ? spread : -spread);
    }
    int64_t last = -FAR;
    uint32_t count = 0;
    for (int64_t now = -FAR; count < ROWS; now = now < -1 ? now / 2 : now * 2 + 2) {
        uint32_t budget = UINT32_MAX;
        for (row *r; (r = take(&b, now, &budget)) != NULL; count++) {
            assert_true(r->deadline >= last && r->deadline <= now);
            last = r->deadline;
        }
        check_none_due(&b, now);
    }
    close_bench(&b);
}

static int64_t random_distance(uint64_t *seed) {
    const int64_t year = INT64_C(31556952000);
    switch (random_below(seed, 6)) {
    case 0:
        return -(int64_t)random_below(seed, 1000000);
    case 1:
        return (int64_t)(random_next(seed) % (uint64_t)(300 * year));
    case 2:
        return random_below(seed, 100000000);
    default:
        return random_below(seed, 5000);
    }
}

static void step_model(bench *b, uint64_t *seed, int64_t now) {
    uint32_t index = random_below(seed, ROWS);
    row *r = row_of(b, index);
    if (!r->hangs) {
        add(b, index, now + random_distance(seed));
    } else if (random_below(seed, 3) == 0) {
        remove_row(b, index);
    } else { /* Moves later, and the wheel is not told. */
        int64_t distance = random_distance(seed);
        r->deadline += distance > 0 ? distance : 0;
    }
}

/* `budget_max` steps per take; the time moves on only when all due are taken, as
 * it does in an engine. */
static void live_a_life(uint32_t budget_max, uint64_t seed) {
    bench b;
    open_bench(&b);
    int64_t now = -1000000;
    for (uint32_t round = 0; round < 20000; round++) {
        for (uint32_t i = 0; i < 3; i++)
            step_model(&b, &seed, now);
        uint32_t budget = budget_max;
        uint64_t before = b.wheel.size;
        uint32_t taken = 0;
        while (take(&b, now, &budget) != NULL)
            taken++;
        assert_int_equal(b.wheel.size, before - taken);
        if (budget == 0) continue;
        check_none_due(&b, now);
        bool leap = random_below(&seed, 200) == 0;
        now += leap ? random_distance(&seed) & INT64_MAX >> 24 : random_below(&seed, 300);
    }
    for (uint32_t budget = UINT32_MAX; take(&b, INT64_MAX, &budget) != NULL;) {
    }
    check_none_due(&b, FAR);
    assert_int_equal(b.wheel.size, 0);
    close_bench(&b);
}

static void it_agrees_with_the_model_when_budgets_are_ample(void **state) {
    (void)state;
    live_a_life(UINT32_MAX, 13);
}

static void it_agrees_with_the_model_in_single_steps(void **state) {
    (void)state;
    live_a_life(1, 14);
    live_a_life(2, 15);
    live_a_life(7, 16);
}

/* ---- the order of nodes that are due together ---- */

static bool comes_before(const row *a, const row *b) {
    return a->due != b->due ? a->due < b->due : a->added < b->added;
}

/* The row that must come next, by looking at all. */
static row *first_of(bench *b) {
    row *first = NULL;
    for (uint32_t i = 0; i < ROWS; i++) {
        row *r = row_of(b, i);
        if (r->hangs && (first == NULL || comes_before(r, first))) first = r;
    }
    return first;
}

/* Distances that meet each other on every level. */
static int64_t meeting_distance(uint64_t *seed) {
    static const int64_t units[] = {1, 10, 64, 1000, 4096, 100000, 262144, 1 << 24};
    const uint32_t unit = random_below(seed, 8);
    return (int64_t)random_below(seed, 4) * units[unit] - (random_below(seed, 8) == 0 ? 100 : 0);
}

static void change_a_row(bench *b, uint64_t *seed, int64_t now) {
    const uint32_t index = random_below(seed, ROWS);
    /* Multiples of a second, so that deadlines set at different times are alike. */
    const int64_t from = random_below(seed, 2) == 0 ? now : now / 1000 * 1000;
    if (row_of(b, index)->hangs) remove_row(b, index);
    if (random_below(seed, 4) > 0) add(b, index, from + meeting_distance(seed));
}

static void check_next(bench *b, const row *next, uint64_t *seed) {
    const int64_t time = mr_wheel_next(&b->wheel);
    if (next == NULL) {
        assert_int_equal(time, INT64_MAX);
        return;
    }
    assert_true(time <= next->due);
    uint32_t budget = random_below(seed, 3);
    const mr_wheel_node *first = mr_wheel_first(&b->wheel, next->due, &budget);
    assert_true(first == NULL ? budget == 0 : first == &next->node);
}

/* Take several at once, which are the next ones in their order; gives how many. */
static uint32_t take_some(bench *b, int64_t now, uint32_t *budget, uint32_t max) {
    mr_addr nodes[8];
    assert_true(max <= 8);
    const uint32_t count = mr_wheel_take(&b->wheel, now, budget, nodes, max);
    assert_true(count <= max);
    for (uint32_t i = 0; i < count; i++) {
        row *r = mr_at(nodes[i]);
        assert_ptr_equal(r, first_of(b));
        assert_true(r->due <= now && r->node.before == 0 && r->node.next == 0);
        r->hangs = false;
    }
    return count;
}

static void live_in_order(bool exact, uint32_t budget_max, uint64_t seed) {
    bench b;
    open_bench(&b);
    b.exact = exact;
    int64_t now = -3000000;
    uint32_t taken = 0;
    for (uint32_t round = 0; round < 8000; round++) {
        for (uint32_t i = random_below(&seed, 5); i > 0; i--)
            change_a_row(&b, &seed, now);
        uint32_t budget = 1 + random_below(&seed, budget_max);
        while (true) {
            const row *next = first_of(&b);
            if (random_below(&seed, 4) == 0) check_next(&b, next, &seed);
            if (random_below(&seed, 4) == 0) {
                const uint32_t max = 1 + random_below(&seed, 8);
                const uint32_t some = take_some(&b, now, &budget, max);
                taken += some;
                if (some > 0) continue;
            }
            const row *r = take(&b, now, &budget);
            if (r == NULL) {
                assert_true(budget == 0 || next == NULL || next->due > now);
                break;
            }
            assert_ptr_equal(r, next);
            taken++;
            if (random_below(&seed, 4) == 0) change_a_row(&b, &seed, now);
        }
        if (budget > 0) now += random_below(&seed, 50) == 0 ? 1 << 20 : random_below(&seed, 700);
    }
    assert_true(taken > 300); /* Most steps of the smallest budgets only hang nodes lower. */
    close_bench(&b);
}

static void nodes_of_one_deadline_come_as_they_were_added(void **state) {
    (void)state;
    live_in_order(false, 1, 17);
    live_in_order(false, 3, 18);
    live_in_order(false, 20, 19);
    live_in_order(false, 100000, 20);
}

static void nodes_come_by_deadline_alone_where_the_wheel_turns_back(void **state) {
    (void)state;
    live_in_order(true, 1, 21);
    live_in_order(true, 3, 22);
    live_in_order(true, 20, 23);
    live_in_order(true, 100000, 24);
}

static void an_empty_wheel_turns_back_for_nothing(void **state) {
    (void)state;
    bench b;
    open_bench(&b);
    b.exact = true;
    uint32_t budget = 2;
    assert_null(take(&b, 1 << 30, &budget));
    add(&b, 0, 5);
    assert_ptr_equal(take(&b, 1 << 30, &budget), row_of(&b, 0)); /* One step: it is due at once. */
    add(&b, 0, -FAR);
    assert_ptr_equal(take(&b, 1 << 30, &budget), row_of(&b, 0));
    assert_int_equal(budget, 0);
    close_bench(&b);
}

static void a_node_that_is_added_to_a_slot_half_hung_lower_overtakes_nobody(void **state) {
    (void)state;
    bench b;
    open_bench(&b);
    uint32_t budget = UINT32_MAX;
    assert_null(take(&b, 0, &budget));
    for (uint32_t i = 0; i < 6; i++)
        add(&b, i, 2000000);
    add(&b, 7, 2000001); /* Not all at once. */
    budget = 2;
    assert_null(take(&b, 2000000, &budget));
    assert_int_equal(b.wheel.draining, 2);
    add(&b, 6, 2000000);
    remove_row(&b, 0); /* Which was hung lower. */
    add(&b, 0, 2000000);
    budget = UINT32_MAX;
    const uint32_t order[] = {1, 2, 3, 4, 5, 6, 0};
    for (uint32_t i = 0; i < 7; i++)
        assert_ptr_equal(take(&b, 2000000, &budget), row_of(&b, order[i]));
    assert_null(take(&b, 2000000, &budget));
    close_bench(&b);
}

static void a_budget_counts_the_nodes_that_are_looked_at(void **state) {
    (void)state;
    bench b;
    open_bench(&b);
    uint32_t budget = UINT32_MAX;
    assert_null(take(&b, 0, &budget)); /* The time is 0 now. */
    for (uint32_t i = 0; i < 10; i++)
        add(&b, i, 1000 + (int64_t)i); /* Level 1: hung lower, then taken. */
    budget = 5;
    assert_null(take(&b, 1009, &budget));
    assert_int_equal(budget, 0);
    assert_null(take(&b, 1009, &budget));
    assert_int_equal(b.wheel.size, 10);
    budget = 15;
    for (uint32_t i = 0; i < 10; i++)
        assert_non_null(take(&b, 1009, &budget));
    assert_int_equal(budget, 0);
    assert_int_equal(b.wheel.size, 0);
    close_bench(&b);
}

static void nodes_of_one_deadline_are_hung_lower_at_once(void **state) {
    (void)state;
    bench b;
    open_bench(&b);
    uint32_t budget = UINT32_MAX;
    assert_null(take(&b, 0, &budget));
    for (uint32_t i = 0; i < 10; i++)
        add(&b, i, 2000000); /* Level 2: twice. */
    assert_int_equal(mr_wheel_next(&b.wheel), 2000000);
    budget = 12;
    assert_null(take(&b, 1900000, &budget));
    assert_int_equal(mr_wheel_next(&b.wheel), 2000000);
    for (uint32_t i = 0; i < 10; i++)
        assert_ptr_equal(take(&b, 2000000, &budget), row_of(&b, i));
    assert_int_equal(budget, 0);
    assert_int_equal(b.wheel.size, 0);
    close_bench(&b);
}

static void nodes_that_are_far_ahead_are_hung_lower_once(void **state) {
    (void)state;
    bench b;
    open_bench(&b);
    const int64_t far = INT64_C(1) << 40;
    for (uint32_t i = 0; i < 10; i++)
        add(&b, i, far + (int64_t)i);
    uint32_t budget = 20;
    for (uint32_t i = 0; i < 10; i++)
        assert_ptr_equal(take(&b, FAR, &budget), row_of(&b, i));
    assert_int_equal(budget, 0);
    close_bench(&b);
}

static void rows_may_go_while_their_slot_is_half_hung_lower(void **state) {
    (void)state;
    bench b;
    open_bench(&b);
    uint32_t budget = UINT32_MAX;
    assert_null(take(&b, 0, &budget));
    for (uint32_t i = 0; i < 10; i++)
        add(&b, i, 2000000 + (int64_t)i); /* Level 2. */
    budget = 4;
    assert_null(take(&b, 2000000, &budget));
    add(&b, 20, 1999999); /* Between the slot's start and its nodes. */
    for (uint32_t i = 0; i < 10; i += 2)
        remove_row(&b, i);
    for (uint32_t i = 1; i < 10; i += 4)
        remove_row(&b, i);
    budget = UINT32_MAX;
    assert_ptr_equal(take(&b, 2001000, &budget), row_of(&b, 20));
    assert_ptr_equal(take(&b, 2001000, &budget), row_of(&b, 3));
    assert_ptr_equal(take(&b, 2001000, &budget), row_of(&b, 7));
    assert_null(take(&b, 2001000, &budget));
    close_bench(&b);
}

static void a_deadline_in_the_past_is_due_at_once(void **state) {
    (void)state;
    bench b;
    open_bench(&b);
    uint32_t budget = UINT32_MAX;
    assert_null(take(&b, 1000000, &budget));
    add(&b, 0, -5);
    add(&b, 1, 1000000);
    add(&b, 2, 1000001);
    assert_non_null(take(&b, 1000000, &budget));
    assert_non_null(take(&b, 1000000, &budget));
    assert_null(take(&b, 1000000, &budget));
    assert_ptr_equal(take(&b, 1000001, &budget), row_of(&b, 2));
    close_bench(&b);
}

static void the_ends_of_time_are_times_too(void **state) {
    (void)state;
    bench b;
    open_bench(&b);
    uint32_t budget = UINT32_MAX;
    add(&b, 0, -FAR);
    add(&b, 1, FAR);
    add(&b, 2, 1 - FAR);
    assert_null(take(&b, INT64_MIN, &budget));
    assert_null(take(&b, -FAR - 1, &budget));
    assert_ptr_equal(take(&b, -FAR, &budget), row_of(&b, 0));
    assert_null(take(&b, -FAR, &budget));
    assert_ptr_equal(take(&b, FAR - 1, &budget), row_of(&b, 2));
    assert_null(take(&b, FAR - 1, &budget));
    assert_ptr_equal(take(&b, INT64_MAX, &budget), row_of(&b, 1));
    add(&b, 3, 0);
    assert_ptr_equal(take(&b, INT64_MAX, &budget), row_of(&b, 3));
    close_bench(&b);
}

static void a_time_that_moves_back_takes_nothing(void **state) {
    (void)state;
    bench b;
    open_bench(&b);
    uint32_t budget = UINT32_MAX;
    assert_null(take(&b, 1000, &budget));
    add(&b, 0, 1500);
    assert_null(take(&b, -1000, &budget));
    assert_non_null(take(&b, 1500, &budget));
    close_bench(&b);
}

static void opening_without_memory_is_an_error_and_closing_twice_is_none(void **state) {
    (void)state;
    mr_heap heap;
    mr_wheel wheel;
    assert_int_equal(mr_heap_open(&heap, 0), MR_OK);
    assert_int_equal(mr_wheel_open(&wheel, &heap, deadline_of, NULL, few), MR_ERR_MEMORY);
    heap.budget_bytes = MIB;
    assert_int_equal(mr_wheel_open(&wheel, &heap, deadline_of, NULL, few), MR_OK);
    mr_wheel_close(&wheel);
    mr_wheel_close(&wheel);
    assert_int_equal(heap.reserved_bytes, 0);
    mr_heap_close(&heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_come_in_order_of_time_none_early_and_none_missed),
        cmocka_unit_test(it_agrees_with_the_model_when_budgets_are_ample),
        cmocka_unit_test(it_agrees_with_the_model_in_single_steps),
        cmocka_unit_test(nodes_of_one_deadline_come_as_they_were_added),
        cmocka_unit_test(nodes_come_by_deadline_alone_where_the_wheel_turns_back),
        cmocka_unit_test(an_empty_wheel_turns_back_for_nothing),
        cmocka_unit_test(a_node_that_is_added_to_a_slot_half_hung_lower_overtakes_nobody),
        cmocka_unit_test(a_budget_counts_the_nodes_that_are_looked_at),
        cmocka_unit_test(nodes_of_one_deadline_are_hung_lower_at_once),
        cmocka_unit_test(nodes_that_are_far_ahead_are_hung_lower_once),
        cmocka_unit_test(rows_may_go_while_their_slot_is_half_hung_lower),
        cmocka_unit_test(a_deadline_in_the_past_is_due_at_once),
        cmocka_unit_test(the_ends_of_time_are_times_too),
        cmocka_unit_test(a_time_that_moves_back_takes_nothing),
        cmocka_unit_test(opening_without_memory_is_an_error_and_closing_twice_is_none),
    };
    const int failed = cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
    few = true;
    return failed + cmocka_run_group_tests_name("wheel of few", tests, NULL, NULL);
}
