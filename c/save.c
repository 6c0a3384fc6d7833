/* save.c -- see save.h. Save and load are twins, in the same order. */
#include "save.h"

#include "bytes.h"
#include "error.h"

static const uint8_t magic[4] = {'M', 'R', 'S', 'B'};

enum {
    ENTRY_HEAD_BYTES = 4,
    ENTRY_ROW = 1,
    ENTRY_TOMBSTONE = 2,
    PART_LAST_USE = 1 << 0,
    PART_USE = 1 << 1,
    PART_TIMER = 1 << 2,
    PARTS = PART_LAST_USE | PART_USE | PART_TIMER,
};

/* What a state cannot reach by counting, however long it lives. */
static const uint64_t birth_max = UINT64_C(1) << 47;
static const uint64_t use_max = UINT64_C(1) << 62;
static const uint64_t registered_max = UINT64_C(1) << 62;

static uint8_t parts_of(const mr_rows *rows) {
    uint32_t parts = rows->ttl_ms > 0 ? PART_LAST_USE : 0;
    if (rows->lru_at != 0) parts |= PART_USE;
    if (rows->timer_at != 0) parts |= PART_TIMER;
    return (uint8_t)parts;
}

/* All entries of one key are in its group. */
static uint8_t group_of(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes) {
    if (rows->ring_at != 0 || rows->place_at != 0) key = mr_owner_key(key, &key_bytes);
    return (uint8_t)(mr_hash_fixed(key, key_bytes) % MR_KEY_GROUPS);
}

static uint32_t cell_of(const uint8_t *record, uint32_t at) {
    return *(const uint32_t *)(const void *)(record + at);
}

/* ---- save ---- */

/* Encoded refs of the page, one after another in the order of rows and fields. */
typedef struct encoded {
    const uint8_t *bytes;
    const uint32_t *offsets;
    uint32_t next;
} encoded;

static void save_blob(mr_writer *writer, const uint8_t *bytes, uint32_t size) {
    mr_put_u32(writer, size);
    mr_put_bytes(writer, bytes, size);
}

static void save_string(mr_writer *writer, mr_addr blob) {
    if (blob == 0) {
        mr_put_u32(writer, 0);
    } else {
        save_blob(writer, mr_blob_bytes(blob), mr_blob_size(blob));
    }
}

static void save_ref(mr_writer *writer, uint32_t cell, encoded *refs) {
    if ((cell & MR_REF_ENCODED) != 0) {
        mr_addr blob = mr_ref_blob(cell);
        save_blob(writer, mr_blob_bytes(blob), mr_blob_size(blob));
        return;
    }
    uint32_t from = refs->offsets[refs->next];
    uint32_t size = refs->offsets[++refs->next] - from;
    save_blob(writer, refs->bytes + from, size);
}

/* A blob of refs: its bytes, 1 for a cell that has one, then those. */
static void save_refs(mr_writer *writer, mr_addr blob, encoded *refs) {
    if (blob == 0) {
        mr_put_u32(writer, 0);
        return;
    }
    const uint32_t *cells = mr_cells(blob);
    const uint32_t count = mr_cells_count(blob);
    mr_put_u32(writer, mr_blob_size(blob));
    mr_put_bytes(writer, mr_blob_bytes(blob),
                 mr_blob_size(blob) - count * (uint32_t)sizeof(uint32_t));
    for (uint32_t i = 0; i < count; i++)
        mr_put_u32(writer, cells[i] != 0);
    for (uint32_t i = 0; i < count; i++)
        if (cells[i] != 0) save_ref(writer, cells[i], refs);
}

