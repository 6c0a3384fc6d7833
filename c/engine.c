/* engine.c -- the exports: handles in, the modules below do the work.
 *
 * An engine is one heap; operators, batches and scans live in it. Closing the engine
 * gives the heap back whole, so nothing below has to be torn down one by one.
 *
 * Exports about single rows are in engine_rows.c. */
#include "exports.h"
#include "save.h"

typedef struct engine {
    mr_heap heap;
    mr_addr refs;  /* mr_refs, in the heap: the host knows its address. */
    uint32_t self; /* Its own handle; 0: closed. */
    uint64_t hash_seed;
} engine;

/* A scan may be closed after its operator: it asks whether that still lives. */
typedef struct open_scan {
    mr_scan_data scan; /* First: it starts with the page. */
    mr_operator op;
} open_scan;

static engine engines[MR_HEAPS_MAX];

#define GET_ENGINE(name, handle) GET(engine, name, handle, MR_HANDLE_ENGINE)
#define GET_SCAN(name, handle) GET(open_scan, name, handle, MR_HANDLE_SCAN)

static mr_status no_memory(const mr_heap *heap) {
    return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)heap->budget_bytes);
}

/* ---- engine ---- */

MR_COLD mr_status mr_engine_open(const mr_options *options, mr_engine *engine_out) {
    if (options->memory_bytes_max == 0) return mr_fail(MR_ERR_ARGUMENT, "memory_bytes_max", 0);
    engine *e = NULL;
    for (uint32_t i = 0; i < MR_HEAPS_MAX && e == NULL; i++) {
        if (engines[i].self == 0) e = &engines[i];
    }
    if (e == NULL) return mr_fail(MR_ERR_LIMIT, "engines", MR_HEAPS_MAX);
    const uint32_t handle = mr_handle_open(MR_HANDLE_ENGINE, e, NULL);
    if (handle == 0) return MR_ERR_LIMIT;
    mr_status status = mr_heap_open(&e->heap, options->memory_bytes_max);
    MR_ASSERT(status == MR_OK); /* As many heaps as engines. */
    e->refs = mr_heap_alloc_zeroed(&e->heap, sizeof(mr_refs));
    if (e->refs == 0) {
        status = no_memory(&e->heap);
        mr_handle_close(handle);
        mr_heap_close(&e->heap);
        return status;
    }
    e->hash_seed = options->hash_seed;
    e->self = handle;
    *engine_out = handle;
    return MR_OK;
}

MR_COLD mr_status mr_engine_close(mr_engine handle) {
    if (handle == 0) return MR_OK;
    GET_ENGINE(e, handle);
    mr_handle_close_owned(e);
    mr_handle_close(handle);
    mr_heap_close(&e->heap);
    e->self = 0;
    return MR_OK;
}

MR_COLD mr_status mr_engine_memory(mr_engine handle, mr_memory *memory_out) {
    GET_ENGINE(e, handle);
    *memory_out = (mr_memory){
        .live_bytes = e->heap.live_bytes,
        .reserved_bytes = e->heap.reserved_bytes,
        .external_bytes = e->heap.external_bytes,
        .limit_bytes = e->heap.budget_bytes,
    };
    return MR_OK;
}

mr_status mr_alloc(mr_engine handle, uint32_t bytes, uint32_t *address_out) {
    GET_ENGINE(e, handle);
    if (bytes == 0) return mr_fail(MR_ERR_ARGUMENT, "bytes", 0);
    mr_addr address = mr_heap_alloc(&e->heap, bytes);
    if (address == 0) return no_memory(&e->heap);
    *address_out = address;
    return MR_OK;
}

mr_status mr_free(mr_engine handle, uint32_t address, uint32_t bytes) {
    GET_ENGINE(e, handle);
    mr_heap_free(&e->heap, address, bytes);
    return MR_OK;
}

