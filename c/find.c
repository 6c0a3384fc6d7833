/* find.c -- the rows of a whole chunk's keys in a few passes.
 *
 *   1. hash every key                       (arithmetic only)
 *   2. look each hash up in the table       (cache misses overlap)
 *   3. compare keys with the rows' keys     (the same)
 *
 * Rows come and go while the chunk is worked on. One that was not there is looked for again when
 * it is entered, if one with such a hash was made since. One that goes is searched for in the
 * whole chunk, if a key with such a hash is in it: two sets of bits by hash tell that, the second
 * of which is made when the first row of a chunk goes, or where an operator asks which keys come
 * first (mr_find_first). So rows[] has no row that is gone.
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
    FIND_WORDS = 3, /* Per row: rows, hashes, and the bits of those hashes; ways, if there are. */
    ROWS_MIN = 256,
};

static uint32_t block_bytes(const mr_rows *rows, uint32_t rows_max) {
    return rows_max * (FIND_WORDS + rows->has_ways) * (uint32_t)sizeof(uint32_t);
}

void mr_find_close(mr_rows *rows) {
    mr_find_data *find = &rows->find;
    const mr_addr evicted = find->found.evicted; /* Stands for itself. */
    mr_heap_free(rows->heap, find->found.rows, block_bytes(rows, find->rows_max));
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
    if (count <= find->rows_max && find->found.rows != 0) return MR_OK;
    const uint32_t rows_max = power_from(ROWS_MIN, count);
    const uint32_t word = (uint32_t)sizeof(uint32_t);
    mr_addr block = mr_heap_alloc(rows->heap, block_bytes(rows, rows_max));
    if (block == 0) {
        return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)rows->heap->budget_bytes);
    }
    mr_find_close(rows);
    find->found.rows = block;
    find->hashes = block + rows_max * word;
    find->bits = block + rows_max * 2 * word;
    find->found.ways = block + rows_max * FIND_WORDS * word; /* Else it is nobody's. */
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

static void probe_all(mr_rows *rows, const mr_columns *in) {
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

static void reach_all(mr_rows *rows) {
    const uint32_t *found = mr_u32s(rows->find.found.rows);
    for (uint32_t i = 0; i < rows->find.found.size; i++) {
        if (found[i] != 0) mr_row_reach(rows, mr_row_at(found[i]));
    }
}

static void forget_made(mr_find_data *find) {
    if (!find->any_made) return;
    memset(find->made, 0, sizeof find->made);
    find->any_made = false;
}

mr_status mr_rows_find(mr_rows *rows, const mr_columns *in) {
    if (!mr_batch_has(in, MR_HAS_KEYS)) return mr_fail(MR_ERR_ARGUMENT, "present", in->present);
    mr_find_data *find = &rows->find;
    MR_TRY(make_room(rows, in->size));
    find->in = in;
    find->has_bits = false;
    forget_made(find);
    hash_all(rows, in);
    probe_all(rows, in);
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
    rows->find.any_made = true;
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
    forget_made(&rows->find);
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
    return mr_u32s(rows->find.hashes)[index];
}

void mr_find_end(mr_rows *rows) {
    rows->find.in = NULL;
    rows->find.found.size = 0;
}

/* Where the bit of a hash is: there are 32 for each row. */
static uint32_t *word_of(const mr_find_data *find, uint32_t hash) {
    return mr_u32s(find->bits) + (hash / 32 & (find->rows_max - 1));
}

static bool has_bit(const mr_find_data *find, uint32_t hash) {
    return (*word_of(find, hash) >> (hash % 32) & 1) != 0;
}

bool mr_find_first(mr_rows *rows, uint32_t index) {
    mr_find_data *find = &rows->find;
    const uint32_t hash = mr_u32s(find->hashes)[index];
    if (index == 0) memset(mr_at(find->bits), 0, find->rows_max * sizeof(uint32_t));
    const bool first = !has_bit(find, hash);
    *word_of(find, hash) |= 1u << (hash % 32);
    find->has_bits = index + 1 == find->found.size;
    return first;
}

/* May a key of the chunk have this hash? */
static bool has_hash(mr_rows *rows, uint32_t hash) {
    mr_find_data *find = &rows->find;
    for (uint32_t i = 0; !find->has_bits; i++)
        (void)mr_find_first(rows, i);
    return has_bit(find, hash);
}

void mr_find_removed(mr_rows *rows, const mr_row *row, uint32_t hash) {
    mr_find_data *find = &rows->find;
    const mr_addr was = mr_addr_of(row);
    const uint32_t size = find->found.size;
    if (size == 0 || !has_hash(rows, hash)) return;
    uint32_t *found = mr_u32s(find->found.rows);
    for (uint32_t i = 0; i < size; i++)
        found[i] = found[i] == was ? 0 : found[i];
}
