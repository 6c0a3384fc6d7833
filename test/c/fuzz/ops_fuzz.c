/* ops_fuzz.c -- any sequence of exports that an embedder might call.
 *
 * The bytes are read as calls and their arguments. Live handles, closed ones and nonsense
 * stand side by side; sizes, indices, times and what is in a batch are arbitrary. The
 * embedder keeps to what a C program must: pointers are valid, memory is freed once and
 * by its size, a batch stays as it is while its found rows are used. Allocations fail now
 * and then. In the end all is closed, and nothing may be left. */
#include "../../../c/handle.h"
#include "fuzz.h"
#include "specs.h"

enum { OPS = 5, BATCHES = 4, SCANS = 3, MADE = 16, OUT_ROOM = 1 << 16, REFS_ROOM = 4096 * 64 + 1 };

typedef struct batch {
    uint32_t handle;
    uint32_t columns; /* Address of its mr_columns; 0 before the first reserve. */
    uint32_t filled;  /* When it was last written to. */
} batch;

typedef struct operator{
    uint32_t handle;
    uint32_t in;     /* The batch of its last find, */
    uint32_t filled; /* and when that was filled. */
}
operator;

/* Memory or a blob that the embedder owns. */
typedef struct made {
    uint32_t address;
    uint32_t bytes;
    uint32_t owner; /* Operator. */
} made;

typedef struct world {
    choices from;
    mr_engine engine;
    operator ops[OPS];
    batch batches[BATCHES];
    uint32_t scans[SCANS];
    made memory[MADE];
    made blobs[MADE];
    uint32_t clock; /* Counts fillings. */
    uint32_t saved; /* Bytes in `out`. */
    uint8_t out[OUT_ROOM];
} world;

static operator* any_op(world *w) { return &w->ops[take_u8(&w->from) % OPS]; }
static batch *any_batch(world *w) { return &w->batches[take_u8(&w->from) % BATCHES]; }

/* The handle, or now and then another number. */
static uint32_t doubtful(world *w, uint32_t handle) {
    switch (take_u8(&w->from)) {
    case 255:
        return take_u32(&w->from);
    case 254:
        return w->engine;
    case 253:
        return any_op(w)->handle;
    case 252:
        return any_batch(w)->handle;
    default:
        return handle;
    }
}

static uint32_t op_handle(world *w) { return doubtful(w, any_op(w)->handle); }
static uint32_t batch_handle(world *w) { return doubtful(w, any_batch(w)->handle); }
static uint32_t scan_handle(world *w) { return doubtful(w, w->scans[take_u8(&w->from) % SCANS]); }

static mr_operator_data *inside(uint32_t op) { return mr_handle_get(op, MR_HANDLE_OPERATOR, NULL); }

/* ---- opening and closing ---- */

static void close_op(world *w, operator* op) {
    for (uint32_t i = 0; i < MADE; i++) {
        if (op->handle == 0 || w->blobs[i].owner != op->handle) continue;
        CHECK(mr_blob_free(op->handle, w->blobs[i].address) == MR_OK);
        w->blobs[i] = (made){0};
    }
    (void)mr_operator_close(op->handle); /* The handle stays, to be used again. */
}

static void open_op(world *w) {
    operator* op = any_op(w);
    const mr_operator_spec spec = any_spec(&w->from);
    close_op(w, op);
    *op = (operator){0};
    (void)mr_operator_open(doubtful(w, w->engine), &spec, &op->handle);
}

static void do_close_op(world *w) { close_op(w, any_op(w)); }

static void open_batch(world *w) {
    batch *b = any_batch(w);
    (void)mr_batch_close(b->handle);
    *b = (batch){0};
    (void)mr_batch_open(doubtful(w, w->engine), &b->handle);
}

static void do_close_batch(world *w) { (void)mr_batch_close(any_batch(w)->handle); }

