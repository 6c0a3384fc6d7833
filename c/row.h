/* row.h -- keyed state: one row per key, a record of fields in a stable place.
 *
 *   row     [record][head 12][age 8?][lru 16?][wheel 8?][last use 8?][timer 24?][ring 8?][key][pad]
 *                   ^ its address
 *   record  [field 0][field 1]...   strings and refs hang off it as blobs
 *
 * Parts that the state did not ask for take no space; the others are where they are in all rows
 * of the state. The table finds rows by the hash of their key; the wheel knows when their ttl is
 * over; the LRU list who was used least recently; their ages what changed since the last
 * checkpoint; two more wheels and a queue whose timer comes next (timer.c); a ring which rows are
 * entries of one key (entries.c).
 *
 * A row has expired when clock - last_use >= ttl, where the clock of an event is its
 * own time or the watermark, whichever is later, and under processing time its
 * arrival. An expired row is as good as gone: entering it removes it. Rows nobody
 * enters are freed by mr_rows_expire. Where rows linger, they are gone only when the
 * clock has come to the first multiple of cleanup_ms that is not before that: a time
 * that follows from the row alone, so that what is still seen depends on no chunk.
 * mr_row_deadline is the one place that knows.
 *
 * Invariants:
 *  1. Every row is in the table, or in a bucket that is; in the wheel iff ttl > 0; in the
 *     LRU list iff the state evicts.
 *  2. Births and uses count up and are never reused: first-seen and last-used order
 *     are total, and survive save and load.
 *  3. bytes = what rows and strings occupy + MR_REF_BYTES per ref, whether it is live
 *     or still encoded after a restore, and without ages: a limit must not depend on
 *     restarts, or on whether there are checkpoints.
 *  4. After a refusal nothing has changed, save that expired rows may be gone.
 *  5. A row that was evicted and is kept (MR_KEEP_EVICTED) is in none of the structures
 *     above, nor in bytes, but in a chain through the LRU part, which also names the
 *     input row that it made room for. Its memory may be a grave; dirty.h.
 *
 * Who changes what: mr_rows_create, mr_rows_remove, mr_rows_touch and mr_rows_expire;
 * timers: mr_rows_timer_set and mr_rows_timer_clear; fields of a record are written by the
 * operator that owns the state. */
#ifndef MR_ROW_H
#define MR_ROW_H

#include "batch.h"
#include "dirty.h"
#include "hash.h"
#include "queue.h"
#include "ref.h"
#include "table.h"
#include "wheel.h"

typedef struct mr_row {
    uint32_t segment; /* See dirty.h. */
    uint32_t birth_low;
    uint16_t birth_high;
    uint16_t key_bytes;
} mr_row;
_Static_assert(sizeof(mr_row) == 12, "the head of every row");

typedef struct mr_lru {
    mr_addr newer; /* Rows; 0 at the ends. */
    mr_addr older;
    uint32_t use_low; /* Number of the last use. */
    uint32_t use_high;
} mr_lru;

/* A row's one timer. It hangs in a wheel, save while it is loaded. */
typedef struct mr_row_timer {
    mr_wheel_node node;
    uint32_t time_ms[2];    /* int64_t; a row aligns its parts to 4 bytes. */
    uint32_t registered[2]; /* uint64_t: its number in the order of setting; 0: no timer. */
} mr_row_timer;

/* The entries of one key, in the order of their births; entries.c. */
typedef struct mr_ring {
    mr_addr next;
    mr_addr before; /* | 1: the row is leaving. */
} mr_ring;

/* The events beside one in its bucket; bucket.h. */
typedef struct mr_place {
    mr_addr next;
    mr_addr before; /* 0 at the ends. */
    mr_addr bucket;
} mr_place;

/* A key that the host has, not a chunk. */
typedef struct mr_keyed {
    const uint8_t *key;
    uint32_t key_bytes;
    uint32_t hash;
} mr_keyed;

/* When it is used. */
typedef struct mr_moment {
    double time_ms;   /* The use. */
    double passed_ms; /* What has surely passed: the watermark, or now. */
    uint32_t by;      /* The input row that others make room for; 0 without a chunk. */
} mr_moment;

