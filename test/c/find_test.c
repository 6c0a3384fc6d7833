/* find_test.c -- finding the rows of a chunk, against a naive list of keys. */
#include <stdlib.h>

#include "harness.h"

/* Rows that stay, and rows that go by themselves. */
static mr_operator_spec staying = {.kind = MR_CUSTOM, .count = 1, .kinds = {MR_F64}};
static mr_operator_spec going = {
    .kind = MR_CUSTOM, .count = 1, .kinds = {MR_F64}, .flags = MR_EVICT, .rows_max = 100000};

/* ---- a naive state: every key that was ever used, and the number in its row ---- */

enum { POOL = 600, KEY_MAX = 70 };

typedef struct known {
    uint8_t key[KEY_MAX];
    uint32_t key_bytes;
    double number; /* 0: it has no row. */
} known;

/* Keys of 1 to 70 bytes, few byte values: many differ in their last byte only. */
static void fill_pool(known *pool, uint64_t *seed) {
    for (uint32_t i = 0; i < POOL; i++) {
        bool fresh;
        do {
            known *one = &pool[i];
            *one = (known){.key_bytes = 1 + random_below(seed, KEY_MAX)};
            const uint8_t same = (uint8_t)random_below(seed, 3);
            memset(one->key, same, one->key_bytes);
            one->key[one->key_bytes - 1] = (uint8_t)random_below(seed, 256);
            if (i % 2 == 0) one->key[random_below(seed, one->key_bytes)] ^= 0x80;
            fresh = true;
            for (uint32_t j = 0; j < i && fresh; j++) {
                fresh = pool[j].key_bytes != one->key_bytes ||
                        memcmp(pool[j].key, one->key, one->key_bytes) != 0;
            }
        } while (!fresh);
    }
}

static double number_in(const bench *b, uint32_t index) {
    return row_of(b, index) == NULL ? 0 : *(double *)record_of(b, index);
}

static void check_chunk(const bench *b, const known *pool, const uint32_t *picks) {
    for (uint32_t i = 0; i < b->input->size; i++) {
        assert_true(number_in(b, i) == pool[picks[i]].number);
    }
}

/* The user's function of one event, by chance. */
static void change(bench *b, known *one, uint32_t index, double number, uint32_t choice) {
    assert_true(number_in(b, index) == one->number);
    if (one->number == 0) {
        if (choice == 0) return;
        assert_int_equal(mr_row_create(b->op, index, (const uint8_t *)&number), MR_OK);
        one->number = number;
    } else if (choice == 0) {
        assert_int_equal(mr_row_remove(b->op, index), MR_OK);
        one->number = 0;
    }
}

static void rows_are_those_of_a_naive_map_at_every_event(void **state) {
    static known pool[POOL];
    static uint32_t picks[3000];
    uint64_t seed = 21;
    print_message("seed %u\n", (unsigned)seed);
    fill_pool(pool, &seed);
    bench b = open_bench(*state);
    double number = 0;
    for (uint32_t chunk = 0; chunk < 200; chunk++) {
        const uint32_t size = random_below(&seed, chunk % 10 == 0 ? 3000 : 50);
        begin_input(&b, 0);
        for (uint32_t i = 0; i < size; i++) {
            picks[i] = random_below(&seed, POOL);
            add_bytes(&b, pool[picks[i]].key, pool[picks[i]].key_bytes);
        }
        const mr_found *found = find_input(&b);
        assert_int_equal(found->size, size);
        check_chunk(&b, pool, picks);
        for (uint32_t i = 0; i < size; i++) {
            change(&b, &pool[picks[i]], i, ++number, random_below(&seed, 3));
        }
        check_chunk(&b, pool, picks);
    }
    uint32_t rows = 0;
    for (uint32_t i = 0; i < POOL; i++)
        rows += pool[i].number != 0;
    assert_int_equal(stats_of(&b).rows, rows);
    close_bench(&b);
}

