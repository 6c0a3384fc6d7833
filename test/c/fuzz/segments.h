/* segments.h -- saved rows of states of every kind, for the targets that load them.
 *
 * Half of the mutations are mended afterwards, so that what lies behind the magic, the
 * kinds of the fields and the groups of the keys is reached as well. */
#ifndef MR_FUZZ_SEGMENTS_H
#define MR_FUZZ_SEGMENTS_H

#include "../../../c/handle.h"
#include "../../../c/save.h"
#include "fuzz.h"

enum { HEAD = 16, SPECS = 16, ENTRY_KEY = 8 };

static const mr_operator_spec specs[SPECS] = {
    {.kind = MR_CUSTOM,
     .count = 6,
     .kinds = {MR_BOOL, MR_STRING, MR_F64, MR_REF, MR_I64, MR_TIMESTAMP},
     .ttl_ms = 100,
     .flags = MR_EVICT | MR_TRACK},
    {.kind = MR_AGGREGATE, .count = 2, .kinds = {MR_COUNT, MR_MEAN}, .flags = MR_EVICT},
    {.kind = MR_DEDUPLICATE, .ttl_ms = 10},
    {.kind = MR_CUSTOM, .count = 2, .kinds = {MR_REF, MR_STRING}},
    {.kind = MR_THROTTLE, .limit = 2, .per_ms = 10, .burst = 1, .ttl_ms = 10},
    {.kind = MR_THROTTLE,
     .algorithm = MR_TOKEN_BUCKET,
     .limit = 2,
     .per_ms = 10,
     .burst = 3,
     .ttl_ms = 15},
    {.kind = MR_THROTTLE,
     .algorithm = MR_SLIDING,
     .limit = 2,
     .per_ms = 10,
     .burst = 1,
     .ttl_ms = 10,
     .flags = MR_DELAY,
     .queue_max = 5},
    {.kind = MR_THROTTLE,
     .algorithm = MR_FIXED,
     .limit = 1,
     .per_ms = 10,
     .burst = 1,
     .ttl_ms = 10,
     .flags = MR_DELAY,
     .queue_max = 5},
    {.kind = MR_CUSTOM, .count = 1, .kinds = {MR_BOOL}, .flags = MR_TIMERS},
    {.kind = MR_CUSTOM, .ttl_ms = 100, .flags = MR_TIMERS | MR_EVICT | MR_TRACK},
    {.kind = MR_WINDOW, .count = 1, .size = 10, .slide = 10, .flags = MR_TIMERS},
    {.kind = MR_WINDOW, .count = 1, .size = 10, .slide = 4, .late_ms = 5, .flags = MR_TIMERS},
    {.kind = MR_WINDOW, .count = 1, .assigner = MR_SESSIONS, .size = 5, .flags = MR_TIMERS},
    {.kind = MR_WINDOW, .count = 1, .assigner = MR_COUNTED, .size = 3, .slide = 2},
    {.kind = MR_CUSTOM,
     .count = 1,
     .kinds = {MR_STRING},
     .ttl_ms = 100,
     .flags = MR_ENTRIES | MR_TIMERS | MR_EVICT | MR_TRACK},
    {.kind = MR_CUSTOM, .count = 3, .kinds = {MR_REFS, MR_F64, MR_REF}},
};

/* ---- mending ---- */

