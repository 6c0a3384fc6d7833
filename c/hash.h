/* hash.h -- the hashes of the engine.
 *
 * mr_hash_keyed: SipHash-1-3 (Aumasson and Bernstein 2012; the variant of the
 *   Rust and Python standard libraries). Keyed, so that who chooses the keys
 *   cannot choose the collisions. Never saved.
 * mr_hash_short: for up to 16 bytes, which nearly all keys are, NH (Black, Halevi,
 *   Krawczyk, Krovetz, Rogaway 1999, UMAC) with the finalizer of MurmurHash3: two
 *   multiplications instead of five rounds. Over the choice of the seed two keys of
 *   one length collide before the finalizer, a bijection, with probability 2^-32.
 * mr_hash_fixed: XXH64 (Collet 2012). The same on every machine and in every
 *   release: checksums of segments and key groups depend on it. */
#ifndef MR_HASH_H
#define MR_HASH_H

#include "common.h"

typedef struct mr_hash_key {
    uint64_t k0;
    uint64_t k1;
    uint64_t k2;
} mr_hash_key;

enum { MR_HASH_SHORT_MAX = 16 };

/* Spread one 64-bit seed over the key (SplitMix64, Steele et al. 2014). */
mr_hash_key mr_hash_key_of(uint64_t seed);

/* SipHash-1-3 of `size` bytes. Reads nothing outside [bytes, bytes + size). */
uint64_t mr_hash_keyed(const mr_hash_key *key, const uint8_t *bytes, uint32_t size);

/* As many bytes as one word has, or two halves of fewer, that overlap. */
static inline void mr_hash_words(const uint8_t *bytes, uint32_t size, uint64_t *low,
                                 uint64_t *high) {
    uint32_t half;
    if (size >= 8) {
        memcpy(low, bytes, 8);
        memcpy(high, bytes + size - 8, 8);
        return;
    }
    *low = 0;
    *high = 0;
    if (size >= 4) {
        memcpy(&half, bytes, 4);
        *low = half;
        memcpy(&half, bytes + size - 4, 4);
        *high = half;
    } else if (size > 0) {
        *low = bytes[0];
        *high = bytes[size >> 1] | (uint64_t)bytes[size - 1] << 32;
    }
}

/* The product of the two halves of a word, a 32-bit secret added to each. */
static inline uint64_t mr_hash_nh(uint64_t word, uint64_t secret) {
    uint32_t low = (uint32_t)word + (uint32_t)secret;
    uint32_t high = (uint32_t)(word >> 32) + (uint32_t)(secret >> 32);
    return (uint64_t)low * high;
}

/* The hash of at most MR_HASH_SHORT_MAX bytes. Reads nothing outside them. */
static inline uint64_t mr_hash_short(const mr_hash_key *key, const uint8_t *bytes, uint32_t size) {
    uint64_t low, high;
    mr_hash_words(bytes, size, &low, &high);
    uint64_t hash = mr_hash_nh(low, key->k0) + mr_hash_nh(high, key->k1) + size * key->k2;
    hash = (hash ^ hash >> 33) * 0xFF51AFD7ED558CCDu;
    hash = (hash ^ hash >> 33) * 0xC4CEB9FE1A85EC53u;
    return hash ^ hash >> 33;
}

/* The hash of what has a hash already, and of a word more: as mr_hash_short, in 32 bits. */
static inline uint32_t mr_hash_more(const mr_hash_key *key, uint32_t hash, uint64_t word) {
    uint64_t more = mr_hash_nh(word, key->k1) + hash * key->k2;
    more = (more ^ more >> 33) * 0xFF51AFD7ED558CCDu;
    return (uint32_t)(more >> 32);
}

/* XXH64 of `size` bytes with seed 0. */
uint64_t mr_hash_fixed(const uint8_t *bytes, uint32_t size);

#endif