uint32_t mr_scratch(void) {
    static uint64_t scratch[MR_SCRATCH_BYTES / sizeof(uint64_t)];
    return mr_addr_of(scratch);
}

mr_status mr_checksum(const uint8_t *bytes, uint32_t size, uint64_t *checksum_out) {
    *checksum_out = mr_hash_fixed(bytes, size);
    return MR_OK;
}

/* ---- what an engine owns ---- */

/* A cleared object of the engine behind a new handle of this kind. */
static mr_status make_object(engine *e, mr_handle_kind kind, uint32_t bytes, void **object_out,
                             uint32_t *handle_out) {
    mr_addr address = mr_heap_alloc_zeroed(&e->heap, bytes);
    if (address == 0) return no_memory(&e->heap);
    uint32_t handle = mr_handle_open(kind, mr_at(address), e);
    if (handle == 0) {
        mr_heap_free(&e->heap, address, bytes);
        return MR_ERR_LIMIT;
    }
    *object_out = mr_at(address);
    *handle_out = handle;
    return MR_OK;
}

static void drop_object(engine *e, uint32_t handle, void *object, uint32_t bytes) {
    mr_handle_close(handle);
    mr_heap_free(&e->heap, mr_addr_of(object), bytes);
}

static engine *owner_of(uint32_t handle, mr_handle_kind kind) {
    void *owner = NULL;
    (void)mr_handle_get(handle, kind, &owner);
    return owner;
}

/* ---- refs ---- */

MR_COLD mr_status mr_refs_reserve(mr_engine handle, uint32_t capacity, uint32_t *refs_out) {
    GET_ENGINE(e, handle);
    MR_TRY(mr_refs_grow(mr_at(e->refs), &e->heap, capacity));
    *refs_out = e->refs;
    return MR_OK;
}

mr_status mr_ref_decoded(mr_operator handle, uint32_t cell, uint32_t number) {
    GET_OPERATOR(op, handle);
    uint32_t *at = mr_at(cell);
    if (number == 0 || number >= op->rows.refs->capacity) {
        return mr_fail(MR_ERR_ARGUMENT, "number", number);
    }
    if ((*at & MR_REF_ENCODED) == 0) return mr_fail(MR_ERR_ARGUMENT, "cell", *at);
    MR_TRY(mr_refs_take(op->rows.heap, 1));
    mr_blob_release(op->rows.heap, mr_ref_blob(*at));
    *at = number;
    return MR_OK;
}

/* ---- batches ---- */

MR_COLD mr_status mr_batch_open(mr_engine handle, mr_batch *batch_out) {
    GET_ENGINE(e, handle);
    void *batch;
    MR_TRY(make_object(e, MR_HANDLE_BATCH, sizeof(mr_batch_data), &batch, batch_out));
    ((mr_batch_data *)batch)->heap = &e->heap;
    return MR_OK;
}

MR_COLD mr_status mr_batch_close(mr_batch handle) {
    GET_BATCH(batch, handle);
    mr_batch_release(batch);
    drop_object(owner_of(handle, MR_HANDLE_BATCH), handle, batch, sizeof(mr_batch_data));
    return MR_OK;
}

MR_COLD mr_status mr_batch_reserve(mr_batch handle, uint32_t rows, uint32_t key_bytes,
                                   uint32_t columns, uint32_t *columns_out) {
    GET_BATCH(batch, handle);
    MR_TRY(mr_batch_make_room(batch, rows, key_bytes, columns));
    *columns_out = mr_addr_of(&batch->columns);
    return MR_OK;
}

MR_COLD mr_status mr_batch_reserve_keys(mr_batch handle, uint32_t key_bytes) {
    GET_BATCH(batch, handle);
    return mr_batch_grow_keys(batch, key_bytes);
}

/* ---- operators ---- */

