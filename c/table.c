/* table.c -- extendible hashing over open-addressed segments; see table.h.
 *
 * The home slot is the hash times an odd constant, scaled from 32 bits to the
 * capacity. The product depends on all bits of the hash, so entries that agree
 * in the top bits, as all of one segment do, still spread; and the scale keeps
 * their order whatever the capacity, so moving a segment's entries to another
 * reads and writes memory in order.
 *
 * Capacities make a segment with its header fill a size class of alloc.h. A
 * segment grows when it holds 4/5 of its capacity, and shrinks when it holds
 * less than 1/5, to about 1/3: a quarter of it must then change before it is
 * moved again. Shrinking needs memory for a moment; without it, it stays as it
 * is. */
#include "table.h"

typedef struct segment {
    uint32_t capacity; /* Slots; at least one is empty. */
    uint32_t size;     /* Entries. */
    uint32_t depth;    /* How many top bits all its hashes have in common. */
    uint32_t spare;
    mr_table_entry entries[];
} segment;

_Static_assert(sizeof(segment) == 16 && sizeof(mr_table_entry) == 8, "segments fill size classes");

/* Sizes of segments in bytes. The last one splits into two of SPLIT_BYTES. */
static const uint16_t steps[] = {80,   144,  256,  512,   1024,  2048,
                                 4096, 6544, 8184, 10912, 13096, 16376};
enum { STEPS = sizeof steps / sizeof steps[0], SPLIT_BYTES = 10912, CAPACITY_MIN = 8 };
enum { GATHER_SLOTS = 64 };

static uint32_t bytes_of(uint32_t capacity) {
    return (uint32_t)(sizeof(segment) + capacity * sizeof(mr_table_entry));
}

static uint32_t capacity_of(uint32_t bytes) {
    return (uint32_t)((bytes - sizeof(segment)) / sizeof(mr_table_entry));
}

static bool is_room(uint32_t size, uint32_t capacity) {
    return (uint64_t)size * 5 <= (uint64_t)capacity * 4;
}

/* The capacity for `size` entries: of the smallest step, or, for a segment that
 * cannot be split, of whole pages with room for half as many again. Memory ends
 * before 32 bits do. */
static uint32_t capacity_for(uint32_t size) {
    for (uint32_t i = 0; i < STEPS; i++) {
        if (is_room(size, capacity_of(steps[i]))) return capacity_of(steps[i]);
    }
    return capacity_of(mr_heap_size_of(bytes_of(size / 8 * 15)));
}

/* ---- Segments ---- */

static uint32_t home_of(uint32_t hash, uint32_t capacity) {
    uint32_t mixed = hash * 0x9E3779B1u;
    return (uint32_t)((uint64_t)mixed * capacity >> 32);
}

static uint32_t slot_after(uint32_t slot, uint32_t capacity) {
    return slot + 1 == capacity ? 0 : slot + 1;
}

static mr_addr segment_make(mr_table *table, uint32_t capacity, uint32_t depth) {
    uint32_t bytes = bytes_of(capacity);
    mr_addr address = mr_heap_alloc_zeroed(table->heap, bytes);
    if (address == 0) return 0;
    segment *made = mr_at(address);
    made->capacity = capacity;
    made->depth = depth;
    table->bytes += mr_heap_size_of(bytes);
    return address;
}

static void segment_free(mr_table *table, mr_addr address) {
    if (address == 0) return;
    uint32_t bytes = bytes_of(((segment *)mr_at(address))->capacity);
    table->bytes -= mr_heap_size_of(bytes);
    mr_heap_free(table->heap, address, bytes);
}

static void segment_put(segment *to, mr_table_entry entry) {
    uint32_t slot = home_of(entry.hash, to->capacity);
    slot = to->entries[slot].address == 0 ? slot : slot_after(slot, to->capacity);
    while (to->entries[slot].address != 0)
        slot = slot_after(slot, to->capacity);
    to->entries[slot] = entry;
    to->size++;
}

/* ---- The directory ---- */

static mr_addr *directory_at(const mr_table *table, uint32_t hash) {
    mr_addr *directory = mr_at(table->directory);
    return &directory[(uint64_t)hash >> (32 - table->depth)];
}

static uint32_t directory_bytes(const mr_table *table) {
    return (uint32_t)sizeof(mr_addr) << table->depth;
}

