/* hash_test.c -- both hashes against published values and a plain second writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../c/hash.h"
#include "random.h"

/* ---- The algorithms once more, byte by byte, as their papers have them ---- */

static uint64_t rotated(uint64_t word, uint32_t bits) { return word << bits | word >> (64 - bits); }

static uint64_t word_at(const uint8_t *bytes, uint32_t count) {
    uint64_t word = 0;
    for (uint32_t i = 0; i < count; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

static void plain_rounds(uint64_t v[4], uint32_t rounds) {
    while (rounds-- > 0) {
        v[0] += v[1], v[2] += v[3];
        v[1] = rotated(v[1], 13), v[3] = rotated(v[3], 16);
        v[1] ^= v[0], v[3] ^= v[2];
        v[0] = rotated(v[0], 32);
        v[2] += v[1], v[0] += v[3];
        v[1] = rotated(v[1], 17), v[3] = rotated(v[3], 21);
        v[1] ^= v[2], v[3] ^= v[0];
        v[2] = rotated(v[2], 32);
    }
}

static uint64_t plain_keyed(const mr_hash_key *key, const uint8_t *bytes, uint32_t size) {
    const char *words = "somepseudorandomlygeneratedbytes";
    uint64_t v[4];
    for (uint32_t i = 0; i < 4; i++) {
        v[i] = i % 2 == 0 ? key->k0 : key->k1;
        for (uint32_t j = 0; j < 8; j++)
            v[i] ^= (uint64_t)words[8 * i + j] << (56 - 8 * j);
    }
    uint32_t at = 0;
    for (; size - at >= 8; at += 8) {
        uint64_t word = word_at(bytes + at, 8);
        v[3] ^= word;
        plain_rounds(v, 1);
        v[0] ^= word;
    }
    uint64_t last = word_at(bytes + at, size - at) | (uint64_t)(size & 255) << 56;
    v[3] ^= last;
    plain_rounds(v, 1);
    v[0] ^= last;
    v[2] ^= 255;
    plain_rounds(v, 3);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static const uint64_t p[6] = {0,
                              11400714785074694791u,
                              14029467366897019727u,
                              1609587929392839161u,
                              9650029242287828579u,
                              2870177450012600261u};

static uint64_t plain_mix(uint64_t word) { return rotated(word * p[2], 31) * p[1]; }

static uint64_t plain_fixed(const uint8_t *bytes, uint32_t size) {
    uint64_t lanes[4] = {p[1] + p[2], p[2], 0, 0 - p[1]};
    uint32_t at = 0;
    for (; size - at >= 32; at += 32) {
        for (uint32_t i = 0; i < 4; i++) {
            lanes[i] = rotated(lanes[i] + word_at(bytes + at + 8 * i, 8) * p[2], 31) * p[1];
        }
    }
    uint64_t hash = p[5];
    if (size >= 32) {
        hash = rotated(lanes[0], 1) + rotated(lanes[1], 7) + rotated(lanes[2], 12) +
               rotated(lanes[3], 18);
        for (uint32_t i = 0; i < 4; i++)
            hash = (hash ^ plain_mix(lanes[i])) * p[1] + p[4];
    }
    hash += size;
    for (; size - at >= 8; at += 8) {
        hash = rotated(hash ^ plain_mix(word_at(bytes + at, 8)), 27) * p[1] + p[4];
    }
    for (; size - at >= 4; at += 4) {
        hash = rotated(hash ^ word_at(bytes + at, 4) * p[1], 23) * p[2] + p[3];
    }
    for (; at < size; at++)
        hash = rotated(hash ^ bytes[at] * p[5], 11) * p[1];
    hash = (hash ^ hash >> 33) * p[2];
    hash = (hash ^ hash >> 29) * p[3];
    return hash ^ hash >> 32;
}

/* ---- Tests ---- */

static void siphash_1_3_gives_the_published_values(void **state) {
    (void)state;
    const mr_hash_key key = {.k0 = 0x0706050403020100u, .k1 = 0x0F0E0D0C0B0A0908u};
    uint8_t bytes[64]; /* 0, 1, 2, ... as in the vectors of the SipHash paper. */
    for (uint8_t i = 0; i < 64; i++)
        bytes[i] = i;
    assert_int_equal(mr_hash_keyed(&key, NULL, 0), 0xABAC0158050FC4DCu);
    assert_int_equal(mr_hash_keyed(&key, bytes, 1), 0xC9F49BF37D57CA93u);
    assert_int_equal(mr_hash_keyed(&key, bytes, 7), 0xD3927D989BB11140u);
    assert_int_equal(mr_hash_keyed(&key, bytes, 8), 0x369095118D299A8Eu);
    assert_int_equal(mr_hash_keyed(&key, bytes, 63), 0x9D199062B7BBB3A8u);
}

static uint64_t fixed_of(const char *text) {
    return mr_hash_fixed((const uint8_t *)text, (uint32_t)strlen(text));
}

static void xxh64_gives_the_published_values(void **state) {
    (void)state;
    assert_int_equal(mr_hash_fixed(NULL, 0), 0xEF46DB3751D8E999u);
    assert_int_equal(fixed_of("a"), 0xD24EC4F1A98C6E5Bu);
    assert_int_equal(fixed_of("abc"), 0x44BC2CF5AD770999u);
    assert_int_equal(fixed_of("Nobody inspects the spammish repetition"), 0xFBCEA83C8A378BF1u);
}

/* Each input is a block of its own, so that AddressSanitizer sees a read outside. */
static void every_size_and_alignment_agrees_with_the_plain_writing(void **state) {
    (void)state;
    uint64_t seed = 2;
    for (uint32_t size = 0; size <= 600; size++) {
        for (uint32_t skip = 0; skip < 8; skip += 3) {
            uint8_t *block = malloc(size + skip + 1);
            uint8_t *bytes = block + 1 + skip;
            for (uint32_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)random_next(&seed);
            mr_hash_key key = mr_hash_key_of(random_next(&seed));
            assert_int_equal(mr_hash_keyed(&key, bytes, size), plain_keyed(&key, bytes, size));
            assert_int_equal(mr_hash_fixed(bytes, size), plain_fixed(bytes, size));
            free(block);
        }
    }
}

static void a_megabyte_agrees_with_the_plain_writing(void **state) {
    (void)state;
    enum { SIZE = (1 << 20) + 13 };
    static uint8_t bytes[SIZE];
    uint64_t seed = 3;
    for (uint32_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)random_next(&seed);
    mr_hash_key key = mr_hash_key_of(4);
    assert_int_equal(mr_hash_keyed(&key, bytes, SIZE), plain_keyed(&key, bytes, SIZE));
    assert_int_equal(mr_hash_fixed(bytes, SIZE), plain_fixed(bytes, SIZE));
}

static void a_seed_becomes_a_key_of_two_different_words(void **state) {
    (void)state;
    mr_hash_key zero = mr_hash_key_of(0); /* The published SplitMix64 sequence of seed 0. */
    assert_int_equal(zero.k0, 0xE220A8397B1DCDAFu);
    assert_int_equal(zero.k1, 0x6E789E6AA1B965F4u);
    mr_hash_key one = mr_hash_key_of(1);
    assert_true(one.k0 != zero.k0 && one.k1 != zero.k1);
    const uint8_t text[] = "key";
    assert_true(mr_hash_keyed(&zero, text, 3) != mr_hash_keyed(&one, text, 3));
}

/* ---- short keys ---- */

/* Twelve bits of the hash over many keys of one form: no bucket far from its share. */
static void assert_spreads(const mr_hash_key *key, uint32_t size, void (*make)(uint8_t *, uint32_t),
                           uint32_t shift) {
    enum { BUCKETS = 4096, KEYS = BUCKETS * 64 };
    static uint32_t counts[BUCKETS];
    memset(counts, 0, sizeof counts);
    for (uint32_t i = 0; i < KEYS; i++) {
        uint8_t bytes[MR_HASH_SHORT_MAX] = {0};
        make(bytes, i);
        counts[(mr_hash_short(key, bytes, size) >> shift) % BUCKETS]++;
    }
    double chi = 0;
    for (uint32_t i = 0; i < BUCKETS; i++)
        chi += (counts[i] - 64.0) * (counts[i] - 64.0) / 64.0;
    assert_true(chi > 3500 && chi < 4700); /* 4095 on average, 90 a standard deviation. */
}

static void make_text(uint8_t *bytes, uint32_t number) {
    for (uint32_t at = 9; at > 1; at--, number /= 10)
        bytes[at] = (uint8_t)('0' + number % 10);
    bytes[0] = 5;
    bytes[1] = 'k';
}

static void make_number(uint8_t *bytes, uint32_t number) {
    const double value = number;
    bytes[0] = 3;
    memcpy(bytes + 1, &value, sizeof value);
}

static void make_pair(uint8_t *bytes, uint32_t number) {
    memcpy(bytes, &number, sizeof number);
    memcpy(bytes + 12, &number, sizeof number);
}

static void short_keys_of_every_form_spread_over_all_bits(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        const mr_hash_key key = mr_hash_key_of(seed);
        for (uint32_t shift = 0; shift <= 52; shift += 13) {
            assert_spreads(&key, 10, make_text, shift);
            assert_spreads(&key, 9, make_number, shift);
            assert_spreads(&key, 16, make_pair, shift);
        }
    }
}

static void a_short_key_is_read_within_its_bytes_and_its_size_counts(void **state) {
    (void)state;
    const mr_hash_key key = mr_hash_key_of(7);
    uint64_t seen[MR_HASH_SHORT_MAX + 1];
    for (uint32_t size = 0; size <= MR_HASH_SHORT_MAX; size++) {
        uint8_t *bytes = malloc(size == 0 ? 1 : size); /* The sanitizer guards its end. */
        memset(bytes, 'a', size);
        seen[size] = mr_hash_short(&key, bytes, size);
        free(bytes);
        for (uint32_t other = 0; other < size; other++)
            assert_true(seen[size] != seen[other]);
    }
}

static void every_byte_of_a_short_key_counts(void **state) {
    (void)state;
    const mr_hash_key key = mr_hash_key_of(8);
    for (uint32_t size = 1; size <= MR_HASH_SHORT_MAX; size++) {
        uint8_t bytes[MR_HASH_SHORT_MAX] = {0};
        const uint64_t before = mr_hash_short(&key, bytes, size);
        for (uint32_t at = 0; at < size; at++) {
            bytes[at] = 1;
            assert_true(mr_hash_short(&key, bytes, size) != before);
            bytes[at] = 0;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_1_3_gives_the_published_values),
        cmocka_unit_test(xxh64_gives_the_published_values),
        cmocka_unit_test(every_size_and_alignment_agrees_with_the_plain_writing),
        cmocka_unit_test(a_megabyte_agrees_with_the_plain_writing),
        cmocka_unit_test(a_seed_becomes_a_key_of_two_different_words),
        cmocka_unit_test(short_keys_of_every_form_spread_over_all_bits),
        cmocka_unit_test(a_short_key_is_read_within_its_bytes_and_its_size_counts),
        cmocka_unit_test(every_byte_of_a_short_key_counts),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
