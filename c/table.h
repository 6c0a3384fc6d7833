/* table.h -- from hash to row address, growing a little at a time.
 *
 *   directory (2^depth addresses)          extendible hashing
 *   [0] [1] [2] [3] ...                    (Fagin, Nievergelt, Pippenger,
 *     \  /   |   |                          Strong 1979)
 *   segment segment segment                each an open-addressed array of
 *   {hash, address} x capacity             entries with linear probing
 *
 * The top `depth` bits of the hash choose the directory entry, all of its bits,
 * mixed, the home slot in its segment. A segment above its load grows through a few fixed
 * capacities; the largest one splits in two, and only then may the directory
 * double. So no insert moves more than about two thousand entries, and the
 * load of a growing table stays between 0.6 and 0.8. When hashes are so alike
 * that a split would not part them, or that the directory would exceed
 * 2^MR_TABLE_DEPTH_MAX, the segment grows instead: slower, still right.
 *
 * Removal shifts the entries behind it back, so there are no tombstones and
 * nothing decays; a segment that is nearly empty gives memory back, so a walk
 * never wades through slots that were used once. The table compares hashes
 * only; who owns the rows compares keys: several entries may have the same hash.
 *
 * Invariants:
 *  1. An entry is reachable from its home slot over occupied slots only.
 *  2. A segment of local depth d is named by 2^(depth - d) directory entries.
 *  3. A reserve that succeeded makes the next insert of that hash succeed. */
#ifndef MR_TABLE_H
#define MR_TABLE_H

#include "alloc.h"

enum { MR_TABLE_DEPTH_MAX = 20 };

typedef struct mr_table {
    mr_heap *heap;     /* Borrowed; outlives the table. */
    uint64_t size;     /* Entries. */
    uint64_t bytes;    /* Of directory and segments, as the heap counts them. */
    mr_addr directory; /* 0 until the first reserve. */
    uint32_t depth;
} mr_table;

typedef struct mr_table_entry {
    uint32_t hash;
    mr_addr address; /* 0: the slot is empty. */
} mr_table_entry;

/* A position of a probe or of a walk. */
typedef struct mr_table_cursor {
    mr_addr segment;
    uint32_t slot;
    uint32_t index; /* mr_table_walk: directory entry. */
} mr_table_cursor;

void mr_table_open(mr_table *table, mr_heap *heap);
void mr_table_close(mr_table *table); /* Frees segments and directory, not the rows. */

/* Make an empty table about as large as `size` entries will have it, so that it need not grow
 * on the way. Without memory for that it stays empty. */
void mr_table_prepare(mr_table *table, uint32_t size);

/* The first entry with this hash: its address, or 0. `cursor_out` goes on with
 * mr_table_next. Neither changes anything. */
mr_addr mr_table_first(const mr_table *table, uint32_t hash, mr_table_cursor *cursor_out);
mr_addr mr_table_next(const mr_table *table, uint32_t hash, mr_table_cursor *cursor);

/* The first entries of many hashes: no one waits for the memory of another. */
void mr_table_first_all(const mr_table *table, const uint32_t *hashes, uint32_t count,
                        mr_addr *firsts_out);

/* The address in the home slot of a hash, of whatever entry; 0: no entry has this hash. */
mr_addr mr_table_home(const mr_table *table, uint32_t hash);

/* Make room for one entry of this hash, so that mr_table_insert cannot fail.
 * MR_ERR_MEMORY: nothing changed. */
mr_status mr_table_reserve(mr_table *table, uint32_t hash);

/* Add an entry. Requires a reserve of the same hash since the last insert. */
void mr_table_insert(mr_table *table, uint32_t hash, mr_addr address);

/* Remove the entry of this hash and address, which must be there. Cannot fail;
 * a reserve of before holds on. */
void mr_table_remove(mr_table *table, uint32_t hash, mr_addr address);

/* Put another address in the place of this one, which must be there. */
void mr_table_replace(mr_table *table, uint32_t hash, mr_addr address, mr_addr by);

/* Write up to `max` addresses, each entry once, going on from `cursor` (all
 * zero at the start); returns how many, 0 at the end. Valid while nothing is
 * inserted or removed. The order is of no meaning. */
uint32_t mr_table_walk(const mr_table *table, mr_table_cursor *cursor, mr_addr *addresses,
                       uint32_t max);

#endif