static void open_scan(world *w) {
    uint32_t *scan = &w->scans[take_u8(&w->from) % SCANS];
    (void)mr_scan_close(*scan);
    *scan = 0;
    const uint32_t op = op_handle(w);
    const uint32_t how = take_u8(&w->from);
    if (how % 4 == 0) (void)mr_changes_end(op, how % 8);
    if (how % 2 == 0) (void)mr_changes_scan(op, take_count(&w->from), scan);
    if (how % 2 == 1) (void)mr_scan_open(op, take_time(&w->from), scan);
}

static void do_close_scan(world *w) { (void)mr_scan_close(w->scans[take_u8(&w->from) % SCANS]); }

/* ---- batches ---- */

static void reserve(world *w) {
    batch *b = any_batch(w);
    const uint32_t rows = take_count(&w->from);
    const uint32_t key_bytes = take_count(&w->from);
    if (take_u8(&w->from) % 8 == 0) {
        (void)mr_batch_reserve_keys(b->handle, key_bytes);
        return;
    }
    uint32_t columns = 0;
    b->filled = ++w->clock;
    if (mr_batch_reserve(b->handle, rows, key_bytes, take_u8(&w->from) % 66, &columns) != MR_OK) {
        return;
    }
    b->columns = columns;
}

static void fill_row(world *w, mr_columns *in, uint32_t row) {
    uint32_t *offsets = mr_u32s(in->key_offsets);
    const uint32_t left = in->key_bytes_max - offsets[row];
    uint32_t key_bytes = 1 + take_u8(&w->from) % 3;
    if (key_bytes > left) key_bytes = left;
    uint8_t *key = (uint8_t *)mr_at(in->keys) + offsets[row];
    for (uint32_t i = 0; i < key_bytes; i++)
        key[i] = take_u8(&w->from) % 4;
    offsets[row + 1] = offsets[row] + key_bytes;
    mr_f64s(in->time_ms)[row] = take_time(&w->from);
    mr_f64s(in->watermark_before)[row] = take_time(&w->from);
    mr_f64s(in->own_watermark)[row] = take_time(&w->from);
    for (uint32_t i = 0; i < in->column_count && i < 4; i++) {
        mr_f64s(in->columns[i])[row] = take_time(&w->from);
    }
}

static void fill(world *w) {
    batch *b = any_batch(w);
    if (b->columns == 0 || mr_handle_get(b->handle, MR_HANDLE_BATCH, NULL) == NULL) return;
    mr_columns *in = mr_at(b->columns);
    b->filled = ++w->clock;
    in->now_ms = take_time(&w->from);
    in->present = MR_HAS_KEYS | (take_u8(&w->from) & 15);
    in->nulls = take_u8(&w->from);
    in->size = take_u8(&w->from) % 12;
    if (in->size > in->rows_max) in->size = in->rows_max;
    mr_u32s(in->key_offsets)[0] = 0;
    if (in->key_bytes_max == 0) in->size = 0;
    for (uint32_t row = 0; row < in->size; row++)
        fill_row(w, in, row);
    switch (take_u8(&w->from)) { /* Lies. */
    case 0:
        in->size = take_u32(&w->from);
        break;
    case 1:
        in->present = take_u8(&w->from);
        break;
    case 2:
        mr_u32s(in->key_offsets)[in->size / 2] = take_u32(&w->from);
        break;
    case 3:
        in->size += in->rows_max - in->size > 0 ? 1 : 0;
        break;
    default:
        break;
    }
}

/* ---- operators ---- */

/* A batch for results, which is another one from now on. */
static uint32_t results_handle(world *w) {
    for (uint32_t i = 0; i < BATCHES; i++)
        w->batches[i].filled = ++w->clock;
    return batch_handle(w);
}

static void push(world *w) {
    const uint32_t op = op_handle(w);
    const uint32_t in = batch_handle(w);
    const uint32_t from = take_u8(&w->from) % 16;
    uint32_t upto = from;
    mr_status status = mr_operator_push(op, in, from, &upto, results_handle(w));
    const mr_batch_data *batch = mr_handle_get(in, MR_HANDLE_BATCH, NULL);
    CHECK(upto >= from);
    if (status >= 0) CHECK(batch != NULL && upto <= batch->columns.size);
    if (status == MR_OK) CHECK(upto == batch->columns.size);
}