static void a_row_that_was_made_is_there_for_the_next_event_of_its_key(void **state) {
    bench b = open_bench(*state);
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 3; i++)
        add_key(&b, 5);
    const mr_found *found = find_input(&b);
    assert_int_equal(found->size, 3);
    const double number = 1;
    assert_int_equal(mr_row_create(b.op, 0, (const uint8_t *)&number), MR_OK);
    const uint32_t *rows = mr_at(found->rows);
    assert_int_equal(rows[1], 0);
    assert_int_equal(mr_row_enter(b.op, 1), MR_OK);
    assert_int_equal(rows[1], rows[0]);
    assert_int_equal(mr_row_create(b.op, 2, (const uint8_t *)&number), MR_ERR_ARGUMENT);
    assert_int_equal(mr_row_remove(b.op, 1), MR_OK);
    const uint32_t none[3] = {0};
    assert_memory_equal(rows, none, sizeof none);
    close_bench(&b);
}

/* Whether or not their keys, or others of such a hash, are in the chunk. */
static void rows_that_go_are_in_no_chunk(void **state) {
    enum { KEYS = 4000 };
    bench b = open_bench(*state);
    const double number = 1;
    begin_input(&b, 0);
    for (uint32_t i = 0; i < KEYS; i++)
        add_key(&b, i);
    find_input(&b);
    for (uint32_t i = 0; i < KEYS; i++)
        assert_int_equal(mr_row_create(b.op, i, (const uint8_t *)&number), MR_OK);
    static mr_addr rows[KEYS];
    for (uint32_t i = 0; i < KEYS; i++)
        rows[i] = mr_addr_of(row_of(&b, i));
    begin_input(&b, 0);
    for (uint32_t i = 0; i < KEYS; i++)
        add_key(&b, i / 2 * 3);
    find_input(&b);
    for (uint32_t key = 0; key < KEYS; key += 2)
        assert_int_equal(mr_row_drop(b.op, rows[key]), MR_OK);
    for (uint32_t i = 0; i < KEYS; i++) {
        const uint32_t key = i / 2 * 3;
        assert_int_equal(row_of(&b, i) != NULL, key < KEYS && key % 2 != 0);
    }
    close_bench(&b);
}

static void an_empty_chunk_finds_nothing(void **state) {
    bench b = open_bench(*state);
    begin_input(&b, 0);
    const mr_found *found = find_input(&b);
    assert_int_equal(found->size, 0);
    assert_int_equal(mr_row_enter(b.op, 0), MR_ERR_ARGUMENT);
    close_bench(&b);
}

static void the_longest_keys_are_told_apart(void **state) {
    bench b = open_bench(*state);
    static uint8_t key[MR_KEY_BYTES_MAX];
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 3; i++) { /* The first, a middle and the last byte differ. */
        const uint32_t at = i * (MR_KEY_BYTES_MAX / 2);
        add_bytes(&b, key, sizeof key);
        key[at] = 1;
        add_bytes(&b, key, sizeof key);
        key[at] = 0;
    }
    add_bytes(&b, key, sizeof key - 1);
    (void)find_input(&b);
    for (uint32_t i = 0; i < 7; i++) {
        const double number = i + 1;
        if (row_of(&b, i) == NULL) {
            assert_int_equal(mr_row_create(b.op, i, (const uint8_t *)&number), MR_OK);
        }
    }
    (void)find_input(&b);
    const double expected[] = {1, 2, 1, 4, 1, 6, 7};
    for (uint32_t i = 0; i < 7; i++)
        assert_true(number_in(&b, i) == expected[i]);
    close_bench(&b);
}

/* ---- keys with one and the same hash ---- */

typedef struct hashed {
    uint32_t hash;
    uint32_t number;
} hashed;

