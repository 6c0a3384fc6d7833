/* millrace.h -- the engine's public face: the only header an embedder includes.
 *
 * Batches in, batches out. A call runs to completion, never blocks and never
 * calls the host. Times are milliseconds since the Unix epoch, sizes are bytes.
 * Every call returns an mr_status; what a refused row or call would have
 * changed is unchanged, so the caller may mend the cause and go on. Addresses
 * inside structures are 32-bit offsets in the engine's memory: in WebAssembly,
 * pointers.
 *
 *   engine ── operator ── its state: key -> row (a record of fields)
 *      └───── batch: columns in, columns out
 *                scan: the rows of a state in first-seen order */
#ifndef MILLRACE_H
#define MILLRACE_H

#include "millrace_pattern.h"
#include "millrace_session.h"

#include <stdint.h>

#if defined(__wasm__) /* Exported by -Wl,--export-dynamic. */
#define MR_API __attribute__((visibility("default"), used))
#else
#define MR_API
#endif

/* Handles: slot number and generation. Zero is never live, and a handle that
 * was closed never becomes valid again. A handle of another kind is refused. */
typedef uint32_t mr_engine;
typedef uint32_t mr_operator;
typedef uint32_t mr_batch;
typedef uint32_t mr_scan;

typedef enum mr_status {
    MR_OK = 0,
    MR_MORE = 1,          /* Not an error: take the results and call again. */
    MR_ERR_HANDLE = -1,   /* Closed, of another kind, or never issued. */
    MR_ERR_ARGUMENT = -2, /* Out of range; mr_error_name() names the argument. */
    MR_ERR_MEMORY = -3,   /* memory_bytes_max reached, or the host has no more. */
    MR_ERR_CORRUPT = -4,  /* The bytes are not a batch or a segment of ours. */
    MR_ERR_LIMIT = -5,    /* A named limit was reached: mr_error_name(), mr_error_value(). */
} mr_status;

enum {
    MR_KEY_BYTES_MAX = 65535,      /* One key, encoded. */
    MR_STRING_BYTES_MAX = 1 << 20, /* One string field. */
    MR_REFS_BYTES_MAX = 1 << 21,   /* One field of refs, without their values. */
    MR_PASSES_MAX = 1 << 16,       /* Times that a throttle remembers of a key. */
    MR_FIELDS_MAX = 64,            /* Fields of a record. */
    MR_COLUMNS_MAX = 64,           /* Value columns of a batch. */
    MR_BATCH_ROWS_MAX = 65536,     /* Rows of an input batch. */
    MR_RESULT_ROWS_MAX = 4096,     /* Rows of a result batch; a call stops there with MR_MORE. */
    MR_RESULT_BYTES_MAX = 1 << 20, /* Key bytes of a result batch; the same. */
    MR_REF_BYTES = 512,            /* What a live ref counts against memory_bytes_max. */
    MR_SEGMENT_VERSION = 2,        /* Of saved entries. */
    MR_BLOCK_FIELDS_AT = 7,        /* Where a block of these has how many fields rows have, */
    MR_BLOCK_KINDS_AT = 16,        /* and where their kinds; c/save.h has the rest. */
    MR_PAGE_GRAVE = 1,             /* See mr_page. */
    MR_SCRATCH_BYTES = 512,        /* See mr_scratch. */
    MR_ENTRIES_PAGE = 96,          /* Rows that mr_entries_next gives at most. */
};

/* What a field holds. Cells are 8 bytes for numbers and times, 4 for strings and
 * refs (the address of a blob, the number of a ref), 1 for booleans. */
typedef enum mr_field {
    MR_F64 = 0,
    MR_I64 = 1,
    MR_BOOL = 2,
    MR_STRING = 3,    /* Blob: u32 size, then UTF-8 bytes. 0 is "". */
    MR_TIMESTAMP = 4, /* f64 milliseconds. */
    MR_REF = 5,       /* A value that lives on the host's side; see mr_refs_reserve. */
    MR_REFS = 6, /* Blob that ends with refs; c/ref.h. 0 is none. Only operators of C fill it. */
} mr_field;

