/* runs.h -- rows put into the order of a number, in bounded steps.
 *
 *   added in any order -> runs of (number, row), each sorted -- merge --> one by one
 *
 * For more rows than one call may sort: as many as a page has room for are a run, which is
 * sorted when it is full; then all runs are merged through a heap of them. 12 bytes per
 * row, freed as runs are used up. A few rows are one run, sorted in place.
 *
 * Numbers are below 2^48: births of rows, first events of windows. */
#ifndef MR_RUNS_H
#define MR_RUNS_H

#include "row.h"

typedef struct mr_run_entry {
    uint32_t number_low;
    uint32_t number_high;
    mr_addr row;
} mr_run_entry;

enum { MR_RUN_ENTRIES = MR_PAGE_BYTES / sizeof(mr_run_entry) };

typedef struct mr_run {
    uint64_t next_number; /* Of entry `at`, while merging. */
    mr_addr entries;      /* mr_run_entry[MR_RUN_ENTRIES]. */
    uint32_t size;
    uint32_t at;
} mr_run;

typedef struct mr_runs {
    mr_heap *heap;
    mr_addr runs;  /* mr_run[room]; a heap by next number once `merging`. */
    mr_addr spare; /* A page that no run needs, or 0. */
    uint32_t count;
    uint32_t room;
    bool merging;
} mr_runs;

/* One row more. MR_ERR_MEMORY: it is not added. Not while merging. */
mr_status mr_runs_add(mr_runs *runs, uint64_t number, mr_addr row);

/* All are added: from now on they are taken. MR_ERR_MEMORY: they are not yet. */
mr_status mr_runs_merge(mr_runs *runs);

/* The next row, which stays; 0 when there is none. */
static inline mr_addr mr_runs_first(const mr_runs *runs) {
    if (runs->count == 0) return 0;
    const mr_run *run = mr_at(runs->runs);
    return ((const mr_run_entry *)mr_at(run->entries))[run->at].row;
}

/* It is taken. After the last one rows may be added again. */
void mr_runs_take(mr_runs *runs);

/* Forget all rows and give the memory back. */
void mr_runs_close(mr_runs *runs);

#endif