static void save_field(mr_writer *writer, uint32_t kind, const uint8_t *cell, encoded *refs) {
    double number;
    uint64_t bits;
    switch (kind) {
    case MR_F64:
        memcpy(&number, cell, sizeof number);
        mr_put_f64(writer, number);
        return;
    case MR_I64:
        memcpy(&bits, cell, sizeof bits);
        mr_put_u64(writer, bits);
        return;
    case MR_TIMESTAMP:
        memcpy(&number, cell, sizeof number);
        mr_put_u64(writer, (uint64_t)mr_time_of(number));
        return;
    case MR_BOOL:
        mr_put_u8(writer, *cell != 0);
        return;
    case MR_STRING:
        save_string(writer, cell_of(cell, 0));
        return;
    case MR_REFS:
        save_refs(writer, cell_of(cell, 0), refs);
        return;
    default:
        save_ref(writer, cell_of(cell, 0), refs);
    }
}

static void save_tombstone(mr_writer *writer, const mr_rows *rows, mr_row *row) {
    const uint8_t *key = mr_row_key(rows, row);
    mr_put_u8(writer, ENTRY_TOMBSTONE);
    mr_put_u8(writer, group_of(rows, key, row->key_bytes));
    mr_put_u16(writer, row->key_bytes);
    mr_put_bytes(writer, key, row->key_bytes);
}

/* What counts up: of a savepoint the ranks. */
typedef struct numbers {
    uint64_t birth;
    uint64_t use;
    uint64_t registered;
} numbers;

static numbers numbers_of(const mr_scan_data *scan, uint32_t index, mr_row *row) {
    const mr_rows *rows = scan->rows;
    if (scan->ranked) {
        const uint32_t place = scan->first + index;
        return (numbers){
            .birth = mr_rank_of(&scan->ranks, MR_RANK_BIRTH, place),
            .use = mr_rank_of(&scan->ranks, MR_RANK_USE, place),
            .registered = mr_rank_of(&scan->ranks, MR_RANK_TIMER, place),
        };
    }
    return (numbers){
        .birth = mr_row_birth(row),
        .use = rows->lru_at != 0 ? mr_row_use_number(rows, row) : 0,
        .registered =
            rows->timer_at != 0 ? mr_row_timer_registered(mr_row_part(row, rows->timer_at)) : 0,
    };
}

/* The entry of a row of the scan's page. */
static void save_entry(mr_writer *writer, const mr_scan_data *scan, uint32_t index, encoded *refs) {
    const mr_rows *rows = scan->rows;
    mr_row *row = mr_row_at(((const mr_addr *)mr_at(scan->page.rows))[index]);
    const numbers numbers = numbers_of(scan, index, row);
    const uint8_t *key = mr_row_key(rows, row);
    const uint8_t *record = mr_row_record(rows, row);
    mr_put_u8(writer, ENTRY_ROW);
    mr_put_u8(writer, group_of(rows, key, row->key_bytes));
    mr_put_u16(writer, row->key_bytes);
    mr_put_u64(writer, numbers.birth);
    if (rows->ttl_ms > 0) mr_put_u64(writer, (uint64_t)mr_row_last_use(rows, row));
    if (rows->lru_at != 0) mr_put_u64(writer, numbers.use);
    if (rows->timer_at != 0) {
        const mr_row_timer *timer = mr_row_part(row, rows->timer_at);
        mr_put_u64(writer, numbers.registered);
        mr_put_u64(writer, (uint64_t)mr_row_timer_ms(timer));
    }
    mr_put_bytes(writer, key, row->key_bytes);
    for (uint32_t i = 0; i < rows->layout.field_count; i++) {
        save_field(writer, rows->layout.field_kind[i], record + rows->layout.field_at[i], refs);
    }
}

static void save_head(mr_writer *writer, const mr_rows *rows, uint32_t entries, uint32_t bytes) {
    mr_put_bytes(writer, magic, sizeof magic);
    mr_put_u16(writer, MR_SEGMENT_VERSION);
    mr_put_u8(writer, parts_of(rows));
    mr_put_u8(writer, (uint8_t)rows->layout.field_count);
    mr_put_u32(writer, entries);
    mr_put_u32(writer, bytes);
    mr_put_bytes(writer, rows->layout.field_kind, rows->layout.field_count);
}

