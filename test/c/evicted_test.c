/* evicted_test.c -- rows that were evicted, kept until the host has looked at them. */
#include "harness.h"

enum { KEYS = 40, CHAIN = 64 };

static const mr_operator_spec keeping = {
    .kind = MR_CUSTOM,
    .count = 3,
    .kinds = {MR_STRING, MR_REF, MR_F64},
    .flags = MR_EVICT | MR_KEEP_EVICTED,
    .rows_max = 3,
};

/* ---- a host ---- */

static bench open_with_refs(const mr_operator_spec *spec) {
    uint32_t refs = 0;
    const mr_engine engine = open_engine(64 * MIB, 42);
    assert_int_equal(mr_refs_reserve(engine, 2 * KEYS, &refs), MR_OK);
    return open_bench_in(engine, spec);
}

static mr_refs *refs_of(const bench *b) {
    uint32_t refs = 0;
    assert_int_equal(mr_refs_reserve(b->engine, 0, &refs), MR_OK);
    return mr_at(refs);
}

/* The record of key `number` in a state of `keeping`'s fields: text, ref, value. */
static void put(bench *b, uint32_t number, double now_ms) {
    begin_input(b, now_ms);
    add_key(b, number);
    (void)find_input(b);
    assert_int_equal(mr_row_enter(b->op, 0), MR_OK);
    if (row_of(b, 0) != NULL) {
        assert_int_equal(mr_row_touch(b->op, 0, 1), MR_OK);
        return;
    }
    uint64_t words[2] = {0};
    const double value = number * 1.5;
    const uint32_t ref = 1 + number;
    const uint8_t text[KEYS] = {(uint8_t)number};
    uint32_t blob = 0;
    assert_int_equal(mr_blob_new(b->op, text, 1 + number % 30, &blob), MR_OK);
    const uint32_t *at = inside(b->op)->rows.layout.field_at;
    memcpy((uint8_t *)words + at[0], &blob, sizeof blob);
    memcpy((uint8_t *)words + at[1], &ref, sizeof ref);
    memcpy((uint8_t *)words + at[2], &value, sizeof value);
    assert_int_equal(mr_row_create(b->op, 0, (const uint8_t *)words), MR_OK);
}

/* The chain as a host reads it: by the addresses that it was given. */
static uint32_t evicted(bench *b, mr_addr *rows) {
    mr_layout layout;
    uint32_t count = 0;
    assert_int_equal(mr_operator_layout(b->op, &layout), MR_OK);
    begin_input(b, 0);
    mr_addr at = find_input(b)->evicted;
    for (; at != 0; at = *(uint32_t *)mr_at(at + layout.evicted_next_at)) {
        assert_true(count < CHAIN);
        rows[count++] = at;
    }
    return count;
}

static void check_evicted(bench *b, uint32_t count, const uint32_t *numbers) {
    mr_addr rows[CHAIN];
    assert_int_equal(evicted(b, rows), count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(number_of(&inside(b->op)->rows, mr_row_at(rows[i])), numbers[i]);
    }
}

static void free_evicted(bench *b) {
    assert_int_equal(mr_evicted_free(b->op), MR_OK);
    check_evicted(b, 0, NULL);
}

/* ---- tests ---- */

static void evicted_rows_are_seen_whole_first_evicted_first(void **state) {
    (void)state;
    bench b = open_with_refs(&keeping);
    for (uint32_t i = 0; i < 3; i++)
        put(&b, i, 0);
    check_evicted(&b, 0, NULL);
    put(&b, 0, 0); /* Used again: 1 is the oldest now. */
    put(&b, 3, 0);
    put(&b, 4, 0);
    check_evicted(&b, 2, (const uint32_t[]){1, 2});
    mr_addr rows[CHAIN];
    (void)evicted(&b, rows);
    const mr_rows *state_of = &inside(b.op)->rows;
    for (uint32_t i = 0; i < 2; i++) {
        const uint8_t *record = mr_row_record(state_of, mr_row_at(rows[i]));
        const uint32_t *at = state_of->layout.field_at;
        uint32_t blob, ref;
        double value;
        memcpy(&blob, record + at[0], sizeof blob);
        memcpy(&ref, record + at[1], sizeof ref);
        memcpy(&value, record + at[2], sizeof value);
        assert_int_equal(mr_blob_size(blob), 2 + i);
        assert_int_equal(mr_blob_bytes(blob)[0], 1 + i);
        assert_int_equal(ref, 2 + i);
        assert_true(value == (1 + i) * 1.5);
    }
    assert_int_equal(refs_of(&b)->dropped, 0);
    free_evicted(&b);
    assert_int_equal(refs_of(&b)->dropped, 3); /* A chain: 3, then 2. */
    assert_int_equal(mr_u32s(refs_of(&b)->next)[3], 2);
    free_evicted(&b); /* Of nothing. */
    put(&b, 5, 0);
    check_evicted(&b, 1, (const uint32_t[]){0});
    close_bench(&b); /* Never freed: it goes with the operator. */
}