static const mr_operator_kind *const kinds[] = {
    [MR_CUSTOM] = &mr_kind_custom,           [MR_AGGREGATE] = &mr_kind_aggregate,
    [MR_DEDUPLICATE] = &mr_kind_deduplicate, [MR_THROTTLE] = &mr_kind_throttle,
    [MR_WINDOW] = &mr_kind_window,           [MR_JOIN] = &mr_kind_join,
    [MR_PATTERN] = &mr_kind_pattern,         [MR_SESSION] = &mr_kind_session,
};

static mr_status check_spec(const mr_operator_spec *spec) {
    const uint32_t state = MR_EVICT | MR_TRACK | MR_TIMERS | MR_KEEP_EVICTED | MR_TOUCH_READS |
                           MR_LINGER; /* Of any kind. */
    const bool keeps_none = (spec->flags & (MR_KEEP_EVICTED | MR_EVICT)) == MR_KEEP_EVICTED;
    if (spec->kind >= sizeof kinds / sizeof kinds[0]) {
        return mr_fail(MR_ERR_ARGUMENT, "kind", spec->kind);
    }
    if (spec->count > MR_FIELDS_MAX) return mr_fail(MR_ERR_ARGUMENT, "count", spec->count);
    if ((spec->flags & ~(state | kinds[spec->kind]->flags)) != 0 || keeps_none) {
        return mr_fail(MR_ERR_ARGUMENT, "flags", spec->flags);
    }
    return MR_OK;
}

static mr_status open_state(engine *e, mr_operator_data *op, const mr_operator_spec *spec) {
    uint8_t fields[MR_FIELDS_MAX];
    mr_rows_spec state = {
        .ttl_ms = spec->ttl_ms,
        .cleanup_ms = spec->cleanup_ms,
        .rows_max = spec->rows_max,
        .bytes_max = spec->bytes_max,
        .flags = spec->flags,
        .fields = fields,
        .sided = kinds[spec->kind]->sided,
    };
    MR_TRY(kinds[spec->kind]->fields(spec, fields, &state.field_count));
    return mr_rows_open(&op->rows, &e->heap, mr_at(e->refs), e->hash_seed, &state);
}

MR_COLD mr_status mr_operator_open(mr_engine handle, const mr_operator_spec *spec,
                                   mr_operator *operator_out) {
    GET_ENGINE(e, handle);
    MR_TRY(check_spec(spec));
    void *object;
    uint32_t made;
    MR_TRY(make_object(e, MR_HANDLE_OPERATOR, sizeof(mr_operator_data), &object, &made));
    mr_operator_data *op = object;
    op->kind = kinds[spec->kind];
    op->spec = *spec;
    op->clock_ms = -__builtin_inf();
    mr_status status = open_state(e, op, spec);
    if (status != MR_OK) {
        drop_object(e, made, op, sizeof(mr_operator_data));
        return status;
    }
    if (op->kind->open != NULL) op->kind->open(op);
    *operator_out = made;
    return MR_OK;
}

MR_COLD mr_status mr_operator_close(mr_operator handle) {
    GET_OPERATOR(op, handle);
    engine *e = owner_of(handle, MR_HANDLE_OPERATOR);
    mr_flush_stop(op);
    if (op->kind->stop != NULL) op->kind->stop(op);
    mr_rows_close(&op->rows);
    drop_object(e, handle, op, sizeof(mr_operator_data));
    return MR_OK;
}

MR_COLD mr_status mr_operator_layout(mr_operator handle, mr_layout *layout_out) {
    GET_OPERATOR(op, handle);
    *layout_out = op->rows.layout;
    return MR_OK;
}

MR_COLD mr_status mr_operator_stats(mr_operator handle, mr_stats *stats_out) {
    GET_OPERATOR(op, handle);
    *stats_out = (mr_stats){
        .rows = op->rows.size,
        .bytes = op->rows.bytes,
        .expired = op->rows.expired,
        .evicted = op->rows.evicted,
        .nans = op->nans,
        .late = op->late,
    };
    return MR_OK;
}