static uint32_t live_in(mr_addr blob) {
    uint32_t count = 0;
    for (uint32_t i = 0; blob != 0 && i < mr_cells_count(blob); i++) {
        const uint32_t cell = mr_cells(blob)[i];
        count += cell != 0 && (cell & MR_REF_ENCODED) == 0;
    }
    return count;
}

static uint32_t live_refs(const mr_rows *rows, mr_row *row) {
    const uint8_t *record = mr_row_record(rows, row);
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows->layout.field_count; i++) {
        const uint32_t kind = rows->layout.field_kind[i];
        if (kind == MR_REFS) count += live_in(cell_of(record, rows->layout.field_at[i]));
        if (kind != MR_REF) continue;
        count += (cell_of(record, rows->layout.field_at[i]) & MR_REF_ENCODED) == 0;
    }
    return count;
}

mr_status mr_save_rows(const mr_scan_data *scan, uint32_t from, const mr_save_to *to,
                       uint32_t *upto_out, uint32_t *size_out) {
    mr_rows *rows = scan->rows;
    const mr_addr *page = mr_at(scan->page.rows);
    const uint32_t head_bytes = MR_BLOCK_KINDS_AT + rows->layout.field_count;
    mr_writer writer = {.bytes = to->out, .room = to->room};
    encoded refs = {.bytes = to->ref_bytes, .offsets = to->ref_offsets};
    for (uint32_t i = 0; i < from; i++) {
        if ((page[i] & MR_PAGE_GRAVE) == 0) refs.next += live_refs(rows, mr_row_at(page[i]));
    }
    save_head(&writer, rows, 0, 0);
    uint32_t upto = from;
    uint32_t size = writer.size;
    for (; upto < scan->page.count && !writer.full; upto++) {
        if ((page[upto] & MR_PAGE_GRAVE) != 0) {
            save_tombstone(&writer, rows, mr_row_at(page[upto] - MR_PAGE_GRAVE));
        } else {
            save_entry(&writer, scan, upto, &refs);
        }
        if (writer.full) break;
        size = writer.size;
        if (scan->of_changes && (page[upto] & MR_PAGE_GRAVE) == 0) { /* Or a copy. */
            mr_dirty_written(rows, mr_row_at(page[upto]), to->segment);
        }
    }
    *upto_out = upto;
    *size_out = upto > from ? size : 0;
    if (upto > from) { /* Now the head knows how many. */
        mr_writer head = {.bytes = to->out, .room = to->room};
        save_head(&head, rows, upto - from, size - head_bytes);
    }
    return upto == scan->page.count ? MR_OK : MR_MORE;
}

/* ---- load ---- */

static mr_status corrupt(const char *what, double value) {
    return mr_fail(MR_ERR_CORRUPT, what, value);
}

/* A blob that lies at `*at`, which goes on behind it. */
static mr_status load_blob(const uint8_t **at, mr_rows *rows, uint32_t kind, mr_addr *blob_out) {
    const uint32_t size = mr_u32_at(*at);
    const uint8_t *bytes = *at + sizeof size;
    *at = bytes + size;
    *blob_out = 0;
    if (kind == MR_STRING && size > MR_STRING_BYTES_MAX) return corrupt("string", size);
    if (size == 0) return MR_OK; /* An empty string, or no ref. */
    *blob_out = mr_blob_make(rows->heap, bytes, size);
    if (*blob_out == 0) {
        return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)rows->heap->budget_bytes);
    }
    rows->bytes +=
        kind == MR_REF ? MR_REF_BYTES : mr_heap_size_of(size + (uint32_t)sizeof(uint32_t));
    return MR_OK;
}

