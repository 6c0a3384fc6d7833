/* harness.h -- an engine with one operator and its two batches, for tests through the exports.
 *
 * The host of these tests is C: addresses become pointers with mr_at. Keys are a letter
 * and a number, or any bytes. */
#ifndef MR_HARNESS_H
#define MR_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../c/handle.h"
#include "../../c/operator.h"
#include "random.h"

#define MIB (UINT64_C(1) << 20)
#define END __builtin_inf()

typedef struct bench {
    mr_engine engine;
    mr_operator op;
    mr_batch in;
    mr_batch out;
    mr_columns *input;
    mr_columns *results;
    uint64_t empty_bytes; /* Live when the engine was opened. */
} bench;

static inline mr_memory memory_of(mr_engine engine) {
    mr_memory memory;
    assert_int_equal(mr_engine_memory(engine, &memory), MR_OK);
    return memory;
}

static inline uint64_t live_bytes(mr_engine engine) { return memory_of(engine).live_bytes; }

static inline mr_engine open_engine(uint64_t budget_bytes, uint64_t hash_seed) {
    mr_engine engine = 0;
    const mr_options options = {.memory_bytes_max = budget_bytes, .hash_seed = hash_seed};
    assert_int_equal(mr_engine_open(&options, &engine), MR_OK);
    return engine;
}

/* Room in the input for `rows` rows of `columns` value columns and long keys. */
static inline void open_input(bench *b, uint32_t rows, uint32_t key_bytes, uint32_t columns) {
    uint32_t address = 0;
    assert_int_equal(mr_batch_reserve(b->in, rows, key_bytes, columns, &address), MR_OK);
    b->input = mr_at(address);
}

static inline bench open_bench_in(mr_engine engine, const mr_operator_spec *spec) {
    bench b = {.engine = engine, .empty_bytes = live_bytes(engine)};
    uint32_t address = 0;
    assert_int_equal(mr_operator_open(b.engine, spec, &b.op), MR_OK);
    assert_int_equal(mr_batch_open(b.engine, &b.in), MR_OK);
    assert_int_equal(mr_batch_open(b.engine, &b.out), MR_OK);
    open_input(&b, 8192, 1u << 20, 4);
    assert_int_equal(mr_batch_reserve(b.out, 1, 0, 0, &address), MR_OK);
    b.results = mr_at(address);
    return b;
}

static inline bench open_bench(const mr_operator_spec *spec) {
    return open_bench_in(open_engine(1024 * MIB, 42), spec);
}

/* Close all, and check that nothing is left. */
static inline void close_bench(bench *b) {
    assert_int_equal(mr_operator_close(b->op), MR_OK);
    assert_int_equal(mr_batch_close(b->in), MR_OK);
    assert_int_equal(mr_batch_close(b->out), MR_OK);
    assert_int_equal(live_bytes(b->engine), b->empty_bytes);
    assert_int_equal(memory_of(b->engine).external_bytes, 0);
    assert_int_equal(mr_engine_close(b->engine), MR_OK);
}

static inline mr_operator_data *inside(mr_operator op) {
    return mr_handle_get(op, MR_HANDLE_OPERATOR, NULL);
}

static inline mr_stats stats_of(const bench *b) {
    mr_stats stats;
    assert_int_equal(mr_operator_stats(b->op, &stats), MR_OK);
    return stats;
}

/* ---- filling the input ---- */

/* An empty input whose rows arrive at `now_ms`. */
static inline void begin_input(bench *b, double now_ms) {
    b->input->now_ms = now_ms;
    b->input->nulls = 0;
    b->input->size = 0;
    b->input->present = MR_HAS_KEYS;
    mr_u32s(b->input->key_offsets)[0] = 0;
}

static inline uint32_t add_bytes(bench *b, const void *key, uint32_t key_bytes) {
    mr_columns *in = b->input;
    uint32_t *offsets = mr_u32s(in->key_offsets);
    const uint32_t row = in->size++;
    assert_true(row < in->rows_max && offsets[row] + key_bytes <= in->key_bytes_max);
    memcpy((uint8_t *)mr_at(in->keys) + offsets[row], key, key_bytes);
    offsets[row + 1] = offsets[row] + key_bytes;
    return row;
}

static inline uint32_t add_key(bench *b, uint32_t number) {
    char text[16];
    return add_bytes(b, text, (uint32_t)snprintf(text, sizeof text, "k%u", number));
}

/* A row with event time; the whole batch is of event time then. */
static inline uint32_t add_event(bench *b, uint32_t number, double time_ms, double watermark) {
    const uint32_t row = add_key(b, number);
    b->input->present |= MR_HAS_TIME;
    mr_f64s(b->input->time_ms)[row] = time_ms;
    mr_f64s(b->input->watermark_before)[row] = watermark;
    return row;
}

/* ---- rows of a custom operator ---- */

static inline const mr_found *find_input(const bench *b) {
    uint32_t address = 0;
    assert_int_equal(mr_find(b->op, b->in, &address), MR_OK);
    return mr_at(address);
}

