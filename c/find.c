/* find.c -- the rows of a whole chunk's keys in a few passes.
 *
 *   1. hash every key                       (arithmetic only)
 *   2. give every key a slot                (a small table that stays in cache)
 *   3. look each slot's hash up in the table (cache misses overlap)
 *   4. compare keys with the rows' keys     (the same)
 *
 * Hot keys stop at pass 2: however often a key comes in a chunk, its row is looked
 * for once. Rows that come and go while the chunk is worked on are told to the slots
 * by hash, so rows[] is true at any time.
 *
 * Where rows do not go by themselves, pass 2 is left out and rows are found directly:
 * every row of the chunk is its own slot, one that was not there is looked for again
 * when it is entered, if one with such a hash was made since, and a row that is removed
 * is searched for in the whole chunk.
 *
 * Keys of saved rows lie anywhere (mr_keys_find). Nearly all of them are new to a table that
 * grows out of every cache, and how long to probe for those is what no branch foretells. So
 * their home slots are read first, with no branch between one and the next. */
#include "bucket.h"
#include "bytes.h"
#include "error.h"

static inline uint32_t hash_of(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes) {
    const uint64_t hash = key_bytes <= MR_HASH_SHORT_MAX
                              ? mr_hash_short(&rows->hash_key, key, key_bytes)
                              : mr_hash_keyed(&rows->hash_key, key, key_bytes);
    return (uint32_t)(hash ^ hash >> 32);
}

uint32_t mr_hash32(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes) {
    return hash_of(rows, key, key_bytes);
}

static bool is_row_of(const mr_rows *rows, mr_addr address, const uint8_t *key,
                      uint32_t key_bytes) {
    mr_row *row = mr_row_at(address);
    return row->key_bytes == key_bytes && mr_same_bytes(mr_row_key(rows, row), key, key_bytes);
}

mr_addr mr_rows_lookup(const mr_rows *rows, uint32_t hash, const uint8_t *key, uint32_t key_bytes) {
    if (rows->place_at != 0) return mr_place_find(rows, hash, key, key_bytes);
    mr_table_cursor cursor;
    mr_addr address = mr_table_first(&rows->table, hash, &cursor);
    while (address != 0 && !is_row_of(rows, address, key, key_bytes))
        address = mr_table_next(&rows->table, hash, &cursor);
    return address;
}

enum {
    FIND_WORDS = 6, /* Per row: lookup 2, slots, rows, hashes, first_row. */
    ROWS_MIN = 256,
};

void mr_find_close(mr_rows *rows) {
    mr_find_data *find = &rows->find;
    const mr_addr evicted = find->found.evicted; /* Stands for itself. */
    mr_heap_free(rows->heap, find->lookup,
                 find->rows_max * FIND_WORDS * (uint32_t)sizeof(uint32_t));
    memset(find, 0, sizeof *find);
    find->found.evicted = evicted;
}

static uint32_t power_from(uint32_t least, uint32_t count) {
    while (least < count)
        least *= 2;
    return least;
}

static MR_COLD mr_status make_room(mr_rows *rows, uint32_t count) {
    mr_find_data *find = &rows->find;
    if (count <= find->rows_max && find->lookup != 0) return MR_OK;
    const uint32_t rows_max = power_from(ROWS_MIN, count);
    const uint32_t word = (uint32_t)sizeof(uint32_t);
    const uint32_t bytes = rows_max * FIND_WORDS * word;
    mr_addr block = mr_heap_alloc(rows->heap, bytes);
    if (block == 0) {
        return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)rows->heap->budget_bytes);
    }
    mr_find_close(rows);
    find->lookup = block;
    find->slots = block + rows_max * 2 * word;
    find->found.rows = block + rows_max * 3 * word;
    find->hashes = block + rows_max * 4 * word;
    find->first_row = block + rows_max * 5 * word;
    find->rows_max = rows_max;
    return MR_OK;
}

static void hash_all(mr_rows *rows, const mr_columns *in) {
    const uint32_t *offsets = mr_u32s(in->key_offsets);
    const uint8_t *keys = mr_at(in->keys);
    uint32_t *hashes = mr_u32s(rows->find.hashes);
    for (uint32_t i = 0; i < in->size; i++) {
        hashes[i] = hash_of(rows, keys + offsets[i], offsets[i + 1] - offsets[i]);
    }
}