/* Is what its spec counts aggregates? */
static bool aggregates(const mr_operator_data *op) {
    const mr_operator_kind *kind = op->kind;
    return kind->result != NULL || (kind->advance != NULL && !kind->pairs);
}

/* Room for `rows` results, and for the keys of those that have one. */
static mr_status clear_results(const mr_operator_data *op, mr_batch_data *results, uint32_t rows,
                               bool keys) {
    const uint32_t columns = op->kind->columns + (aggregates(op) ? op->spec.count : 0);
    if (op->kind->advance != NULL) rows = MR_RESULT_ROWS_MAX; /* More than come in. */
    results->columns.size = 0; /* After a refusal, too: nobody takes old ones again. */
    MR_TRY(mr_batch_make_room(results, mr_min_u32(rows, MR_RESULT_ROWS_MAX),
                              keys ? MR_RESULT_BYTES_MAX : 0, columns));
    mr_u32s(results->columns.key_offsets)[0] = 0;
    return MR_OK;
}

/* The value columns that the operator reads must be in the batch. */
static mr_status check_input(const mr_operator_data *op, const mr_batch_data *in) {
    MR_TRY(mr_batch_check(in));
    if (!aggregates(op)) return MR_OK;
    for (uint32_t i = 0; i < op->spec.count; i++) {
        const bool reads = op->spec.kinds[i] != MR_COUNT;
        if (reads && op->spec.columns[i] >= in->columns.column_count) {
            return mr_fail(MR_ERR_ARGUMENT, "columns", op->spec.columns[i]);
        }
    }
    return MR_OK;
}

mr_status mr_operator_push(mr_operator handle, mr_batch in_handle, uint32_t from,
                           uint32_t *upto_out, mr_batch results_handle) {
    GET_OPERATOR(op, handle);
    GET_BATCH_OF(op, in, in_handle);
    GET_BATCH_OF(op, results, results_handle);
    if (op->kind->push == NULL) return mr_fail(MR_ERR_ARGUMENT, "operator", MR_CUSTOM);
    if (in == results) return mr_fail(MR_ERR_ARGUMENT, "results", results_handle);
    *upto_out = from;
    MR_TRY(clear_results(op, results, in->columns.size,
                         op->kind->advance != NULL && !op->kind->pairs));
    MR_TRY(check_input(op, in));
    if (from > in->columns.size) return mr_fail(MR_ERR_ARGUMENT, "from", from);
    if (!op->kind->pairs) MR_TRY(mr_rows_find(&op->rows, &in->columns));
    mr_flush_stop(op);
    mr_status status = op->kind->push(op, &in->columns, from, upto_out, results);
    mr_find_end(&op->rows);
    mr_operator_follow(op, &in->columns);
    return status;
}

mr_status mr_operator_advance(mr_operator handle, double watermark_ms, mr_batch results_handle) {
    GET_OPERATOR(op, handle);
    GET_BATCH_OF(op, results, results_handle);
    const bool end = watermark_ms == __builtin_inf();
    if (!end && watermark_ms > op->clock_ms) op->clock_ms = watermark_ms;
    const bool keys = !op->kind->pairs && (end || op->kind->advance != NULL);
    MR_TRY(clear_results(op, results, MR_RESULT_ROWS_MAX, keys));
    mr_status status = MR_OK;
    if (op->kind->advance != NULL) {
        status = op->kind->advance(op, watermark_ms, results);
    } else if (end && op->kind->finish != NULL) {
        status = op->kind->finish(op, results);
    }
    if (status == MR_ERR_HANDLE) mr_flush_stop(op); /* Rows came or went: begin again. */
    return status;
}

mr_status mr_operator_expire(mr_operator handle, double time_ms, uint32_t steps) {
    GET_OPERATOR(op, handle);
    if (op->flushing) return MR_OK; /* Rows that are being emitted stay so long. */
    return mr_rows_expire(&op->rows, time_ms, steps);
}

