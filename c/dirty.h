/* dirty.h -- the rows of a state in the order in which they were last written to segments.
 *
 *   oldest -> [4][4][5][6][6] | [7][7][8] | [9][9] <- newest     segments of rows
 *             saved             ^ first     ^ fresh
 *                               being saved   changed since
 *
 * A row goes to the new end when it changes, so that a checkpoint finds what changed without
 * looking at anything else, and the oldest row says which segments are still of use: its own,
 * and later ones. Nothing here allocates.
 *
 * A checkpoint freezes all that changed when it has encoded the last of it. Then either it
 * is saved, or nothing was: what changed before it and since is then one again.
 *
 * A row that is removed leaves a grave behind when a checkpoint may know it: its own memory,
 * kept until a tombstone is saved. A row that was born since the last one leaves nothing.
 *
 * Segments of a state are numbered, and never alike. The number of a row that has changed is
 * none yet: above those of all segments. 0: the row is in no list, because rows are not
 * tracked (MR_TRACK) or because it is gone; MR_GRAVE: it is a grave.
 *
 * Invariants:
 *  1. Before `first`, and before `fresh` once all is frozen, numbers ascend.
 *  2. Of [first, newest], and of no row before, the last checkpoint knows less than there is.
 *  3. [fresh, newest] is what changed since something was frozen. */
#ifndef MR_DIRTY_H
#define MR_DIRTY_H

#include "alloc.h"

#define MR_GRAVE UINT32_MAX

/* A part of a row; of a grave, `newer` is the next one. */
typedef struct mr_age {
    mr_addr newer;
    mr_addr older;
} mr_age;

/* Removed rows whose tombstones are to be written. */
typedef struct mr_graves {
    mr_addr first;
    mr_addr last;
    uint32_t count;
} mr_graves;

typedef struct mr_dirty {
    uint64_t known_births; /* Rows born before this one may be known to a checkpoint. */
    uint32_t next;         /* The number of the next segment; 0: rows are not tracked. */
    uint32_t settled;      /* A row of this segment or before goes to the end when it changes. */
    uint32_t saved;        /* The last segment that was saved. */
    uint32_t changed;      /* Rows from `first` on. */
    uint32_t changed_now;  /* Rows from `fresh` on. */
    bool unknown;          /* Rows are loaded that no checkpoint knows. */
    mr_addr oldest;
    mr_addr newest;
    mr_addr first; /* 0: all is saved. */
    mr_addr fresh;
    mr_graves graves;
    mr_graves frozen_graves;
} mr_dirty;

#endif
