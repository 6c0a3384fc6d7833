/* aggregate_test.c -- count, sum, mean, min and max: each input, or each key at the end. */
#include <stdlib.h>

#include "harness.h"

#define NONE __builtin_nan("")

static const mr_operator_spec all_of_two = {
    .kind = MR_AGGREGATE,
    .count = 6,
    .kinds = {MR_COUNT, MR_SUM, MR_MEAN, MR_MIN, MR_MAX, MR_SUM},
    .columns = {0, 0, 0, 0, 0, 1},
};

static mr_operator_spec each_of(mr_operator_spec spec) {
    spec.flags |= MR_EMIT_EACH;
    return spec;
}

static void put(bench *b, uint32_t key, double first, double second) {
    const uint32_t row = add_key(b, key);
    mr_f64s(b->input->columns[0])[row] = first;
    mr_f64s(b->input->columns[1])[row] = second;
}

/* One result, and where it came from: an input row, or a key at the end. */
typedef struct result {
    uint32_t from;
    double cells[6];
} result;

static uint32_t take(const bench *b, result *results, uint32_t at, const uint32_t *inputs) {
    const mr_columns *out = b->results;
    const bool keys = mr_batch_has(out, MR_HAS_KEYS);
    const uint32_t *offsets = mr_u32s(out->key_offsets);
    for (uint32_t i = 0; i < out->size; i++) {
        result *to = &results[at + i];
        *to = (result){.from = mr_u32s(out->position)[i]};
        if (inputs != NULL) to->from = inputs[to->from];
        if (keys) {
            char text[16] = {0};
            memcpy(text, (const uint8_t *)mr_at(out->keys) + offsets[i],
                   offsets[i + 1] - offsets[i]);
            to->from = (uint32_t)atoi(text + 1);
        }
        for (uint32_t c = 0; c < out->column_count; c++) {
            to->cells[c] = mr_f64s(out->columns[c])[i];
        }
    }
    return at + out->size;
}

static uint32_t push_all(const bench *b, result *results, uint32_t at, const uint32_t *inputs) {
    mr_status status = MR_MORE;
    for (uint32_t from = 0; status == MR_MORE;) {
        status = mr_operator_push(b->op, b->in, from, &from, b->out);
        at = take(b, results, at, inputs);
    }
    assert_int_equal(status, MR_OK);
    return at;
}

static uint32_t finish(const bench *b, result *results) {
    uint32_t count = 0;
    mr_status status = MR_MORE;
    while (status == MR_MORE) {
        status = mr_operator_advance(b->op, END, b->out);
        count = take(b, results, count, NULL);
    }
    assert_int_equal(status, MR_OK);
    return count;
}

static bool same_number(double a, double b) { return a == b || (a != a && b != b); }

static void check(const result *is, const result *expected, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(is[i].from, expected[i].from);
        for (uint32_t c = 0; c < 6; c++) {
            assert_true(same_number(is[i].cells[c], expected[i].cells[c]));
        }
    }
}

static void each_input_gives_the_aggregates_of_its_key_so_far(void **state) {
    (void)state;
    mr_operator_spec spec = each_of(all_of_two);
    for (uint32_t evicts = 0; evicts < 2; evicts++, spec.flags |= MR_EVICT) {
        bench b = open_bench(&spec);
        begin_input(&b, 0);
        put(&b, 1, 3, 10);
        put(&b, 2, -1, 20);
        put(&b, 1, 5, 30);
        put(&b, 1, 1, 40);
        const result expected[] = {
            {0, {1, 3, 3, 3, 3, 10}},
            {1, {1, -1, -1, -1, -1, 20}},
            {2, {2, 8, 4, 3, 5, 40}},
            {3, {3, 9, 3, 1, 5, 80}},
        };
        result results[8];
        assert_int_equal(push_all(&b, results, 0, NULL), 4);
        check(results, expected, 4);
        assert_int_equal(finish(&b, results), 0); /* All has been said. */
        close_bench(&b);
    }
}