static void kept_rows_count_toward_memory_and_toward_no_limit(void **state) {
    (void)state;
    mr_operator_spec spec = keeping;
    spec.flags = MR_EVICT;
    bench plain = open_with_refs(&spec);
    bench b = open_with_refs(&keeping);
    for (uint32_t i = 0; i < 20; i++) {
        put(&plain, i, 0);
        put(&b, i, 0);
    }
    const mr_stats expected = stats_of(&plain);
    const mr_stats stats = stats_of(&b);
    assert_memory_equal(&stats, &expected, sizeof stats);
    assert_int_equal(stats.evicted, 17);
    assert_true(live_bytes(b.engine) > live_bytes(plain.engine));
    assert_int_equal(memory_of(b.engine).external_bytes, 20 * MR_REF_BYTES);
    free_evicted(&b);
    assert_int_equal(live_bytes(b.engine), live_bytes(plain.engine));
    assert_int_equal(memory_of(b.engine).external_bytes, 3 * MR_REF_BYTES);
    assert_int_equal(stats_of(&b).bytes, expected.bytes);
    close_bench(&plain);
    close_bench(&b);
}

static void a_key_that_comes_again_has_another_row(void **state) {
    (void)state;
    mr_operator_spec spec = keeping;
    spec.rows_max = 1;
    bench b = open_with_refs(&spec);
    put(&b, 1, 0);
    put(&b, 2, 0);
    put(&b, 1, 0);
    put(&b, 2, 0);
    check_evicted(&b, 3, (const uint32_t[]){1, 2, 1});
    mr_addr rows[CHAIN];
    (void)evicted(&b, rows);
    assert_int_not_equal(rows[0], rows[2]);
    begin_input(&b, 0);
    add_key(&b, 1);
    add_key(&b, 2);
    (void)find_input(&b);
    assert_null(row_of(&b, 0));
    assert_int_not_equal(mr_addr_of(row_of(&b, 1)), rows[1]);
    assert_int_equal(mr_row_remove(b.op, 1), MR_OK); /* Of no concern to the chain. */
    check_evicted(&b, 3, (const uint32_t[]){1, 2, 1});
    free_evicted(&b);
    close_bench(&b);
}

static void rows_that_are_evicted_in_a_chunk_are_found_no_more(void **state) {
    (void)state;
    static const uint64_t record[2];
    mr_operator_spec spec = keeping;
    spec.rows_max = 1;
    bench b = open_with_refs(&spec);
    put(&b, 1, 0);
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 4; i++)
        add_key(&b, 1 + i % 2);
    (void)find_input(&b);
    assert_int_equal(mr_row_create(b.op, 1, (const uint8_t *)record), MR_OK);
    assert_null(row_of(&b, 2));
    assert_int_equal(mr_row_create(b.op, 2, (const uint8_t *)record), MR_OK);
    assert_null(row_of(&b, 3));
    check_evicted(&b, 2, (const uint32_t[]){1, 2});
    close_bench(&b);
}

/* The input row that an evicted row made room for. */
static uint32_t evicted_by(bench *b, mr_addr row) {
    return *(uint32_t *)mr_at(row + inside(b->op)->rows.layout.evicted_by_at);
}