static void advance(world *w) {
    const uint32_t op = op_handle(w);
    const double watermark = take_u8(&w->from) % 2 == 0 ? __builtin_inf() : take_time(&w->from);
    (void)mr_operator_advance(op, watermark, results_handle(w));
}

static void expire(world *w) {
    const uint32_t op = op_handle(w);
    (void)mr_operator_expire(op, take_time(&w->from), take_u8(&w->from));
}

static void look(world *w) {
    mr_layout layout;
    mr_stats stats;
    const uint32_t op = op_handle(w);
    if (mr_operator_layout(op, &layout) == MR_OK) CHECK(layout.field_count <= MR_FIELDS_MAX);
    if (mr_operator_stats(op, &stats) == MR_OK) CHECK(stats.bytes < UINT64_C(1) << 32);
}

static void find(world *w) {
    operator* op = any_op(w);
    uint32_t found = 0;
    const uint32_t in = take_u8(&w->from) % BATCHES;
    if (mr_find(op->handle, w->batches[in].handle, &found) != MR_OK) return;
    op->in = in;
    op->filled = w->batches[in].filled;
}

/* A record of what the embedder has: its blobs go to C if the row is made. With `key`, of
 * `index` bytes, it is of that key. */
static mr_status create(world *w, operator* op, uint32_t index, const uint8_t *key) {
    uint64_t words[MR_FIELDS_MAX] = {0};
    uint8_t *record = (uint8_t *)words;
    uint32_t used = 0;
    const mr_operator_data *in = inside(op->handle);
    for (uint32_t i = 0; in != NULL && i < in->rows.layout.field_count; i++) {
        const uint32_t kind = in->rows.layout.field_kind[i];
        uint8_t *cell = record + in->rows.layout.field_at[i];
        uint32_t word = take_u8(&w->from) == 255 ? take_u32(&w->from) : take_u8(&w->from) % 16;
        if (kind == MR_BOOL) *cell = word & 1;
        if (kind == MR_STRING) {
            const uint32_t at = word % MADE;
            const bool mine = w->blobs[at].owner == op->handle && (used >> at & 1) == 0;
            word = mine ? w->blobs[at].address : 0;
            if (mine) used |= 1u << at;
        }
        if (kind == MR_STRING || kind == MR_REF) memcpy(cell, &word, sizeof word);
    }
    uint32_t row = 0;
    mr_status status = key == NULL ? mr_row_create(op->handle, index, record)
                                   : mr_key_make(op->handle, key, index, take_time(&w->from),
                                                 take_time(&w->from), record, &row);
    for (uint32_t i = 0; status == MR_OK && i < MADE; i++) {
        if ((used >> i & 1) != 0) w->blobs[i] = (made){0};
    }
    return status;
}

static void rows(world *w) {
    operator* op = any_op(w);
    if (op->filled != w->batches[op->in].filled) return;
    const uint32_t index = take_u8(&w->from) % 16;
    uint32_t row = 0;
    switch (take_u8(&w->from) % 6) {
    case 0:
        (void)mr_row_enter(op->handle, index);
        break;
    case 4:
        (void)mr_session_event(op->handle, index, take_u8(&w->from) % 2);
        break;
    case 1:
        (void)create(w, op, index, NULL);
        break;
    case 2:
        (void)mr_row_touch(op->handle, index, take_u8(&w->from));
        break;
    case 3:
        (void)mr_row_remove(op->handle, index);
        break;
    default:
        (void)mr_row_look(op->handle, index, take_time(&w->from), &row);
    }
}

/* ---- timers ---- */