/* What a state is asked to be. */
typedef struct mr_rows_spec {
    double ttl_ms;
    double cleanup_ms; /* MR_LINGER. */
    uint64_t rows_max;
    uint64_t bytes_max;
    uint32_t flags;
    uint32_t field_count;
    const uint8_t *fields; /* mr_field each; borrowed for the call. */
    bool sided;            /* Rows are events of two sides; bucket.h. */
} mr_rows_spec;

enum { MR_FIND_MADE_WORDS = 512 };

/* The rows of one chunk's keys; find.c. */
typedef struct mr_find {
    mr_found found; /* First: the host knows its address. */
    const mr_columns *in;
    uint32_t hashes;  /* u32[rows] */
    uint32_t bits;    /* u32[rows_max]: a bit by hash, once `has_bits`. */
    uint32_t missing; /* Input rows whose key had no row. */
    uint32_t rows_max;
    bool has_bits;
    bool any_made;
    uint32_t made[MR_FIND_MADE_WORDS]; /* A bit by hash: rows that were made since. */
} mr_find_data;

typedef struct mr_rows {
    mr_heap *heap;
    mr_refs *refs;
    mr_hash_key hash_key;
    mr_table table; /* Rows, or what they are in; bucket.h. */
    mr_wheel wheel;
    mr_wheel timers; /* See timer.c. */
    mr_queue ordered;
    mr_wheel overdue; /* Timers that were set to times that `timers` has passed. */
    mr_table owners;  /* From the hash of a key to the first of its entries; entries.c. */
    mr_dirty dirty;
    mr_find_data find;
    mr_layout layout;
    int64_t ttl_ms;     /* 0: never. */
    int64_t cleanup_ms; /* 0: rows do not linger. */
    uint64_t rows_max;
    uint64_t bytes_max;
    uint64_t size; /* Rows. */
    uint64_t bytes;
    uint64_t births;
    uint64_t uses;
    uint64_t timers_set;    /* Ever: what the next timer is registered as, less one. */
    uint64_t timers_loaded; /* So many of them were loaded. */
    uint64_t expired;
    uint64_t evicted;
    uint64_t changes;  /* Of the table, ever (rows made or removed, growth): a scan notices. */
    int64_t passed_ms; /* With ttl: what had surely passed at the event that was entered last. */
    mr_addr newest;    /* LRU list. */
    mr_addr oldest;
    uint32_t age_at; /* Offsets in a row; 0: not there. */
    uint32_t lru_at;
    uint32_t wheel_at;
    uint32_t last_use_at;
    uint32_t timer_at;
    uint32_t ring_at;
    uint32_t place_at; /* bucket.h. */
    mr_addr spare_bucket;
    uint32_t leaving; /* Rows that count toward no limit any more; entries.c. */
    uint64_t leaving_bytes;
    mr_addr evicted_last; /* Of the chain that find.found.evicted starts. */
    bool keep_evicted;
    bool touch_reads;
    bool has_ways;           /* Finds tell the ways of events; see mr_found. */
    bool shrinks;            /* The operator removes rows as it goes on. */
    bool has_alone;          /* Entries may be in no ring. */
    double stretch_ms;       /* > 0: entries of a key have places in time; entries.c. */
    double stretches_per_ms; /* bucket.h. */
} mr_rows;

/* An empty state. `rows` must not move while it is open. MR_ERR_ARGUMENT, MR_ERR_MEMORY. */
MR_COLD mr_status mr_rows_open(mr_rows *rows, mr_heap *heap, mr_refs *refs, uint64_t hash_seed,
                               const mr_rows_spec *spec);

/* Free every row and all that hangs off them. */
MR_COLD void mr_rows_close(mr_rows *rows);

/* Find the rows of all keys of `in`, which is borrowed until the next find: hash
 * everything first, then probe, so that cache misses overlap. Changes nothing. */
mr_status mr_rows_find(mr_rows *rows, const mr_columns *in);

/* Does no row go by itself: by ttl, eviction or its timer, or as its operator is done with it? */
static inline bool mr_rows_only_grow(const mr_rows *rows) {
    const bool stays = rows->ttl_ms == 0 && rows->lru_at == 0 && rows->timer_at == 0;
    return stays && !rows->shrinks;
}

