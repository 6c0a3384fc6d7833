/* queue_test.c -- the queue against a plain list of what was added. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../c/queue.h"
#include "random.h"

#define MIB (UINT64_C(1) << 20)

/* A row as an operator would have it. */
typedef struct row {
    mr_wheel_node node;
    int64_t deadline;
} row;

enum { ROWS = 100000 };

typedef struct bench {
    mr_heap heap;
    mr_queue queue;
    mr_addr rows;
    uint64_t bytes; /* Of the rows. */
} bench;

static row *row_of(const bench *b, uint32_t index) { return (row *)mr_at(b->rows) + index; }

static void open_bench(bench *b) {
    *b = (bench){0};
    assert_int_equal(mr_heap_open(&b->heap, 16 * MIB), MR_OK);
    b->rows = mr_heap_alloc_zeroed(&b->heap, ROWS * sizeof(row));
    assert_true(b->rows != 0);
    b->bytes = b->heap.live_bytes;
    mr_queue_open(&b->queue, &b->heap);
}

static void close_bench(bench *b) {
    mr_queue_close(&b->queue);
    assert_int_equal(b->heap.live_bytes, b->bytes);
    mr_heap_free(&b->heap, b->rows, ROWS * sizeof(row));
    mr_heap_close(&b->heap);
}

static bool add(bench *b, uint32_t index, int64_t deadline) {
    row *r = row_of(b, index);
    assert_int_equal(r->node.before, 0);
    r->deadline = deadline;
    return mr_queue_add(&b->queue, &r->node, false);
}

static void remove_row(bench *b, uint32_t index) {
    row *r = row_of(b, index);
    assert_true(mr_queue_has(&r->node));
    mr_queue_remove(&b->queue, &r->node);
    assert_int_equal(r->node.before, 0);
}

/* Rows `from` to `upto` stand there one after the other, where they were not removed. */
static void check_order(bench *b, const bool *gone, uint32_t from, uint32_t upto) {
    uint32_t size = 0;
    for (uint32_t i = from; i < upto; i++)
        size += !gone[i];
    assert_int_equal(b->queue.size, size);
    for (uint32_t i = from; i < upto; i++) {
        if (gone[i]) continue;
        assert_ptr_equal(mr_queue_first(&b->queue), &row_of(b, i)->node);
        assert_int_equal(b->queue.next, row_of(b, i)->deadline);
        remove_row(b, i);
    }
    assert_int_equal(b->queue.next, INT64_MAX);
}

static void nodes_come_as_they_were_added_but_for_those_that_went(void **state) {
    (void)state;
    static bool gone[ROWS];
    uint64_t seed = 5;
    for (uint32_t run = 0; run < 30; run++) {
        bench b;
        open_bench(&b);
        memset(gone, 0, sizeof gone);
        const uint32_t count = 1 + random_below(&seed, run % 3 == 0 ? 10 : 20000);
        const uint32_t removed = random_below(&seed, 4); /* Of 4. */
        int64_t deadline = -1000;
        for (uint32_t i = 0; i < count; i++) {
            deadline += random_below(&seed, 3);
            assert_true(add(&b, i, deadline));
        }
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t other = random_below(&seed, count);
            if (random_below(&seed, 4) >= removed || gone[other]) continue;
            remove_row(&b, other);
            gone[other] = true;
        }
        check_order(&b, gone, 0, count);
        close_bench(&b);
    }
}

static void what_is_due_is_taken_and_no_more(void **state) {
    (void)state;
    bench b;
    mr_addr taken[8];
    open_bench(&b);
    for (uint32_t i = 0; i < 5000; i++)
        assert_true(add(&b, i, i / 2));
    assert_int_equal(mr_queue_take(&b.queue, -1, taken, 8), 0);
    assert_int_equal(mr_queue_take(&b.queue, 1, taken, 8), 4);
    for (uint32_t at = 4; at < 5000; at += 8) {
        const uint32_t count = mr_queue_take(&b.queue, 2500, taken, 8);
        assert_int_equal(count, at + 8 <= 5000 ? 8 : 5000 - at);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(taken[i], mr_addr_of(row_of(&b, at + i)));
            assert_int_equal(row_of(&b, at + i)->node.before, 0);
        }
    }
    assert_int_equal(mr_queue_take(&b.queue, INT64_MAX - 1, taken, 8), 0);
    close_bench(&b);
}