/* How many cells a blob of refs of these bytes has; MR_ERR_CORRUPT: it is none. */
static mr_status count_cells(const uint8_t *bytes, uint32_t size, uint32_t *count_out) {
    const uint32_t cell_bytes = (uint32_t)sizeof(uint32_t);
    *count_out = size < cell_bytes ? 0 : mr_u32_at(bytes);
    const bool fits = size >= cell_bytes && size % cell_bytes == 0 && size <= MR_REFS_BYTES_MAX &&
                      *count_out <= size / cell_bytes - 1;
    return fits ? MR_OK : corrupt("refs", size);
}

/* Its values lie behind it. */
static mr_status load_refs(const uint8_t **at, mr_rows *rows, mr_addr *blob_out) {
    uint32_t count = 0;
    const uint32_t size = mr_u32_at(*at);
    const uint8_t *bytes = *at + sizeof size;
    if (size > 0) MR_TRY(count_cells(bytes, size, &count));
    MR_TRY(load_blob(at, rows, MR_REFS, blob_out));
    if (size == 0) return MR_OK;
    const uint8_t *flags = bytes + size - count * sizeof(uint32_t);
    uint32_t *cells = mr_cells(*blob_out);
    memset(cells, 0, count * sizeof *cells);
    for (uint32_t i = 0; i < count; i++) {
        mr_addr value = 0;
        if (mr_u32_at(flags + i * sizeof(uint32_t)) != 0)
            MR_TRY(load_blob(at, rows, MR_REF, &value));
        if (value != 0) cells[i] = mr_ref_of_blob(value);
    }
    return MR_OK;
}

static mr_status load_field(const uint8_t **at, mr_rows *rows, uint32_t kind, uint8_t *cell) {
    uint64_t bits;
    double number;
    mr_addr blob;
    switch (kind) {
    case MR_F64:
        number = mr_f64_at(*at);
        memcpy(cell, &number, sizeof number);
        *at += sizeof number;
        return MR_OK;
    case MR_I64:
        bits = mr_u64_at(*at);
        memcpy(cell, &bits, sizeof bits);
        *at += sizeof bits;
        return MR_OK;
    case MR_TIMESTAMP:
        number = (double)(int64_t)mr_u64_at(*at);
        memcpy(cell, &number, sizeof number);
        *at += sizeof number;
        return MR_OK;
    case MR_BOOL:
        *cell = *(*at)++;
        return *cell <= 1 ? MR_OK : corrupt("bool", *cell);
    case MR_REFS:
        return load_refs(at, rows, (mr_addr *)(void *)cell);
    default:
        MR_TRY(load_blob(at, rows, kind, &blob));
        if (kind == MR_REF && blob != 0) blob = mr_ref_of_blob(blob);
        memcpy(cell, &blob, sizeof blob);
        return MR_OK;
    }
}

/* Is it what mr_time_of may give? */
static bool is_time(int64_t ms) { return ms >= -8640000000000000 && ms <= 8640000000000000; }

static mr_status check_parts(const mr_row_parts *parts) {
    if (parts->birth > birth_max) return corrupt("birth", (double)parts->birth);
    if (parts->use > use_max) return corrupt("use", (double)parts->use);
    if (!is_time(parts->last_use_ms)) return corrupt("last use", (double)parts->last_use_ms);
    const bool timer = parts->timer_registered != 0 || parts->timer_ms == 0;
    if (!timer || !is_time(parts->timer_ms)) {
        return corrupt("timer", (double)parts->timer_ms);
    }
    if (parts->timer_registered > registered_max) {
        return corrupt("timer", (double)parts->timer_registered);
    }
    return MR_OK;
}

/* The key of an entry of this group is next. */
static mr_status load_key(mr_reader *reader, const mr_rows *rows, uint32_t group,
                          mr_row_parts *parts) {
    parts->key = mr_get_bytes(reader, parts->key_bytes);
    if (parts->key == NULL || parts->key_bytes == 0) return corrupt("key", 0);
    if (!mr_row_key_valid(rows, parts->key, parts->key_bytes)) {
        return corrupt("key", parts->key_bytes);
    }
    return group == group_of(rows, parts->key, parts->key_bytes) ? MR_OK : corrupt("group", group);
}

