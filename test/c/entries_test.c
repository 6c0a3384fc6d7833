/* entries_test.c -- rows by key, and the entries of one key: their order, pages and limits. */
#include "harness.h"

enum { OWNERS = 8, ENTRIES_MAX = 400 };

static const mr_operator_spec entries = {
    .kind = MR_CUSTOM, .count = 1, .kinds = {MR_F64}, .flags = MR_ENTRIES};

typedef struct key {
    uint8_t bytes[32];
    uint32_t size;
} key;

/* ---- a host ---- */

static key owner_key(uint32_t owner) {
    key is = {.bytes = {5, 'k', (uint8_t)('a' + owner)}, .size = 3};
    return is;
}

/* [owner, number] */
static key entry_key(uint32_t owner, uint32_t number) {
    const key of = owner_key(owner);
    key is = {.bytes = {6, 2, (uint8_t)of.size, 0}, .size = 4};
    memcpy(is.bytes + is.size, of.bytes, of.size);
    is.size += of.size;
    const uint8_t tail[7] = {5, 0, 5, (uint8_t)number, (uint8_t)(number >> 8), 'x', 'y'};
    memcpy(is.bytes + is.size, tail, sizeof tail);
    is.size += (uint32_t)sizeof tail;
    return is;
}

static uint32_t entry_number(const bench *b, mr_addr row) {
    const mr_rows *rows = &inside(b->op)->rows;
    const uint8_t *bytes = mr_row_key(rows, mr_row_at(row));
    return bytes[10] | (uint32_t)bytes[11] << 8;
}

static double entry_value(const bench *b, mr_addr row) {
    double value;
    memcpy(&value, mr_row_record(&inside(b->op)->rows, mr_row_at(row)), sizeof value);
    return value;
}

static mr_status try_make(bench *b, uint32_t owner, uint32_t number, double now_ms,
                          mr_addr *row_out) {
    const key is = entry_key(owner, number);
    const double record = number + 0.5;
    return mr_key_make(b->op, is.bytes, is.size, now_ms, now_ms, (const uint8_t *)&record, row_out);
}

static mr_addr make(bench *b, uint32_t owner, uint32_t number, double now_ms) {
    mr_addr row = 0;
    assert_int_equal(try_make(b, owner, number, now_ms, &row), MR_OK);
    return row;
}

static mr_addr look(const bench *b, uint32_t owner, uint32_t number, double now_ms) {
    const key is = entry_key(owner, number);
    mr_addr row = 1;
    assert_int_equal(mr_key_look(b->op, is.bytes, is.size, now_ms, &row), MR_OK);
    return row;
}

static mr_addr last(const bench *b, uint32_t owner) {
    const key is = owner_key(owner);
    mr_addr row = 0;
    assert_int_equal(mr_entry_last(b->op, is.bytes, is.size, -END, &row), MR_OK);
    return row;
}

static bool next(const bench *b, uint32_t owner, mr_entries *page) {
    const key is = owner_key(owner);
    const mr_status status = mr_entries_next(b->op, is.bytes, is.size, page);
    assert_true(status == MR_OK || status == MR_MORE);
    return status == MR_MORE;
}

/* The numbers of all entries of a key; returns how many. */
static uint32_t numbers_of(const bench *b, uint32_t owner, double now_ms, uint32_t *numbers) {
    mr_entries page = {.clock_ms = now_ms};
    uint32_t count = 0;
    for (bool more = true; more;) {
        more = next(b, owner, &page);
        for (uint32_t i = 0; i < page.count; i++) {
            numbers[count] = entry_number(b, page.rows[i]);
            assert_true(entry_value(b, page.rows[i]) == numbers[count] + 0.5);
            count++;
        }
    }
    return count;
}

static void check_entries(const bench *b, uint32_t owner, double now_ms, const uint32_t *wanted,
                          uint32_t count) {
    uint32_t numbers[ENTRIES_MAX];
    assert_int_equal(numbers_of(b, owner, now_ms, numbers), count);
    assert_memory_equal(numbers, wanted, count * sizeof *wanted);
}

