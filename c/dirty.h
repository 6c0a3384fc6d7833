/* dirty.h -- which rows changed in this epoch, in the order they first did.
 *
 *   entries  [row][row][ 0 ][grave | 1][row]
 *
 * A row remembers where it stands in the list (row.dirty, counted from 1). A row
 * that is removed leaves a grave behind when the last checkpoint knew it: its own
 * memory, kept until the checkpoint has written a tombstone (by then the host has seen the
 * rows that were evicted, whose graves their memory is, too). A row that was born in
 * this epoch leaves a hole: nothing is to be written.
 *
 * Room for every row is made when the row is born, so that changing and removing
 * rows never allocate.
 *
 * Invariants:
 *  1. entries[row.dirty - 1] is the row, for every row with dirty > 0.
 *  2. room >= size + rows that stand and are not in the list. */
#ifndef MR_DIRTY_H
#define MR_DIRTY_H

#include "alloc.h"

enum { MR_GRAVE = 1 }; /* The tag of an entry whose row is removed. */

typedef struct mr_dirty {
    mr_heap *heap;
    uint64_t epoch_birth; /* Rows born at or after this number were born in this epoch. */
    mr_addr entries;      /* mr_addr[room]. */
    uint32_t size;
    uint32_t room;
} mr_dirty;

/* Room for `more` entries beside those that stand. MR_ERR_MEMORY: unchanged. */
mr_status mr_dirty_reserve(mr_dirty *dirty, uint32_t more);

/* Put `entry` at the end and return its place, counted from 1. */
uint32_t mr_dirty_add(mr_dirty *dirty, mr_addr entry);

static inline mr_addr *mr_dirty_at(const mr_dirty *dirty, uint32_t place) {
    MR_ASSERT(place != 0 && place <= dirty->size);
    return (mr_addr *)mr_at(dirty->entries) + (place - 1);
}

void mr_dirty_close(mr_dirty *dirty);

#endif