static void an_operator_that_is_pushed_keeps_them_as_well(void **state) {
    (void)state;
    const mr_operator_spec spec = {
        .kind = MR_DEDUPLICATE, .flags = MR_EVICT | MR_KEEP_EVICTED, .rows_max = 300};
    bench b = open_bench(&spec);
    uint32_t upto = 0;
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 330; i++) /* More than a find has room for at first. */
        add_key(&b, i);
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_OK);
    uint32_t numbers[30];
    for (uint32_t i = 0; i < 30; i++)
        numbers[i] = i;
    check_evicted(&b, 30, numbers);
    mr_addr rows[CHAIN];
    (void)evicted(&b, rows);
    for (uint32_t i = 0; i < 30; i++)
        assert_int_equal(evicted_by(&b, rows[i]), 300 + i);
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 1000; i++) /* Finding makes more room; the word stays. */
        add_key(&b, 100);
    (void)find_input(&b);
    check_evicted(&b, 30, numbers);
    free_evicted(&b);
    assert_int_equal(stats_of(&b).rows, 300);
    close_bench(&b);
}

static void a_row_that_grows_evicts_others_into_the_chain(void **state) {
    (void)state;
    mr_operator_spec spec = keeping;
    spec.rows_max = 0;
    spec.bytes_max = 4000;
    bench b = open_with_refs(&spec);
    for (uint32_t i = 0; i < 4; i++)
        put(&b, i, 0);
    begin_input(&b, 0);
    add_key(&b, 9);
    add_key(&b, 0);
    (void)find_input(&b);
    static const uint8_t text[2500];
    uint32_t *cell = (void *)((uint8_t *)record_of(&b, 1) + inside(b.op)->rows.layout.field_at[0]);
    assert_int_equal(mr_blob_free(b.op, *cell), MR_OK);
    assert_int_equal(mr_blob_new(b.op, text, sizeof text, cell), MR_OK);
    assert_int_equal(mr_row_touch(b.op, 1, 1), MR_OK);
    assert_true(stats_of(&b).bytes <= 4000);
    check_evicted(&b, 2, (const uint32_t[]){1, 2});
    mr_addr rows[CHAIN];
    (void)evicted(&b, rows);
    assert_int_equal(evicted_by(&b, rows[0]), 1);
    assert_int_equal(evicted_by(&b, rows[1]), 1);
    free_evicted(&b);
    close_bench(&b);
}

static void a_timer_of_an_evicted_row_is_off(void **state) {
    (void)state;
    mr_operator_spec spec = keeping;
    spec.flags |= MR_TIMERS;
    spec.rows_max = 1;
    spec.ttl_ms = 5;
    bench b = open_with_refs(&spec);
    mr_due due;
    put(&b, 1, 0);
    assert_int_equal(mr_timer_set(b.op, mr_addr_of(row_of(&b, 0)), 3), MR_OK);
    put(&b, 2, 0);
    assert_int_equal(mr_timer_take(b.op, END, &due), MR_OK);
    assert_int_equal(due.row, 0);
    assert_int_equal(mr_operator_expire(b.op, 1000, 100), MR_OK);
    assert_int_equal(stats_of(&b).expired, 1); /* 2 alone. */
    check_evicted(&b, 1, (const uint32_t[]){1});
    free_evicted(&b);
    close_bench(&b);
}

static void a_known_row_that_is_evicted_leaves_a_grave_at_once(void **state) {
    (void)state;
    mr_operator_spec spec = keeping;
    spec.flags |= MR_TRACK;
    spec.rows_max = 2;
    bench b = open_with_refs(&spec);
    put(&b, 1, 0);
    put(&b, 2, 0);
    end_epoch(&b);
    put(&b, 2, 0); /* Changed. */
    put(&b, 3, 0); /* 1 goes, unchanged. */
    put(&b, 4, 0); /* 2 goes. */
    put(&b, 5, 0); /* 3 goes, which no checkpoint knows. */
    const mr_rows *rows = &inside(b.op)->rows;
    mr_addr chain[CHAIN];
    check_evicted(&b, 3, (const uint32_t[]){1, 2, 3});
    (void)evicted(&b, chain);
    for (uint32_t i = 0; i < 2; i++) { /* The same before and after they are freed. */
        assert_int_equal(changes_of(&b).rows, 2);
        assert_int_equal(changes_of(&b).removed, 2);
        assert_int_equal(rows->dirty.graves.first, chain[0]);
        assert_int_equal(rows->dirty.graves.last, chain[1]);
        assert_int_equal(rows->dirty.graves.count, 2);
        assert_int_equal(number_of(rows, mr_row_at(chain[0])), 1);
        assert_int_equal(number_of(rows, mr_row_at(chain[1])), 2);
        free_evicted(&b);
    }
    assert_int_equal(memory_of(b.engine).external_bytes, 2 * MR_REF_BYTES);
    close_bench(&b);
}