static void the_end_gives_each_key_once_in_first_seen_order_and_anew_after_more(void **state) {
    (void)state;
    bench b = open_bench(&all_of_two);
    result results[8];
    begin_input(&b, 0);
    put(&b, 7, 3, 10);
    put(&b, 2, -1, 20);
    put(&b, 7, 5, 30);
    assert_int_equal(push_all(&b, results, 0, NULL), 0);
    const result first[] = {{7, {2, 8, 4, 3, 5, 40}}, {2, {1, -1, -1, -1, -1, 20}}};
    assert_int_equal(finish(&b, results), 2);
    check(results, first, 2);
    assert_int_equal(finish(&b, results), 0);

    begin_input(&b, 0);
    put(&b, 1, 0, 0);
    put(&b, 2, 1, 1);
    assert_int_equal(push_all(&b, results, 0, NULL), 0);
    const result second[] = {
        {7, {2, 8, 4, 3, 5, 40}}, {2, {2, 0, 0, -1, 1, 21}}, {1, {1, 0, 0, 0, 0, 0}}};
    assert_int_equal(finish(&b, results), 3);
    check(results, second, 3);
    close_bench(&b);
}

static void a_watermark_alone_emits_nothing(void **state) {
    (void)state;
    bench b = open_bench(&all_of_two);
    begin_input(&b, 0);
    put(&b, 7, 3, 10);
    result results[8];
    assert_int_equal(push_all(&b, results, 0, NULL), 0);
    const double watermarks[] = {5, 3, -END, NONE};
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(mr_operator_advance(b.op, watermarks[i], b.out), MR_OK);
        assert_int_equal(b.results->size, 0);
    }
    assert_int_equal(finish(&b, results), 1);
    close_bench(&b);
}

static void nulls_are_skipped_and_nan_is_left_out_and_counted(void **state) {
    (void)state;
    const mr_operator_spec spec = each_of(all_of_two);
    bench b = open_bench(&spec);
    begin_input(&b, 0);
    put(&b, 1, 999, 1);
    put(&b, 1, NONE, 2);
    put(&b, 1, 4, 3);
    put(&b, 1, 998, 4);
    b.input->nulls = 1;
    *(uint8_t *)mr_at(b.input->validity[0]) = 0x6; /* The first and the last are null. */
    const result expected[] = {
        {0, {1, 0, NONE, NONE, NONE, 1}},
        {1, {2, 0, NONE, NONE, NONE, 3}},
        {2, {3, 4, 4, 4, 4, 6}},
        {3, {4, 4, 4, 4, 4, 10}},
    };
    result results[8];
    assert_int_equal(push_all(&b, results, 0, NULL), 4);
    check(results, expected, 4);
    assert_int_equal(stats_of(&b).nans, 4); /* Sum, mean, min and max each left it out. */
    close_bench(&b);
}

static void infinities_are_numbers_like_others(void **state) {
    (void)state;
    const mr_operator_spec spec = each_of(all_of_two);
    bench b = open_bench(&spec);
    begin_input(&b, 0);
    put(&b, 1, 1, END);
    put(&b, 1, END, 1);
    put(&b, 1, -END, -END);
    put(&b, 2, 1.7e308, 0);
    put(&b, 2, 1.7e308, 0); /* The sum is too large. */
    put(&b, 2, -1.7e308, 0);
    const result expected[] = {
        {0, {1, 1, 1, 1, 1, END}},
        {1, {2, END, END, 1, END, END}},
        {2, {3, NONE, NONE, -END, END, NONE}},
        {3, {1, 1.7e308, 1.7e308, 1.7e308, 1.7e308, 0}},
        {4, {2, END, END, 1.7e308, 1.7e308, 0}},
        {5, {3, END, END, -1.7e308, 1.7e308, 0}},
    };
    result results[8];
    assert_int_equal(push_all(&b, results, 0, NULL), 6);
    check(results, expected, 6);
    assert_int_equal(stats_of(&b).nans, 0);
    close_bench(&b);
}

static void a_sum_does_not_forget_small_numbers_beside_large_ones(void **state) {
    (void)state;
    bench b = open_bench(&all_of_two);
    begin_input(&b, 0);
    put(&b, 1, 1, 0.1);
    put(&b, 1, 1e100, 0.2);
    put(&b, 1, 1, 0.3);
    put(&b, 1, -1e100, -0.6);
    result results[2];
    (void)push_all(&b, results, 0, NULL);
    assert_int_equal(finish(&b, results), 1);
    assert_true(results[0].cells[1] == 2); /* Naively 0. */
    assert_true(results[0].cells[2] == 0.5);
    assert_true(__builtin_fabs(results[0].cells[5]) < 1e-16); /* Naively 1.1e-16. */
    close_bench(&b);
}