/* Slots in order of first appearance; hashes[slot] becomes the hash of the slot. */
static uint32_t slot_all(mr_rows *rows, const mr_columns *in) {
    mr_find_data *find = &rows->find;
    const uint32_t *offsets = mr_u32s(in->key_offsets);
    const uint8_t *keys = mr_at(in->keys);
    uint32_t *hashes = mr_u32s(find->hashes);
    uint32_t *slots = mr_u32s(find->slots);
    uint32_t *first_row = mr_u32s(find->first_row);
    uint32_t *lookup = mr_u32s(find->lookup);
    const uint32_t mask = find->lookup_size - 1;
    uint32_t count = 0;
    memset(lookup, 0, find->lookup_size * sizeof(uint32_t));
    for (uint32_t i = 0; i < in->size; i++) {
        const uint32_t hash = hashes[i];
        const uint32_t bytes = offsets[i + 1] - offsets[i];
        uint32_t at = hash & mask;
        uint32_t slot;
        for (; (slot = lookup[at]) != 0; at = (at + 1) & mask) {
            if (hashes[slot - 1] != hash) continue;
            const uint32_t other = first_row[slot - 1];
            if (offsets[other + 1] - offsets[other] != bytes) continue;
            if (mr_same_bytes(keys + offsets[other], keys + offsets[i], bytes)) break;
        }
        if (slot == 0) {
            hashes[count] = hash; /* count <= i: a row's hash is read before it is lost. */
            first_row[count] = i;
            slot = ++count;
            lookup[at] = slot;
        }
        slots[i] = slot - 1;
    }
    return count;
}

static void probe_all(mr_rows *rows, const mr_columns *in, uint32_t count) {
    mr_find_data *find = &rows->find;
    const uint32_t *offsets = mr_u32s(in->key_offsets);
    const uint8_t *keys = mr_at(in->keys);
    const uint32_t *hashes = mr_u32s(find->hashes);
    const uint32_t *first_row = mr_u32s(find->first_row);
    uint32_t *found = mr_u32s(find->found.rows);
    mr_table_first_all(&rows->table, hashes, count, found);
    for (uint32_t s = 0; s < count; s++) {
        const uint32_t from = offsets[first_row[s]];
        const uint32_t bytes = offsets[first_row[s] + 1] - from;
        if (found[s] == 0 || is_row_of(rows, found[s], keys + from, bytes)) continue;
        found[s] = mr_rows_lookup(rows, hashes[s], keys + from, bytes);
    }
}

static void probe_direct(mr_rows *rows, const mr_columns *in) {
    const uint32_t *offsets = mr_u32s(in->key_offsets);
    const uint8_t *keys = mr_at(in->keys);
    const uint32_t *hashes = mr_u32s(rows->find.hashes);
    uint32_t *found = mr_u32s(rows->find.found.rows);
    uint32_t missing = 0;
    mr_table_first_all(&rows->table, hashes, in->size, found);
    uint32_t from = offsets[0];
    for (uint32_t i = 0; i < in->size; i++) {
        const uint32_t upto = offsets[i + 1];
        const uint32_t bytes = upto - from;
        const uint8_t *key = keys + from;
        from = upto;
        if (found[i] == 0) {
            missing++;
            continue;
        }
        if (is_row_of(rows, found[i], key, bytes)) continue;
        found[i] = mr_rows_lookup(rows, hashes[i], key, bytes);
        missing += found[i] == 0;
    }
    rows->find.missing = missing;
}

static void find_direct(mr_rows *rows, const mr_columns *in) {
    hash_all(rows, in);
    probe_direct(rows, in);
    rows->find.found.count = in->size;
}

static void find_slots(mr_rows *rows, const mr_columns *in) {
    rows->find.lookup_size = power_from(ROWS_MIN, in->size) * 2; /* Small chunks stay cheap. */
    hash_all(rows, in);
    const uint32_t count = slot_all(rows, in);
    probe_all(rows, in, count);
    rows->find.found.count = count;
}

static void reach_all(mr_rows *rows) {
    const uint32_t *found = mr_u32s(rows->find.found.rows);
    for (uint32_t s = 0; s < rows->find.found.count; s++) {
        if (found[s] != 0) mr_row_reach(rows, mr_row_at(found[s]));
    }
}