mr_status mr_operator_results(mr_operator handle, const uint32_t *rows, uint32_t count,
                              mr_batch results_handle) {
    GET_OPERATOR(op, handle);
    GET_BATCH_OF(op, results, results_handle);
    if (op->kind->result == NULL) return mr_fail(MR_ERR_ARGUMENT, "operator", op->spec.kind);
    if (count > MR_RESULT_ROWS_MAX) return mr_fail(MR_ERR_ARGUMENT, "count", count);
    MR_TRY(clear_results(op, results, MR_RESULT_ROWS_MAX, true));
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(op->kind->result(op, mr_row_at(rows[i]), results));
    }
    return MR_OK;
}

/* ---- scans, save and load ---- */

/* Open a scan that `start` starts, with what it takes. */
typedef struct scan_start {
    bool of_changes;
    bool ranked;
    double time_ms;
    uint32_t rewrite;
} scan_start;

static mr_status start_scan(mr_scan_data *scan, mr_rows *rows, const scan_start *how) {
    if (how->of_changes) return mr_scan_changes(scan, rows, how->rewrite);
    if (how->ranked) return mr_scan_ranked(scan, rows, how->time_ms);
    return mr_scan_start(scan, rows, how->time_ms);
}

static MR_COLD mr_status open_scan_of(mr_operator_data *op, mr_operator handle,
                                      const scan_start *how, mr_scan *scan_out) {
    engine *e = owner_of(handle, MR_HANDLE_OPERATOR);
    void *object;
    uint32_t made;
    MR_TRY(make_object(e, MR_HANDLE_SCAN, sizeof(open_scan), &object, &made));
    open_scan *open = object;
    open->op = handle;
    const mr_status status = start_scan(&open->scan, &op->rows, how);
    if (status != MR_OK) {
        drop_object(e, made, open, sizeof(open_scan));
        return status;
    }
    *scan_out = made;
    return MR_OK;
}

MR_COLD mr_status mr_scan_open(mr_operator handle, double time_ms, mr_scan *scan_out) {
    GET_OPERATOR(op, handle);
    return open_scan_of(op, handle, &(scan_start){.time_ms = time_ms}, scan_out);
}

MR_COLD mr_status mr_savepoint_scan(mr_operator handle, double time_ms, mr_scan *scan_out) {
    GET_OPERATOR(op, handle);
    return open_scan_of(op, handle, &(scan_start){.ranked = true, .time_ms = time_ms}, scan_out);
}

static mr_status check_tracked(const mr_operator_data *op) {
    if (op->rows.age_at != 0) return MR_OK;
    return mr_fail(MR_ERR_ARGUMENT, "flags", op->spec.flags);
}

MR_COLD mr_status mr_changes_of(mr_operator handle, mr_changes *changes_out) {
    GET_OPERATOR(op, handle);
    MR_TRY(check_tracked(op));
    const mr_dirty *dirty = &op->rows.dirty;
    const mr_addr first = dirty->oldest;
    const uint32_t oldest = first == 0 ? dirty->next : mr_row_at(first)->segment;
    const uint32_t floor = dirty->saving ? dirty->floor : UINT32_MAX;
    *changes_out = (mr_changes){
        .rows = dirty->changed,
        .removed = dirty->graves.count,
        .oldest = mr_min_u32(oldest, floor),
        .next = dirty->next,
        .kept = dirty->kept.count,
    };
    return MR_OK;
}

MR_COLD mr_status mr_changes_scan(mr_operator handle, uint32_t rewrite, mr_scan *scan_out) {
    GET_OPERATOR(op, handle);
    MR_TRY(check_tracked(op));
    if (op->rows.dirty.saving) return mr_fail(MR_ERR_ARGUMENT, "saving", op->rows.dirty.next);
    const scan_start how = {.of_changes = true, .rewrite = rewrite};
    return open_scan_of(op, handle, &how, scan_out);
}

