/* table_test.c -- the table against a plain list, with good hashes and bad ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../c/hash.h"
#include "../../c/table.h"
#include "random.h"

#define MIB (UINT64_C(1) << 20)

/* The model: addresses 8, 16, 24, ... each with its hash, in the table or not.
 * Addresses are only numbers to the table, so no row stands behind them. */
enum { ROWS = 20000, STEPS = 100000 };

typedef uint32_t (*hash_maker)(uint32_t row);

typedef struct model {
    mr_heap heap;
    mr_table table;
    hash_maker hash;
    bool in[ROWS];
    uint32_t size;
} model;

static mr_addr address_of(uint32_t row) { return (row + 1) * 8; }

static void open_model(model *m, hash_maker hash) {
    *m = (model){.hash = hash};
    assert_int_equal(mr_heap_open(&m->heap, 1024 * MIB), MR_OK);
    mr_table_open(&m->table, &m->heap);
}

static void close_model(model *m) {
    mr_table_close(&m->table);
    assert_int_equal(m->heap.live_bytes, 0);
    assert_int_equal(m->heap.reserved_bytes, 0);
    mr_heap_close(&m->heap);
}

static bool finds(const mr_table *table, uint32_t hash, mr_addr wanted) {
    mr_table_cursor cursor;
    mr_addr address = mr_table_first(table, hash, &cursor);
    while (address != 0 && address != wanted)
        address = mr_table_next(table, hash, &cursor);
    return address != 0;
}

static void flip(model *m, uint32_t row) {
    uint32_t hash = m->hash(row);
    if (m->in[row]) {
        mr_table_remove(&m->table, hash, address_of(row));
        m->size--;
    } else {
        assert_int_equal(mr_table_reserve(&m->table, hash), MR_OK);
        mr_table_insert(&m->table, hash, address_of(row));
        m->size++;
    }
    m->in[row] = !m->in[row];
    assert_int_equal(finds(&m->table, hash, address_of(row)), m->in[row]);
    assert_int_equal(m->table.size, m->size);
    assert_int_equal(m->table.bytes, m->heap.live_bytes);
}

/* Every row is found iff it is in; a walk in steps of `max` meets each once. */
static void check_whole(model *m, uint32_t max) {
    static uint8_t met[ROWS];
    static mr_addr addresses[ROWS];
    for (uint32_t row = 0; row < ROWS; row++) {
        if (m->size > 100 && row % 7 != 0) continue; /* Enough of them. */
        assert_int_equal(finds(&m->table, m->hash(row), address_of(row)), m->in[row]);
    }
    memset(met, 0, sizeof met);
    mr_table_cursor cursor = {0};
    uint32_t total = 0;
    for (uint32_t count; (count = mr_table_walk(&m->table, &cursor, addresses, max)) > 0;) {
        assert_true(count <= max);
        for (uint32_t i = 0; i < count; i++)
            met[addresses[i] / 8 - 1]++;
        total += count;
    }
    assert_int_equal(total, m->size);
    for (uint32_t row = 0; row < ROWS; row++)
        assert_int_equal(met[row], m->in[row]);
}

/* Rise, churn, fall to nothing, rise again: among the first `rows` rows. */
static void live_a_life(hash_maker hash, uint32_t rows, uint64_t seed) {
    static model m;
    open_model(&m, hash);
    for (uint32_t row = 0; row < rows; row++)
        flip(&m, row);
    check_whole(&m, ROWS);
    for (uint32_t step = 0; step < STEPS; step++)
        flip(&m, random_below(&seed, rows));
    check_whole(&m, 1);
    for (uint32_t row = rows; row-- > 0;) {
        if (m.in[row]) flip(&m, row);
    }
    assert_int_equal(m.table.size, 0);
    check_whole(&m, 10);
    for (uint32_t step = 0; step < rows / 2; step++)
        flip(&m, random_below(&seed, rows));
    check_whole(&m, 1000);
    close_model(&m);
}