/* Name `address` in the `count` directory entries from `first` on. */
static void name_segment(mr_addr *first, uint32_t count, mr_addr address) {
    for (uint32_t i = 0; i < count; i++)
        first[i] = address;
}

/* The first of the directory entries that name the segment of this hash. */
static mr_addr *names_of(const mr_table *table, uint32_t hash, const segment *named) {
    uint32_t index = (uint32_t)((uint64_t)hash >> (32 - table->depth));
    uint32_t count = 1u << (table->depth - named->depth);
    mr_addr *directory = mr_at(table->directory);
    return &directory[index & ~(count - 1)];
}

static MR_COLD mr_status directory_open(mr_table *table) {
    mr_addr directory = mr_heap_alloc(table->heap, sizeof(mr_addr));
    if (directory == 0) return MR_ERR_MEMORY;
    mr_addr first = segment_make(table, CAPACITY_MIN, 0);
    if (first == 0) {
        mr_heap_free(table->heap, directory, sizeof(mr_addr));
        return MR_ERR_MEMORY;
    }
    *(mr_addr *)mr_at(directory) = first;
    table->directory = directory;
    table->depth = 0;
    table->bytes += mr_heap_size_of(sizeof(mr_addr));
    return MR_OK;
}

static MR_COLD void directory_close(mr_table *table) {
    const mr_addr *directory = mr_at(table->directory);
    uint32_t index = 0;
    while (index < 1u << table->depth && directory[index] != 0) {
        const mr_addr address = directory[index];
        index += 1u << (table->depth - ((segment *)mr_at(address))->depth);
        segment_free(table, address);
    }
    table->bytes -= mr_heap_size_of(directory_bytes(table));
    mr_heap_free(table->heap, table->directory, directory_bytes(table));
    table->directory = 0;
}

static MR_COLD mr_status directory_double(mr_table *table) {
    uint32_t bytes = directory_bytes(table);
    mr_addr doubled = mr_heap_alloc(table->heap, bytes * 2);
    if (doubled == 0) return MR_ERR_MEMORY;
    const mr_addr *from = mr_at(table->directory);
    mr_addr *to = mr_at(doubled);
    for (uint32_t i = 0; i < 1u << table->depth; i++)
        to[2 * i] = to[2 * i + 1] = from[i];
    mr_heap_free(table->heap, table->directory, bytes);
    table->bytes += mr_heap_size_of(bytes * 2) - mr_heap_size_of(bytes);
    table->directory = doubled;
    table->depth++;
    return MR_OK;
}

/* ---- Growing and shrinking ---- */

/* Write the entries of the next slots from `slot` on one behind another; returns how many they
 * are. No branch depends on a slot: nothing could foretell it. */
static uint32_t gather(const segment *from, uint32_t *slot, mr_table_entry entries[GATHER_SLOTS]) {
    const uint32_t left = from->capacity - *slot;
    const uint32_t end = *slot + (left < GATHER_SLOTS ? left : GATHER_SLOTS);
    uint32_t count = 0;
    for (; *slot < end; ++*slot) {
        entries[count] = from->entries[*slot];
        count += entries[count].address != 0;
    }
    return count;
}

/* Move the entries of this hash's segment to one of another capacity. */
static mr_status resize(mr_table *table, uint32_t hash, uint32_t capacity) {
    mr_addr old = *directory_at(table, hash);
    const segment *from = mr_at(old);
    mr_addr address = segment_make(table, capacity, from->depth);
    if (address == 0) return MR_ERR_MEMORY;
    segment *to = mr_at(address);
    mr_table_entry entries[GATHER_SLOTS];
    for (uint32_t slot = 0; slot < from->capacity;) {
        const uint32_t count = gather(from, &slot, entries);
        for (uint32_t i = 0; i < count; i++)
            segment_put(to, entries[i]);
    }
    name_segment(names_of(table, hash, from), 1u << (table->depth - from->depth), address);
    segment_free(table, old);
    return MR_OK;
}

/* How many entries would go to the upper half of a split. */
static uint32_t upper_count(const segment *from) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < from->capacity; i++) {
        const mr_table_entry entry = from->entries[i];
        count += (entry.address != 0) & (entry.hash >> (31 - from->depth));
    }
    return count;
}

static uint32_t split_capacity(uint32_t size) {
    uint32_t capacity = capacity_for(size + 1);
    return capacity > capacity_of(SPLIT_BYTES) ? capacity : capacity_of(SPLIT_BYTES);
}

