/* window_harness.h -- windows in, windows out as text, for tests of MR_WINDOW. */
#ifndef MR_WINDOW_HARNESS_H
#define MR_WINDOW_HARNESS_H

#include "harness.h"

#define NEVER (-__builtin_inf())

static inline mr_operator_spec sliding(double size, double slide) {
    return (mr_operator_spec){
        .kind = MR_WINDOW,
        .flags = MR_TIMERS,
        .assigner = MR_ALIGNED,
        .size = size,
        .slide = slide,
        .count = 2,
        .kinds = {MR_COUNT, MR_SUM},
    };
}

static inline mr_operator_spec tumbling(double size) { return sliding(size, size); }

static inline void put(bench *b, uint32_t key, double time_ms, double watermark, double value) {
    const uint32_t row = add_event(b, key, time_ms, watermark);
    mr_f64s(b->input->columns[0])[row] = value;
}

/* What came out, as text: one line per result, all calls one after another. */
typedef struct out {
    char text[1 << 16];
    uint32_t size;
} out;

static inline void take(const bench *b, out *to) {
    const mr_columns *columns = b->results;
    const uint32_t *offsets = mr_u32s(columns->key_offsets);
    for (uint32_t i = 0; i < columns->size; i++) {
        const double start = mr_f64s(columns->columns[MR_WINDOW_START])[i];
        char *at = to->text + to->size;
        const size_t left = sizeof to->text - to->size;
        int written;
        if (start != start) {
            written = snprintf(at, left, "late %u\n", mr_u32s(columns->position)[i]);
        } else {
            written = snprintf(
                at, left, "%.*s %g..%g #%g: %g %g @%g\n", (int)(offsets[i + 1] - offsets[i]),
                (const char *)mr_at(columns->keys) + offsets[i], start,
                mr_f64s(columns->columns[MR_WINDOW_END])[i],
                mr_f64s(columns->columns[MR_WINDOW_REVISION])[i],
                mr_f64s(columns->columns[MR_WINDOW_COLUMNS])[i],
                mr_f64s(columns->columns[MR_WINDOW_COLUMNS + 1])[i], mr_f64s(columns->time_ms)[i]);
        }
        to->size += (uint32_t)written;
        assert_true(to->size < sizeof to->text);
    }
}

static inline void push_all(const bench *b, out *to) {
    mr_status status = MR_MORE;
    for (uint32_t from = 0; status == MR_MORE;) {
        status = mr_operator_push(b->op, b->in, from, &from, b->out);
        take(b, to);
    }
    assert_int_equal(status, MR_OK);
}

static inline void advance(const bench *b, double watermark, out *to) {
    mr_status status = MR_MORE;
    while (status == MR_MORE) {
        status = mr_operator_advance(b->op, watermark, b->out);
        take(b, to);
    }
    assert_int_equal(status, MR_OK);
}

#endif
