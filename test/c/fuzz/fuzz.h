/* fuzz.h -- what the fuzz targets share: a check that ends the run, and bytes as choices. */
#ifndef MR_FUZZ_H
#define MR_FUZZ_H

#include "../../../c/operator.h"

#define CHECK(condition) ((condition) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t room);

typedef struct choices {
    const uint8_t *bytes;
    size_t left;
} choices;

/* The next byte; 0 when there are no more. */
static inline uint8_t take_u8(choices *from) {
    if (from->left == 0) return 0;
    from->left--;
    return *from->bytes++;
}

static inline uint32_t take_u16(choices *from) {
    return take_u8(from) | (uint32_t)take_u8(from) << 8;
}

static inline uint32_t take_u32(choices *from) { return take_u16(from) | take_u16(from) << 16; }

/* Small numbers mostly; now and then any. */
static inline uint32_t take_count(choices *from) {
    const uint8_t byte = take_u8(from);
    return byte < 250 ? byte : take_u32(from);
}

/* Times that meet each other, and some that no clock gives. */
static inline double take_time(choices *from) {
    const uint8_t byte = take_u8(from);
    switch (byte) {
    case 255:
        return __builtin_inf();
    case 254:
        return -__builtin_inf();
    case 253:
        return __builtin_nan("");
    case 252:
        return 8.64e15;
    case 251:
        return -8.64e15;
    case 250:
        return -0.5;
    default:
        return byte;
    }
}

static inline uint64_t live_bytes(mr_engine engine) {
    mr_memory memory;
    CHECK(mr_engine_memory(engine, &memory) == MR_OK);
    CHECK(memory.reserved_bytes + memory.external_bytes <= memory.limit_bytes);
    return memory.live_bytes;
}

#endif