static void a_deadline_before_the_last_one_is_refused(void **state) {
    (void)state;
    bench b;
    open_bench(&b);
    assert_true(add(&b, 0, 10));
    assert_true(add(&b, 1, 12));
    assert_false(add(&b, 2, 11));
    assert_int_equal(row_of(&b, 2)->node.before, 0);
    remove_row(&b, 1);
    assert_false(add(&b, 2, 11)); /* The refused one may wait elsewhere. */
    remove_row(&b, 0);
    assert_false(add(&b, 2, 11));
    row_of(&b, 2)->deadline = 3;
    assert_true(mr_queue_add(&b.queue, &row_of(&b, 2)->node, true)); /* No other waits at all. */
    row_of(&b, 3)->deadline = 2;
    assert_false(mr_queue_add(&b.queue, &row_of(&b, 3)->node, true));
    close_bench(&b);
}

/* One timer that stays, and one that moves on and on: what it leaves is not kept for ever. Once one
 * was refused, no other of its deadline comes after, for it would overtake that. */
static void the_gone_are_few(void **state) {
    (void)state;
    bench b;
    open_bench(&b);
    assert_true(add(&b, 0, 0));
    int64_t deadline = 1;
    while (add(&b, 1, deadline)) {
        remove_row(&b, 1);
        deadline++;
    }
    assert_in_range(deadline, 1000, 1100);
    assert_true(b.heap.live_bytes <= b.bytes + 2 * 4096);
    remove_row(&b, 0);                     /* Now there is room, */
    assert_false(add(&b, 2, deadline));    /* but not for this, */
    assert_true(add(&b, 2, deadline + 1)); /* only for later ones. */
    close_bench(&b);
}

/* However many are there: a call steps past those that went in a moment. */
static void of_very_many_no_more_go(void **state) {
    (void)state;
    bench b;
    open_bench(&b);
    for (uint32_t i = 0; i < ROWS; i++)
        assert_true(add(&b, i, 0));
    uint32_t moves = 0;
    for (;; moves++) { /* All but the first move on and on. */
        const uint32_t i = 1 + moves % (ROWS - 1);
        remove_row(&b, i);
        if (!add(&b, i, 1 + moves)) break;
    }
    assert_in_range(moves, 256 << 10, 257 << 10);
    remove_row(&b, 0);
    assert_int_equal(b.queue.size, ROWS - 2);
    assert_true(b.queue.gone < 2 * ROWS);
    close_bench(&b);
}

static void memory_is_given_back_as_nodes_go(void **state) {
    (void)state;
    bench b;
    open_bench(&b);
    for (uint32_t i = 0; i < ROWS; i++)
        assert_true(add(&b, i, i));
    assert_true(b.heap.live_bytes >= b.bytes + ROWS * sizeof(mr_addr));
    for (uint32_t i = 0; i < ROWS; i++) { /* From the middle on, then what comes before. */
        remove_row(&b, (i + ROWS / 2) % ROWS);
    }
    assert_in_range(b.heap.live_bytes, b.bytes + 1, b.bytes + 4096);
    assert_true(add(&b, 7, ROWS));
    assert_ptr_equal(mr_queue_first(&b.queue), &row_of(&b, 7)->node);
    close_bench(&b);
}

/* Without memory nodes are refused, and the deadline stays so when there is some again. */
static void without_memory_it_refuses(void **state) {
    (void)state;
    bench b;
    open_bench(&b);
    const uint64_t budget = b.heap.budget_bytes;
    b.heap.budget_bytes = 0;
    uint32_t count = 0;
    while (add(&b, count, 0))
        count++;
    b.heap.budget_bytes = budget;
    assert_false(add(&b, count, 0));
    assert_true(add(&b, count, 1));
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_come_as_they_were_added_but_for_those_that_went),
        cmocka_unit_test(what_is_due_is_taken_and_no_more),
        cmocka_unit_test(a_deadline_before_the_last_one_is_refused),
        cmocka_unit_test(the_gone_are_few),
        cmocka_unit_test(of_very_many_no_more_go),
        cmocka_unit_test(memory_is_given_back_as_nodes_go),
        cmocka_unit_test(without_memory_it_refuses),
    };
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