/* Is there a limit that rows which are over must not count toward? */
static inline bool mr_rows_limited(const mr_rows *rows) {
    return rows->rows_max != 0 || rows->bytes_max != 0;
}

/* The row of input row `index`, as it is at that event; NULL if there is none, which
 * it is also made when its ttl is over. */
mr_row *mr_rows_enter(mr_rows *rows, uint32_t index);

/* Make the row of input row `index`, which has none; room is made by expiry, then by eviction. Its
 * `record` is copied in, or cleared: NULL. The strings in it belong to the row, and its refs are
 * counted, against the budget too. MR_ERR_LIMIT, MR_ERR_MEMORY, MR_ERR_ARGUMENT: a ref that was
 * never reserved. */
mr_status mr_rows_create(mr_rows *rows, uint32_t index, const uint8_t *record, mr_row **row_out);

/* Strings of records, counted as the state's: MR_ERR_LIMIT, MR_ERR_MEMORY. Where rows
 * are evicted, room is made when the row is written. `bytes` NULL: zeros. */
mr_status mr_rows_blob_new(mr_rows *rows, const uint8_t *bytes, uint32_t size, mr_addr *blob_out);
void mr_rows_blob_release(mr_rows *rows, mr_addr blob);

/* Is there room for one row more, with a key of so many bytes, that brings `held`? Eviction
 * makes room for all but what alone is too large. MR_ERR_LIMIT. */
mr_status mr_rows_check_room(const mr_rows *rows, uint32_t key_bytes, uint64_t held);

/* Is there room for `bytes` more, with which come `held` that are counted already? Eviction makes
 * room for all but what alone is too large. MR_ERR_LIMIT. */
mr_status mr_rows_check_bytes(const mr_rows *rows, uint64_t bytes, uint64_t held);

/* What hangs off a field's cell, which is not 0: what it counts; let go of it. */
uint64_t mr_cell_bytes(uint32_t kind, uint32_t cell);
void mr_rows_cell_release(mr_rows *rows, uint32_t kind, uint32_t cell);

/* Count a ref that goes into a cell of a blob. MR_ERR_LIMIT, MR_ERR_MEMORY: it is not. */
mr_status mr_rows_ref_take(mr_rows *rows);

/* Put a ref, or none (0), into a field of a row; what was there is let go of. MR_ERR_ARGUMENT
 * for a field or number that cannot be, MR_ERR_LIMIT, MR_ERR_MEMORY: nothing has changed. */
mr_status mr_rows_ref_put(mr_rows *rows, mr_row *row, uint32_t field, uint32_t number);

/* A row was read or written by input row `index`, at `use_ms`; see mr_rows_touch. */
void mr_rows_touch_at(mr_rows *rows, mr_row *row, uint32_t index, bool written, double use_ms);

/* The same for a row that no find has found. */
void mr_rows_use(mr_rows *rows, mr_row *row, const mr_moment *moment, bool written);

/* As mr_rows_create, for a key that the host has and that has no row. */
mr_status mr_rows_make(mr_rows *rows, const mr_keyed *keyed, const mr_moment *moment,
                       const uint8_t *record, mr_row **row_out);

/* What a row and all that hangs off it count. */
uint64_t mr_row_weight(const mr_rows *rows, mr_row *row);

/* Remove a row: its strings are freed, its refs dropped. */
void mr_rows_remove(mr_rows *rows, mr_row *row);

/* Free the rows that were evicted and kept. */
void mr_rows_evicted_free(mr_rows *rows);

/* Remove rows whose ttl is over at `time_ms`, looking at up to `steps`: MR_MORE. */
mr_status mr_rows_expire(mr_rows *rows, double time_ms, uint32_t steps);

/* A row from saved parts; twin of what save.c writes. Its record is left cleared. */
typedef struct mr_row_parts {
    const uint8_t *key;
    uint32_t key_bytes;
    const struct mr_bucket_event *event; /* If it has a place, then instead of a key; bucket.h. */
    uint64_t birth;
    uint64_t use;
    int64_t last_use_ms;
    uint64_t timer_registered; /* 0: no timer. mr_rows_timer_rehang hangs it. */
    int64_t timer_ms;
} mr_row_parts;
/* `standing`: the row of the same key, which becomes this one; 0: there is none. */
mr_status mr_rows_restore(mr_rows *rows, const mr_row_parts *parts, uint32_t hash, mr_addr standing,
                          mr_row **row_out);

