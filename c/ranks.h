/* ranks.h -- what a savepoint has in place of numbers that count up.
 *
 *   births, uses, registrations of timers    7 9 40 -> 1 2 3
 *
 * The numbers say how often rows were made and used since the state was new, and a restart
 * begins them anew; only their order means anything. A savepoint has the order, so that it is
 * the same whatever its rows have gone through.
 *
 * Rows are listed in the order of their births. Then each other order is sorted in runs
 * (runs.h) that have places in the list instead of rows. 4 bytes per row and order are held,
 * 12 more while one is sorted. */
#ifndef MR_RANKS_H
#define MR_RANKS_H

#include "runs.h"

enum { MR_RANK_BIRTH, MR_RANK_USE, MR_RANK_TIMER, MR_RANKS };

typedef struct mr_ranks {
    mr_addr rows;            /* mr_addr[room]: the list. */
    mr_addr ranks[MR_RANKS]; /* u32[room] by place, 0: no part in it; or 0: no such order. */
    uint32_t room;
    uint32_t count; /* Rows that are listed. */
    uint32_t order; /* Which is being sorted; MR_RANKS: all are. */
    uint32_t at;    /* Rows that were added to its runs, */
    uint32_t given; /* and ranks that were given. */
} mr_ranks;

/* Room for all rows. After MR_ERR_MEMORY, too, mr_ranks_close gives it back. */
mr_status mr_ranks_open(mr_ranks *ranks, const mr_rows *rows);
void mr_ranks_close(mr_ranks *ranks, mr_heap *heap);

/* The runs have rows by birth and are merged: list and rank these. MR_MORE: call again, as
 * after MR_ERR_MEMORY. */
mr_status mr_ranks_sort(mr_ranks *ranks, const mr_rows *rows, mr_runs *runs);

/* The row at a place. */
static inline mr_addr mr_ranked_row(const mr_ranks *ranks, uint32_t place) {
    return mr_u32s(ranks->rows)[place];
}

/* Its rank in an order, from 1 on; 0: it has no part in it. */
static inline uint32_t mr_rank_of(const mr_ranks *ranks, uint32_t order, uint32_t place) {
    if (order == MR_RANK_BIRTH) return place + 1;
    return ranks->ranks[order] == 0 ? 0 : mr_u32s(ranks->ranks[order])[place];
}

#endif