/* What all entries of a block have in common. */
typedef struct block {
    uint32_t parts;
    uint32_t numbers_bytes; /* Before a row's key. */
    uint32_t fields_bytes;  /* Of all fields, without what hangs off them. */
    bool blobs;             /* Does anything? */
    int64_t last_use_ms;    /* Where none is saved. */
} block;

static block block_of(const mr_layout *layout, uint32_t parts, double time_ms) {
    block block = {
        .parts = parts,
        .numbers_bytes = sizeof(uint64_t),
        .last_use_ms = mr_time_of(time_ms),
    };
    if ((parts & PART_LAST_USE) != 0) block.numbers_bytes += (uint32_t)sizeof(int64_t);
    if ((parts & PART_USE) != 0) block.numbers_bytes += (uint32_t)sizeof(uint64_t);
    if ((parts & PART_TIMER) != 0) block.numbers_bytes += 2 * (uint32_t)sizeof(uint64_t);
    for (uint32_t i = 0; i < layout->field_count; i++) {
        const uint32_t kind = layout->field_kind[i];
        block.fields_bytes += kind == MR_BOOL ? 1 : mr_is_held(kind) ? 4 : 8;
        block.blobs |= mr_is_held(kind);
    }
    return block;
}

/* Entries that are looked up together, so that cache misses overlap. */
enum { AHEAD = 64 };

typedef struct ahead {
    mr_row_parts parts[AHEAD];
    const uint8_t *fields[AHEAD]; /* All of them are there; NULL: a tombstone. */
    mr_keyed keys[AHEAD];
    mr_addr found[AHEAD];
} ahead;

/* Go past the values of a blob of refs. */
static mr_status skip_refs(mr_reader *reader, const uint8_t *bytes, uint32_t size) {
    uint32_t count;
    if (size == 0) return MR_OK;
    MR_TRY(count_cells(bytes, size, &count));
    const uint8_t *flags = bytes + size - count * sizeof(uint32_t);
    for (uint32_t i = 0; i < count; i++) {
        if (mr_u32_at(flags + i * sizeof(uint32_t)) == 0) continue;
        const uint32_t value = mr_get_u32(reader);
        if (mr_get_bytes(reader, value) == NULL) return corrupt("size", value);
    }
    return MR_OK;
}

/* Go past the fields of a row. */
static mr_status skip_fields(mr_reader *reader, const mr_layout *layout, const block *block) {
    if (!block->blobs) {
        const bool whole = mr_get_bytes(reader, block->fields_bytes) != NULL;
        return whole ? MR_OK : corrupt("size", reader->size);
    }
    for (uint32_t i = 0; i < layout->field_count; i++) {
        const uint32_t kind = layout->field_kind[i];
        const uint32_t size = mr_is_held(kind) ? mr_get_u32(reader) : kind == MR_BOOL ? 1 : 8;
        const uint8_t *bytes = mr_get_bytes(reader, size);
        if (bytes == NULL) return corrupt("size", size);
        if (kind == MR_REFS) MR_TRY(skip_refs(reader, bytes, size));
    }
    return MR_OK;
}

static void load_numbers(const uint8_t *at, const block *block, mr_row_parts *parts) {
    const bool uses = (block->parts & PART_USE) != 0;
    parts->birth = mr_u64_at(at);
    at += sizeof(uint64_t);
    parts->last_use_ms = block->last_use_ms;
    if ((block->parts & PART_LAST_USE) != 0) {
        parts->last_use_ms = (int64_t)mr_u64_at(at);
        at += sizeof(int64_t);
    }
    parts->use = uses ? mr_u64_at(at) : parts->birth;
    if ((block->parts & PART_TIMER) == 0) return;
    at += uses ? sizeof(uint64_t) : 0;
    parts->timer_registered = mr_u64_at(at);
    parts->timer_ms = (int64_t)mr_u64_at(at + sizeof(uint64_t));
}