static void drop(bench *b, mr_addr row) { assert_int_equal(mr_row_drop(b->op, row), MR_OK); }

/* ---- rows by key ---- */

static void a_key_without_entries_has_one_row(void **state) {
    (void)state;
    const mr_operator_spec single = {
        .kind = MR_CUSTOM, .count = 1, .kinds = {MR_F64}, .ttl_ms = 10};
    const key is = owner_key(1);
    const double record = 4;
    const uint8_t *bytes = (const uint8_t *)&record;
    mr_addr row = 0;
    mr_addr found = 0;
    bench b = open_bench(&single);
    assert_int_equal(mr_key_look(b.op, is.bytes, is.size, 5, &row), MR_OK);
    assert_int_equal(row, 0);
    assert_int_equal(mr_key_make(b.op, is.bytes, is.size, 5, 5, bytes, &row), MR_OK);
    assert_int_equal(mr_key_look(b.op, is.bytes, is.size, 14, &found), MR_OK);
    assert_int_equal(found, row);
    assert_int_equal(mr_key_make(b.op, is.bytes, is.size, 5, 5, bytes, &row), MR_ERR_ARGUMENT);
    assert_int_equal(mr_row_use(b.op, row, 9, 9, 0), MR_OK); /* A read restarts nothing. */
    assert_int_equal(mr_key_look(b.op, is.bytes, is.size, 15, &found), MR_OK);
    assert_int_equal(found, 0);
    assert_int_equal(mr_row_use(b.op, row, 9, 9, 1), MR_OK);
    assert_int_equal(mr_key_look(b.op, is.bytes, is.size, 18, &found), MR_OK);
    assert_int_equal(found, row);
    /* Its ttl is over by the watermark, so it makes room for another. */
    assert_int_equal(mr_key_make(b.op, is.bytes, is.size, 3, 19, bytes, &row), MR_OK);
    assert_int_equal(stats_of(&b).rows, 1);
    assert_int_equal(stats_of(&b).expired, 1);
    assert_int_equal(mr_entry_last(b.op, is.bytes, is.size, -END, &row), MR_ERR_ARGUMENT);
    assert_int_equal(mr_entry_leave(b.op, row, 1), MR_ERR_ARGUMENT);
    close_bench(&b);
}

static void a_chunk_finds_what_a_key_has_made(void **state) {
    (void)state;
    const mr_operator_spec single = {.kind = MR_CUSTOM, .count = 1, .kinds = {MR_F64}};
    const double record = 4;
    mr_addr row = 0;
    bench b = open_bench(&single);
    begin_input(&b, 0);
    add_key(&b, 7);
    (void)find_input(&b);
    assert_null(row_of(&b, 0));
    assert_int_equal(
        mr_key_make(b.op, (const uint8_t *)"k7", 2, 0, 0, (const uint8_t *)&record, &row), MR_OK);
    assert_int_equal(mr_addr_of(row_of(&b, 0)), row);
    close_bench(&b);
}