/* ---- chunks ---- */

enum { EVENTS = 5000 };

typedef struct event {
    uint32_t key;
    double first;
    double second;
    bool null;
} event;

static event events[EVENTS];
static uint32_t inputs[EVENTS];

static void make_events(uint64_t seed) {
    print_message("seed %u\n", (unsigned)seed);
    for (uint32_t i = 0; i < EVENTS; i++) {
        events[i].key = random_below(&seed, 300);
        events[i].first = (double)(int64_t)random_next(&seed) / 1e9;
        events[i].second = random_below(&seed, 50) == 0 ? NONE : random_below(&seed, 100);
        events[i].null = random_below(&seed, 10) == 0;
        inputs[i] = i;
    }
}

static uint32_t run_chunks(bench *b, uint32_t chunk, result *results) {
    uint32_t count = 0;
    for (uint32_t from = 0; from < EVENTS; from += chunk) {
        begin_input(b, 0);
        b->input->nulls = 2;
        uint8_t *valid = mr_at(b->input->validity[1]);
        for (uint32_t i = from; i < EVENTS && i < from + chunk; i++) {
            const uint32_t row = i - from;
            put(b, events[i].key, events[i].first, events[i].second);
            valid[row / 8] &= (uint8_t)~(1u << (row % 8));
            if (!events[i].null) valid[row / 8] |= (uint8_t)(1u << (row % 8));
        }
        count = push_all(b, results, count, inputs + from);
    }
    return count;
}

static void results_do_not_depend_on_how_the_input_is_cut(void **state) {
    (void)state;
    const uint32_t chunks[] = {EVENTS, 1, 7, 1024};
    static result expected[2][EVENTS];
    static result results[EVENTS];
    uint32_t final_count = 0;
    make_events(51);
    for (uint32_t c = 0; c < 4; c++) {
        const mr_operator_spec spec = each_of(all_of_two);
        bench b = open_bench(&spec);
        assert_int_equal(run_chunks(&b, chunks[c], c == 0 ? expected[0] : results), EVENTS);
        close_bench(&b);
        check(c == 0 ? expected[0] : results, expected[0], EVENTS);

        b = open_bench(&all_of_two);
        assert_int_equal(run_chunks(&b, chunks[c], results), 0);
        const uint32_t count = finish(&b, c == 0 ? expected[1] : results);
        close_bench(&b);
        if (c == 0) final_count = count;
        assert_int_equal(count, final_count);
        check(c == 0 ? expected[1] : results, expected[1], count);
    }
}

/* ---- full results ---- */

static void more_results_than_a_batch_holds_come_in_several_calls(void **state) {
    (void)state;
    static result results[8192];
    const mr_operator_spec spec = each_of(all_of_two);
    bench b = open_bench(&spec);
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 8192; i++)
        put(&b, i % 3, 1, i);
    uint32_t upto = 0;
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_MORE);
    assert_int_equal(upto, MR_RESULT_ROWS_MAX);
    assert_int_equal(b.results->size, MR_RESULT_ROWS_MAX);
    assert_int_equal(take(&b, results, 0, NULL), MR_RESULT_ROWS_MAX);
    assert_int_equal(mr_operator_push(b.op, b.in, upto, &upto, b.out), MR_OK);
    assert_int_equal(upto, 8192);
    assert_int_equal(take(&b, results, MR_RESULT_ROWS_MAX, NULL), 8192);
    for (uint32_t i = 0; i < 8192; i++) { /* Each row once, and applied once. */
        assert_int_equal(results[i].from, i);
        assert_true(results[i].cells[0] == i / 3 + 1);
    }
    close_bench(&b);
}