typedef enum mr_kind {
    MR_CUSTOM = 0,      /* The host runs the user's function over found rows. */
    MR_AGGREGATE = 1,   /* One record of accumulators per key. */
    MR_DEDUPLICATE = 2, /* Passes the first event of a key (per ttl). */
    MR_THROTTLE = 3,    /* Passes `limit` events of a key per `per_ms`. */
    MR_WINDOW = 4,      /* Aggregates per key and window; c/op/window.c. */
    MR_JOIN = 5,        /* Pairs of the events of two inputs; c/op/join.c. */
    MR_PATTERN = 6,     /* Sequences of events of a key; c/op/pattern.c. */
    MR_SESSION = 7,     /* As custom, with mr_session_event; c/op/session.c. */
} mr_kind;

/* Which windows an event at t, or the n-th of its key, is in. */
typedef enum mr_assigner {
    MR_ALIGNED = 0,      /* [k slide + offset, + size) that t is in: tumbling and sliding. */
    MR_SESSIONS = 1,     /* Events with no gap between them: size is the gap. */
    MR_COUNTED = 2,      /* Events [k slide, k slide + size) of a key, when it is full. */
    MR_COUNTED_EACH = 3, /* The last size events of a key, after every slide of them. */
} mr_assigner;

/* How a throttle judges an event at t; c/op/throttle.c. */
typedef enum mr_algorithm {
    MR_SLIDING = 0,      /* Fewer than limit passed in (t - per, t]. */
    MR_FIXED = 1,        /* Fewer than limit passed in t's window, aligned to 0. */
    MR_TOKEN_BUCKET = 2, /* There is a token: burst at first, limit more per per. */
    MR_GCRA = 3,         /* per / limit after the last one, burst - 1 of them earlier. */
} mr_algorithm;

typedef enum mr_aggregate {
    MR_COUNT = 0, /* Rows. Reads no column. */
    MR_SUM = 1,   /* Compensated (Neumaier 1974). 0 when nothing was added. */
    MR_MEAN = 2,  /* NaN when nothing was added. */
    MR_MIN = 3,   /* NaN when nothing was added. */
    MR_MAX = 4,
    MR_VARIANCE = 5, /* Of a sample, NaN of less than two values; so is its root: */
    MR_STDDEV = 6,
    MR_VARIANCE_POPULATION = 7, /* NaN when nothing was added; so is its root: */
    MR_STDDEV_POPULATION = 8,
} mr_aggregate;

enum {
    MR_EMIT_EACH = 1 << 0,    /* Aggregate: a result per input row, not per key at the end. */
    MR_EVICT = 1 << 1,        /* Full, it evicts its least recently used row; else MR_ERR_LIMIT. */
    MR_TRACK = 1 << 2,        /* Know which rows changed since the last checkpoint. */
    MR_REFRESH = 1 << 3,      /* Deduplicate: a duplicate restarts the ttl. */
    MR_TIMERS = 1 << 4,       /* Rows have room for a timer each; see mr_timer_set. */
    MR_KEEP_EVICTED = 1 << 5, /* With MR_EVICT: the host sees who went; see mr_evicted_free. */
    MR_TOUCH_READS = 1 << 6,  /* A read restarts the ttl as a write does. */
    MR_LINGER = 1 << 7,       /* A row whose ttl is over stands until the next cleaning. */
    MR_DELAY = 1 << 8,        /* Throttle: every event passes, at a time; c/op/throttle.c. */
    MR_FINAL = 1 << 9,        /* Window: one result, when late_ms is over, too. */
    MR_EXCLUSIVE = 1 << 10,   /* Session: a gap of exactly size ends it. */
    MR_PARTIAL = 1 << 11,     /* MR_COUNTED: at the end also a window that is not full. */
    MR_ENTRIES = 1 << 12,     /* A key has many rows; custom: see mr_entries_next. */
    MR_AS_OF = 1 << 13,       /* Join: a left event's one partner, once the watermark is past it. */
};

/* The value columns of a window's results before those of the aggregates. A result with a
 * start of NaN is an event that came too late: no more than its position counts. */
enum { MR_WINDOW_START = 0, MR_WINDOW_END = 1, MR_WINDOW_REVISION = 2, MR_WINDOW_COLUMNS = 3 };

/* A join: the value columns of its input, which are the side that an event is of (0: left, 1:
 * right) and the number of a ref for it; and those of its results, which tell a partner: the cell
 * of its ref, and the address of that. A cell of 0: the event is late, and the ref is the host's
 * again. So it is if the push ends with an error before the event. With MR_AS_OF a result that is
 * not late has no input row: it tells a left event, and the same of its partner, or 0. */