/* Make the row that `row` of `from` is, with a record that the host made: its key, birth and
 * uses, but no timer. */
mr_status mr_rows_carry(mr_rows *rows, const mr_rows *from, mr_row *row, const uint8_t *record,
                        mr_row **row_out);

/* The memory of a row itself, which begins with its record; give it back, and no more. */
uint32_t mr_row_bytes(const mr_rows *rows, uint32_t key_bytes);
void mr_row_free(mr_rows *rows, mr_row *row);

/* A copy of a row as it is now, for a checkpoint, and its end; kept.c. 0: no memory. */
mr_addr mr_kept_copy(mr_rows *rows, mr_row *row);
void mr_kept_free(mr_rows *rows, mr_row *copy);

/* ---- what changed; dirty.c ---- */

void mr_dirty_open(mr_rows *rows);
void mr_dirty_close(mr_rows *rows);

/* A row is new, is to be saved once more, or goes. */
void mr_dirty_born(mr_rows *rows, mr_row *row);
void mr_dirty_again(mr_rows *rows, mr_row *row);
void mr_dirty_gone(mr_rows *rows, mr_row *row);

/* The cut: a checkpoint saves what has changed, as it is now. `all`: also what has not. */
void mr_dirty_begin(mr_rows *rows, bool all);

/* If a row is pending, keep it as it is. */
void mr_dirty_keep(mr_rows *rows, mr_row *row);

/* What there is to write. */
typedef enum mr_dirty_sort {
    MR_DIRTY_KEPT,    /* Copies. */
    MR_DIRTY_GRAVES,  /* Of the cut. */
    MR_DIRTY_PENDING, /* Rows that had changed, */
    MR_DIRTY_OLD,     /* and that had not, those first that were written longest ago. */
} mr_dirty_sort;

/* The next row of a sort; 0 asks for the first, and is the end. */
mr_addr mr_dirty_next(const mr_rows *rows, mr_dirty_sort sort, mr_addr row);

/* A row, or a copy, was encoded to a segment; it may be told more than once. */
void mr_dirty_written(mr_rows *rows, mr_row *row, uint32_t segment);

/* Free copies that were written. */
void mr_dirty_swept(mr_rows *rows);

/* All is encoded: nothing is pending any more. Then the checkpoint ends, saved or given up. */
void mr_dirty_done(mr_rows *rows);
void mr_dirty_end(mr_rows *rows, bool saved);

/* Rows are loaded that this segment has; all that stands was loaded: of a savepoint, or from
 * what checkpoints saved. */
void mr_dirty_load(mr_rows *rows, uint32_t segment);
void mr_dirty_loaded(mr_rows *rows);

/* ---- timers; timer.c ---- */

/* Nodes of a wheel are so far into the rows, which are read from their records to their keys. */
static inline void mr_rows_tell_wheel(const mr_rows *rows, mr_wheel *wheel, uint32_t node_at) {
    wheel->before = node_at + rows->layout.record_bytes;
    wheel->behind = rows->layout.key_at - 1 - node_at;
}

/* Wheels for the timers of rows. MR_ERR_MEMORY. */
mr_status mr_rows_timers_open(mr_rows *rows);
void mr_rows_timers_close(mr_rows *rows);

/* Set or move the row's timer; it comes behind all others of that time. */
void mr_rows_timer_set(mr_rows *rows, mr_row *row, int64_t time_ms);

/* Move it without a place of its own among those of that time: none of them minds which is first.
 * What is saved does not tell then when it was moved. */
void mr_rows_timer_move(mr_rows *rows, mr_row *row, int64_t time_ms);

/* Off with the row's timer, if it has one. */
void mr_rows_timer_clear(mr_rows *rows, mr_row *row);

/* The row whose timer is first by (time, order of setting), if it is due at `upto_ms`; its
 * timer stays. NULL when none is, or when the budget of `steps` is used up. */