mr_status mr_rows_find(mr_rows *rows, const mr_columns *in) {
    if (!mr_batch_has(in, MR_HAS_KEYS)) return mr_fail(MR_ERR_ARGUMENT, "present", in->present);
    const bool direct = mr_rows_only_grow(rows);
    mr_find_data *find = &rows->find;
    MR_TRY(make_room(rows, in->size));
    find->in = in;
    find->direct = direct;
    memset(find->made, 0, sizeof find->made);
    find->found.slots = direct ? 0 : find->slots;
    if (direct)
        find_direct(rows, in);
    else
        find_slots(rows, in);
    find->found.size = in->size;
    if (rows->dirty.cut != 0) reach_all(rows);
    return MR_OK;
}

static uint32_t made_bit(uint32_t hash) { return hash % (32 * MR_FIND_MADE_WORDS); }

static bool was_made(const mr_find_data *find, uint32_t hash) {
    const uint32_t bit = made_bit(hash);
    return (find->made[bit / 32] >> (bit % 32) & 1) != 0;
}

void mr_find_made(mr_rows *rows, uint32_t hash) {
    const uint32_t bit = made_bit(hash);
    rows->find.made[bit / 32] |= 1u << (bit % 32);
}

mr_addr mr_find_since(mr_rows *rows, uint32_t index) {
    const mr_find_data *find = &rows->find;
    if (!was_made(find, mr_u32s(find->hashes)[index])) return 0;
    const uint32_t *offsets = mr_u32s(find->in->key_offsets);
    const uint8_t *key = (const uint8_t *)mr_at(find->in->keys) + offsets[index];
    const mr_addr now = mr_rows_lookup(rows, mr_u32s(find->hashes)[index], key,
                                       offsets[index + 1] - offsets[index]);
    mr_u32s(find->found.rows)[index] = now;
    return now;
}

void mr_keys_find(mr_rows *rows, mr_keyed *keys, uint32_t count, mr_addr *found) {
    mr_table_cursor cursor;
    memset(rows->find.made, 0, sizeof rows->find.made);
    for (uint32_t i = 0; i < count; i++)
        keys[i].hash = mr_key_hash(rows, keys[i].key, keys[i].key_bytes);
    if (rows->place_at != 0) {
        for (uint32_t i = 0; i < count; i++)
            found[i] = mr_rows_lookup(rows, keys[i].hash, keys[i].key, keys[i].key_bytes);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        found[i] = mr_table_home(&rows->table, keys[i].hash);
    for (uint32_t i = 0; i < count; i++)
        if (found[i] != 0) found[i] = mr_table_first(&rows->table, keys[i].hash, &cursor);
    for (uint32_t i = 0; i < count; i++) {
        if (found[i] == 0 || is_row_of(rows, found[i], keys[i].key, keys[i].key_bytes)) continue;
        found[i] = mr_rows_lookup(rows, keys[i].hash, keys[i].key, keys[i].key_bytes);
    }
}

mr_addr mr_key_since(const mr_rows *rows, const mr_keyed *keyed, mr_addr found) {
    if (found != 0 || !was_made(&rows->find, keyed->hash)) return found;
    return mr_rows_lookup(rows, keyed->hash, keyed->key, keyed->key_bytes);
}

uint32_t mr_find_hash(const mr_rows *rows, uint32_t index) {
    return mr_u32s(rows->find.hashes)[mr_found_slot(rows, index)];
}

void mr_find_end(mr_rows *rows) {
    rows->find.in = NULL;
    rows->find.found.size = 0;
    rows->find.found.count = 0;
}

static void forget_direct(const mr_find_data *find, mr_addr was) {
    uint32_t *found = mr_u32s(find->found.rows);
    for (uint32_t i = 0; i < find->found.size; i++) {
        if (found[i] == was) found[i] = 0;
    }
}

void mr_find_removed(mr_rows *rows, const mr_row *row, uint32_t hash) {
    const mr_find_data *find = &rows->find;
    const mr_addr was = mr_addr_of(row);
    if (find->found.count == 0) return;
    if (find->direct) {
        forget_direct(find, was);
        return;
    }
    const uint32_t *hashes = mr_u32s(find->hashes);
    const uint32_t *lookup = mr_u32s(find->lookup);
    uint32_t *found = mr_u32s(find->found.rows);
    const uint32_t mask = find->lookup_size - 1;
    uint32_t slot;
    for (uint32_t at = hash & mask; (slot = lookup[at]) != 0; at = (at + 1) & mask) {
        if (hashes[slot - 1] == hash && found[slot - 1] == was) {
            found[slot - 1] = 0;
            return;
        }
    }
}
