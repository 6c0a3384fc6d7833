/* batch.c -- see batch.h. */
#include "batch.h"

#include "error.h"

/* Hand out `bytes` of a block that starts at `base` and count them in `used`. */
static uint32_t carve(mr_addr base, uint32_t *used, uint32_t bytes) {
    uint32_t address = base + *used;
    *used += mr_round8(bytes);
    return address;
}

/* Lay the arrays out from `base` (0 to measure) and return their bytes. */
static uint32_t lay_out(mr_columns *columns, mr_addr base, uint32_t rows, uint32_t count) {
    const uint32_t f64_bytes = rows * (uint32_t)sizeof(double);
    uint32_t used = 0;
    columns->key_offsets = carve(base, &used, (rows + 1) * (uint32_t)sizeof(uint32_t));
    columns->time_ms = carve(base, &used, f64_bytes);
    columns->watermark_before = carve(base, &used, f64_bytes);
    columns->own_watermark = carve(base, &used, f64_bytes);
    columns->order = carve(base, &used, f64_bytes);
    columns->position = carve(base, &used, rows * (uint32_t)sizeof(uint32_t));
    for (uint32_t i = 0; i < count; i++) {
        columns->columns[i] = carve(base, &used, f64_bytes);
        columns->validity[i] = carve(base, &used, (rows + 7) / 8);
    }
    return used;
}

static mr_status out_of_memory(const mr_heap *heap) {
    return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)heap->budget_bytes);
}

static mr_status make_arrays(mr_batch_data *batch, uint32_t rows, uint32_t count) {
    mr_columns laid = batch->columns;
    uint32_t bytes = lay_out(&laid, 0, rows, count);
    mr_addr arrays = mr_heap_alloc_zeroed(batch->heap, bytes);
    if (arrays == 0) return out_of_memory(batch->heap);
    mr_heap_free(batch->heap, batch->arrays, batch->arrays_bytes);
    (void)lay_out(&laid, arrays, rows, count);
    laid.rows_max = rows;
    laid.column_count = count;
    batch->columns = laid;
    batch->arrays = arrays;
    batch->arrays_bytes = bytes;
    batch->columns_max = count;
    return MR_OK;
}

mr_status mr_batch_make_room(mr_batch_data *batch, uint32_t rows, uint32_t key_bytes,
                             uint32_t columns) {
    if (rows > MR_BATCH_ROWS_MAX) return mr_fail(MR_ERR_ARGUMENT, "rows", rows);
    if (columns > MR_COLUMNS_MAX) return mr_fail(MR_ERR_ARGUMENT, "columns", columns);
    MR_TRY(mr_batch_grow_keys(batch, key_bytes));
    if (rows > batch->columns.rows_max || columns > batch->columns_max || batch->arrays == 0) {
        uint32_t rows_max = rows > batch->columns.rows_max ? rows : batch->columns.rows_max;
        uint32_t count = columns > batch->columns_max ? columns : batch->columns_max;
        MR_TRY(make_arrays(batch, rows_max, count));
    }
    batch->columns.size = 0;
    batch->columns.present = 0;
    batch->columns.nulls = 0;
    batch->columns.column_count = columns;
    return MR_OK;
}

mr_status mr_batch_grow_keys(mr_batch_data *batch, uint32_t key_bytes) {
    mr_columns *columns = &batch->columns;
    if (key_bytes <= columns->key_bytes_max) return MR_OK;
    mr_addr keys = mr_heap_alloc(batch->heap, key_bytes);
    if (keys == 0) return out_of_memory(batch->heap);
    if (columns->keys != 0) {
        memcpy(mr_at(keys), mr_at(columns->keys), columns->key_bytes_max);
        mr_heap_free(batch->heap, columns->keys, columns->key_bytes_max);
    }
    columns->keys = keys;
    columns->key_bytes_max = key_bytes;
    return MR_OK;
}

mr_status mr_batch_check(const mr_batch_data *batch) {
    const mr_columns *columns = &batch->columns;
    if (columns->size > columns->rows_max) {
        return mr_fail(MR_ERR_CORRUPT, "size", columns->size);
    }
    if (!mr_batch_has(columns, MR_HAS_KEYS)) return MR_OK;
    const uint32_t *offsets = mr_u32s(columns->key_offsets);
    uint32_t bad = offsets[0] != 0;
    for (uint32_t i = 0; i < columns->size; i++) {
        uint32_t key_bytes = offsets[i + 1] - offsets[i]; /* Wraps when not ascending. */
        bad |= key_bytes - 1 > MR_KEY_BYTES_MAX - 1;
    }
    if (bad != 0 || offsets[columns->size] > columns->key_bytes_max) {
        return mr_fail(MR_ERR_CORRUPT, "key_offsets", offsets[columns->size]);
    }
    return MR_OK;
}

void mr_batch_release(mr_batch_data *batch) {
    mr_heap_free(batch->heap, batch->arrays, batch->arrays_bytes);
    mr_heap_free(batch->heap, batch->columns.keys, batch->columns.key_bytes_max);
}