mr_row *mr_rows_timer_due(mr_rows *rows, double upto_ms, uint32_t *steps);

/* Off with the timer that was found due just now. */
void mr_rows_timer_take(mr_rows *rows, mr_row *row);

/* No timer is due before this; Infinity when there is none. */
double mr_rows_timer_next(mr_rows *rows);

/* Take it off its wheel, to be looked at; it stays set. */
void mr_rows_timer_unhang(mr_rows *rows, mr_row *row);

/* The same for rows that are due at `upto_ms`, up to `max` of them, in the order in which
 * mr_rows_timer_due finds them. Gives how many; `steps` as there. */
uint32_t mr_rows_timers_unhang_due(mr_rows *rows, double upto_ms, uint32_t max, uint32_t *steps,
                                   mr_addr *rows_out);

/* Hang a loaded timer, or one that hangs behind all others once more. */
void mr_rows_timer_rehang(mr_rows *rows, mr_row *row);

/* The row goes: as mr_rows_timer_clear, but no change of the row. */
void mr_rows_timer_drop(mr_rows *rows, mr_row *row);

/* ---- entries; entries.c ---- */

/* The row that is visible at this time under a key; NULL if there is none. */
mr_row *mr_keyed_look(const mr_rows *rows, const mr_keyed *keyed, double clock_ms);

/* Make the row of a key; one whose ttl is over is removed. MR_ERR_ARGUMENT: there is one, or
 * a ref that was never reserved; MR_ERR_LIMIT, MR_ERR_MEMORY. */
mr_status mr_keyed_make(mr_rows *rows, const mr_keyed *keyed, const mr_moment *moment,
                        const uint8_t *record, mr_row **row_out);

/* May a row of this state have this key? Others than entries have any. */
bool mr_row_key_valid(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes);

/* The key of an entry that has a place in time; see entries.c. `number` tells those of one time
 * apart. MR_TIMED_KEY_BYTES come behind the owner's. */
enum { MR_TIMED_KEY_BYTES = 30 };
#define MR_ALONE (-1.0) /* In the place of `number`. */
void mr_timed_key_write(uint8_t *to, const uint8_t *owner, uint32_t owner_bytes, double time_ms,
                        double number);
static inline double mr_timed_key_number(const uint8_t *key, uint32_t key_bytes) {
    double number;
    memcpy(&number, key + key_bytes - sizeof number, sizeof number);
    return number;
}
static inline double mr_timed_key_time(const uint8_t *key, uint32_t key_bytes) {
    return mr_timed_key_number(key, key_bytes - 11); /* Before the number and its head. */
}
double mr_entry_time(const mr_rows *rows, mr_row *row);
double mr_entry_number(const mr_rows *rows, mr_row *row);

/* The hash of a row's key, where rows are in no buckets. */
uint32_t mr_entry_hash(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes);

/* Is the entry with this key in a ring? */
bool mr_entry_rings(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes);

/* The first entry of a key in a stretch, by the hash of that ring; 0: there is none. */
mr_addr mr_ring_first(const mr_rows *rows, uint32_t hash, const uint8_t *key, uint32_t key_bytes,
                      double stretch);

/* The number that the next entry at this time has in a ring that begins with `first`, or 0. */
double mr_ring_number(const mr_rows *rows, mr_addr first, double time_ms);

/* The key that an entry belongs to, which lies in the entry's own. */
const uint8_t *mr_owner_key(const uint8_t *key, uint32_t *key_bytes_out);

/* The hash of the ring that the entry with this key is in; or of that of an owner with this hash
 * and of a stretch of time. */
uint32_t mr_ring_hash(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes);
uint32_t mr_stretch_hash(const mr_rows *rows, uint32_t owner_hash, double stretch);

/* Which stretch a time is in: they ascend with it. */
double mr_stretch_of(const mr_rows *rows, double time_ms);

/* Hang a new entry behind all others of its key, or where its time is: room in `owners` is
 * reserved; unhang one. */
void mr_ring_add(mr_rows *rows, mr_row *row);
void mr_ring_remove(mr_rows *rows, mr_row *row);

/* Hang an entry behind all others of its key once more. */
void mr_ring_rehang(mr_rows *rows, mr_row *row);

