/* operator.h -- the contract between an operator and the engine.
 *
 * An operator owns no memory: what must survive is in its rows, so that one save and
 * load, one budget and one crash test serve all of them. A kind is a table of
 * functions over the state that every operator has.
 *
 * An operator works row by row: what event i sees is what events 0 .. i-1 left
 * behind, whatever the chunk. It reserves what one event needs before it changes
 * anything, so an error at row i leaves exactly rows 0 .. i-1 applied. */
#ifndef MR_OPERATOR_H
#define MR_OPERATOR_H

#include "scan.h"
#include "slices.h"

typedef struct mr_operator_data mr_operator_data;

typedef struct mr_operator_kind {
    const char *name;
    uint32_t flags;   /* That a spec may have beside those of any state. */
    uint32_t columns; /* Value columns of its results before those of the aggregates. */
    bool pairs;       /* It finds rows itself, and its results have no keys. */
    bool sided;       /* Its rows are events of two sides; bucket.h. */
    /* Write the fields of the state's record; returns how many. */
    mr_status (*fields)(const mr_operator_spec *spec, uint8_t *fields_out, uint32_t *count_out);
    /* Rows [from, size) of `in`, found already. *upto_out follows the rows applied. NULL:
     * the host runs the function. */
    mr_status (*push)(mr_operator_data *op, const mr_columns *in, uint32_t from, uint32_t *upto_out,
                      mr_batch_data *results);
    /* The source has ended: emit what is left; MR_MORE. May be NULL. */
    mr_status (*finish)(mr_operator_data *op, mr_batch_data *results);
    /* Add the result of one row. NULL: the kind has none. */
    mr_status (*result)(mr_operator_data *op, mr_row *row, mr_batch_data *results);
    /* Add what one row has aggregated to another. NULL: the kind cannot. */
    void (*merge)(mr_operator_data *op, mr_row *into, mr_row *from);
    /* Its state is open. May be NULL, as those below. */
    void (*open)(mr_operator_data *op);
    /* Emit what is due by a watermark, or now; MR_MORE. Not called where it is NULL. */
    mr_status (*advance)(mr_operator_data *op, double watermark_ms, mr_batch_data *results);
    /* The host has found the rows of a chunk. */
    void (*found)(mr_operator_data *op);
    /* What goes on over several calls is void: the operator closes, or rows are loaded. */
    void (*stop)(mr_operator_data *op);
} mr_operator_kind;

/* What windows remember beside their rows; op/window.h. */
typedef struct mr_window_data {
    mr_slice_shape shape;
    uint8_t kinds[MR_FIELDS_MAX + 2]; /* Of the shape: the aggregates', and min and max of times. */
    int64_t size;
    int64_t slide;
    int64_t offset;
    int64_t cut;     /* size % slide: how far behind a start a window ends. */
    int64_t start;   /* Of the last window of some event. */
    int64_t late_ms; /* Events may be so late. */
    int64_t wait_ms; /* A window fires so long after its end: late_ms where it fires once, */
    int64_t keep_ms; /* and stays for so long: else late_ms. */
    double next_ms;  /* No timer is due before, */
    double waits_ms; /* and none of an event that waits before this, if one waits. */
    uint64_t firsts; /* The number of the next first event. */
    mr_runs due;     /* While `firing`: rows whose timer was at due_ms, and hangs no more. */
    int64_t due_ms;
    uint64_t changes; /* Of the rows, when rows were put there. */
    bool firing;
    bool unchecked; /* Rows were loaded. */
} mr_window_data;

/* What a join remembers beside its rows; op/join.c. */
typedef struct mr_join_data {
    uint32_t given;   /* Partners that the next input row was given by the last push. */
    mr_addr passed;   /* As of: the row that results tell, which goes when they are taken; or 0. */
    uint64_t changes; /* Of the rows, when it was put there. */
    bool encoded;     /* The results have a value that is still bytes of a row. */
} mr_join_data;

/* Memory that an operator does without at rest. */
typedef struct mr_room {
    mr_addr at;
    uint32_t bytes;
} mr_room;