enum { MR_JOIN_SIDE = 0, MR_JOIN_EVENT = 1, MR_JOIN_COLUMNS = 2 };
enum { MR_JOIN_CELL = 0, MR_JOIN_CELL_AT = 1, MR_JOIN_RIGHT = 2, MR_JOIN_RIGHT_AT = 3 };

/* What sliding and fixed throttles, and with MR_DELAY all, keep of a key: the list in a blob,
 * of which [first, first + size) count; forgotten is the total before them. With MR_DELAY the
 * list goes on into the future, and there are two numbers more: the time of the last pass, and
 * the tokens that were left then or the theoretical arrival time after it. */
typedef struct mr_pass {
    double time_ms;
    double through; /* Events that passed up to and including this time, ever. */
} mr_pass;
enum { /* Fields of the record. */
       MR_PASSES_FORGOTTEN = 0,
       MR_PASSES_FIRST = 1,
       MR_PASSES_SIZE = 2,
       MR_PASSES_LIST = 3,
       MR_PASSES_LAST = 4,
       MR_PASSES_LEVEL = 5,
};

/* Bits of mr_columns.present. */
enum {
    MR_HAS_KEYS = 1 << 0,
    MR_HAS_TIME = 1 << 1, /* time_ms and watermark_before: event time. Else now_ms rules. */
    MR_HAS_ORDER = 1 << 2,
    MR_HAS_OWN = 1 << 3, /* own_watermark; else it is watermark_before. */
};

/* Fixed-width fields only, widest first, so the layout is one everywhere. */
typedef struct mr_options {
    uint64_t memory_bytes_max; /* Hard limit on the memory of this engine. > 0. */
    uint64_t hash_seed;        /* Secret, from the host's random source. */
} mr_options;

typedef struct mr_operator_spec {
    double ttl_ms;      /* Rows expire at this age since their last write; 0: never. */
    double cleanup_ms;  /* MR_LINGER: rows go at multiples of this; whole, > 0. */
    uint64_t rows_max;  /* 0: no limit. */
    uint64_t bytes_max; /* Rows, strings and an estimate of refs; 0: no limit. */
    double limit;       /* Throttle: events per per_ms, >= 1. */
    double per_ms;      /* Throttle: > 0. Its ttl_ms, > 0: how long a pass matters. */
    double burst;       /* Throttle: of MR_TOKEN_BUCKET and MR_GCRA, >= 1. */
    double queue_max;   /* MR_DELAY: events of a key that wait at most, >= 1. */
    double size;        /* Window: ms, or events; whole, >= 1. Session: the gap, > 0. */
    double slide;       /* Window: the same; of MR_ALIGNED at most size. */
    double offset_ms;   /* Window: whole. */
    double late_ms;     /* Window: how late an event may be; whole. */
    double before_ms;   /* Join: a right event may be so much before its left one, */
    double after_ms;    /* and so much after it; their sum >= 0. */
    uint32_t kind;      /* mr_kind. */
    uint32_t flags;     /* MR_EMIT_EACH and others; what its kind has not is refused. */
    uint32_t count;     /* Of fields (custom and kinds like it) or of aggregates; else 0. */
    uint8_t kinds[MR_FIELDS_MAX];   /* mr_field or mr_aggregate each. */
    uint8_t columns[MR_FIELDS_MAX]; /* Aggregate: the input column each reads. */
    uint32_t algorithm;             /* Throttle: mr_algorithm. */
    uint32_t assigner;              /* Window: mr_assigner. */
    uint32_t pattern;               /* Pattern: the address of an mr_pattern, which stays there. */
} mr_operator_spec;

/* The columns of a batch. Arrays have room for rows_max rows (key_offsets for one
 * more) and keys for key_bytes_max bytes. A value column is f64 with an Arrow
 * validity bitmap, which counts only if the column's bit in `nulls` is set. */
typedef struct mr_columns {
    double now_ms;  /* Arrival time of all rows. */
    uint64_t nulls; /* A bit per value column: its validity bitmap is filled in. */
    uint32_t size;  /* Rows. */
    uint32_t present;
    uint32_t rows_max;
    uint32_t key_bytes_max;
    uint32_t key_offsets;      /* u32[size + 1], ascending from 0. */
    uint32_t keys;             /* A tag byte and its payload each; js/state/key_bytes.ts. */
    uint32_t time_ms;          /* f64[size]. */
    uint32_t watermark_before; /* f64[size]: the watermark before the row's own advance. */
    uint32_t order;            /* f64[size]: source sequence. */
    uint32_t position;         /* u32[size], results: the input row that caused this one. */
    uint32_t column_count;
    uint32_t own_watermark; /* f64[size]: the watermark of the row's own source, before it. */
    uint32_t columns[MR_COLUMNS_MAX];  /* f64[size] each. */
    uint32_t validity[MR_COLUMNS_MAX]; /* u8[(size + 7) / 8] each. */
} mr_columns;

