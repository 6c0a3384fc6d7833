/* dirty.h -- the rows of a state in the order in which they were last written to segments.
 *
 *   oldest -> [4][4][5][6][6] | [7][7][8] | [*][*][*] | [+][+] <- newest     segments of rows
 *             saved             ^ first     ^ turn      ^ fresh
 *                               written     pending     changed since the cut
 *
 * A row goes to the new end when it changes, so that a checkpoint finds what changed without
 * looking at anything else, and the oldest row says which segments are still of use: its own,
 * and later ones.
 *
 * A checkpoint saves the state of one moment, the cut, while events go on. The cut itself is
 * O(1). What had changed by then is pending; row by row it is written, and stands before `turn`.
 * Whoever reaches a row so that it may change, or go, or be handed to the host, says so first
 * (mr_row_reach): if it is pending it is kept as it is, a copy that is written in its stead
 * (kept.c). So what is written is the cut, whatever happens meanwhile. A row that was kept and
 * then does not change is written once more in its turn.
 * A copy that there is no memory for spoils the checkpoint, not the event: it is torn. So it is,
 * too, when there is no memory for anything else: then copies are given back (alloc.h).
 *
 * In the end the checkpoint is saved, or nothing was: what changed before the cut and since is
 * then one again.
 *
 * A row that is removed leaves a grave behind when a checkpoint may know it: its own memory,
 * kept until a tombstone is saved. A row that was born since the last one leaves nothing.
 *
 * Segments of a state are numbered, and never alike. A row that has changed has a mark instead,
 * above all of them. Each cut begins a new one, and one for rows that are kept. 0: the row is in
 * no list, because rows are not tracked (MR_TRACK) or because it is gone; MR_GRAVE: it is a grave;
 * MR_KEPT: it is a copy; MR_KEPT_WRITTEN: one that may go.
 *
 * Invariants:
 *  1. Before `turn`, or all the list when no checkpoint goes on and none was given up since the
 *     last one that was saved, numbers ascend, up to `first` at most to `saved`.
 *  2. Of [first, newest], and of no row before, the last checkpoint knows less than there is.
 *  3. Pending are [turn, fresh), and where all rows are written again, [oldest, first); but for
 *     rows that were kept, which are as they were, too.
 *  4. A pending row is as it was at the cut: mr_row_changed traps if one was not reached.
 *  5. A segment that is not below `floor` may have what the cut has of a row that has changed or
 *     gone since; and what has no number below the oldest row's and `floor` is of no use. */
#ifndef MR_DIRTY_H
#define MR_DIRTY_H

#include "alloc.h"

#define MR_MARKS 0x80000000u /* The first mark: segments have lower numbers. */
#define MR_KEPT_WRITTEN (UINT32_MAX - 2)
#define MR_KEPT (UINT32_MAX - 1)
#define MR_GRAVE UINT32_MAX

/* A part of a row; of a grave, or a kept one, `newer` is the next one. */
typedef struct mr_age {
    mr_addr newer;
    mr_addr older;
} mr_age;

/* Rows in none of the structures that know those which stand, through their ages. */
typedef struct mr_chain {
    mr_addr first;
    mr_addr last;
    uint32_t count;
} mr_chain;

typedef struct mr_dirty {
    uint64_t known_births; /* Rows born before this one may be known to a checkpoint. */
    uint32_t mark;         /* Of rows that change; while they are loaded, their segment's number. */
    uint32_t checkpoints;  /* Begun, ever. */
    uint32_t next;         /* The number of the segment that is written, or of the next one. */
    uint32_t saved;        /* The last segment that was saved. */
    uint32_t changed;      /* Rows from `first` on. */
    uint32_t changed_now;  /* Rows from `fresh` on. */
    uint32_t cut;          /* While rows may be pending: the mark at the cut; else 0. */
    uint32_t clean;        /* Then: rows of segments up to this one are not pending, */
    uint32_t begun;        /* nor those from this one on. */
    uint32_t floor;
    bool saving;  /* A checkpoint has begun, and did not end. */
    bool torn;    /* It cannot be written. */
    bool unknown; /* Rows are loaded that no checkpoint knows. */
    bool marked;  /* Others stood before those. */
    mr_addr oldest;
    mr_addr newest;
    mr_addr first; /* 0: all is saved. */
    mr_addr turn;  /* 0: nothing is pending, or changed since the cut. */
    mr_addr fresh;
    mr_lender lender; /* Of copies, while rows may be pending. */
    mr_chain kept;    /* To be written; those that were come first, and wait to be freed. */
    mr_chain graves;
    mr_chain frozen_graves; /* Of the cut. */
} mr_dirty;

#endif