/* The address of a row that stands: of one that is found, or whose timer is next. */
static uint32_t any_row(world *w, uint32_t op) {
    const mr_operator_data *in = inside(op);
    mr_due due = {0};
    if (in == NULL || take_u8(&w->from) == 0) return 0;
    if (in->rows.find.found.size > 0 && take_u8(&w->from) % 4 > 0) {
        return mr_found_row(&in->rows, take_u8(&w->from) % in->rows.find.found.size);
    }
    (void)mr_timer_peek(op, __builtin_inf(), &due);
    return due.row;
}

static void take_timers(uint32_t op, double upto_ms, uint32_t most) {
    double last = -__builtin_inf();
    for (mr_due due; most > 0; most--) {
        const mr_status status = mr_timer_take(op, upto_ms, &due);
        if (status < 0 || (status == MR_OK && due.row == 0)) return;
        if (due.row == 0) continue;
        CHECK(due.time_ms >= last && due.time_ms <= upto_ms);
        last = due.time_ms;
    }
}

static void timers(world *w) {
    const uint32_t op = any_op(w)->handle;
    const uint32_t row = any_row(w, op);
    switch (take_u8(&w->from) % 8) {
    case 0:
        take_timers(op_handle(w), take_time(&w->from), take_u8(&w->from));
        break;
    case 1:
        (void)mr_timer_clear(op, row);
        break;
    case 2:
        (void)mr_row_drop(op, row);
        break;
    default:
        (void)mr_timer_set(op, row, take_time(&w->from));
    }
}

/* ---- rows by key ---- */

/* A key, most often of an entry; returns its size. */
static uint32_t any_key(world *w, uint8_t *key) {
    const uint8_t owner = take_u8(&w->from) % 4;
    const uint8_t number = take_u8(&w->from) % 16;
    const uint8_t bytes[8] = {6, 2, 1, 0, owner, 1, 0, number};
    memcpy(key, bytes, sizeof bytes);
    if (take_u8(&w->from) == 0) key[take_u8(&w->from) % 8] = take_u8(&w->from);
    return take_u8(&w->from) % 8 == 0 ? take_u8(&w->from) % 9 : 8;
}

static void page_entries(world *w, uint32_t op, const uint8_t *owner) {
    static mr_entries page; /* Left as it is, it goes on in some other state. */
    const mr_operator_data *in = inside(op);
    page = (mr_entries){.clock_ms = take_time(&w->from)};
    mr_status status = MR_MORE;
    uint64_t count = 0;
    while (status == MR_MORE) {
        status = mr_entries_next(op, owner, 1, &page);
        if (status >= 0) count += page.count;
    }
    if (status >= 0) CHECK(count <= in->rows.table.size);
}

static void keyed(world *w) {
    operator* op = any_op(w);
    uint8_t key[8];
    const uint32_t size = any_key(w, key);
    uint32_t row = 0;
    switch (take_u8(&w->from) % 8) {
    case 0:
        page_entries(w, op->handle, key + 4);
        return;
    case 1:
        (void)mr_entry_last(op->handle, key + 4, 1, 0, &row);
        if (take_u8(&w->from) % 4 > 0) break;
        (void)mr_entries_drop(op->handle, key + 4, 1);
        return;
    case 2:
    case 3:
    case 4:
        (void)create(w, op, size, key);
        return;
    default:
        (void)mr_key_look(op->handle, key, size, take_time(&w->from), &row);
    }
    switch (take_u8(&w->from) % 4) {
    case 0:
        (void)mr_entry_leave(op->handle, row, take_u8(&w->from) % 2);
        break;
    case 1:
        (void)mr_row_drop(op->handle, row);
        break;
    case 2:
        (void)mr_timer_set(op->handle, row, take_time(&w->from));
        break;
    default:
        (void)mr_row_use(op->handle, row, take_time(&w->from), take_time(&w->from),
                         take_u8(&w->from) % 2);
    }
}

/* ---- evicted rows ---- */

