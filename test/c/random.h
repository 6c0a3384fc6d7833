/* random.h -- numbers for tests that are the same in every run (SplitMix64). */
#ifndef MR_RANDOM_H
#define MR_RANDOM_H

#include <stdint.h>

/* The next number; `state` is the seed at first. */
static inline uint64_t random_next(uint64_t *state) {
    uint64_t word = *state += 0x9E3779B97F4A7C15u;
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9u;
    word = (word ^ word >> 27) * 0x94D049BB133111EBu;
    return word ^ word >> 31;
}

/* Less than `bound` (> 0). */
static inline uint32_t random_below(uint64_t *state, uint32_t bound) {
    return (uint32_t)((random_next(state) >> 32) * bound >> 32);
}

#endif