/* Read an entry up to its fields, and go past them. */
static mr_status load_head(mr_reader *reader, const mr_rows *rows, const block *block,
                           mr_row_parts *parts, const uint8_t **fields_out) {
    const uint8_t *head = mr_get_bytes(reader, ENTRY_HEAD_BYTES);
    if (head == NULL) return corrupt("size", reader->size);
    *parts = (mr_row_parts){.key_bytes = mr_u16_at(head + 2)};
    *fields_out = NULL;
    if (head[0] == ENTRY_TOMBSTONE) return load_key(reader, rows, head[1], parts);
    if (head[0] != ENTRY_ROW) return corrupt("entry", head[0]);
    const uint8_t *numbers = mr_get_bytes(reader, block->numbers_bytes);
    if (numbers == NULL) return corrupt("size", reader->size);
    load_numbers(numbers, block, parts);
    MR_TRY(load_key(reader, rows, head[1], parts));
    MR_TRY(check_parts(parts));
    *fields_out = reader->bytes + reader->at;
    return skip_fields(reader, &rows->layout, block);
}

static mr_status load_row(const uint8_t *fields, mr_rows *rows, const mr_row_parts *parts,
                          uint32_t hash, mr_addr found) {
    mr_row *row;
    MR_TRY(mr_rows_restore(rows, parts, hash, found, &row));
    uint8_t *record = mr_row_record(rows, row);
    for (uint32_t i = 0; i < rows->layout.field_count; i++) {
        MR_TRY(load_field(&fields, rows, rows->layout.field_kind[i],
                          record + rows->layout.field_at[i]));
    }
    return MR_OK;
}

static void forget(mr_addr *found, uint32_t from, uint32_t count, mr_addr row) {
    for (uint32_t i = from; i < count; i++)
        if (found[i] == row) found[i] = 0;
}

/* Load the next `count` entries. */
static mr_status load_entries(mr_reader *reader, mr_rows *rows, uint32_t count,
                              const block *block) {
    ahead next;
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(load_head(reader, rows, block, &next.parts[i], &next.fields[i]));
        next.keys[i] = (mr_keyed){.key = next.parts[i].key, .key_bytes = next.parts[i].key_bytes};
    }
    mr_keys_find(rows, next.keys, count, next.found);
    for (uint32_t i = 0; i < count; i++) {
        const mr_addr found = mr_key_since(rows, &next.keys[i], next.found[i]);
        if (next.fields[i] != NULL) {
            MR_TRY(load_row(next.fields[i], rows, &next.parts[i], next.keys[i].hash, found));
        } else if (found != 0) {
            forget(next.found, i + 1, count, found);
            mr_rows_remove(rows, mr_row_at(found));
        }
    }
    return MR_OK;
}

static mr_status load_block(mr_reader *reader, mr_rows *rows, double time_ms) {
    const uint8_t *head = mr_get_bytes(reader, sizeof magic);
    if (head == NULL || memcmp(head, magic, sizeof magic) != 0) return corrupt("magic", 0);
    uint32_t version = mr_get_u16(reader);
    uint32_t parts = mr_get_u8(reader);
    uint32_t fields = mr_get_u8(reader);
    uint32_t entries = mr_get_u32(reader);
    uint32_t bytes = mr_get_u32(reader);
    const uint8_t *kinds = mr_get_bytes(reader, fields);
    if (version != MR_SEGMENT_VERSION) return corrupt("version", version);
    const uint32_t unknown = ~(uint32_t)PARTS | (rows->timer_at == 0 ? PART_TIMER : 0);
    if ((parts & unknown) != 0) return corrupt("parts", parts);
    if (kinds == NULL || fields != rows->layout.field_count) return corrupt("fields", fields);
    if (memcmp(kinds, rows->layout.field_kind, fields) != 0) return corrupt("kinds", fields);
    const uint8_t *body = mr_get_bytes(reader, bytes);
    if (body == NULL) return corrupt("bytes", bytes);
    mr_reader inner = {.bytes = body, .size = bytes};
    const block block = block_of(&rows->layout, parts, time_ms);
    for (uint32_t count; entries > 0; entries -= count) {
        count = entries < AHEAD ? entries : AHEAD;
        MR_TRY(load_entries(&inner, rows, count, &block));
    }
    return inner.at == bytes ? MR_OK : corrupt("bytes", bytes);
}