static void evicted(world *w) {
    const uint32_t handle = any_op(w)->handle;
    const mr_operator_data *op = inside(handle);
    if (op == NULL) return;
    const mr_rows *in = &op->rows;
    uint64_t count = 0;
    for (mr_addr at = in->find.found.evicted; at != 0; count++) {
        CHECK(mr_row_at(at)->key_bytes > 0 && count < in->evicted);
        at = *mr_u32s(at + in->layout.evicted_next_at);
    }
    CHECK(mr_evicted_free(handle) == MR_OK);
    CHECK(in->find.found.evicted == 0);
}

/* ---- memory, refs and blobs ---- */

static void memory(world *w) {
    made *m = &w->memory[take_u8(&w->from) % MADE];
    if (m->address != 0) {
        CHECK(mr_free(w->engine, m->address, m->bytes) == MR_OK);
        *m = (made){0};
        return;
    }
    m->bytes = take_count(&w->from);
    if (mr_alloc(doubtful(w, w->engine), m->bytes, &m->address) == MR_OK) {
        memset(mr_at(m->address), 1, m->bytes);
    }
}

static void reserve_refs(world *w) {
    uint32_t refs = 0;
    const uint32_t capacity = take_u8(&w->from) == 0 ? take_u32(&w->from) : take_u8(&w->from);
    if (mr_refs_reserve(w->engine, capacity, &refs) != MR_OK) return;
    mr_refs *list = mr_at(refs);
    /* One number may be in several cells here, so that it is dropped twice, and the chain is a
     * ring, or dropped and then shared by a copy, and the chain ends in a mark. */
    uint32_t length = 0;
    for (uint32_t at = list->dropped; at != 0 && at < MR_REF_SHARED && length < 1000; length++) {
        CHECK(at < list->capacity);
        at = mr_u32s(list->next)[at];
    }
    list->dropped = 0;
}

static void blob(world *w) {
    static const uint8_t text[MR_STRING_BYTES_MAX + 1];
    made *m = &w->blobs[take_u8(&w->from) % MADE];
    if (m->address != 0) {
        CHECK(mr_blob_free(m->owner, m->address) == MR_OK);
        *m = (made){0};
        return;
    }
    const uint32_t op = any_op(w)->handle;
    const uint32_t size =
        take_u8(&w->from) == 0 ? MR_STRING_BYTES_MAX + take_u8(&w->from) % 2 : take_u8(&w->from);
    if (mr_blob_new(op, text, size, &m->address) != MR_OK) m->address = 0;
    if (m->address != 0) m->owner = op;
}

/* Decode a ref of a row that is found. */
static void decode(world *w) {
    operator* op = any_op(w);
    mr_operator_data *in = inside(op->handle);
    if (in == NULL || in->rows.find.found.size == 0) return;
    const uint32_t index = take_u8(&w->from) % in->rows.find.found.size;
    const mr_addr row = mr_found_row(&in->rows, index);
    for (uint32_t i = 0; row != 0 && i < in->rows.layout.field_count; i++) {
        if (in->rows.layout.field_kind[i] != MR_REF) continue;
        uint8_t *record = mr_row_record(&in->rows, mr_row_at(row));
        const mr_addr cell = mr_addr_of(record + in->rows.layout.field_at[i]);
        (void)mr_ref_decoded(op->handle, cell, take_u8(&w->from));
    }
}

/* ---- scans, save and load ---- */

static void scan(world *w) {
    static const uint32_t offsets[REFS_ROOM];
    const uint32_t handle = scan_handle(w);
    uint32_t page = 0;
    uint32_t upto = 0;
    uint32_t size = 0;
    (void)mr_scan_next(handle, take_count(&w->from), &page);
    const uint32_t from = take_u8(&w->from) % 4;
    const uint32_t most = take_u8(&w->from) % 4 == 0 ? take_u16(&w->from) : OUT_ROOM;
    mr_status status = mr_save(handle, from, w->out, offsets, w->out, most, w->clock, &upto, &size);
    if (status >= 0) CHECK(size <= most && upto >= from);
    if (status >= 0) w->saved = size;
}