/* Part this hash's segment in two by the next bit of the hashes, `upper` of
 * which have it set. */
static mr_status split(mr_table *table, uint32_t hash, uint32_t upper) {
    mr_addr old = *directory_at(table, hash);
    const segment *from = mr_at(old);
    mr_addr halves[2] = {
        segment_make(table, split_capacity(from->size - upper), from->depth + 1),
        segment_make(table, split_capacity(upper), from->depth + 1),
    };
    bool made = halves[0] != 0 && halves[1] != 0;
    if (!made || (from->depth == table->depth && directory_double(table) != MR_OK)) {
        segment_free(table, halves[0]);
        segment_free(table, halves[1]);
        return MR_ERR_MEMORY;
    }
    segment *to[2] = {mr_at(halves[0]), mr_at(halves[1])};
    mr_table_entry entries[GATHER_SLOTS];
    for (uint32_t slot = 0; slot < from->capacity;) {
        const uint32_t gathered = gather(from, &slot, entries);
        for (uint32_t i = 0; i < gathered; i++)
            segment_put(to[entries[i].hash >> (31 - from->depth) & 1], entries[i]);
    }
    mr_addr *names = names_of(table, hash, from);
    uint32_t count = 1u << (table->depth - from->depth - 1);
    name_segment(names, count, halves[0]);
    name_segment(names + count, count, halves[1]);
    segment_free(table, old);
    return MR_OK;
}

/* Make room in a segment that has none. */
static mr_status make_room(mr_table *table, uint32_t hash) {
    const segment *full = mr_at(*directory_at(table, hash));
    if (full->capacity >= capacity_of(steps[STEPS - 1]) && full->depth < MR_TABLE_DEPTH_MAX) {
        uint32_t upper = upper_count(full);
        if (upper != 0 && upper != full->size) return split(table, hash, upper);
    }
    return resize(table, hash, capacity_for(full->size + 1));
}

mr_status mr_table_reserve(mr_table *table, uint32_t hash) {
    if (table->directory == 0) return directory_open(table);
    const segment *at = mr_at(*directory_at(table, hash));
    return is_room(at->size + 1, at->capacity) ? MR_OK : make_room(table, hash);
}

/* The share of a segment's entries, by which it may have more than others. */
static uint32_t and_some(uint32_t size) { return size + size / 8; }

void mr_table_prepare(mr_table *table, uint32_t size) {
    if (table->directory != 0) return;
    const uint32_t most = capacity_of(steps[STEPS - 1]);
    uint32_t depth = 0;
    while (depth < MR_TABLE_DEPTH_MAX && !is_room(and_some(size >> depth), most))
        depth++;
    const uint32_t bytes = (uint32_t)sizeof(mr_addr) << depth;
    table->directory = mr_heap_alloc_zeroed(table->heap, bytes);
    if (table->directory == 0) return;
    table->depth = depth;
    table->bytes += mr_heap_size_of(bytes);
    mr_addr *directory = mr_at(table->directory);
    for (uint32_t i = 0; i < 1u << depth; i++) {
        directory[i] = segment_make(table, capacity_for(and_some(size >> depth)), depth);
        if (directory[i] != 0) continue;
        directory_close(table);
        return;
    }
}

/* ---- The rest ---- */

void mr_table_open(mr_table *table, mr_heap *heap) { *table = (mr_table){.heap = heap}; }

void mr_table_close(mr_table *table) {
    if (table->directory != 0) directory_close(table);
    *table = (mr_table){0};
}

/* Go on from `slot` to the next entry of this hash, two at a time: in which of the two it stands
 * is no branch, because no processor could foretell it. One in the second is never behind an
 * empty first: invariant 1. */
static mr_addr probe(const segment *in, uint32_t hash, uint32_t slot, uint32_t *slot_out) {
    const uint32_t capacity = in->capacity;
    for (;; slot = slot == capacity ? 0 : slot) {
        if (slot + 1 == capacity) { /* The last has no second. */
            const mr_table_entry last = in->entries[slot];
            *slot_out = slot = 0;
            if (last.hash == hash || last.address == 0) return last.address;
            continue;
        }
        const mr_table_entry *two = in->entries + slot;
        const uint32_t which = two[0].hash != hash;
        if (two[which].hash == hash) {
            *slot_out = slot_after(slot + which, capacity);
            return two[which].address; /* 0: the hash of empty slots is 0, too. */
        }
        if (two[0].address == 0 || two[1].address == 0) return 0;
        slot += 2;
    }
}