/* The row of input row `index` of the last find, or NULL. */
static inline mr_row *row_of(const bench *b, uint32_t index) {
    const mr_addr row = mr_find_again(&inside(b->op)->rows, index);
    return row == 0 ? NULL : mr_row_at(row);
}

static inline void *record_of(const bench *b, uint32_t index) {
    return mr_row_record(&inside(b->op)->rows, row_of(b, index));
}

/* The number of a key that add_key made. */
static inline uint32_t number_of(const mr_rows *rows, mr_row *row) {
    uint32_t number = 0;
    const uint8_t *key = mr_row_key(rows, row);
    for (uint32_t i = 1; i < row->key_bytes; i++)
        number = number * 10 + (key[i] - '0');
    return number;
}

/* ---- scans ---- */

/* The next page with rows, or the empty one at the end. */
static inline const mr_page *next_page(mr_scan scan, uint32_t rows_max) {
    uint32_t address = 0;
    mr_status status;
    while ((status = mr_scan_next(scan, rows_max, &address)) == MR_MORE) {
    }
    assert_int_equal(status, MR_OK);
    return mr_at(address);
}

/* Numbers of all keys in first-seen order, at most `max`; returns how many there are. */
static inline uint32_t scan_numbers(const bench *b, double time_ms, uint32_t page_rows,
                                    uint32_t *numbers, uint32_t max) {
    mr_scan scan = 0;
    uint32_t count = 0;
    assert_int_equal(mr_scan_open(b->op, time_ms, &scan), MR_OK);
    for (;;) {
        const mr_page *page = next_page(scan, page_rows);
        if (page->count == 0) break;
        for (uint32_t i = 0; i < page->count; i++, count++) {
            mr_row *row = mr_row_at(mr_u32s(page->rows)[i]);
            if (count < max) numbers[count] = number_of(&inside(b->op)->rows, row);
        }
    }
    assert_int_equal(mr_scan_close(scan), MR_OK);
    return count;
}

/* ---- saved rows ---- */

enum { SAVED_MAX = 1 << 18 };

/* The rows of an operator without refs, at most 4,096, as they are saved. */
static inline uint32_t save_all(const bench *b, uint8_t *out) {
    mr_scan scan = 0;
    uint32_t upto = 0;
    uint32_t size = 0;
    assert_int_equal(mr_scan_open(b->op, -END, &scan), MR_OK);
    if (next_page(scan, 4096)->count > 0) {
        assert_int_equal(mr_save(scan, 0, NULL, NULL, out, SAVED_MAX, 1, &upto, &size), MR_OK);
    }
    assert_int_equal(mr_scan_close(scan), MR_OK);
    return size;
}

/* As after a crash: the rows go on in another operator. */
static inline void restore(bench *b) {
    static uint8_t saved[SAVED_MAX];
    mr_operator op = 0;
    const uint32_t size = save_all(b, saved);
    assert_int_equal(mr_operator_open(b->engine, &inside(b->op)->spec, &op), MR_OK);
    assert_int_equal(mr_load(op, saved, size, 0, 1), MR_OK);
    assert_int_equal(mr_load_end(op), MR_OK);
    assert_int_equal(mr_operator_close(b->op), MR_OK);
    b->op = op;
}

/* ---- checkpoints ---- */

static inline mr_changes changes_of(const bench *b) {
    mr_changes changes;
    assert_int_equal(mr_changes_of(b->op, &changes), MR_OK);
    return changes;
}

/* Scan what changed, and `rewrite` old rows; with `saved` a checkpoint is taken. Numbers of
 * keys, at most `max`, those of removed rows below 0; returns how many there are. */
static inline uint32_t scan_changes(const bench *b, uint32_t rewrite, bool saved, int32_t *numbers,
                                    uint32_t max) {
    mr_rows *rows = &inside(b->op)->rows;
    mr_scan scan = 0;
    uint32_t count = 0;
    assert_int_equal(mr_changes_scan(b->op, rewrite, &scan), MR_OK);
    for (;;) {
        const mr_page *page = next_page(scan, 3);
        if (page->count == 0) break;
        for (uint32_t i = 0; i < page->count; i++, count++) {
            const mr_addr at = mr_u32s(page->rows)[i];
            const bool grave = (at & MR_PAGE_GRAVE) != 0;
            const int32_t number = (int32_t)number_of(rows, mr_row_at(at - grave));
            if (count < max) numbers[count] = grave ? -number : number;
            if (!grave) mr_dirty_written(rows, mr_row_at(at), rows->dirty.next);
        }
    }
    assert_int_equal(mr_scan_close(scan), MR_OK);
    assert_int_equal(mr_changes_end(b->op, saved), MR_OK);
    return count;
}

/* A checkpoint is taken: what stands is known from now on. */
static inline void end_epoch(const bench *b) { (void)scan_changes(b, 0, true, NULL, 0); }

#endif
