/* bucket.h -- rows that are events of two sides, found by their key and what is near their time.
 *
 *   table    hash of key and stretch -> bucket
 *   bucket   the events of a key in a stretch of time, of either side in the order of their times:
 *            first <-> event <-> last     (side 0)
 *            first <-> event <-> last     (side 1)
 *   place    a part of a row: the events beside it, and its bucket
 *
 *   key of a row   entry of a key and side, under a time and a number (entries.c):
 *                  [6][2] [u16 n + 7] [6][2] [u16 n][key] [u16 1][1 or 2] [u16 24][time, number]
 *
 * The table of such a state knows buckets, not rows: that a row comes or goes costs a key no more
 * than a look at its bucket, and often nothing else. A bucket is never empty. Which stretch a time
 * is in is never saved, nor are buckets: keys say where rows belong.
 *
 * An event's place in its bucket is looked for from both ends. The numbers of one time count up
 * from 0, in the order of arrival. */
#ifndef MR_BUCKET_H
#define MR_BUCKET_H

#include "row.h"

typedef struct mr_bucket {
    double stretch;
    uint32_t hash;
    mr_addr first[2]; /* Rows by side; 0: there are none. */
    mr_addr last[2];
} mr_bucket;

/* Where events are looked for. */
typedef struct mr_bucket_name {
    double stretch;
    const uint8_t *key;
    uint32_t key_bytes;
    uint32_t hash; /* mr_bucket_hash. */
} mr_bucket_name;

/* An event of some side, and where it will stand. */
typedef struct mr_bucket_event {
    mr_bucket_name name; /* Of its bucket, */
    mr_place place;      /* where the bucket is 0 if it is to be made. */
    double time_ms;
    double number; /* Among those of its side and time. */
    uint32_t side;
} mr_bucket_event;

enum {
    MR_BUCKET_KEY_AT = 8,                          /* Of the event's key in that of a row, */
    MR_BUCKET_KEY_AROUND = 7 + MR_TIMED_KEY_BYTES, /* Bytes of that beside it. */
};

/* Write the key of an event's row, MR_BUCKET_KEY_AROUND longer than its own. */
void mr_bucket_key_write(uint8_t *to, const mr_bucket_event *event);

/* As mr_rows_make, for an event that has a place. */
mr_status mr_rows_make_event(mr_rows *rows, const mr_bucket_event *event, const mr_moment *moment,
                             const uint8_t *record, mr_row **row_out);

/* Which stretch a time is in: they ascend with it. */
static inline double mr_bucket_stretch(const mr_rows *rows, double time_ms) {
    return __builtin_floor(time_ms * rows->stretches_per_ms) + 0.0; /* Never -0. */
}

/* The hash of a bucket, by that of its key. */
static inline uint32_t mr_bucket_hash(const mr_rows *rows, uint32_t key_hash, double stretch) {
    uint64_t bits;
    memcpy(&bits, &stretch, sizeof bits);
    return mr_hash_more(&rows->hash_key, key_hash, bits);
}

static inline mr_bucket *mr_bucket_at(mr_addr address) { return mr_at(address); }
static inline mr_place *mr_place_of(const mr_rows *rows, mr_addr row) {
    return mr_row_part(mr_row_at(row), rows->place_at);
}

/* May a row have this key, which is that of an entry under a time? */
bool mr_bucket_key_valid(const uint8_t *key);

/* The row of a key that has this hash (mr_key_hash); 0: there is none. */
mr_addr mr_place_find(const mr_rows *rows, uint32_t hash, const uint8_t *key, uint32_t key_bytes);

/* The side of a row, and the key of its event. */
uint32_t mr_place_side(const mr_rows *rows, mr_row *row);
const uint8_t *mr_place_key(const mr_rows *rows, mr_row *row, uint32_t *key_bytes_out);

/* The bucket of this name; 0: there is none. */
mr_addr mr_bucket_find(const mr_rows *rows, const mr_bucket_name *name);

/* The same for many, whose cache misses overlap, with a look at where events come and go. */
enum { MR_AHEAD_MAX = 32 };
void mr_buckets_ahead(const mr_rows *rows, const mr_bucket_name *names, uint32_t count,
                      mr_addr *buckets_out);

/* Look at what knows of these rows, which are about to go. */
void mr_places_ahead(const mr_rows *rows, const mr_addr *leaving, uint32_t count);

/* The last event of a side that is not behind this time; 0: there is none. */
mr_addr mr_bucket_last(const mr_rows *rows, mr_addr bucket, uint32_t side, double time_ms);

/* Give an event its place in a bucket, or in one that is to be made (0), behind all others of its
 * side and time, and its number. */
void mr_place_behind(const mr_rows *rows, mr_addr bucket, mr_bucket_event *event);

#endif
