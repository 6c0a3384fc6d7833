/* hash.h -- the two hashes of the engine.
 *
 * mr_hash_keyed: SipHash-1-3 (Aumasson and Bernstein 2012; the variant of the
 *   Rust and Python standard libraries). Keyed, so that who chooses the keys
 *   cannot choose the collisions. Never saved.
 * mr_hash_fixed: XXH64 (Collet 2012). The same on every machine and in every
 *   release: checksums of segments and key groups depend on it. */
#ifndef MR_HASH_H
#define MR_HASH_H

#include "common.h"

typedef struct mr_hash_key {
    uint64_t k0;
    uint64_t k1;
} mr_hash_key;

/* Spread one 64-bit seed over the key (SplitMix64, Steele et al. 2014). */
mr_hash_key mr_hash_key_of(uint64_t seed);

/* SipHash-1-3 of `size` bytes. Reads nothing outside [bytes, bytes + size). */
uint64_t mr_hash_keyed(const mr_hash_key *key, const uint8_t *bytes, uint32_t size);

/* XXH64 of `size` bytes with seed 0. */
uint64_t mr_hash_fixed(const uint8_t *bytes, uint32_t size);

#endif