/* Where the host finds the rows of the last mr_find: rows[i] is the address of the row of input
 * row i, or 0. A row that was 0 may be there once mr_row_enter has looked again. */
typedef struct mr_found {
    uint32_t size;    /* Input rows. */
    uint32_t rows;    /* u32[size]; none of them is gone. */
    uint32_t evicted; /* The row that was evicted first; see mr_evicted_free. 0: none. */
    uint32_t ways;    /* Sessions: u32[size], mr_session_way; it holds while rows[i] is not 0. */
} mr_found;

/* How a record lies in a row: its address is row - record_bytes. The key is at row + key_at; the
 * u16 at row + key_bytes_at is its length. */
typedef struct mr_layout {
    uint32_t key_at;
    uint32_t key_bytes_at;
    uint32_t record_bytes;
    uint32_t field_count;
    uint32_t evicted_next_at; /* From an evicted row's start: u32, the next one's address. */
    uint32_t evicted_by_at;   /* The same: u32, the input row that it made room for. */
    uint32_t timer_at;        /* The same: i64, when its timer is due, then u64, 0: it is off.
                               * 0: rows have no timers. */
    uint32_t field_at[MR_FIELDS_MAX]; /* From the record's start. */
    uint8_t field_kind[MR_FIELDS_MAX];
} mr_layout;

typedef struct mr_stats {
    uint64_t rows;    /* Rows that stand, expired ones that are not yet freed included. */
    uint64_t bytes;   /* Rows, their strings and their refs' estimate. */
    uint64_t expired; /* Rows removed by ttl, ever. */
    uint64_t evicted; /* Rows removed by MR_EVICT, ever. */
    uint64_t nans;    /* Aggregate: values that were NaN and were left out. */
    uint64_t late;    /* Window: events that were too late for all of their windows. */
} mr_stats;

typedef struct mr_memory {
    uint64_t live_bytes;     /* In use. */
    uint64_t reserved_bytes; /* Taken from the host, whole pages: what counts. */
    uint64_t external_bytes; /* Estimate of the host's refs: counts too. */
    uint64_t limit_bytes;
} mr_memory;

/* Refs that C let go of: a chain of numbers that starts at `dropped` and goes on in
 * next[]; 0 ends it. The host takes the chain and writes 0 to `dropped`. What next[] has of other
 * numbers is C's. */
typedef struct mr_refs {
    uint32_t dropped;
    uint32_t next;     /* u32[capacity]. */
    uint32_t capacity; /* Numbers 1 .. capacity - 1 may be used. */
} mr_refs;

/* The timer that comes next; see mr_timer_peek. */
typedef struct mr_due {
    double time_ms;
    uint32_t row; /* The address of the timer's row; 0: none is due. */
    uint32_t spare;
} mr_due;

/* A page of the entries of one key; see mr_entries_next. All zero at the start. */
typedef struct mr_entries {
    double clock_ms; /* Entries whose ttl is over by then are left out. */
    double changes;  /* The rest is C's, to go on from: */
    double birth;    /* Entries born before that were given, or left out. */
    uint32_t row;
    uint32_t count;
    uint32_t rows[MR_ENTRIES_PAGE]; /* Addresses. */
} mr_entries;

/* What a state has to save; see mr_scan_changes. */
typedef struct mr_changes {
    uint32_t rows;    /* Changed since the last checkpoint. */
    uint32_t removed; /* Removed, and a checkpoint may know them. */
    uint32_t oldest;  /* Segments with lower numbers are of no use. */
    uint32_t next;    /* The number that the next segment may have. */
    uint32_t kept;    /* Rows that have changed since the cut and wait as they were then. */
} mr_changes;

/* The rows of a scan's page: addresses. Where there are some of removed rows, these have
 * MR_PAGE_GRAVE added, which no address has. */
typedef struct mr_page {
    uint32_t count;
    uint32_t rows; /* u32[count]. */
} mr_page;

/* ---- engine ---- */

/* Open an engine. `options` is borrowed for the call. Writes the handle to
 * `engine_out`; release it with mr_engine_close(). */
MR_API mr_status mr_engine_open(const mr_options *options, mr_engine *engine_out);