static uint32_t u32_at(const uint8_t *bytes) {
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static const mr_layout *layout_of(uint32_t which) {
    static mr_layout layouts[SPECS];
    static bool known;
    if (known) return &layouts[which];
    mr_engine engine = 0;
    const mr_options options = {.memory_bytes_max = 16 << 20};
    CHECK(mr_engine_open(&options, &engine) == MR_OK);
    for (uint32_t i = 0; i < SPECS; i++) {
        mr_operator op = 0;
        CHECK(mr_operator_open(engine, &specs[i], &op) == MR_OK);
        CHECK(mr_operator_layout(op, &layouts[i]) == MR_OK);
    }
    CHECK(mr_engine_close(engine) == MR_OK);
    known = true;
    return &layouts[which];
}

static void put_u32(uint8_t *bytes, uint32_t value) { memcpy(bytes, &value, sizeof value); }

/* Make it a blob of up to three refs, and small sizes of their values; how long it is, or too
 * many. */
static size_t mend_refs(uint8_t *at, size_t left) {
    if (left < 4) return 4;
    const uint32_t cells = at[0] % 4;
    const uint32_t size = cells == 0 ? 0 : 4 * (1 + at[0] / 4 % 4 + cells);
    size_t bytes = 4 + size;
    put_u32(at, size);
    if (cells == 0 || bytes > left) return bytes;
    put_u32(at + 4, cells);
    for (uint8_t *flag = at + bytes - 4 * cells; cells > 0 && flag < at + 4 + size; flag += 4) {
        put_u32(flag, flag[0] & 1);
        if (flag[0] == 0) continue;
        if (bytes + 4 > left) return bytes + 4;
        put_u32(at + bytes, at[bytes]);
        bytes += 4 + u32_at(at + bytes);
    }
    return bytes;
}

/* Mend the field at `at`; its bytes, or too many. */
static size_t mend_field(uint32_t kind, uint8_t *at, size_t left) {
    if (kind == MR_BOOL && left > 0) at[0] &= 1;
    if (kind == MR_BOOL) return 1;
    if (kind == MR_REFS) return mend_refs(at, left);
    if (kind != MR_STRING && kind != MR_REF) return 8;
    if (left >= 4) memset(at + 1, 0, 3);
    return left < 4 ? 4 : (size_t)4 + u32_at(at);
}

/* How long a key may be that has `byte` as its size. */
static uint32_t key_bytes_of(uint32_t which, uint8_t byte, uint32_t max) {
    const uint32_t least = (specs[which].flags & MR_ENTRIES) != 0 ? ENTRY_KEY : 1;
    return least + byte % max;
}

/* Make it the key of an entry where keys are; its group. An owner's key is one of two. */
static uint8_t mend_key(uint32_t which, uint8_t *key, uint32_t key_bytes) {
    if ((specs[which].flags & MR_ENTRIES) == 0) {
        return (uint8_t)(mr_hash_fixed(key, key_bytes) % MR_KEY_GROUPS);
    }
    const uint8_t own_bytes = (uint8_t)(key_bytes - ENTRY_KEY + 1);
    const uint8_t head[] = {6, 2, 1, 0, 1 + (key[4] & 1), own_bytes, 0};
    memcpy(key, head, sizeof head);
    return (uint8_t)(mr_hash_fixed(key + 4, 1) % MR_KEY_GROUPS);
}

static size_t mend_tombstone(uint32_t which, uint8_t *entry, size_t left) {
    const uint32_t key_bytes = key_bytes_of(which, entry[2], 8);
    if (left < 4 + key_bytes) return 0;
    entry[0] = 2;
    entry[1] = mend_key(which, entry + 4, key_bytes);
    entry[2] = (uint8_t)key_bytes;
    entry[3] = 0;
    return 4 + key_bytes;
}

/* Mend the entry at the start of `left` bytes; how many it takes, 0 when it does not fit. */
static size_t mend_entry(uint32_t which, uint32_t parts, uint8_t *entry, size_t left) {
    const mr_layout *layout = layout_of(which);
    const size_t timer_at = 12 + ((parts & 1) != 0 ? 8 : 0) + ((parts & 2) != 0 ? 8 : 0);
    const size_t key_at = timer_at + ((parts & 4) != 0 ? 16 : 0);
    if (left <= key_at) return 0;
    if (entry[0] % 8 == 2) return mend_tombstone(which, entry, left);
    if ((parts & 4) != 0) { /* Small registrations and times, or no timer at all. */
        memset(entry + timer_at + 1, 0, 7);
        memset(entry + timer_at + 8 + 5, 0, 3);
        if (entry[timer_at] == 0) memset(entry + timer_at + 8, 0, 5);
    }
    const uint32_t key_bytes = key_bytes_of(which, entry[2], 32);
    entry[0] = 1;
    entry[2] = (uint8_t)key_bytes;
    entry[3] = 0;
    entry[10] = entry[11] = 0; /* The highest bytes of the birth and, by chance, times. */
    size_t at = key_at + key_bytes;
    if (at > left) return 0;
    entry[1] = mend_key(which, entry + key_at, key_bytes);
    for (uint32_t i = 0; i < layout->field_count; i++) {
        if (at > left) return 0;
        at += mend_field(layout->field_kind[i], entry + at, left - at);
    }
    return at <= left ? at : 0;
}

/* One block over all of `size` bytes, its entries mended as far as they go. */
static void mend(uint32_t which, uint8_t *bytes, size_t size) {
    const mr_layout *layout = layout_of(which);
    const size_t head = HEAD + layout->field_count;
    if (size < head) return;
    const uint32_t parts = bytes[6] & ((specs[which].flags & MR_TIMERS) != 0 ? 7 : 3);
    uint32_t entries = 0;
    size_t at = head;
    for (size_t took; (took = mend_entry(which, parts, bytes + at, size - at)) > 0; at += took) {
        if (bytes[at] == 1) memcpy(bytes + at + 4, &entries, 4); /* Births ascend. */
        entries++;
    }
    const uint16_t version = MR_SEGMENT_VERSION;
    const uint32_t body = (uint32_t)(at - head);
    memcpy(bytes, "MRSB", 4);
    memcpy(bytes + 4, &version, 2);
    bytes[6] = (uint8_t)parts;
    bytes[7] = (uint8_t)layout->field_count;
    memcpy(bytes + 8, &entries, 4);
    memcpy(bytes + 12, &body, 4);
    memcpy(bytes + HEAD, layout->field_kind, layout->field_count);
}

/* A mutation of an input whose first byte says which state, with a segment from `at` on. */
static size_t mutate(uint8_t *bytes, size_t size, size_t room, unsigned seed, size_t at) {
    size = LLVMFuzzerMutate(bytes, size, room);
    if (size > at && seed % 2 == 0) mend(bytes[0] % SPECS, bytes + at, size - at);
    return size;
}

#endif