static uint32_t good_hash(uint32_t row) {
    uint64_t state = row;
    return (uint32_t)random_next(&state);
}
static uint32_t four_hashes(uint32_t row) { return (row % 4) * 0x55555555u; }
static uint32_t same_top_bits(uint32_t row) { return 0xABCu << 20 | (good_hash(row) >> 12); }
static uint32_t same_low_bits(uint32_t row) { return good_hash(row) << 16; }
static uint32_t counted(uint32_t row) { return row; }
static uint32_t counted_from_the_top(uint32_t row) { return row << 18; }
static uint32_t one_apart(uint32_t row) { return row == 7 ? 0 : UINT32_MAX; }

static void it_agrees_with_the_model_when_hashes_are_good(void **state) {
    (void)state;
    live_a_life(good_hash, ROWS, 5);
}
static void it_agrees_with_the_model_when_there_are_only_four_hashes(void **state) {
    (void)state;
    live_a_life(four_hashes, 2500, 6);
}
static void it_agrees_with_the_model_when_all_top_bits_are_equal(void **state) {
    (void)state;
    live_a_life(same_top_bits, ROWS, 7);
}
static void it_agrees_with_the_model_when_all_low_bits_are_equal(void **state) {
    (void)state;
    live_a_life(same_low_bits, ROWS, 8);
}
static void it_agrees_with_the_model_when_hashes_count_up(void **state) {
    (void)state;
    live_a_life(counted, ROWS, 9);
    live_a_life(counted_from_the_top, ROWS, 10);
}
static void it_agrees_with_the_model_when_one_hash_is_not_like_the_others(void **state) {
    (void)state;
    live_a_life(one_apart, 2500, 11);
}

static void an_empty_table_holds_no_memory_and_finds_nothing(void **state) {
    (void)state;
    static model m;
    open_model(&m, good_hash);
    mr_table_cursor cursor = {0};
    mr_addr address;
    assert_int_equal(mr_table_first(&m.table, 1, &cursor), 0);
    assert_int_equal(mr_table_walk(&m.table, &cursor, &address, 1), 0);
    assert_int_equal(m.heap.live_bytes, 0);
    close_model(&m);
}

static void entries_of_one_hash_are_all_found_each_once(void **state) {
    (void)state;
    static model m;
    open_model(&m, four_hashes);
    for (uint32_t row = 0; row < 100; row++)
        flip(&m, row);
    mr_table_cursor cursor;
    bool met[100] = {false};
    uint32_t count = 0;
    mr_addr address = mr_table_first(&m.table, four_hashes(1), &cursor);
    for (; address != 0; address = mr_table_next(&m.table, four_hashes(1), &cursor)) {
        uint32_t row = address / 8 - 1;
        assert_true(row % 4 == 1 && !met[row]);
        met[row] = true;
        count++;
    }
    assert_int_equal(count, 25);
    close_model(&m);
}

static void a_reserve_holds_though_others_are_removed_before_the_insert(void **state) {
    (void)state;
    static model m;
    open_model(&m, counted);
    for (uint32_t rows = 1; rows < 3000; rows += 1 + rows / 3) {
        for (uint32_t row = 1; row <= rows; row++)
            flip(&m, row);
        assert_int_equal(mr_table_reserve(&m.table, 0), MR_OK);
        mr_heap_fail_after(rows % 2, true); /* Shrinking may want memory, but need not have it. */
        for (uint32_t row = 1; row <= rows; row++)
            flip(&m, row);
        mr_table_insert(&m.table, 0, address_of(0));
        mr_heap_fail_after(0, false);
        m.in[0] = true;
        m.size = 1;
        flip(&m, 0);
    }
    close_model(&m);
}

static void memory_follows_the_size_down(void **state) {
    (void)state;
    static model m;
    open_model(&m, good_hash);
    for (uint32_t row = 0; row < ROWS; row++)
        flip(&m, row);
    assert_true(m.table.bytes < ROWS * 8 * 10 / 5);
    for (uint32_t row = 0; row < ROWS; row++)
        flip(&m, row);
    assert_true(m.table.bytes < 32 * 80 + 32 * 4 + 8);
    close_model(&m);
}