static void a_key_that_is_none_is_refused(void **state) {
    (void)state;
    const uint8_t wrong[][10] = {
        {5, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'}, /* No tuple. */
        {6, 3, 1, 0, 2, 1, 0, 2, 1, 0},              /* Of three. */
        {6, 2, 0, 0, 4, 0, 5, 'a', 'b', 'c'},        /* No owner. */
        {6, 2, 9, 0, 5, 'a', 'b', 1, 0, 2},          /* Too long a one. */
        {6, 2, 4, 0, 5, 'a', 'b', 'c', 0, 0},        /* No key of its own. */
        {6, 2, 2, 0, 5, 'a', 3, 0, 5, 'b'},          /* Too long a one. */
    };
    const double record = 0;
    mr_addr row = 0;
    bench b = open_bench(&entries);
    for (uint32_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(mr_key_make(b.op, wrong[i], 10, 0, 0, (const uint8_t *)&record, &row),
                         MR_ERR_ARGUMENT);
        assert_int_equal(mr_key_look(b.op, wrong[i], 10, 0, &row), MR_ERR_ARGUMENT);
    }
    assert_int_equal(mr_key_look(b.op, wrong[0], 0, 0, &row), MR_ERR_ARGUMENT);
    assert_int_equal(mr_key_look(b.op, wrong[0], 65536, 0, &row), MR_ERR_ARGUMENT);
    close_bench(&b);

    const mr_operator_spec none = {.kind = MR_DEDUPLICATE, .flags = MR_ENTRIES};
    mr_engine engine = open_engine(MIB, 1);
    mr_operator op = 0;
    assert_int_equal(mr_operator_open(engine, &none, &op), MR_ERR_ARGUMENT);
    assert_int_equal(mr_engine_close(engine), MR_OK);
}

/* ---- order ---- */

static void entries_of_a_key_come_in_the_order_they_were_made(void **state) {
    (void)state;
    bench b = open_bench(&entries);
    assert_int_equal(last(&b, 0), 0);
    for (uint32_t i = 0; i < 5; i++) {
        make(&b, 0, 7 - i, 0);
        make(&b, 1, i, 0);
    }
    check_entries(&b, 0, 0, (const uint32_t[]){7, 6, 5, 4, 3}, 5);
    assert_int_equal(entry_number(&b, last(&b, 0)), 3);
    drop(&b, look(&b, 0, 5, 0));
    drop(&b, look(&b, 0, 7, 0)); /* The first. */
    drop(&b, look(&b, 0, 3, 0)); /* The last. */
    make(&b, 0, 7, 0);
    check_entries(&b, 0, 0, (const uint32_t[]){6, 4, 7}, 3);
    restore(&b);
    check_entries(&b, 0, 0, (const uint32_t[]){6, 4, 7}, 3);
    check_entries(&b, 1, 0, (const uint32_t[]){0, 1, 2, 3, 4}, 5);
    check_entries(&b, 2, 0, NULL, 0);
    close_bench(&b);
}

static void a_later_segment_moves_an_entry_to_where_it_belongs(void **state) {
    (void)state;
    static uint8_t before[SAVED_MAX];
    static uint8_t after[SAVED_MAX];
    mr_operator op = 0;
    bench b = open_bench(&entries);
    for (uint32_t i = 0; i < 4; i++)
        make(&b, 0, i, 0);
    const uint32_t size = save_all(&b, before);
    drop(&b, look(&b, 0, 1, 0));
    make(&b, 0, 1, 0);
    const uint32_t later = save_all(&b, after);
    check_entries(&b, 0, 0, (const uint32_t[]){0, 2, 3, 1}, 4);
    assert_int_equal(mr_operator_open(b.engine, &entries, &op), MR_OK);
    assert_int_equal(mr_load(op, before, size, 0, 1), MR_OK);
    assert_int_equal(mr_load(op, after, later, 0, 1), MR_OK);
    assert_int_equal(mr_load_end(op), MR_OK);
    assert_int_equal(mr_operator_close(b.op), MR_OK);
    b.op = op;
    check_entries(&b, 0, 0, (const uint32_t[]){0, 2, 3, 1}, 4);
    close_bench(&b);
}

static void saved_entries_have_the_group_of_their_key(void **state) {
    (void)state;
    static uint8_t saved[SAVED_MAX];
    bench b = open_bench(&entries);
    const key of = owner_key(3);
    make(&b, 3, 1, 0);
    const uint32_t size = save_all(&b, saved);
    const uint32_t head = 17; /* One field. */
    assert_int_equal(saved[head + 1], mr_hash_fixed(of.bytes, of.size) % 128);
    mr_operator op = 0;
    assert_int_equal(mr_operator_open(b.engine, &entries, &op), MR_OK);
    saved[head + 12] = 5; /* The key is no tuple any more. */
    assert_int_equal(mr_load(op, saved, size, 0, 1), MR_ERR_CORRUPT);
    assert_int_equal(mr_operator_close(op), MR_OK);
    close_bench(&b);
}

static void pages_go_on_whatever_comes_and_goes(void **state) {
    (void)state;
    bench b = open_bench(&entries);
    for (uint32_t i = 0; i < 300; i++)
        make(&b, 0, i, 0);
    mr_entries page = {.clock_ms = 0};
    assert_true(next(&b, 0, &page));
    assert_int_equal(page.count, MR_ENTRIES_PAGE);
    assert_int_equal(entry_number(&b, page.rows[MR_ENTRIES_PAGE - 1]), 95);
    for (uint32_t i = 90; i < 100; i++)
        drop(&b, look(&b, 0, i, 0));
    make(&b, 0, 300, 0);
    make(&b, 0, 95, 0); /* Another one. */
    assert_true(next(&b, 0, &page));
    assert_int_equal(entry_number(&b, page.rows[0]), 100);
    assert_true(next(&b, 0, &page));
    assert_int_equal(entry_number(&b, page.rows[MR_ENTRIES_PAGE - 1]), 291);
    assert_false(next(&b, 0, &page));
    assert_int_equal(page.count, 10);
    assert_int_equal(entry_number(&b, page.rows[9]), 95);
    assert_false(next(&b, 0, &page)); /* Still at the end. */
    assert_int_equal(page.count, 0);
    for (uint32_t i = 0; i < 301; i++) {
        if (look(&b, 0, i, 0) != 0) drop(&b, look(&b, 0, i, 0));
    }
    assert_false(next(&b, 0, &page));
    assert_int_equal(page.count, 0);
    close_bench(&b);
}

static void a_page_looks_at_a_bounded_number_of_entries(void **state) {
    (void)state;
    mr_operator_spec old = entries;
    old.ttl_ms = 10;
    bench b = open_bench(&old);
    for (uint32_t i = 0; i < 5000; i++)
        make(&b, 0, i, 0);
    make(&b, 0, 5000, 5);
    mr_entries page = {.clock_ms = 10};
    assert_true(next(&b, 0, &page));
    assert_int_equal(page.count, 0);
    assert_false(next(&b, 0, &page));
    assert_int_equal(page.count, 1);
    close_bench(&b);
}

static void going_on_looks_at_a_bounded_number_of_entries_too(void **state) {
    (void)state;
    bench b = open_bench(&entries);
    for (uint32_t i = 0; i < 10000; i++)
        make(&b, 0, i, 0);
    mr_entries page = {.clock_ms = 0};
    uint32_t given = 0;
    for (; given < 9024; given += page.count)
        assert_true(next(&b, 0, &page));
    drop(&b, page.rows[MR_ENTRIES_PAGE - 1]);
    make(&b, 0, 10000, 0);
    for (uint32_t calls = 0; calls < 2; calls++) { /* Past those that it has given. */
        assert_true(next(&b, 0, &page));
        assert_int_equal(page.count, 0);
    }
    for (bool more = true; more; given += page.count) {
        more = next(&b, 0, &page);
        for (uint32_t i = 0; i < page.count; i++)
            assert_int_equal(entry_number(&b, page.rows[i]), given + i);
    }
    assert_int_equal(given, 10001);
    close_bench(&b);
}

/* ---- ttl and limits ---- */

static void each_entry_has_a_ttl_of_its_own(void **state) {
    (void)state;
    mr_operator_spec old = entries;
    old.ttl_ms = 10;
    bench b = open_bench(&old);
    for (uint32_t i = 0; i < 4; i++)
        make(&b, 0, i, i);
    assert_int_equal(mr_row_use(b.op, look(&b, 0, 0, 4), 4, 4, 1), MR_OK);
    check_entries(&b, 0, 11, (const uint32_t[]){0, 2, 3}, 3);
    check_entries(&b, 0, 12, (const uint32_t[]){0, 3}, 2);
    assert_int_equal(mr_operator_expire(b.op, 12, 100), MR_OK);
    assert_int_equal(stats_of(&b).rows, 2);
    restore(&b);
    check_entries(&b, 0, 12, (const uint32_t[]){0, 3}, 2);
    check_entries(&b, 0, 13, (const uint32_t[]){0}, 1);
    make(&b, 0, 3, 13); /* In the place of the one whose ttl is over. */
    check_entries(&b, 0, 13, (const uint32_t[]){0, 3}, 2);
    assert_int_equal(mr_operator_expire(b.op, 100, 100), MR_OK);
    check_entries(&b, 0, 100, NULL, 0);
    close_bench(&b);
}

static void the_last_entry_is_the_last_that_stands(void **state) {
    (void)state;
    mr_operator_spec old = entries;
    old.ttl_ms = 10;
    bench b = open_bench(&old);
    const key is = owner_key(0);
    const mr_addr young = make(&b, 0, 0, 5);
    for (uint32_t i = 1; i < 5000; i++)
        make(&b, 0, i, 0);
    mr_addr row = 0;
    assert_int_equal(mr_entry_last(b.op, is.bytes, is.size, 9, &row), MR_OK);
    assert_int_equal(entry_number(&b, row), 4999);
    row = 0; /* So many are over that it is another call. */
    assert_int_equal(mr_entry_last(b.op, is.bytes, is.size, 10, &row), MR_MORE);
    assert_int_equal(mr_entry_last(b.op, is.bytes, is.size, 10, &row), MR_OK);
    assert_int_equal(row, young);
    assert_int_equal(mr_entry_last(b.op, is.bytes, is.size, 15, &row), MR_OK);
    assert_int_equal(row, 0);
    close_bench(&b);
}

static void what_leaves_counts_toward_no_limit(void **state) {
    (void)state;
    mr_operator_spec few = entries;
    few.rows_max = 2;
    bench b = open_bench(&few);
    mr_addr row = 0;
    make(&b, 0, 1, 0);
    const mr_addr leaving = make(&b, 0, 2, 0);
    assert_int_equal(try_make(&b, 0, 3, 0, &row), MR_ERR_LIMIT);
    assert_int_equal(mr_entry_leave(b.op, leaving, 1), MR_OK);
    assert_int_equal(mr_entry_leave(b.op, leaving, 1), MR_OK);
    const mr_addr made = make(&b, 0, 3, 0);
    assert_int_equal(try_make(&b, 0, 4, 0, &row), MR_ERR_LIMIT);
    check_entries(&b, 0, 0, (const uint32_t[]){1, 2, 3}, 3); /* It still stands. */
    drop(&b, made);                                          /* The host gives up. */
    assert_int_equal(mr_entry_leave(b.op, leaving, 0), MR_OK);
    assert_int_equal(try_make(&b, 0, 3, 0, &row), MR_ERR_LIMIT);
    assert_int_equal(mr_entry_leave(b.op, leaving, 1), MR_OK);
    make(&b, 0, 3, 0);
    drop(&b, leaving);
    check_entries(&b, 0, 0, (const uint32_t[]){1, 3}, 2);
    assert_int_equal(try_make(&b, 0, 4, 0, &row), MR_ERR_LIMIT);
    close_bench(&b);
}

static void bytes_that_leave_are_free(void **state) {
    (void)state;
    mr_operator_spec few = entries;
    bench b = open_bench(&few);
    make(&b, 0, 1, 0);
    const uint64_t one = stats_of(&b).bytes;
    close_bench(&b);
    few.bytes_max = 2 * one;
    b = open_bench(&few);
    mr_addr row = 0;
    const mr_addr leaving = make(&b, 0, 1, 0);
    make(&b, 0, 2, 0);
    assert_int_equal(try_make(&b, 0, 3, 0, &row), MR_ERR_LIMIT);
    assert_int_equal(mr_entry_leave(b.op, leaving, 1), MR_OK);
    make(&b, 0, 3, 0);
    drop(&b, leaving);
    assert_int_equal(stats_of(&b).bytes, 2 * one);
    assert_int_equal(try_make(&b, 0, 4, 0, &row), MR_ERR_LIMIT);
    close_bench(&b);
}

static void a_ref_may_come_and_go_while_an_entry_leaves(void **state) {
    (void)state;
    mr_operator_spec spec = entries;
    spec.kinds[0] = MR_REF;
    spec.bytes_max = 600;
    const mr_engine engine = open_engine(64 * MIB, 42);
    uint32_t refs = 0;
    assert_int_equal(mr_refs_reserve(engine, 8, &refs), MR_OK);
    bench b = open_bench_in(engine, &spec);
    const mr_rows *rows = &inside(b.op)->rows;
    const key is = entry_key(0, 1);
    const uint64_t record = 0;
    mr_addr row = 0;
    assert_int_equal(mr_key_make(b.op, is.bytes, is.size, 0, 0, (const uint8_t *)&record, &row),
                     MR_OK);
    const uint64_t alone = stats_of(&b).bytes;
    assert_int_equal(mr_entry_leave(b.op, row, 1), MR_OK);
    assert_int_equal(mr_ref_put(b.op, row, 0, 3), MR_OK);
    assert_int_equal(stats_of(&b).bytes, alone + MR_REF_BYTES);
    assert_int_equal(rows->leaving_bytes, alone + MR_REF_BYTES);
    assert_int_equal(mr_ref_put(b.op, row, 0, 4), MR_OK);
    assert_int_equal(rows->leaving_bytes, alone + MR_REF_BYTES);
    assert_int_equal(mr_entry_leave(b.op, row, 0), MR_OK);
    assert_int_equal(rows->leaving_bytes, 0);
    assert_int_equal(mr_entry_leave(b.op, row, 1), MR_OK);
    assert_int_equal(mr_ref_put(b.op, row, 0, 0), MR_OK);
    assert_int_equal(rows->leaving_bytes, alone);
    const mr_addr leaving = row; /* Another one fills the state: what leaves does not count. */
    const key other = entry_key(0, 2);
    assert_int_equal(
        mr_key_make(b.op, other.bytes, other.size, 0, 0, (const uint8_t *)&record, &row), MR_OK);
    assert_int_equal(mr_ref_put(b.op, row, 0, 5), MR_OK);
    assert_int_equal(mr_ref_put(b.op, leaving, 0, 6), MR_OK);
    drop(&b, leaving);
    assert_int_equal(rows->leaving_bytes, 0);
    assert_int_equal(rows->leaving, 0);
    assert_int_equal(stats_of(&b).bytes, alone + MR_REF_BYTES);
    close_bench(&b);
}

static void entries_that_leave_are_dropped_in_one_go(void **state) {
    (void)state;
    bench b = open_bench(&entries);
    const key of = owner_key(0);
    assert_int_equal(mr_entries_drop(b.op, of.bytes, of.size), MR_OK);
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(mr_entry_leave(b.op, make(&b, 0, i, 0), i != 4999), MR_OK);
    make(&b, 0, 5000, 0);
    assert_int_equal(mr_entry_leave(b.op, make(&b, 1, 1, 0), 1), MR_OK);
    assert_int_equal(mr_entries_drop(b.op, of.bytes, of.size), MR_MORE);
    assert_int_equal(mr_entries_drop(b.op, of.bytes, of.size), MR_OK);
    check_entries(&b, 0, 0, (const uint32_t[]){4999, 5000}, 2);
    check_entries(&b, 1, 0, (const uint32_t[]){1}, 1);
    close_bench(&b);
}

static void eviction_takes_the_entry_that_was_used_longest_ago(void **state) {
    (void)state;
    mr_operator_spec few = entries;
    few.rows_max = 3;
    few.flags |= MR_EVICT;
    bench b = open_bench(&few);
    make(&b, 0, 1, 0);
    make(&b, 1, 2, 0);
    make(&b, 0, 3, 0);
    assert_int_equal(mr_row_use(b.op, look(&b, 0, 1, 0), 0, 0, 0), MR_OK);
    make(&b, 0, 4, 0);
    check_entries(&b, 1, 0, NULL, 0);
    check_entries(&b, 0, 0, (const uint32_t[]){1, 3, 4}, 3);
    assert_int_equal(mr_entry_leave(b.op, look(&b, 0, 3, 0), 1), MR_OK);
    make(&b, 0, 5, 0); /* In its room. */
    make(&b, 0, 6, 0); /* It was used longest ago, but takes no room: another goes, too. */
    check_entries(&b, 0, 0, (const uint32_t[]){4, 5, 6}, 3);
    assert_int_equal(stats_of(&b).evicted, 2);
    close_bench(&b);
}

/* ---- against plain lists ---- */

typedef struct lists {
    uint32_t numbers[OWNERS][ENTRIES_MAX];
    uint32_t sizes[OWNERS];
} lists;

static void forget(lists *model, uint32_t owner, uint32_t at) {
    uint32_t *numbers = model->numbers[owner];
    const uint32_t behind = --model->sizes[owner] - at;
    memmove(numbers + at, numbers + at + 1, behind * sizeof *numbers);
}

static void check_all(const bench *b, const lists *model) {
    uint64_t rows = 0;
    for (uint32_t owner = 0; owner < OWNERS; owner++) {
        check_entries(b, owner, 0, model->numbers[owner], model->sizes[owner]);
        rows += model->sizes[owner];
    }
    assert_int_equal(stats_of(b).rows, rows);
}

static void entries_are_as_in_plain_lists(void **state) {
    (void)state;
    static lists model;
    uint64_t random = 11;
    memset(&model, 0, sizeof model);
    bench b = open_bench(&entries);
    uint32_t number = 0;
    for (uint32_t step = 0; step < 20000; step++) {
        const uint32_t owner = random_below(&random, OWNERS);
        const uint32_t size = model.sizes[owner];
        const bool grow = random_below(&random, 10) < (step % 4000 < 2000 ? 7u : 3u);
        if (grow && size < ENTRIES_MAX) {
            number = (number + 1) % 60000;
            make(&b, owner, number, 0);
            model.numbers[owner][model.sizes[owner]++] = number;
        } else if (size > 0) {
            const uint32_t at = random_below(&random, size);
            drop(&b, look(&b, owner, model.numbers[owner][at], 0));
            forget(&model, owner, at);
        }
        if (step % 997 == 0) check_all(&b, &model);
        if (step % 4999 == 0) restore(&b);
    }
    check_all(&b, &model);
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_without_entries_has_one_row),
        cmocka_unit_test(a_chunk_finds_what_a_key_has_made),
        cmocka_unit_test(a_key_that_is_none_is_refused),
        cmocka_unit_test(entries_of_a_key_come_in_the_order_they_were_made),
        cmocka_unit_test(a_later_segment_moves_an_entry_to_where_it_belongs),
        cmocka_unit_test(saved_entries_have_the_group_of_their_key),
        cmocka_unit_test(pages_go_on_whatever_comes_and_goes),
        cmocka_unit_test(a_page_looks_at_a_bounded_number_of_entries),
        cmocka_unit_test(going_on_looks_at_a_bounded_number_of_entries_too),
        cmocka_unit_test(each_entry_has_a_ttl_of_its_own),
        cmocka_unit_test(the_last_entry_is_the_last_that_stands),
        cmocka_unit_test(what_leaves_counts_toward_no_limit),
        cmocka_unit_test(bytes_that_leave_are_free),
        cmocka_unit_test(a_ref_may_come_and_go_while_an_entry_leaves),
        cmocka_unit_test(entries_that_leave_are_dropped_in_one_go),
        cmocka_unit_test(eviction_takes_the_entry_that_was_used_longest_ago),
        cmocka_unit_test(entries_are_as_in_plain_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