static void key_bytes_of_results_are_limited_too(void **state) {
    (void)state;
    enum { KEYS = 60, KEY_BYTES = 50000 };
    const mr_operator_spec spec = {.kind = MR_AGGREGATE, .count = 1, .kinds = {MR_COUNT}};
    static uint8_t key[KEY_BYTES];
    bench b = open_bench(&spec);
    uint32_t upto = 0;
    for (uint32_t i = 0; i < KEYS; i++) {
        begin_input(&b, 0);
        key[0] = (uint8_t)i;
        add_bytes(&b, key, KEY_BYTES);
        assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_OK);
    }
    uint32_t seen = 0;
    mr_status status = MR_MORE;
    for (uint32_t calls = 0; status == MR_MORE; calls++) {
        status = mr_operator_advance(b.op, END, b.out);
        const mr_columns *out = b.results;
        const uint32_t *offsets = mr_u32s(out->key_offsets);
        for (uint32_t i = 0; i < out->size; i++, seen++) {
            assert_int_equal(offsets[i + 1] - offsets[i], KEY_BYTES);
            assert_int_equal(((const uint8_t *)mr_at(out->keys))[offsets[i]], seen);
        }
        assert_true(offsets[out->size] <= MR_RESULT_BYTES_MAX && calls < 10);
    }
    assert_int_equal(status, MR_OK);
    assert_int_equal(seen, KEYS);
    close_bench(&b);
}

static void results_of_chosen_rows_come_in_the_order_asked(void **state) {
    (void)state;
    bench b = open_bench(&all_of_two);
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 5; i++)
        put(&b, i, i, i);
    result results[8];
    (void)push_all(&b, results, 0, NULL);
    mr_scan scan = 0;
    assert_int_equal(mr_scan_open(b.op, -END, &scan), MR_OK);
    const uint32_t *rows = mr_u32s(next_page(scan, 10)->rows);
    const uint32_t asked[] = {rows[3], rows[0], rows[3]};
    const uint32_t expected[] = {3, 0, 3};
    assert_int_equal(mr_operator_results(b.op, asked, 3, b.out), MR_OK);
    assert_int_equal(take(&b, results, 0, NULL), 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(results[i].from, expected[i]);
        assert_true(results[i].cells[1] == expected[i]);
    }
    assert_int_equal(mr_operator_results(b.op, asked, 0, b.out), MR_OK);
    assert_int_equal(b.results->size, 0);
    assert_int_equal(mr_operator_results(b.op, asked, MR_RESULT_ROWS_MAX + 1, b.out),
                     MR_ERR_ARGUMENT);
    assert_int_equal(mr_scan_close(scan), MR_OK);
    close_bench(&b);
}

/* ---- the end, interrupted ---- */

static uint32_t push_numbers(bench *b, uint32_t from, uint32_t count) {
    uint32_t upto = 0;
    begin_input(b, 0);
    for (uint32_t i = 0; i < count; i++)
        put(b, from + i, 1, 1);
    assert_int_equal(mr_operator_push(b->op, b->in, 0, &upto, b->out), MR_OK);
    return upto;
}

static void more_input_in_the_midst_of_the_end_begins_it_anew(void **state) {
    (void)state;
    static result results[10000];
    bench b = open_bench(&all_of_two);
    (void)push_numbers(&b, 0, 6000);
    for (uint32_t calls = 1; calls < 5; calls++) {
        for (uint32_t i = 0; i < calls; i++) {
            assert_true(mr_operator_advance(b.op, END, b.out) >= 0);
        }
        (void)push_numbers(&b, 6000 + calls, 1);
        assert_int_equal(finish(&b, results), 6000 + calls);
        for (uint32_t i = 0; i < 6000; i++)
            assert_int_equal(results[i].from, i);
    }
    close_bench(&b);
}

static void expiry_waits_until_the_results_of_the_end_are_taken(void **state) {
    (void)state;
    static result results[10000];
    mr_operator_spec spec = all_of_two;
    spec.ttl_ms = 10;
    bench b = open_bench(&spec);
    (void)push_numbers(&b, 0, 6000);
    uint32_t count = 0;
    mr_status status = MR_MORE;
    while (status == MR_MORE) {
        status = mr_operator_advance(b.op, END, b.out);
        count = take(&b, results, count, NULL);
        if (status == MR_MORE) assert_int_equal(mr_operator_expire(b.op, 1000, 1000), MR_OK);
    }
    assert_int_equal(status, MR_OK);
    assert_int_equal(count, 6000);
    while (mr_operator_expire(b.op, 1000, 1000) == MR_MORE) {
    }
    assert_int_equal(stats_of(&b).rows, 0);
    close_bench(&b);
}

