/* bytes.h -- saved bytes, written and read field by field, little-endian.
 *
 * A writer fills memory that it does not own and remembers that it ran out; a
 * reader goes over bytes that nobody trusts and remembers that they were too
 * short. Both are asked once at the end, so that save and load read as twins. */
#ifndef MR_BYTES_H
#define MR_BYTES_H

#include "common.h"

typedef struct mr_writer {
    uint8_t *bytes; /* Borrowed. */
    uint32_t size;  /* Written so far; stays as it was when a put does not fit. */
    uint32_t room;
    bool full; /* A put did not fit; later ones are ignored. */
} mr_writer;

typedef struct mr_reader {
    const uint8_t *bytes; /* Borrowed. */
    uint32_t size;
    uint32_t at;
    bool bad; /* A get went past the end; it and later ones gave 0. */
} mr_reader;

void mr_put_u8(mr_writer *writer, uint8_t value);
void mr_put_u16(mr_writer *writer, uint16_t value);
void mr_put_u32(mr_writer *writer, uint32_t value);
void mr_put_u64(mr_writer *writer, uint64_t value);
void mr_put_f64(mr_writer *writer, double value); /* NaN is written as one canonical NaN. */
void mr_put_bytes(mr_writer *writer, const uint8_t *bytes, uint32_t size);

uint8_t mr_get_u8(mr_reader *reader);
uint16_t mr_get_u16(mr_reader *reader);
uint32_t mr_get_u32(mr_reader *reader);
/* The next `size` bytes, borrowed from the reader's; NULL when they are not all
 * there (0 bytes always are, unless the reader is bad). */
const uint8_t *mr_get_bytes(mr_reader *reader, uint32_t size);

/* What lies at an address, where it is known to be whole. */
static inline uint16_t mr_u16_at(const uint8_t *bytes) {
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}
static inline uint32_t mr_u32_at(const uint8_t *bytes) {
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}
static inline uint64_t mr_u64_at(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}
static inline double mr_f64_at(const uint8_t *bytes) { /* NaN comes as the canonical one. */
    double value;
    memcpy(&value, bytes, sizeof value);
    return value == value ? value : __builtin_nan("");
}

/* As memcmp and memcpy, for the few bytes of a key: a call of libc takes longer. */
static inline bool mr_same_bytes(const uint8_t *a, const uint8_t *b, uint32_t size) {
    uint64_t x, y;
    if (size >= 8) {
        for (uint32_t i = 0; i + 8 <= size; i += 8) {
            memcpy(&x, a + i, 8);
            memcpy(&y, b + i, 8);
            if (x != y) return false;
        }
        memcpy(&x, a + size - 8, 8);
        memcpy(&y, b + size - 8, 8);
        return x == y;
    }
    for (uint32_t i = 0; i < size; i++) {
        if (a[i] != b[i]) return false;
    }
    return true;
}
static inline void mr_copy_bytes(uint8_t *to, const uint8_t *from, uint32_t size) {
    if (size >= 8) {
#pragma clang loop unroll(disable)
        for (uint32_t i = 0; i + 8 < size; i += 8)
            memcpy(to + i, from + i, 8);
        memcpy(to + size - 8, from + size - 8, 8);
        return;
    }
#pragma clang loop vectorize(disable) unroll(disable)
    for (uint32_t i = 0; i < size; i++)
        to[i] = from[i];
}
/* As memset to 0, of whole words: in WebAssembly it is a call of the host's. */
static inline void mr_clear_words(uint8_t *to, uint32_t bytes) {
    const uint64_t none = 0;
    for (uint32_t i = 0; i < bytes; i += 8) {
        memcpy(to + i, &none, 8);
        __asm__ volatile("" ::: "memory"); /* Else it is made one. */
    }
}

#endif