/* What a pattern remembers beside its rows; op/pattern.c. */
typedef struct mr_pattern_data {
    mr_room key;     /* The key of an entry. */
    mr_room moves;   /* What the event makes of partial matches, */
    mr_room next;    /* and what they are then. */
    mr_room answers; /* Of the host: for each partial match, a byte per condition. */
    uint32_t count;  /* Of moves. */
    mr_addr row;     /* Whose matches are being emitted; 0: nobody's. */
    mr_addr failed;  /* An event that could not be run, and goes. */
    uint32_t given;  /* So many of them are out, */
    uint32_t node;   /* and of the next one the nodes before this one. */
    double due_ms;   /* When they were due. */
    double next_ms;  /* No timer is due before, */
    double waits_ms; /* and none of an event that waits before this, if one waits. */
    uint64_t made;   /* Which rows of matches came since they were looked for, and which went: */
    uint64_t gone;   /* bits. */
    uint64_t came;   /* The next timer's registration when the next event came; 0: it has not. */
    bool told;       /* The next one is out, but it may not be let go of yet. */
    bool asked;      /* The answers are of the event that is next. */
    bool applied;    /* The next input row is applied, but not all that it made is emitted. */
    bool encoded;    /* The results have a value that is still bytes of a row. */
    bool unchecked;  /* Rows were loaded. */
    bool silent;     /* Nobody is told when the time of a partial match is over. */
} mr_pattern_data;

struct mr_operator_data {
    mr_rows rows;
    const mr_operator_kind *kind;
    mr_operator_spec spec;
    mr_scan_data flush; /* Used by finish while `flushing`: */
    uint32_t flush_at;  /* the next row of its page. */
    double clock_ms;    /* The latest watermark, or now, that was pushed. */
    uint64_t nans;
    uint64_t late;
    mr_window_data window;
    mr_join_data join;
    mr_pattern_data pattern;
    mr_batch found_in; /* The batch of the host's last find. */
    bool flushing;
    bool flushed; /* All is emitted; only more input changes that. */
};

/* What was being emitted at the end of the source is void: the state changes. */
static inline void mr_flush_stop(mr_operator_data *op) {
    if (op->flushing) mr_scan_stop(&op->flush);
    op->flushing = false;
    op->flushed = false;
}

/* Emit all rows in first-seen order at the end of the source, each as `emit` does; once, unless
 * more comes in. MR_MORE: `emit` said so, or the rows are being collected. */
mr_status mr_flush(mr_operator_data *op,
                   mr_status (*emit)(mr_operator_data *op, mr_row *row, mr_batch_data *results),
                   mr_batch_data *results);

/* The clock goes on to the last event of an input. */
static inline void mr_operator_follow(mr_operator_data *op, const mr_columns *in) {
    if (in->size == 0) return;
    const double clock_ms = mr_row_watermark(in, in->size - 1);
    if (clock_ms > op->clock_ms) op->clock_ms = clock_ms;
}

extern const mr_operator_kind mr_kind_custom;
extern const mr_operator_kind mr_kind_aggregate;
extern const mr_operator_kind mr_kind_deduplicate;
extern const mr_operator_kind mr_kind_throttle;
extern const mr_operator_kind mr_kind_window;
extern const mr_operator_kind mr_kind_join;
extern const mr_operator_kind mr_kind_pattern;
extern const mr_operator_kind mr_kind_session;

/* mr_session_event; op/session.c. */
int32_t mr_session_take(mr_operator_data *op, uint32_t index, bool takes);

/* Is there no room for one more result with a key of `key_bytes` (0: without one)? */
static inline bool mr_results_full(const mr_batch_data *results, uint32_t key_bytes) {
    const mr_columns *columns = &results->columns;
    if (columns->size == columns->rows_max || columns->size == MR_RESULT_ROWS_MAX) return true;
    if (key_bytes == 0) return false; /* Nothing has a key: no offsets are kept. */
    return mr_u32s(columns->key_offsets)[columns->size] + key_bytes > MR_RESULT_BYTES_MAX;
}

/* Begin result row `columns->size` that input row `row` of `in` caused; the caller fills
 * the value columns and then counts it. Requires room. */
static inline void mr_results_begin(mr_batch_data *results, const mr_columns *in, uint32_t row) {
    mr_columns *columns = &results->columns;
    mr_u32s(columns->position)[columns->size] = row;
    if (!mr_batch_has(in, MR_HAS_ORDER)) return;
    columns->present |= MR_HAS_ORDER;
    mr_f64s(columns->order)[columns->size] = mr_f64s(in->order)[row];
}

/* The same for a result with a key, which is not one to one with an input row. */
static inline void mr_results_key(mr_batch_data *results, const void *key, uint32_t key_bytes,
                                  uint32_t position) {
    mr_columns *columns = &results->columns;
    uint32_t *offsets = mr_u32s(columns->key_offsets) + columns->size;
    memcpy((uint8_t *)mr_at(columns->keys) + offsets[0], key, key_bytes);
    offsets[1] = offsets[0] + key_bytes;
    mr_u32s(columns->position)[columns->size] = position;
    columns->present |= MR_HAS_KEYS;
}

#endif
