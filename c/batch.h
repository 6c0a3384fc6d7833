/* batch.h -- columns in linear memory, in the Apache Arrow layout.
 *
 *   arrays  [key_offsets][time][watermark][order][position][column 0][validity 0]...
 *   keys    [bytes of key 0][bytes of key 1]...
 *
 * Two blocks, each grown only when a batch needs more than any before it, so a
 * batch that is reused for every chunk allocates nothing.
 *
 * Invariant: size <= rows_max; key_offsets[size] <= key_bytes_max. What the host
 * wrote is checked by mr_batch_check before an operator reads it. */
#ifndef MR_BATCH_H
#define MR_BATCH_H

#include "alloc.h"

typedef struct mr_batch_data {
    mr_columns columns; /* First: the host knows its address. */
    mr_heap *heap;
    mr_addr arrays;
    uint32_t arrays_bytes;
    uint32_t columns_max;
} mr_batch_data;

/* Room for so much; the rows that were in it are lost. MR_ERR_MEMORY: unchanged. */
MR_COLD mr_status mr_batch_make_room(mr_batch_data *batch, uint32_t rows, uint32_t key_bytes,
                                     uint32_t columns);

/* Room for `key_bytes`; what is in the batch is kept. */
mr_status mr_batch_grow_keys(mr_batch_data *batch, uint32_t key_bytes);

/* MR_ERR_CORRUPT when sizes or key offsets reach outside the batch. */
mr_status mr_batch_check(const mr_batch_data *batch);

void mr_batch_release(mr_batch_data *batch);

static inline bool mr_batch_has(const mr_columns *columns, uint32_t what) {
    return (columns->present & what) != 0;
}
static inline double *mr_f64s(uint32_t address) { return mr_at(address); }
static inline uint32_t *mr_u32s(uint32_t address) { return mr_at(address); }

/* Is there a value in row `row` of value column `column`? */
static inline bool mr_column_valid(const mr_columns *columns, uint32_t column, uint32_t row) {
    if (((columns->nulls >> column) & 1u) == 0) return true;
    const uint8_t *bits = mr_at(columns->validity[column]);
    return ((bits[row >> 3] >> (row & 7u)) & 1u) != 0;
}

/* The time that decides what has expired at row `row`: event time and watermark, or now. */
static inline double mr_row_clock(const mr_columns *columns, uint32_t row) {
    if (!mr_batch_has(columns, MR_HAS_TIME)) return columns->now_ms;
    double time = mr_f64s(columns->time_ms)[row];
    double watermark = mr_f64s(columns->watermark_before)[row];
    return time > watermark ? time : watermark;
}

/* The time at which row `row` uses state. */
static inline double mr_row_time(const mr_columns *columns, uint32_t row) {
    return mr_batch_has(columns, MR_HAS_TIME) ? mr_f64s(columns->time_ms)[row] : columns->now_ms;
}

/* What has surely passed at row `row`: the watermark, or now. */
static inline double mr_row_watermark(const mr_columns *columns, uint32_t row) {
    return mr_batch_has(columns, MR_HAS_TIME) ? mr_f64s(columns->watermark_before)[row]
                                              : columns->now_ms;
}

/* The watermark that decides whether row `row` is late. */
static inline double mr_row_own_watermark(const mr_columns *columns, uint32_t row) {
    if (!mr_batch_has(columns, MR_HAS_OWN)) return mr_row_watermark(columns, row);
    return mr_f64s(columns->own_watermark)[row];
}

#endif