/* Free everything that the engine owns; its operators, batches and scans are closed
 * with it. Closing handle 0 does nothing. */
MR_API mr_status mr_engine_close(mr_engine engine);

MR_API mr_status mr_engine_memory(mr_engine engine, mr_memory *memory_out);

/* `bytes` of memory for the host, aligned to 8, counted in the engine's budget; its
 * address goes to `address_out`. Free with mr_free and the same `bytes`. */
MR_API mr_status mr_alloc(mr_engine engine, uint32_t bytes, uint32_t *address_out);
MR_API mr_status mr_free(mr_engine engine, uint32_t address, uint32_t bytes);

/* What the last refused call complained of: a static name (NUL-terminated; "" if
 * there is none to give) and the limit's or argument's value. */
MR_API const char *mr_error_name(void);
MR_API double mr_error_value(void);

/* The address of MR_SCRATCH_BYTES bytes, aligned to 8, for the host's small structures
 * and out parameters; there before any engine is. C never looks at them by itself. */
MR_API uint32_t mr_scratch(void);

/* XXH64 of the bytes, to `checksum_out`. */
MR_API mr_status mr_checksum(const uint8_t *bytes, uint32_t size, uint64_t *checksum_out);

/* ---- refs: values that live on the host's side ---- */

/* Make the numbers below `capacity` usable. `refs_out` gets the address of the
 * engine's mr_refs, which stays where it is. */
MR_API mr_status mr_refs_reserve(mr_engine engine, uint32_t capacity, uint32_t *refs_out);

/* Put live ref `number` into the cell at `cell` of a row of `op`, in place of encoded
 * bytes, which are freed: the host has decoded them. */
MR_API mr_status mr_ref_decoded(mr_operator op, uint32_t cell, uint32_t number);

/* Put live ref `number`, or none (0), into field `field` of the row at this address, and let go
 * of what was there. Bytes and the budget are counted as for mr_row_create: MR_ERR_LIMIT,
 * MR_ERR_MEMORY; where rows are evicted, room is made by mr_row_touch. */
MR_API mr_status mr_ref_put(mr_operator op, uint32_t row, uint32_t field, uint32_t number);

/* ---- batches ---- */

MR_API mr_status mr_batch_open(mr_engine engine, mr_batch *batch_out);
MR_API mr_status mr_batch_close(mr_batch batch);

/* Make room for `rows` rows, `key_bytes` key bytes and `columns` value columns. What
 * was in the batch is lost. `columns_out` gets the address of its mr_columns, which
 * stays where it is; the arrays move. */
MR_API mr_status mr_batch_reserve(mr_batch batch, uint32_t rows, uint32_t key_bytes,
                                  uint32_t columns, uint32_t *columns_out);

/* As mr_batch_reserve for the key bytes alone; everything in the batch is kept. */
MR_API mr_status mr_batch_reserve_keys(mr_batch batch, uint32_t key_bytes);

/* ---- operators ---- */

MR_API mr_status mr_operator_open(mr_engine engine, const mr_operator_spec *spec,
                                  mr_operator *operator_out);
MR_API mr_status mr_operator_close(mr_operator op);
MR_API mr_status mr_operator_layout(mr_operator op, mr_layout *layout_out);
MR_API mr_status mr_operator_stats(mr_operator op, mr_stats *stats_out);

/* Run `op` over rows [from, size) of `in`, borrowed for the call. Results replace
 * what was in `results`. MR_MORE when the results are full: take them and call again
 * from `upto_out`. On an error rows before `upto_out` are applied and their results
 * given, later ones changed nothing. Custom operators have no push. With MR_DELAY results
 * have a time (MR_HAS_TIME): when the event may go on; an input that has times is refused. */
MR_API mr_status mr_operator_push(mr_operator op, mr_batch in, uint32_t from, uint32_t *upto_out,
                                  mr_batch results);

/* Promise that no event before `watermark_ms` will follow, and emit what was waiting
 * for that; Infinity is the end of the source. Call again while it is MR_MORE (which it
 * may be without results). A watermark that moves back is ignored, not an error. At the
 * end an aggregate emits all keys, once; after more input, all of them anew. On an error
 * the results that are there count, and the next call goes on behind them. */
MR_API mr_status mr_operator_advance(mr_operator op, double watermark_ms, mr_batch results);

