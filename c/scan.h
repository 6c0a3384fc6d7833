/* scan.h -- the rows of a state, a page at a time: all in first-seen order, or what changed.
 *
 *   table --walk--> runs of (birth, row), sorted and merged --> pages
 *
 * The table has no order worth showing, so rows are collected and sorted by birth; see
 * runs.h. Every call does the work of about one run.
 *
 * A scan of what changed by its start, the cut (dirty.h), goes on beside what changes later:
 * each page is written before anything else happens. First come graves, then copies that were
 * kept, then rows in the order in which they changed, then old rows that are to be written once
 * more; save.h says why.
 *
 * A scan for a savepoint knows, too, which row is the how-manieth by birth, use and timer;
 * ranks.h.
 *
 * Invariant: while a scan is used, no row of its state is made or removed, save of changes. */
#ifndef MR_SCAN_H
#define MR_SCAN_H

#include "ranks.h"

enum {
    MR_SCAN_PAGE_ROWS = 4096,
    MR_SCAN_PAGE_BYTES = 1 << 17, /* Of changes: the row that comes to so many is the last. */
};

typedef struct mr_scan_data {
    mr_page page; /* First: the host knows its address. */
    mr_rows *rows;
    mr_runs runs; /* Their heap is the rows': a scan may outlive them, to be stopped. */
    double time_ms;
    uint64_t
        changes; /* Of the rows, when the scan was opened; of changes, when the page was given. */
    mr_rows_cursor cursor;
    uint32_t step_at; /* Of the rows behind the cursor, so many were looked at. */
    bool collected;
    bool ranked; /* For a savepoint. */
    mr_ranks ranks;
    uint32_t first;  /* Then: the place of the page's first row, */
    uint32_t upto;   /* and of the next page's. */
    bool of_changes; /* Then: */
    bool with_graves;
    uint32_t checkpoint; /* Its number among those of the state. */
    uint32_t rewrite;    /* So many old rows are still to come. */
    mr_addr grave;       /* The last one that was given. */
    uint32_t rows_max;   /* Of the page, */
    uint64_t page_bytes; /* and what its rows weigh. */
} mr_scan_data;

/* Start over the rows that have not expired at `time_ms` (-Infinity: all). */
mr_status mr_scan_start(mr_scan_data *scan, mr_rows *rows, double time_ms);

/* The same for a savepoint. */
mr_status mr_scan_ranked(mr_scan_data *scan, mr_rows *rows, double time_ms);

/* Start over what changed since the last checkpoint, and `rewrite` of the rows that did not:
 * as they are now. */
mr_status mr_scan_changes(mr_scan_data *scan, mr_rows *rows, uint32_t rewrite);

/* Of changes: does their checkpoint go on? */
static inline bool mr_scan_goes_on(const mr_scan_data *scan) {
    const mr_dirty *dirty = &scan->rows->dirty;
    return dirty->saving && dirty->checkpoints == scan->checkpoint;
}

/* Has no row come or gone since the scan was started, or of changes, since the page was given? */
static inline bool mr_scan_valid(const mr_scan_data *scan) {
    if (scan->of_changes && !mr_scan_goes_on(scan)) return false;
    return scan->changes == scan->rows->changes;
}

/* Of changes: MR_ERR_MEMORY when there was none for all that their checkpoint has. */
mr_status mr_scan_whole(const mr_scan_data *scan);

/* The next page of at most `rows_max` rows (<= MR_SCAN_PAGE_ROWS), 0 rows at the end;
 * a grave has MR_PAGE_GRAVE added to its address.
 * MR_MORE: still collecting, call again. MR_ERR_HANDLE: the state has changed. */
mr_status mr_scan_page(mr_scan_data *scan, uint32_t rows_max);

/* The rows of the page are the host's now. */
void mr_scan_reach(const mr_scan_data *scan);

void mr_scan_stop(mr_scan_data *scan);

#endif