static void expired_keys_are_not_in_the_end(void **state) {
    (void)state;
    mr_operator_spec spec = all_of_two;
    spec.ttl_ms = 10;
    bench b = open_bench(&spec);
    result results[8];
    begin_input(&b, 0);
    put(&b, 1, 1, 1);
    (void)push_all(&b, results, 0, NULL);
    begin_input(&b, 10);
    put(&b, 2, 1, 1);
    (void)push_all(&b, results, 0, NULL);
    assert_int_equal(finish(&b, results), 1);
    assert_int_equal(results[0].from, 2);
    begin_input(&b, 15);
    put(&b, 1, 5, 5); /* Begins anew. */
    (void)push_all(&b, results, 0, NULL);
    assert_int_equal(finish(&b, results), 2);
    assert_int_equal(results[1].from, 1);
    assert_true(results[1].cells[0] == 1 && results[1].cells[1] == 5);
    close_bench(&b);
}

/* ---- refusals ---- */

static void an_error_leaves_the_rows_before_it_applied_and_no_other(void **state) {
    (void)state;
    mr_operator_spec spec = each_of(all_of_two);
    spec.rows_max = 2;
    bench b = open_bench(&spec);
    begin_input(&b, 0);
    const uint32_t keys[] = {1, 2, 1, 3, 1, 2};
    for (uint32_t i = 0; i < 6; i++)
        put(&b, keys[i], NONE, i);
    for (uint32_t call = 0; call < 2; call++) { /* Again from there: refused again. */
        uint32_t upto = 99;
        assert_int_equal(mr_operator_push(b.op, b.in, call * 3, &upto, b.out), MR_ERR_LIMIT);
        assert_string_equal(mr_error_name(), "state.maxSize");
        assert_int_equal(upto, 3);
        assert_int_equal(b.results->size, call == 0 ? 3 : 0);
        assert_int_equal(stats_of(&b).rows, 2);
        assert_int_equal(stats_of(&b).nans, 12);
    }
    uint32_t upto = 0; /* The host skips the event. */
    assert_int_equal(mr_operator_push(b.op, b.in, 4, &upto, b.out), MR_OK);
    assert_int_equal(b.results->size, 2);
    assert_true(mr_f64s(b.results->columns[0])[0] == 3);
    assert_true(mr_f64s(b.results->columns[0])[1] == 2);
    assert_int_equal(mr_u32s(b.results->position)[0], 4);
    close_bench(&b);
}

static void so_it_does_where_nothing_is_emitted_per_row(void **state) {
    (void)state;
    mr_operator_spec spec = all_of_two;
    spec.rows_max = 2;
    bench b = open_bench(&spec);
    begin_input(&b, 0);
    const uint32_t keys[] = {1, 2, 1, 3, 1, 2};
    for (uint32_t i = 0; i < 6; i++)
        put(&b, keys[i], NONE, i);
    uint32_t upto = 0;
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_ERR_LIMIT);
    assert_int_equal(upto, 3);
    assert_int_equal(stats_of(&b).nans, 12);
    assert_int_equal(mr_operator_push(b.op, b.in, 4, &upto, b.out), MR_OK);
    const result expected[] = {{1, {3, 0, NONE, NONE, NONE, 6}}, {2, {2, 0, NONE, NONE, NONE, 6}}};
    result results[4];
    assert_int_equal(finish(&b, results), 2);
    check(results, expected, 2);
    close_bench(&b);
}

static void results_of_before_are_gone_after_a_refusal(void **state) {
    (void)state;
    const mr_operator_spec spec = each_of(all_of_two);
    bench b = open_bench(&spec);
    result results[4];
    uint32_t upto = 0;
    begin_input(&b, 0);
    put(&b, 1, 1, 1);
    assert_int_equal(push_all(&b, results, 0, NULL), 1);
    b.input->size = UINT32_MAX;
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_ERR_CORRUPT);
    assert_int_equal(b.results->size, 0);
    close_bench(&b);
}