/* Windows. Results have keys; time_ms is when a result was due, or -Infinity where the event
 * at `position` caused it at once. What is due by the watermark before an event comes before
 * it, at its position; a call goes on where one before it was MR_MORE. Without MR_HAS_TIME
 * windows are of processing time, and mr_operator_advance takes now; mr_timer_peek tells when
 * the next one is due, unless the last advance was MR_MORE: then some still are. */

/* Joins. A result is a pair of the event at `position` and one that came before it, and has
 * the later of their times. Pairs of one event are in the order of their partners' times. What a
 * cell with encoded bytes says holds until the next push or advance. What is over goes at
 * mr_operator_advance; where it would count toward a limit, before each event as well. */

/* Patterns. A result that was due by itself has a time, when that was (MR_HAS_TIME), and comes
 * before the event at `position`; where that event caused it at once it is -Infinity. */

/* Free rows whose ttl is over at `time_ms` (watermark or now), at most `steps` of
 * them looked at; MR_MORE when there may be more. None go while results of the end are
 * being taken. */
MR_API mr_status mr_operator_expire(mr_operator op, double time_ms, uint32_t steps);

/* Write the results of an aggregate for `count` row addresses at `rows`, in that order.
 * MR_MORE when their keys fill the results: as many are there as fit. */
MR_API mr_status mr_operator_results(mr_operator op, const uint32_t *rows, uint32_t count,
                                     mr_batch results);

/* Add what one row of an aggregate has aggregated to another; both stay. Addresses. */
MR_API mr_status mr_aggregate_merge(mr_operator op, uint32_t into, uint32_t from);

/* ---- rows, for operators with a user function ---- */

/* Find the rows of all keys of `in`, which must stay as it is while they are used.
 * Changes nothing. `found_out` gets the address of the operator's mr_found, which
 * stays where it is; the arrays move. */
MR_API mr_status mr_find(mr_operator op, mr_batch in, uint32_t *found_out);

/* Of the event at input row `index` of the last mr_find, which a push or load ends:
 * enter: remove its row if its ttl is over at the event's time (with MR_LINGER: and the
 * first multiple of cleanup_ms from then on has come, here and below). Needed with ttl only.
 * create: make its row, `record` copied in. Strings and refs in it now belong to C.
 * touch: its row was read (`written` 0) or written (1): last use, LRU, changed rows.
 * remove: its row, if there is one.
 * look: changes nothing; the address of its row goes to `row_out`, or 0 when there is none
 * or its ttl is over at `time_ms`. */
MR_API mr_status mr_row_look(mr_operator op, uint32_t index, double time_ms, uint32_t *row_out);
MR_API mr_status mr_row_enter(mr_operator op, uint32_t index);
MR_API mr_status mr_row_create(mr_operator op, uint32_t index, const uint8_t *record);
MR_API mr_status mr_row_touch(mr_operator op, uint32_t index, uint32_t written);
MR_API mr_status mr_row_remove(mr_operator op, uint32_t index);

/* Remove the row at this address. */
MR_API mr_status mr_row_drop(mr_operator op, uint32_t row);

/* What becomes of the event at input row `index` of the last mr_find: an mr_session_way, or an
 * error. With `takes` 1 the session that it joins or begins has it now: MR_ERR_LIMIT,
 * MR_ERR_MEMORY; with 0, or another way, nothing has changed. */
MR_API int32_t mr_session_event(mr_operator op, uint32_t index, uint32_t takes);

/* ---- rows by key: without a chunk, for whatever key and time the host has ---- */

/* Keys have the bytes that they would have in a batch. What is made here is not told to the last
 * mr_find: look anew. `passed_ms` is what has surely passed:
 * the watermark, or now; `time_ms` is the time of the use.
 *
 * look: changes nothing; the address of the key's row goes to `row_out`, or 0 when there is none
 * or its ttl is over at `clock_ms`. make: make the row of a key that has none (at the later of
 * both times), `record` copied in, whose strings and refs then belong to C; others may go to
 * make room. use: a row was read (`written` 0) or written (1). */
MR_API mr_status mr_key_look(mr_operator op, const uint8_t *key, uint32_t key_bytes,
                             double clock_ms, uint32_t *row_out);
MR_API mr_status mr_key_make(mr_operator op, const uint8_t *key, uint32_t key_bytes, double time_ms,
                             double passed_ms, const uint8_t *record, uint32_t *row_out);
MR_API mr_status mr_row_use(mr_operator op, uint32_t row, double time_ms, double passed_ms,
                            uint32_t written);