MR_COLD mr_status mr_changes_end(mr_operator handle, uint32_t saved) {
    GET_OPERATOR(op, handle);
    MR_TRY(check_tracked(op));
    if (saved != 0 && op->rows.dirty.cut != 0) return mr_fail(MR_ERR_ARGUMENT, "saved", saved);
    mr_dirty_end(&op->rows, saved != 0);
    return MR_OK;
}

/* An open scan whose operator is open, too; or NULL. */
static mr_scan_data *live_scan(mr_scan handle) {
    open_scan *open = mr_handle_get(handle, MR_HANDLE_SCAN, NULL);
    if (open == NULL || mr_handle_get(open->op, MR_HANDLE_OPERATOR, NULL) == NULL) return NULL;
    return &open->scan;
}

MR_COLD mr_status mr_scan_close(mr_scan handle) {
    GET_SCAN(open, handle);
    mr_scan_stop(&open->scan);
    drop_object(owner_of(handle, MR_HANDLE_SCAN), handle, open, sizeof(open_scan));
    return MR_OK;
}

mr_status mr_scan_next(mr_scan handle, uint32_t rows_max, uint32_t *page_out) {
    mr_scan_data *scan = live_scan(handle);
    if (scan == NULL) return MR_ERR_HANDLE;
    if (rows_max == 0) return mr_fail(MR_ERR_ARGUMENT, "rows_max", 0);
    *page_out = mr_addr_of(&scan->page);
    MR_TRY(mr_scan_page(scan, rows_max));
    mr_scan_reach(scan);
    return MR_OK;
}

/* May a segment have this number? */
static mr_status check_segment(const mr_rows *rows, uint32_t segment, uint32_t least) {
    const bool fits = segment > 0 && segment >= least && segment < MR_MARKS - 1;
    return rows->age_at == 0 || fits ? MR_OK : mr_fail(MR_ERR_ARGUMENT, "segment", segment);
}

mr_status mr_save(mr_scan handle, uint32_t from, const uint8_t *ref_bytes,
                  const uint32_t *ref_offsets, uint8_t *out, uint32_t room, uint32_t segment,
                  uint32_t *upto_out, uint32_t *size_out) {
    const mr_scan_data *scan = live_scan(handle);
    if (scan == NULL) return MR_ERR_HANDLE;
    if (!mr_scan_valid(scan)) return mr_fail(MR_ERR_HANDLE, "scan", handle);
    if (from > scan->page.count) return mr_fail(MR_ERR_ARGUMENT, "from", from);
    MR_TRY(mr_scan_whole(scan)); /* Else rows of the page may be gone. */
    if (scan->of_changes) MR_TRY(check_segment(scan->rows, segment, scan->rows->dirty.next));
    const mr_save_to to = {ref_bytes, ref_offsets, out, room, segment};
    return mr_save_rows(scan, from, &to, upto_out, size_out);
}

MR_COLD mr_status mr_load_begin(mr_operator handle, uint32_t rows) {
    GET_OPERATOR(op, handle);
    mr_table_prepare(&op->rows.table, rows);
    return MR_OK;
}

mr_status mr_load(mr_operator handle, const uint8_t *bytes, uint32_t size, double time_ms,
                  uint32_t segment) {
    GET_OPERATOR(op, handle);
    mr_dirty *dirty = &op->rows.dirty;
    dirty->unknown = segment == 0 && dirty->next <= 1;
    if (!dirty->unknown) MR_TRY(check_segment(&op->rows, segment, dirty->next));
    mr_dirty_load(&op->rows, segment);
    mr_find_end(&op->rows);
    mr_flush_stop(op);
    if (op->kind->stop != NULL) op->kind->stop(op);
    return mr_load_rows(&op->rows, bytes, size, time_ms);
}

MR_COLD mr_status mr_load_end(mr_operator handle) {
    GET_OPERATOR(op, handle);
    return mr_load_finish(&op->rows);
}