static void a_batch_that_was_an_input_takes_results_as_well(void **state) {
    (void)state;
    const mr_operator_spec spec = each_of(all_of_two);
    bench b = open_bench(&spec);
    mr_batch other = 0;
    uint32_t address = 0;
    assert_int_equal(mr_batch_open(b.engine, &other), MR_OK);
    assert_int_equal(mr_batch_reserve(other, 4, 10, 6, &address), MR_OK);
    mr_columns *out = mr_at(address);
    memset(mr_at(out->key_offsets), 0xFF, 5 * sizeof(uint32_t)); /* What a host left there. */
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 4; i++)
        put(&b, i, 1, 1);
    uint32_t upto = 0;
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, other), MR_OK);
    assert_int_equal(out->size, 4);
    assert_int_equal(mr_batch_close(other), MR_OK);
    close_bench(&b);
}

static void order_is_passed_on(void **state) {
    (void)state;
    const mr_operator_spec spec = each_of(all_of_two);
    bench b = open_bench(&spec);
    begin_input(&b, 0);
    put(&b, 1, 1, 1);
    put(&b, 1, 1, 1);
    b.input->present |= MR_HAS_ORDER;
    mr_f64s(b.input->order)[0] = 100;
    mr_f64s(b.input->order)[1] = 7;
    uint32_t upto = 0;
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_OK);
    assert_true(mr_batch_has(b.results, MR_HAS_ORDER));
    assert_true(mr_f64s(b.results->order)[0] == 100 && mr_f64s(b.results->order)[1] == 7);
    close_bench(&b);
}

static void columns_and_aggregates_that_are_not_there_are_refused(void **state) {
    (void)state;
    bench b = open_bench(&all_of_two);
    uint32_t upto = 5;
    open_input(&b, 4, 100, 1);
    begin_input(&b, 0);
    add_key(&b, 1);
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "columns");
    assert_int_equal(stats_of(&b).rows, 0);
    mr_operator op = 0;
    mr_operator_spec spec = all_of_two;
    spec.kinds[1] = MR_STDDEV_POPULATION + 1;
    assert_int_equal(mr_operator_open(b.engine, &spec, &op), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "kinds");
    spec = all_of_two;
    spec.columns[1] = MR_COLUMNS_MAX;
    assert_int_equal(mr_operator_open(b.engine, &spec, &op), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "columns");
    spec = (mr_operator_spec){.kind = MR_AGGREGATE, .count = 22};
    memset(spec.kinds, MR_MEAN, 22); /* 66 accumulators. */
    assert_int_equal(mr_operator_open(b.engine, &spec, &op), MR_ERR_LIMIT);
    assert_string_equal(mr_error_name(), "aggregate fields");
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_input_gives_the_aggregates_of_its_key_so_far),
        cmocka_unit_test(the_end_gives_each_key_once_in_first_seen_order_and_anew_after_more),
        cmocka_unit_test(a_watermark_alone_emits_nothing),
        cmocka_unit_test(nulls_are_skipped_and_nan_is_left_out_and_counted),
        cmocka_unit_test(infinities_are_numbers_like_others),
        cmocka_unit_test(a_sum_does_not_forget_small_numbers_beside_large_ones),
        cmocka_unit_test(results_do_not_depend_on_how_the_input_is_cut),
        cmocka_unit_test(more_results_than_a_batch_holds_come_in_several_calls),
        cmocka_unit_test(key_bytes_of_results_are_limited_too),
        cmocka_unit_test(results_of_chosen_rows_come_in_the_order_asked),
        cmocka_unit_test(more_input_in_the_midst_of_the_end_begins_it_anew),
        cmocka_unit_test(expiry_waits_until_the_results_of_the_end_are_taken),
        cmocka_unit_test(expired_keys_are_not_in_the_end),
        cmocka_unit_test(an_error_leaves_the_rows_before_it_applied_and_no_other),
        cmocka_unit_test(so_it_does_where_nothing_is_emitted_per_row),
        cmocka_unit_test(results_of_before_are_gone_after_a_refusal),
        cmocka_unit_test(a_batch_that_was_an_input_takes_results_as_well),
        cmocka_unit_test(order_is_passed_on),
        cmocka_unit_test(columns_and_aggregates_that_are_not_there_are_refused),
    };
    return cmocka_run_group_tests_name("aggregate", tests, NULL, NULL);
}