mr_addr mr_table_home(const mr_table *table, uint32_t hash) {
    if (table->directory == 0) return 0;
    const segment *in = mr_at(*directory_at(table, hash));
    return in->entries[home_of(hash, in->capacity)].address;
}

mr_addr mr_table_first(const mr_table *table, uint32_t hash, mr_table_cursor *cursor_out) {
    if (table->directory == 0) return 0;
    cursor_out->segment = *directory_at(table, hash);
    const segment *in = mr_at(cursor_out->segment);
    return probe(in, hash, home_of(hash, in->capacity), &cursor_out->slot);
}

void mr_table_first_all(const mr_table *table, const uint32_t *hashes, uint32_t count,
                        mr_addr *firsts_out) {
    if (table->directory == 0) {
        memset(firsts_out, 0, count * sizeof *firsts_out);
        return;
    }
    const mr_addr *directory = mr_at(table->directory);
    const uint32_t shift = 32 - table->depth;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t hash = hashes[i];
        const segment *in = mr_at(directory[(uint64_t)hash >> shift]);
        uint32_t next;
        firsts_out[i] = probe(in, hash, home_of(hash, in->capacity), &next);
    }
}

mr_addr mr_table_next(const mr_table *table, uint32_t hash, mr_table_cursor *cursor) {
    (void)table;
    return probe(mr_at(cursor->segment), hash, cursor->slot, &cursor->slot);
}

void mr_table_insert(mr_table *table, uint32_t hash, mr_addr address) {
    segment *to = mr_at(*directory_at(table, hash));
    MR_ASSERT(address != 0 && is_room(to->size + 1, to->capacity));
    segment_put(to, (mr_table_entry){.hash = hash, .address = address});
    table->size++;
}

/* Close the hole: every entry behind it that may stand there moves back. */
static void close_hole(segment *in, uint32_t hole) {
    uint32_t capacity = in->capacity;
    uint32_t slot = hole;
    for (;;) {
        slot = slot_after(slot, capacity);
        mr_table_entry entry = in->entries[slot];
        if (entry.address == 0) break;
        uint32_t home = home_of(entry.hash, capacity);
        uint32_t from_home = slot >= home ? slot - home : slot + capacity - home;
        uint32_t from_hole = slot >= hole ? slot - hole : slot + capacity - hole;
        if (from_home < from_hole) continue; /* Its home lies behind the hole. */
        in->entries[hole] = entry;
        hole = slot;
    }
    in->entries[hole] = (mr_table_entry){0};
}

/* The slot of an entry, which must be there. */
static uint32_t slot_of(const segment *in, uint32_t hash, mr_addr address) {
    uint32_t slot = home_of(hash, in->capacity);
    while (in->entries[slot].address != address || in->entries[slot].hash != hash) {
        MR_ASSERT(in->entries[slot].address != 0);
        slot = slot_after(slot, in->capacity);
    }
    return slot;
}

void mr_table_replace(mr_table *table, uint32_t hash, mr_addr address, mr_addr by) {
    segment *in = mr_at(*directory_at(table, hash));
    in->entries[slot_of(in, hash, address)].address = by;
}

void mr_table_remove(mr_table *table, uint32_t hash, mr_addr address) {
    segment *in = mr_at(*directory_at(table, hash));
    const uint32_t slot = slot_of(in, hash, address);
    close_hole(in, slot);
    in->size--;
    table->size--;
    if (in->capacity > CAPACITY_MIN && (uint64_t)in->size * 5 < in->capacity) {
        (void)resize(table, hash, capacity_for(in->size / 2 * 3 + 1));
    }
}

uint32_t mr_table_walk(const mr_table *table, mr_table_cursor *cursor, mr_addr *addresses,
                       uint32_t max) {
    if (table->directory == 0) return 0;
    const mr_addr *directory = mr_at(table->directory);
    uint32_t count = 0;
    while (count < max && cursor->index < 1u << table->depth) {
        const segment *in = mr_at(directory[cursor->index]);
        for (; count < max && cursor->slot < in->capacity; cursor->slot++) {
            mr_addr address = in->entries[cursor->slot].address;
            if (address != 0) addresses[count++] = address;
        }
        if (cursor->slot == in->capacity) {
            cursor->slot = 0;
            cursor->index += 1u << (table->depth - in->depth);
        }
    }
    return count;
}