mr_status mr_load_rows(mr_rows *rows, const uint8_t *bytes, uint32_t size, double time_ms) {
    mr_reader reader = {.bytes = bytes, .size = size};
    while (reader.at < reader.size)
        MR_TRY(load_block(&reader, rows, time_ms));
    return MR_OK;
}

/* ---- what has an order beside the table's: uses, timers, entries ---- */

/* A row's number in the order; 0: it has no part in it. */
typedef uint64_t (*number_of)(const mr_rows *rows, mr_addr row);

static uint64_t use_of(const mr_rows *rows, mr_addr row) {
    return mr_row_use_number(rows, mr_row_at(row)) + 1;
}

static uint64_t birth_of(const mr_rows *rows, mr_addr row) {
    (void)rows;
    return mr_row_birth(mr_row_at(row)) + 1;
}

static uint64_t registration_of(const mr_rows *rows, mr_addr row) {
    return mr_row_timer_registered(mr_row_part(mr_row_at(row), rows->timer_at));
}

static void sift_down(const mr_rows *rows, number_of number, mr_addr *heap, uint32_t count,
                      uint32_t at) {
    const mr_addr row = heap[at];
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && number(rows, heap[child + 1]) < number(rows, heap[child])) child++;
        if (number(rows, heap[child]) >= number(rows, row)) break;
        heap[at] = heap[child];
    }
    heap[at] = row;
}

/* Heap sort: give each row that has a number to `put`, in ascending order. */
static mr_status put_back(mr_rows *rows, number_of number,
                          void (*put)(mr_rows *rows, mr_row *row)) {
    if (rows->size == 0) return MR_OK;
    const uint32_t bytes = (uint32_t)rows->size * (uint32_t)sizeof(mr_addr);
    mr_addr block = mr_heap_alloc(rows->heap, bytes);
    if (block == 0) {
        return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)rows->heap->budget_bytes);
    }
    mr_addr *heap = mr_at(block);
    mr_rows_cursor cursor = {0};
    const uint32_t size = mr_rows_walk(rows, &cursor, heap, (uint32_t)rows->size);
    MR_ASSERT(size == rows->size);
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i++) {
        if (number(rows, heap[i]) != 0) heap[count++] = heap[i];
    }
    for (uint32_t at = count / 2; at-- > 0;)
        sift_down(rows, number, heap, count, at);
    while (count > 0) {
        put(rows, mr_row_at(heap[0]));
        heap[0] = heap[--count];
        if (count > 0) sift_down(rows, number, heap, count, 0);
    }
    mr_heap_free(rows->heap, block, bytes);
    return MR_OK;
}

static void use_again(mr_rows *rows, mr_row *row) {
    mr_lru_remove(rows, row);
    mr_lru_add(rows, row);
}

mr_status mr_load_finish(mr_rows *rows) {
    if (rows->lru_at != 0) MR_TRY(put_back(rows, use_of, use_again));
    if (rows->timer_at != 0) MR_TRY(put_back(rows, registration_of, mr_rows_timer_rehang));
    const bool by_birth = rows->ring_at != 0 && rows->stretch_ms == 0;
    if (by_birth) MR_TRY(put_back(rows, birth_of, mr_ring_rehang));
    mr_dirty_loaded(rows);
    return MR_OK;
}