/* The last entry of a key that stands; millrace.h, mr_entry_last. */
mr_status mr_ring_last(mr_rows *rows, const uint8_t *key, uint32_t key_bytes, double passed_ms,
                       mr_addr *row);

/* The next entries of a key; millrace.h, mr_entries_next. */
mr_status mr_ring_page(mr_rows *rows, const uint8_t *key, uint32_t key_bytes, mr_entries *page);

/* Remove the first entries of a key as far as they leave, at most so many: MR_MORE. */
mr_status mr_ring_drop(mr_rows *rows, const uint8_t *key, uint32_t key_bytes, uint32_t steps);

/* An entry is to go, or is not: see mr_entry_leave. */
void mr_row_leave(mr_rows *rows, mr_row *row, bool leaves);
bool mr_row_leaves(const mr_rows *rows, mr_row *row);

/* ---- parts of a row ---- */

static inline mr_row *mr_row_at(mr_addr address) { return (mr_row *)mr_at(address); }
/* Does something hang off a field of this kind? Its cell is 4 bytes. */
static inline bool mr_is_held(uint32_t kind) {
    return kind == MR_STRING || kind == MR_REF || kind == MR_REFS;
}

static inline void *mr_row_part(mr_row *row, uint32_t at) { return (uint8_t *)row + at; }

static inline uint8_t *mr_row_key(const mr_rows *rows, mr_row *row) {
    return (uint8_t *)row + rows->layout.key_at;
}
static inline uint8_t *mr_row_record(const mr_rows *rows, mr_row *row) {
    return (uint8_t *)row - rows->layout.record_bytes;
}
static inline uint64_t mr_row_birth(const mr_row *row) {
    return ((uint64_t)row->birth_high << 32) | row->birth_low;
}

static inline int64_t mr_row_last_use(const mr_rows *rows, const mr_row *row) {
    int64_t time_ms;
    memcpy(&time_ms, (const uint8_t *)row + rows->last_use_at, sizeof time_ms);
    return time_ms;
}

/* When the row is gone, for states with ttl. Times and ttl are within 8.64e15 of 0. */
static inline int64_t mr_row_deadline(const mr_rows *rows, const mr_row *row) {
    const int64_t over_ms = mr_row_last_use(rows, row) + rows->ttl_ms;
    if (rows->cleanup_ms == 0) return over_ms;
    const int64_t rest = over_ms % rows->cleanup_ms;
    const int64_t cleaned_ms = over_ms - rest + (rest > 0 ? rows->cleanup_ms : 0);
    return cleaned_ms < MR_WHEEL_MS_MAX ? cleaned_ms : MR_WHEEL_MS_MAX; /* Later than any clock. */
}
static inline bool mr_row_expired(const mr_rows *rows, const mr_row *row, double clock_ms) {
    return rows->ttl_ms > 0 && clock_ms >= (double)mr_row_deadline(rows, row);
}

/* The number of a row's last use, for states that evict. */
static inline uint64_t mr_row_use_number(const mr_rows *rows, mr_row *row) {
    const mr_lru *lru = mr_row_part(row, rows->lru_at);
    return ((uint64_t)lru->use_high << 32) | lru->use_low;
}

/* A row's timer: 0 when there is none; its time then means nothing. */
static inline uint64_t mr_row_timer_registered(const mr_row_timer *timer) {
    uint64_t registered;
    memcpy(&registered, timer->registered, sizeof registered);
    return registered;
}
static inline int64_t mr_row_timer_ms(const mr_row_timer *timer) {
    int64_t time_ms;
    memcpy(&time_ms, timer->time_ms, sizeof time_ms);
    return time_ms;
}

/* Somebody has found a row and may change or remove it, or hand it to the host; dirty.h. */
static inline void mr_row_reach(mr_rows *rows, mr_row *row) {
    if (rows->dirty.cut != 0) mr_dirty_keep(rows, row);
}

/* The row is not what the last checkpoint knew. It was reached. */
static inline void mr_row_changed(mr_rows *rows, mr_row *row) {
    if (row->segment != rows->dirty.mark) mr_dirty_again(rows, row);
}

/* Milliseconds as an integer, whatever the host wrote; rounded down, so that nothing
 * has passed before its time. */