static void a_prepared_table_has_room_for_all_and_little_more(void **state) {
    (void)state;
    static model m;
    for (uint32_t rows = 1; rows <= ROWS; rows += rows / 9 + 1) {
        open_model(&m, good_hash);
        mr_table_prepare(&m.table, rows);
        const uint64_t bytes = m.table.bytes;
        for (uint32_t row = 0; row < rows; row++)
            flip(&m, row);
        assert_int_equal(m.table.bytes, bytes);
        if (rows >= 1000) assert_true(bytes < (uint64_t)rows * 8 * 20 / 9);
        check_whole(&m, 64);
        mr_table_prepare(&m.table, ROWS); /* It is not empty any more. */
        assert_int_equal(m.table.bytes, bytes);
        close_model(&m);
    }
}

static void a_table_that_cannot_be_prepared_is_empty(void **state) {
    (void)state;
    static model m;
    for (uint32_t count = 1;; count++) {
        open_model(&m, good_hash);
        mr_heap_fail_after(count, count % 2 == 0);
        mr_table_prepare(&m.table, ROWS);
        mr_heap_fail_after(0, false);
        const bool prepared = m.table.directory != 0;
        if (!prepared) {
            assert_int_equal(m.table.bytes, 0);
            assert_int_equal(m.heap.live_bytes, 0);
        }
        for (uint32_t row = 0; row < 100; row++)
            flip(&m, row);
        check_whole(&m, 64);
        close_model(&m);
        if (prepared) break;
    }
}

/* Refuse the 1st, 2nd, ... allocation (and all after it, or not): reserve says so
 * and nothing changed; asked again it succeeds. */
static void fail_everywhere(hash_maker hash, uint32_t rows, bool forever) {
    static model m;
    open_model(&m, hash);
    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t count = 1;; count++) {
            mr_table table = m.table;
            mr_heap heap = m.heap;
            mr_heap_fail_after(count, forever);
            mr_status status = mr_table_reserve(&m.table, hash(row));
            mr_heap_fail_after(0, false);
            if (status == MR_OK) break;
            assert_int_equal(status, MR_ERR_MEMORY);
            assert_memory_equal(&m.table, &table, sizeof table);
            assert_int_equal(m.heap.live_bytes, heap.live_bytes);
            assert_int_equal(m.heap.reserved_bytes, heap.reserved_bytes);
            if (m.size <= 20 || row % 100 == 0) check_whole(&m, 64);
        }
        flip(&m, row);
    }
    check_whole(&m, 64);
    close_model(&m);
}

static void a_failed_reserve_changes_nothing(void **state) {
    (void)state;
    fail_everywhere(good_hash, 6000, false);
    fail_everywhere(good_hash, 6000, true);
    fail_everywhere(four_hashes, 2500, false);
}

/* One row on the other side of each of the first 20 splits, the rest beyond them. */
static uint32_t alike(uint32_t row) { return row < 20 ? 1u << (31 - row) : row % 4096; }

static void hashes_that_are_alike_cannot_make_the_directory_exceed_its_limit(void **state) {
    (void)state;
    static model m;
    open_model(&m, alike);
    for (uint32_t row = 0; row < ROWS; row++)
        flip(&m, row);
    assert_int_equal(m.table.depth, MR_TABLE_DEPTH_MAX);
    check_whole(&m, 100);
    for (uint32_t row = 0; row < ROWS; row++)
        flip(&m, row);
    close_model(&m);
}

/* ---- Keys that somebody has chosen ---- */

enum { CHOSEN = 100000, CHOSEN_BYTES = 16 };

/* One of 2^32 keys that collide under the seed 0: the first half of their first word makes one
 * factor of its product 0, whatever the other is. */