static int by_hash(const void *a, const void *b) {
    const hashed *x = a;
    const hashed *y = b;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* Pairs of numbers whose keys have all 32 bits in common; returns how many pairs. */
static uint32_t find_pairs(const mr_rows *rows, uint32_t (*pairs)[2], uint32_t max) {
    enum { TRIED = 600000 };
    static hashed all[TRIED];
    for (uint32_t i = 0; i < TRIED; i++) {
        char text[16];
        const uint32_t bytes = (uint32_t)snprintf(text, sizeof text, "k%u", i);
        all[i] = (hashed){mr_hash32(rows, (const uint8_t *)text, bytes), i};
    }
    qsort(all, TRIED, sizeof all[0], by_hash);
    uint32_t count = 0;
    for (uint32_t i = 1; i < TRIED && count < max; i++) {
        if (all[i].hash != all[i - 1].hash) continue;
        pairs[count][0] = all[i - 1].number;
        pairs[count++][1] = all[i].number;
    }
    return count;
}

static void find_numbers(bench *b, const uint32_t (*pairs)[2], uint32_t count) {
    begin_input(b, 0);
    for (uint32_t i = 0; i < 2 * count; i++)
        add_key(b, pairs[i / 2][i % 2]);
    assert_int_equal(find_input(b)->size, 2 * count);
}

static void keys_with_the_same_hash_have_rows_of_their_own(void **state) {
    bench b = open_bench(*state);
    uint32_t pairs[64][2];
    const uint32_t count = find_pairs(&inside(b.op)->rows, pairs, 64);
    print_message("%u pairs\n", count);
    assert_true(count > 5);
    find_numbers(&b, pairs, count);
    for (uint32_t i = 0; i < 2 * count; i++) {
        const double number = pairs[i / 2][i % 2] + 1;
        assert_int_equal(mr_row_create(b.op, i, (const uint8_t *)&number), MR_OK);
    }
    for (uint32_t round = 0; round < 2;
         round++) { /* The first of each pair goes, then the other. */
        find_numbers(&b, pairs, count);
        for (uint32_t i = 0; i < 2 * count; i++) {
            const double number = i % 2 < round ? 0 : pairs[i / 2][i % 2] + 1;
            assert_true(number_in(&b, i) == number);
        }
        for (uint32_t i = round; i < 2 * count; i += 2) {
            assert_int_equal(mr_row_remove(b.op, i), MR_OK);
            assert_null(row_of(&b, i));
        }
    }
    assert_int_equal(stats_of(&b).rows, 0);
    close_bench(&b);
}

static void keys_with_the_same_hash_are_loaded_over_each_other(void **state) {
    static uint8_t saved[SAVED_MAX];
    bench b = open_bench(*state);
    uint32_t pairs[64][2];
    const uint32_t count = find_pairs(&inside(b.op)->rows, pairs, 64);
    find_numbers(&b, pairs, count);
    for (uint32_t i = 0; i < 2 * count; i++) {
        const double number = pairs[i / 2][i % 2] + 1;
        assert_int_equal(mr_row_create(b.op, i, (const uint8_t *)&number), MR_OK);
    }
    restore(&b);
    const uint32_t size = save_all(&b, saved);
    assert_int_equal(mr_load(b.op, saved, size, 0, 2), MR_OK);
    assert_int_equal(mr_load_end(b.op), MR_OK);
    assert_int_equal(stats_of(&b).rows, 2 * count);
    find_numbers(&b, pairs, count);
    for (uint32_t i = 0; i < 2 * count; i++)
        assert_true(number_in(&b, i) == pairs[i / 2][i % 2] + 1);
    close_bench(&b);
}

static void a_small_chunk_after_a_large_one_is_found_as_well(void **state) {
    bench b = open_bench(*state);
    for (uint32_t size = 8000; size > 0; size /= 3) {
        begin_input(&b, 0);
        for (uint32_t i = 0; i < size; i++)
            add_key(&b, i);
        const mr_found *found = find_input(&b);
        assert_int_equal(found->size, size);
        for (uint32_t i = 0; i < size; i++) {
            if (size == 8000) {
                const double number = i + 1;
                assert_int_equal(mr_row_create(b.op, i, (const uint8_t *)&number), MR_OK);
            }
            assert_true(number_in(&b, i) == i + 1);
        }
    }
    close_bench(&b);
}

#define OF_EITHER(test) \
    cmocka_unit_test_prestate(test, &staying), cmocka_unit_test_prestate(test, &going)

int main(void) {
    const struct CMUnitTest tests[] = {
        OF_EITHER(rows_are_those_of_a_naive_map_at_every_event),
        OF_EITHER(an_empty_chunk_finds_nothing),
        OF_EITHER(the_longest_keys_are_told_apart),
        OF_EITHER(keys_with_the_same_hash_have_rows_of_their_own),
        OF_EITHER(keys_with_the_same_hash_are_loaded_over_each_other),
        OF_EITHER(a_small_chunk_after_a_large_one_is_found_as_well),
        OF_EITHER(a_row_that_was_made_is_there_for_the_next_event_of_its_key),
        OF_EITHER(rows_that_go_are_in_no_chunk),
    };
    return cmocka_run_group_tests_name("find", tests, NULL, NULL);
}