static inline int64_t mr_time_of(double ms) {
    if (!(ms > -8.64e15)) return -8640000000000000; /* NaN too. */
    if (!(ms < 8.64e15)) return 8640000000000000;
    int64_t whole = (int64_t)ms;
    return (double)whole > ms ? whole - 1 : whole;
}

static inline mr_addr mr_found_row(const mr_rows *rows, uint32_t index) {
    return mr_u32s(rows->find.found.rows)[index];
}

/* The row of input row `index`, which was not there, if it was made since. */
mr_addr mr_find_since(mr_rows *rows, uint32_t index);

/* The row of input row `index`, looked for once more where there was none. */
static inline mr_addr mr_find_again(mr_rows *rows, uint32_t index) {
    const mr_addr row = mr_found_row(rows, index);
    return row != 0 ? row : mr_find_since(rows, index);
}

/* As mr_rows_enter, however old the row is: for an operator that judges age itself. */
static inline mr_row *mr_rows_visit(mr_rows *rows, uint32_t index) {
    if (rows->ttl_ms > 0) rows->passed_ms = mr_time_of(mr_row_watermark(rows->find.in, index));
    const mr_addr address = mr_find_again(rows, index);
    return address == 0 ? NULL : mr_row_at(address);
}

/* A row was read or written by input row `index`, at the event's time. */
static inline void mr_rows_touch(mr_rows *rows, mr_row *row, uint32_t index, bool written) {
    if (rows->lru_at != 0 || rows->ttl_ms != 0) {
        mr_rows_touch_at(rows, row, index, written, mr_row_time(rows->find.in, index));
    } else if (written) { /* Nothing depends on when. */
        mr_row_changed(rows, row);
    }
}

/* Tell the last find that a row was made, and that one went; find.c. */
void mr_find_made(mr_rows *rows, uint32_t hash);
void mr_find_removed(mr_rows *rows, const mr_row *row, uint32_t hash);

/* Has no input row before this one its key? It may say no where that is so. Asked of all from the
 * first on. */
bool mr_find_first(mr_rows *rows, uint32_t index);

/* The found rows are no longer used: none has an index. */
void mr_find_end(mr_rows *rows);
void mr_find_close(mr_rows *rows);
uint32_t mr_find_hash(const mr_rows *rows, uint32_t index);
uint32_t mr_hash32(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes);
mr_addr mr_rows_lookup(const mr_rows *rows, uint32_t hash, const uint8_t *key, uint32_t key_bytes);

/* ---- the table, which knows rows, or the buckets that they are in; bucket.c ---- */

/* The hash that a row is found by. */
uint32_t mr_key_hash(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes);
uint32_t mr_row_hash(const mr_rows *rows, mr_row *row);

/* Make room for one row more. False: there is no memory. */
bool mr_rows_reserve_table(mr_rows *rows, uint32_t hash);

/* Put a row where it is found, for which room is reserved; take it off there. `known`: where it
 * stands in its bucket, or NULL. */
void mr_rows_enter_table(mr_rows *rows, mr_row *row, uint32_t hash,
                         const struct mr_bucket_event *known);
void mr_rows_leave_table(mr_rows *rows, mr_row *row, uint32_t hash);
void mr_rows_close_table(mr_rows *rows);

/* As mr_table_walk, of rows. */
typedef struct mr_rows_cursor {
    mr_table_cursor table;
    mr_addr row; /* The next one of a bucket. */
} mr_rows_cursor;
uint32_t mr_rows_walk(const mr_rows *rows, mr_rows_cursor *cursor, mr_addr *found, uint32_t max);

/* Hash keys that lie anywhere, and find their rows: 0 where there is none. */
void mr_keys_find(mr_rows *rows, mr_keyed *keys, uint32_t count, mr_addr *found);

/* What was found so, or the row that was made since. Rows that go are the caller's to forget. */
mr_addr mr_key_since(const mr_rows *rows, const mr_keyed *keyed, mr_addr found);

/* The LRU list; lru.c. */
void mr_lru_add(mr_rows *rows, mr_row *row);
void mr_lru_remove(mr_rows *rows, mr_row *row);

#endif