static void rows_that_were_loaded_are_kept_with_their_encoded_refs(void **state) {
    (void)state;
    static uint8_t saved[1 << 16];
    static const uint32_t offsets[] = {0, 4, 8, 12};
    bench b = open_with_refs(&keeping);
    for (uint32_t i = 0; i < 3; i++)
        put(&b, i, 0);
    mr_scan scan = 0;
    uint32_t upto, size;
    assert_int_equal(mr_scan_open(b.op, -END, &scan), MR_OK);
    (void)next_page(scan, 10);
    assert_int_equal(mr_save(scan, 0, (const uint8_t *)"aaaabbbbcccc", offsets, saved, sizeof saved,
                             1, &upto, &size),
                     MR_OK);
    assert_int_equal(mr_scan_close(scan), MR_OK);
    bench other = open_with_refs(&keeping);
    assert_int_equal(mr_load(other.op, saved, size, 0, 1), MR_OK);
    assert_int_equal(mr_load_end(other.op), MR_OK);
    for (uint32_t i = 3; i < 6; i++)
        put(&other, i, 0);
    mr_addr rows[CHAIN];
    assert_int_equal(evicted(&other, rows), 3);
    const mr_rows *in = &inside(other.op)->rows;
    const mr_addr cell = mr_addr_of(mr_row_record(in, mr_row_at(rows[1])) + in->layout.field_at[1]);
    assert_memory_equal(mr_blob_bytes(mr_ref_blob(*(uint32_t *)mr_at(cell))), "bbbb", 4);
    const uint64_t bytes = stats_of(&other).bytes;
    assert_int_equal(mr_ref_decoded(other.op, cell, 20), MR_OK); /* The host reads the value. */
    free_evicted(&other);
    assert_int_equal(refs_of(&other)->dropped, 20);
    assert_int_equal(stats_of(&other).bytes, bytes);
    close_bench(&b);
    close_bench(&other);
}

/* Any life, with and without the flag: the same state, and the chain is what went. */
static void keeping_changes_nothing_else(void **state) {
    (void)state;
    mr_operator_spec spec = keeping;
    spec.rows_max = 12;
    spec.ttl_ms = 200;
    bench b = open_with_refs(&spec);
    spec.flags = MR_EVICT;
    bench plain = open_with_refs(&spec);
    uint64_t random = 5;
    uint64_t seen = 0;
    for (uint32_t round = 0; round < 5000; round++) {
        const uint32_t number = random_below(&random, KEYS);
        const mr_row *oldest = mr_row_at(inside(plain.op)->rows.oldest);
        const uint32_t next =
            oldest == mr_row_at(0) ? KEYS : number_of(&inside(plain.op)->rows, (mr_row *)oldest);
        const uint64_t before = stats_of(&plain).evicted;
        put(&plain, number, round);
        put(&b, number, round);
        const mr_stats stats = stats_of(&b);
        const mr_stats expected = stats_of(&plain);
        assert_memory_equal(&stats, &expected, sizeof stats);
        mr_addr rows[CHAIN];
        const uint32_t count = evicted(&b, rows);
        if (stats.evicted > before) {
            assert_int_equal(number_of(&inside(b.op)->rows, mr_row_at(rows[count - 1])), next);
        }
        if (count < CHAIN - 1 && random_below(&random, 8) > 0) continue;
        seen += count;
        free_evicted(&b);
        assert_int_equal(live_bytes(b.engine), live_bytes(plain.engine));
    }
    mr_addr rows[CHAIN];
    assert_int_equal(seen + evicted(&b, rows), stats_of(&b).evicted);
    assert_true(seen > 500);
    close_bench(&b);
    close_bench(&plain);
}

