/* specs.h -- operators out of bytes: mostly ones that there can be. */
#ifndef MR_FUZZ_SPECS_H
#define MR_FUZZ_SPECS_H

#include "fuzz.h"

static mr_operator_spec any_spec(choices *from) {
    mr_operator_spec spec = {.kind = take_u8(from) % 7, .flags = take_u16(from) % 16384};
    if (spec.kind == MR_PATTERN) spec.kind = MR_SESSION; /* Patterns have a target of their own. */
    spec.ttl_ms = take_u8(from) % 2 == 0 ? 0 : take_time(from);
    if ((spec.flags & MR_LINGER) != 0) spec.cleanup_ms = take_time(from);
    spec.rows_max = take_u8(from) % 8;
    spec.bytes_max = take_u8(from) % 2 == 0 ? 0 : take_u16(from);
    spec.count = take_u8(from) % 70;
    if (spec.count > 8) spec.count %= 8;
    for (uint32_t i = 0; i < spec.count; i++) {
        spec.kinds[i] = take_u8(from) % (take_u8(from) == 0 ? 8 : 6);
        if (spec.kind == MR_AGGREGATE || spec.kind == MR_WINDOW) spec.kinds[i] %= 9;
        spec.columns[i] = take_u8(from) % 5;
    }
    if (spec.kind == MR_THROTTLE) {
        spec.algorithm = take_u8(from) % 5;
        spec.limit = take_u8(from) % 5;
        spec.per_ms = take_time(from);
        spec.burst = take_u8(from) % 5;
        spec.queue_max = take_u8(from) % 8;
    }
    if (spec.kind == MR_WINDOW) {
        spec.assigner = take_u8(from) % 5;
        spec.size = 1 + take_u8(from) % 16;
        spec.slide = 1 + take_u8(from) % 8;
        spec.offset_ms = take_u8(from) % 4;
        spec.late_ms = take_u8(from) % 2 == 0 ? 0 : take_u8(from) % 32;
        if (take_u8(from) % 8 > 0) { /* Mostly one that is none of the refused. */
            spec.ttl_ms = 0;
            spec.flags &= ~(uint32_t)(MR_EVICT | MR_KEEP_EVICTED | MR_LINGER | MR_TIMERS);
            if (spec.assigner < MR_COUNTED) spec.flags |= MR_TIMERS;
        }
    }
    if (spec.kind == MR_JOIN) {
        spec.before_ms = take_u8(from) % 32;
        spec.flags |= take_u8(from) % 8 > 0 ? MR_ENTRIES | MR_TIMERS : 0;
        spec.count = 1;
        spec.kinds[0] = MR_REF;
    }
    if (spec.kind == MR_SESSION) {
        spec.size = 0.25 * take_u8(from);
        spec.ttl_ms = 0;
        spec.flags |= MR_TIMERS;
        spec.flags &= take_u8(from) == 0 ? ~0u : MR_AS_OF - 1 - MR_ENTRIES;
        spec.count = 5;
        memcpy(spec.kinds, (uint8_t[]){MR_F64, MR_F64, MR_F64, MR_REF, MR_REF}, 5);
    }
    return spec;
}

#endif
