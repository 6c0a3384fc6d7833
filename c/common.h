/* common.h -- what every file of the engine includes: statuses, assert, try.
 *
 * Assertions find our bugs, statuses report the caller's. MR_ASSERT is a trap,
 * not libc's assert(): abort() and stderr would drag WASI imports into the
 * module. Input is never asserted. */
#ifndef MR_COMMON_H
#define MR_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "millrace.h"

#ifdef MR_COVERAGE /* A branch that no test can take is not for `make coverage` to count. */
#define MR_ASSERT(condition) ((void)sizeof(condition))
#else
#define MR_ASSERT(condition) ((condition) ? (void)0 : __builtin_trap())
#endif

/* Of a function that is run for no event, or for few: it is small, and stands in nobody's way. */
#define MR_COLD __attribute__((cold, minsize, noinline))

/* Copies of these at all places that call them are a tenth of the module, and no faster. */
#define MR_CALLED __attribute__((noinline))

/* What loops are made of, and no compiler copies there by itself. */
#define MR_INLINE static inline __attribute__((always_inline))

/* Pass any status but MR_OK on to the caller. */
#define MR_TRY(expression)                            \
    do {                                              \
        mr_status try_status_ = (expression);         \
        if (try_status_ != MR_OK) return try_status_; \
    } while (0)

/* An address in the engine's memory: in WebAssembly the pointer itself, in a
 * native build an offset into one reserved region, so that structures hold 32
 * bits everywhere and have one layout. 0 is none. */
typedef uint32_t mr_addr;

/* Round up to a multiple of 8, the alignment of everything that is allocated. */
static inline uint32_t mr_round8(uint32_t bytes) { return (bytes + 7u) & ~7u; }

static inline uint32_t mr_min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Read a byte, so that it is in a cache: of many that are read before the first is waited for,
 * cache misses overlap. */
static inline void mr_touch(const void *at) { (void)*(const volatile uint8_t *)at; }

#endif