static void keeping_without_evicting_is_refused(void **state) {
    (void)state;
    mr_operator_spec spec = keeping;
    spec.flags = MR_KEEP_EVICTED;
    bench b = open_bench(&keeping);
    mr_operator op = 0;
    assert_int_equal(mr_operator_open(b.engine, &spec, &op), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "flags");
    assert_int_equal(mr_evicted_free(b.in), MR_ERR_HANDLE);
    close_bench(&b);
}

static void a_ref_comes_and_goes_in_a_row_that_stands(void **state) {
    (void)state;
    const mr_operator_spec spec = {
        .kind = MR_CUSTOM, .count = 2, .kinds = {MR_F64, MR_REF}, .bytes_max = 600};
    bench b = open_with_refs(&spec);
    begin_input(&b, 0);
    add_key(&b, 1);
    (void)find_input(&b);
    const uint64_t record[2] = {0};
    assert_int_equal(mr_row_create(b.op, 0, (const uint8_t *)record), MR_OK);
    const uint64_t alone = stats_of(&b).bytes;
    const mr_addr row = mr_addr_of(row_of(&b, 0));
    const mr_heap *heap = inside(b.op)->rows.heap;

    assert_int_equal(mr_ref_put(b.op, 0, 1, 5), MR_ERR_ARGUMENT);
    assert_int_equal(mr_ref_put(b.op, row, 0, 5), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "field");
    assert_int_equal(mr_ref_put(b.op, row, 2, 5), MR_ERR_ARGUMENT);
    assert_int_equal(mr_ref_put(b.op, row, 1, 2 * KEYS), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "number");
    assert_int_equal(stats_of(&b).bytes, alone);

    assert_int_equal(mr_ref_put(b.op, row, 1, 0), MR_OK); /* There was none. */
    assert_int_equal(mr_ref_put(b.op, row, 1, 5), MR_OK);
    assert_int_equal(stats_of(&b).bytes, alone + MR_REF_BYTES);
    assert_int_equal(heap->external_bytes, MR_REF_BYTES);
    assert_int_equal(mr_ref_put(b.op, row, 1, 6), MR_OK);
    assert_int_equal(refs_of(&b)->dropped, 5);
    assert_int_equal(stats_of(&b).bytes, alone + MR_REF_BYTES);
    assert_int_equal(mr_ref_put(b.op, row, 1, 0), MR_OK);
    assert_int_equal(refs_of(&b)->dropped, 6);
    assert_int_equal(stats_of(&b).bytes, alone);
    assert_int_equal(heap->external_bytes, 0);

    begin_input(&b, 0); /* Another row leaves no room. */
    add_key(&b, 2);
    (void)find_input(&b);
    assert_int_equal(mr_row_create(b.op, 0, (const uint8_t *)record), MR_OK);
    begin_input(&b, 0);
    add_key(&b, 3);
    (void)find_input(&b);
    assert_int_equal(mr_row_create(b.op, 0, (const uint8_t *)record), MR_OK);
    assert_int_equal(mr_ref_put(b.op, row, 1, 7), MR_ERR_LIMIT);
    assert_int_equal(heap->external_bytes, 0);
    assert_int_equal(stats_of(&b).bytes, 3 * alone);
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ref_comes_and_goes_in_a_row_that_stands),
        cmocka_unit_test(evicted_rows_are_seen_whole_first_evicted_first),
        cmocka_unit_test(kept_rows_count_toward_memory_and_toward_no_limit),
        cmocka_unit_test(a_key_that_comes_again_has_another_row),
        cmocka_unit_test(rows_that_are_evicted_in_a_chunk_are_found_no_more),
        cmocka_unit_test(an_operator_that_is_pushed_keeps_them_as_well),
        cmocka_unit_test(a_row_that_grows_evicts_others_into_the_chain),
        cmocka_unit_test(a_timer_of_an_evicted_row_is_off),
        cmocka_unit_test(a_known_row_that_is_evicted_leaves_a_grave_at_once),
        cmocka_unit_test(rows_that_were_loaded_are_kept_with_their_encoded_refs),
        cmocka_unit_test(keeping_changes_nothing_else),
        cmocka_unit_test(keeping_without_evicting_is_refused),
    };
    return cmocka_run_group_tests_name("evicted", tests, NULL, NULL);
}