/* ---- entries, for states with MR_ENTRIES; others: MR_ERR_ARGUMENT ---- */

/* Rows of such a state are entries of a key: elements of a list, entries of a map. Their own
 * keys are tuples of two (js/state/key_bytes.ts), the key that they belong to and what tells
 * them apart. Each has a ttl, a use and a place in the scan like any row; here they are found by
 * the key that they belong to, whose bytes `key` has. They are made by mr_key_make alone.
 *
 * next: the next entries in first-seen order, at most MR_ENTRIES_PAGE. MR_MORE: there may be
 * more, call again; after none before rows come or go, or it looks from the first once more.
 * Entries may come and go in between: those that stay are given once.
 * last: the address of the entry that was made last of those whose ttl is not over at `passed_ms`,
 * or 0. `row` is 0 at first; MR_MORE: call again with what it is now. */
MR_API mr_status mr_entries_next(mr_operator op, const uint8_t *key, uint32_t key_bytes,
                                 mr_entries *page);
MR_API mr_status mr_entry_last(mr_operator op, const uint8_t *key, uint32_t key_bytes,
                               double passed_ms, uint32_t *row);

/* The entry at this address will be removed (`leaves` 1), or will not (0): from now on it counts
 * toward no limit, and is removed if eviction comes to it. For the rest it stands as before, so
 * that a host may make rows in its place, and give up, before it removes any. */
MR_API mr_status mr_entry_leave(mr_operator op, uint32_t row, uint32_t leaves);

/* Remove the first entries of a key as far as they leave. MR_MORE: call again. */
MR_API mr_status mr_entries_drop(mr_operator op, const uint8_t *key, uint32_t key_bytes);

/* With MR_KEEP_EVICTED, a row that was evicted is gone: it is found no more, its timer is
 * off, it counts toward no limit of its state, and if its key comes again that makes another
 * row. But its key and its record, with strings and refs, stay as they were, for the host to
 * look at: in a chain that starts at mr_found.evicted (whose address every mr_find gives; one
 * of an empty batch will do) and goes on at mr_layout.evicted_next_at, first evicted first; at
 * mr_layout.evicted_by_at stands the row of the last input found for which it made room.
 * This frees all of the chain, strings and refs as well. Until then they take memory of the
 * engine; so do it after every call that makes or writes rows. mr_changes_scan and mr_load_end
 * do it, too. */
MR_API mr_status mr_evicted_free(mr_operator op);

/* ---- timers of rows, for states with MR_TIMERS; others: MR_ERR_ARGUMENT. So are those of
 * windows, which set their own, but for mr_timer_peek. ---- */

/* A row has one timer at most. Timers fire by (time, order of setting); the host asks for
 * them one by one, and each is off when it was taken. They are saved and loaded with their
 * rows and go when those go. `row` is an address, from mr_found or mr_due; it must stand.
 *
 * set: set the row's timer to `time_ms`, rounded up to a millisecond, or move it there: it
 * then comes behind all others of that time. A time that has passed is due at once, and
 * still comes in its order. May be called whenever the row stands, between two mr_timer_take
 * as well. clear: off with it, if there is one. */
MR_API mr_status mr_timer_set(mr_operator op, uint32_t row, double time_ms);
MR_API mr_status mr_timer_clear(mr_operator op, uint32_t row);

/* The first timer, if its time is at or before `upto_ms` (-Infinity, NaN: none is due; a
 * host that waits for a watermark beyond the time says so by what it asks for): its time and
 * its row. Else row 0 and a time before which none will be due, unless it is set later on:
 * exact where that costs nothing, Infinity when there are no timers. MR_MORE when a bounded
 * number of steps was used up: call again. A timer whose row's ttl is over at the timer's
 * time is dropped: ttl and timers of one state mean one kind of time. peek: nothing else
 * changes. take: the timer is off, too, and its row stays. */
MR_API mr_status mr_timer_peek(mr_operator op, double upto_ms, mr_due *due_out);
MR_API mr_status mr_timer_take(mr_operator op, double upto_ms, mr_due *due_out);

/* A new string blob with a copy of `bytes`, or of zeros for NULL, which the host then
 * fills in; counted as the operator's; 0 for size 0. */
MR_API mr_status mr_blob_new(mr_operator op, const uint8_t *bytes, uint32_t size,
                             uint32_t *blob_out);
MR_API mr_status mr_blob_free(mr_operator op, uint32_t blob);

/* ---- scans, save and load ---- */