static void results(world *w) {
    const uint32_t op = op_handle(w);
    const uint32_t handle = w->scans[take_u8(&w->from) % SCANS];
    const mr_scan_data *scan = mr_handle_get(handle, MR_HANDLE_SCAN, NULL);
    uint32_t page = 0;
    if (scan == NULL || inside(op) == NULL || scan->rows != &inside(op)->rows) return;
    if (scan->of_changes || mr_scan_next(handle, 10, &page) != MR_OK) return;
    const uint32_t batch = results_handle(w);
    (void)mr_operator_results(op, mr_u32s(scan->page.rows), scan->page.count, batch);
}

static void load(world *w) {
    if (w->saved > 0 && take_u8(&w->from) % 4 == 0) {
        w->out[take_u16(&w->from) % w->saved] ^= take_u8(&w->from);
    }
    const uint32_t op = op_handle(w);
    (void)mr_load(op, w->out, w->saved, take_time(&w->from), w->clock);
    (void)mr_load_end(op);
}

static void fail(world *w) {
    mr_heap_fail_after(take_u8(&w->from) % 16, take_u8(&w->from) % 4 == 0);
}

static void fail_no_more(world *w) {
    (void)w;
    mr_heap_fail_after(0, false);
}

static void (*const calls[])(world *w) = {
    open_op, do_close_op,  open_batch, do_close_batch, open_scan, do_close_scan, reserve,
    fill,    fill,         fill,       push,           push,      advance,       expire,
    look,    find,         find,       rows,           rows,      rows,          rows,
    memory,  reserve_refs, blob,       blob,           decode,    scan,          scan,
    results, load,         fail,       fail_no_more,   timers,    timers,        evicted,
    keyed,   keyed,        keyed,
};

/* ---- */

/* Operators to begin with, so that not every input must find out how they are opened. */
static void begin(world *w) {
    const mr_options options = {.memory_bytes_max = 16 << 20, .hash_seed = take_u8(&w->from)};
    CHECK(mr_engine_open(&options, &w->engine) == MR_OK);
    for (uint32_t i = 0; i < BATCHES; i++) {
        batch *b = &w->batches[i];
        CHECK(mr_batch_open(w->engine, &b->handle) == MR_OK);
        CHECK(mr_batch_reserve(b->handle, 12, 36, 5, &b->columns) == MR_OK);
        b->filled = ++w->clock;
    }
    for (uint32_t i = 0; i < OPS; i++)
        open_op(w);
}

static void end(world *w) {
    mr_heap_fail_after(0, false);
    for (uint32_t i = 0; i < SCANS; i++)
        (void)mr_scan_close(w->scans[i]);
    for (uint32_t i = 0; i < OPS; i++)
        close_op(w, &w->ops[i]);
    for (uint32_t i = 0; i < BATCHES; i++)
        (void)mr_batch_close(w->batches[i].handle);
    for (uint32_t i = 0; i < MADE; i++) {
        CHECK(mr_free(w->engine, w->memory[i].address, w->memory[i].bytes) == MR_OK);
    }
    mr_memory memory;
    CHECK(mr_engine_memory(w->engine, &memory) == MR_OK);
    CHECK(memory.external_bytes == 0);
    uint32_t address = 0;
    CHECK(mr_refs_reserve(w->engine, 0, &address) == MR_OK);
    const uint32_t capacity = ((const mr_refs *)mr_at(address))->capacity;
    const uint64_t refs = capacity == 0 ? 0 : mr_heap_size_of(capacity * 4);
    CHECK(live_bytes(w->engine) == mr_heap_size_of(sizeof(mr_refs)) + refs);
    CHECK(mr_engine_close(w->engine) == MR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static world w;
    memset(&w, 0, sizeof w);
    w.from = (choices){bytes, size};
    begin(&w);
    while (w.from.left > 0)
        calls[take_u8(&w.from) % (sizeof calls / sizeof calls[0])](&w);
    end(&w);
    return 0;
}