static void chosen_key(uint32_t number, uint8_t key[CHOSEN_BYTES]) {
    const mr_hash_key zero = mr_hash_key_of(0);
    const uint32_t half = 0u - (uint32_t)zero.k0;
    memset(key, 'k', CHOSEN_BYTES);
    memcpy(key, &half, 4);
    memcpy(key + 4, &number, 4);
}

static uint32_t hash_of(const mr_hash_key *seed, const uint8_t key[CHOSEN_BYTES]) {
    const uint64_t hash = mr_hash_short(seed, key, CHOSEN_BYTES);
    return (uint32_t)(hash ^ hash >> 32);
}

/* Put all chosen keys into a table; give how many entries all look-ups meet, and its bytes. */
static uint64_t met_by_all(uint64_t seed, uint64_t *bytes_out) {
    const mr_hash_key hash_key = mr_hash_key_of(seed);
    mr_heap heap;
    mr_table table;
    uint8_t key[CHOSEN_BYTES];
    assert_int_equal(mr_heap_open(&heap, 64 * MIB), MR_OK);
    mr_table_open(&table, &heap);
    for (uint32_t i = 0; i < CHOSEN; i++) {
        chosen_key(i, key);
        const uint32_t hash = hash_of(&hash_key, key);
        assert_int_equal(mr_table_reserve(&table, hash), MR_OK);
        mr_table_insert(&table, hash, (i + 1) * 8);
    }
    uint64_t met = 0;
    for (uint32_t i = 0; i < CHOSEN; i++) {
        mr_table_cursor cursor;
        chosen_key(i, key);
        const uint32_t hash = hash_of(&hash_key, key);
        mr_addr at = mr_table_first(&table, hash, &cursor);
        for (; at != (i + 1) * 8; at = mr_table_next(&table, hash, &cursor))
            met++;
        met++;
    }
    *bytes_out = table.bytes;
    mr_table_close(&table);
    mr_heap_close(&heap);
    return met;
}

/* Gate G11. Were the hash not keyed, each of 100,000 look-ups would meet all of them. */
static void keys_that_collide_under_one_seed_do_not_under_another(void **state) {
    (void)state;
    const mr_hash_key zero = mr_hash_key_of(0);
    uint8_t one[CHOSEN_BYTES];
    uint8_t other[CHOSEN_BYTES];
    chosen_key(0, one);
    for (uint32_t i = 1; i < 1000; i++) {
        chosen_key(i, other);
        assert_int_equal(hash_of(&zero, one), hash_of(&zero, other));
    }
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t bytes;
        assert_true(met_by_all(seed * 0x9E3779B9u, &bytes) <= CHOSEN + CHOSEN / 1000);
        assert_true(bytes <= CHOSEN * sizeof(mr_table_entry) * 2); /* As with any keys. */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table_holds_no_memory_and_finds_nothing),
        cmocka_unit_test(entries_of_one_hash_are_all_found_each_once),
        cmocka_unit_test(it_agrees_with_the_model_when_hashes_are_good),
        cmocka_unit_test(it_agrees_with_the_model_when_there_are_only_four_hashes),
        cmocka_unit_test(it_agrees_with_the_model_when_all_top_bits_are_equal),
        cmocka_unit_test(it_agrees_with_the_model_when_all_low_bits_are_equal),
        cmocka_unit_test(it_agrees_with_the_model_when_hashes_count_up),
        cmocka_unit_test(it_agrees_with_the_model_when_one_hash_is_not_like_the_others),
        cmocka_unit_test(a_reserve_holds_though_others_are_removed_before_the_insert),
        cmocka_unit_test(memory_follows_the_size_down),
        cmocka_unit_test(a_prepared_table_has_room_for_all_and_little_more),
        cmocka_unit_test(a_table_that_cannot_be_prepared_is_empty),
        cmocka_unit_test(a_failed_reserve_changes_nothing),
        cmocka_unit_test(hashes_that_are_alike_cannot_make_the_directory_exceed_its_limit),
        cmocka_unit_test(keys_that_collide_under_one_seed_do_not_under_another),
    };
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
