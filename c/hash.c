/* hash.c -- SipHash-1-3 and XXH64, a word at a time.
 *
 * Words are loaded unaligned and little-endian. The last, partial word is one
 * load that overlaps what was read before and is shifted free of it, so that
 * short keys, which are nearly all there are, meet few branches and nothing
 * outside the input is read.
 *
 * XXH64 is part of the saved format: its result for given bytes never changes. */
#include "hash.h"

#include "bytes.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are loaded as they lie");

static inline uint64_t rotate(uint64_t word, unsigned bits) {
    return word << bits | word >> (64 - bits);
}

mr_hash_key mr_hash_key_of(uint64_t seed) {
    uint64_t words[3];
    for (uint32_t i = 0; i < 3; i++) {
        seed += 0x9E3779B97F4A7C15u;
        uint64_t word = seed;
        word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9u;
        word = (word ^ word >> 27) * 0x94D049BB133111EBu;
        words[i] = word ^ word >> 31;
    }
    return (mr_hash_key){.k0 = words[0], .k1 = words[1], .k2 = words[2] | 1};
}

/* ---- SipHash-1-3 ---- */

typedef struct sip_state {
    uint64_t v0, v1, v2, v3;
} sip_state;

static inline void sip_round(sip_state *s) {
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline void sip_word(sip_state *s, uint64_t word) {
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

/* The size % 8 bytes behind the last whole word, as the low bytes of a word. */
static inline uint64_t tail_of(const uint8_t *bytes, uint32_t size) {
    /* In two steps: a tail of 0 bytes shifts by 64. */
    if (size >= 8) return mr_u64_at(bytes + size - 8) >> 8 >> (56 - 8 * (size & 7));
    if (size >= 4) {
        uint64_t high = mr_u32_at(bytes + size - 4);
        return mr_u32_at(bytes) | high << (8 * (size - 4));
    }
    if (size == 0) return 0;
    uint32_t middle = size >> 1;
    uint32_t last = size - 1;
    return bytes[0] | (uint64_t)bytes[middle] << (8 * middle) | (uint64_t)bytes[last] << (8 * last);
}

uint64_t mr_hash_keyed(const mr_hash_key *key, const uint8_t *bytes, uint32_t size) {
    sip_state s = {
        .v0 = key->k0 ^ 0x736F6D6570736575u,
        .v1 = key->k1 ^ 0x646F72616E646F6Du,
        .v2 = key->k0 ^ 0x6C7967656E657261u,
        .v3 = key->k1 ^ 0x7465646279746573u,
    };
    for (uint32_t at = 0; at + 8 <= size; at += 8)
        sip_word(&s, mr_u64_at(bytes + at));
    sip_word(&s, tail_of(bytes, size) | (uint64_t)size << 56);
    s.v2 ^= 0xFF;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* ---- XXH64 ---- */

static const uint64_t prime1 = 0x9E3779B185EBCA87u;
static const uint64_t prime2 = 0xC2B2AE3D27D4EB4Fu;
static const uint64_t prime3 = 0x165667B19E3779F9u;
static const uint64_t prime4 = 0x85EBCA77C2B2AE63u;
static const uint64_t prime5 = 0x27D4EB2F165667C5u;

static inline uint64_t xx_round(uint64_t lane, uint64_t word) {
    return rotate(lane + word * prime2, 31) * prime1;
}

static inline uint64_t xx_merge(uint64_t hash, uint64_t lane) {
    return (hash ^ xx_round(0, lane)) * prime1 + prime4;
}

/* The hash of the stripes of 32 bytes, of which there is at least one. */
static uint64_t xx_stripes(const uint8_t *bytes, uint32_t stripes) {
    uint64_t a = prime1 + prime2;
    uint64_t b = prime2;
    uint64_t c = 0;
    uint64_t d = 0 - prime1;
    for (; stripes > 0; stripes--, bytes += 32) {
        a = xx_round(a, mr_u64_at(bytes));
        b = xx_round(b, mr_u64_at(bytes + 8));
        c = xx_round(c, mr_u64_at(bytes + 16));
        d = xx_round(d, mr_u64_at(bytes + 24));
    }
    uint64_t hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
    return xx_merge(xx_merge(xx_merge(xx_merge(hash, a), b), c), d);
}

uint64_t mr_hash_fixed(const uint8_t *bytes, uint32_t size) {
    uint64_t hash = size >= 32 ? xx_stripes(bytes, size / 32) : prime5;
    hash += size;
    uint32_t left = size & 31;
    if (size >= 32) bytes += size - left;
    for (; left >= 8; left -= 8, bytes += 8) {
        hash = rotate(hash ^ xx_round(0, mr_u64_at(bytes)), 27) * prime1 + prime4;
    }
    if (left >= 4) {
        hash = rotate(hash ^ mr_u32_at(bytes) * prime1, 23) * prime2 + prime3;
        bytes += 4;
        left -= 4;
    }
    for (; left > 0; left--, bytes++)
        hash = rotate(hash ^ *bytes * prime5, 11) * prime1;
    hash = (hash ^ hash >> 33) * prime2;
    hash = (hash ^ hash >> 29) * prime3;
    return hash ^ hash >> 32;
}