/* The rows of `op` that are visible at `time_ms`, in first-seen order. Valid until a
 * row of `op` is made or removed: then mr_scan_next and mr_save are MR_ERR_HANDLE. */
MR_API mr_status mr_scan_open(mr_operator op, double time_ms, mr_scan *scan_out);
MR_API mr_status mr_scan_close(mr_scan scan);

/* The same rows for a savepoint: what counts up, as births do, is saved as its rank among them,
 * so that the same state is the same bytes whatever it has gone through. */
MR_API mr_status mr_savepoint_scan(mr_operator op, double time_ms, mr_scan *scan_out);

/* The next page of at most `rows_max` rows; `page_out` gets the address of the scan's
 * mr_page. A page of 0 rows is the end. */
MR_API mr_status mr_scan_next(mr_scan scan, uint32_t rows_max, uint32_t *page_out);

/* For states with MR_TRACK; others: MR_ERR_ARGUMENT. A checkpoint asks what there is, scans and
 * saves it, and ends. A scan of changes has what changed since the last checkpoint that was
 * saved, removed rows first, and then up to `rewrite` rows that did not, those first that
 * were saved longest ago; where these are all, no removed rows. All is as it was when the scan was
 * opened, the cut: the state may go on between two pages, and what changes is of later ones.
 * Every page must be saved whole before anything else is done with the engine. Its end is a page
 * of 0 rows; MR_ERR_MEMORY: what has changed since could not be kept, and only giving up is left.
 * Only one goes on at a time.
 *
 * A row that changes before its turn is kept, and comes next, once all removed rows have.
 * Where it has live refs, the host saves all mr_changes.kept of them before it gives the value
 * of such a ref to anybody, or replaces it: after calls that give it rows.
 *
 * end: the cut is saved, which a scan that did not go to its end is not (MR_ERR_ARGUMENT), or
 * (`saved` 0) given up; the next one then has it, too. After a scan that went to its end,
 * mr_changes.oldest is as if it had been saved. */
MR_API mr_status mr_changes_of(mr_operator op, mr_changes *changes_out);
MR_API mr_status mr_changes_scan(mr_operator op, uint32_t rewrite, mr_scan *scan_out);
MR_API mr_status mr_changes_end(mr_operator op, uint32_t saved);

/* A value of the row at this address is about to be in the host's hands, which may change it in
 * place. */
MR_API mr_status mr_row_changes(mr_operator op, uint32_t row);

/* Write entries for rows [from, count) of the scan's page to `out`. The encoded refs
 * of those that are not removed, in the order of rows and fields, are ref_bytes[ref_offsets[k] ..
 * ref_offsets[k + 1]), k counting from row 0 of the page; where there is none, which is 0,
 * there are no bytes. MR_MORE when `room` is used up: `upto_out` is the first row not written. Of
 * changes, `segment` is what they are written to: numbers ascend, from mr_changes.next on. */
MR_API mr_status mr_save(mr_scan scan, uint32_t from, const uint8_t *ref_bytes,
                         const uint32_t *ref_offsets, uint8_t *out, uint32_t room, uint32_t segment,
                         uint32_t *upto_out, uint32_t *size_out);

/* Before the first segment of a new operator that will have so many rows: room for them is made
 * at once, if there is memory, and not bit by bit. It may be left out. */
MR_API mr_status mr_load_begin(mr_operator op, uint32_t rows);

/* Add the rows of a saved segment to `op`, and remove those that were removed; the numbers of
 * segments ascend. Segment 0, for a new operator alone: of a savepoint, so that the first
 * checkpoint has all of it. Rows saved without a ttl count as last used
 * at `time_ms`, and those without timers have none. Bytes that are damaged, of other fields,
 * or with timers that `op` has not, are MR_ERR_CORRUPT: close the engine then, some rows are
 * in. */
MR_API mr_status mr_load(mr_operator op, const uint8_t *bytes, uint32_t size, double time_ms,
                         uint32_t segment);

/* Carry a row of `from` over to `op`, a new operator of the same engine: its key, when it was
 * first seen and last used, and a record that the host made, whose strings are `op`'s. The
 * row is in no segment yet. mr_load_end comes after all. */
MR_API mr_status mr_row_carry(mr_operator op, mr_operator from, uint32_t row, const uint8_t *record,
                              uint32_t *row_out);

/* All entries are loaded: put the least recently used order back, and let timers run. */
MR_API mr_status mr_load_end(mr_operator op);

#endif
