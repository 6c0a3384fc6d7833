/* scan.h -- the rows of a state in first-seen order, a page at a time.
 *
 *   table --walk--> runs of (birth, row), each sorted --merge--> pages
 *
 * The table has no order worth showing, so rows are collected into runs of a few
 * thousand, each sorted on its own, and then merged through a heap of runs. Every
 * call does the work of about one run. 12 bytes per row, freed when the scan closes.
 *
 * Invariant: while a scan is used, no row of its state is made or removed. */
#ifndef MR_SCAN_H
#define MR_SCAN_H

#include "row.h"

typedef struct mr_scan_entry {
    uint32_t birth_low;
    uint32_t birth_high;
    mr_addr row;
} mr_scan_entry;

enum { MR_RUN_ENTRIES = MR_PAGE_BYTES / sizeof(mr_scan_entry), MR_SCAN_PAGE_ROWS = 4096 };

typedef struct mr_run {
    uint64_t next_birth; /* Of entry `at`, while merging. */
    mr_addr entries;     /* mr_scan_entry[MR_RUN_ENTRIES]. */
    uint32_t size;
    uint32_t at;
} mr_run;

typedef struct mr_scan_data {
    mr_page page; /* First: the host knows its address. */
    mr_rows *rows;
    mr_heap *heap; /* Of the rows: a scan may outlive them, to be stopped. */
    double time_ms;
    uint64_t changes; /* Of the rows, when the scan was opened. */
    mr_table_cursor cursor;
    mr_addr runs; /* mr_run[runs_room]; a heap by next birth once `merging`. */
    uint32_t run_count;
    uint32_t runs_room;
    bool merging;
} mr_scan_data;

/* Start over the rows that have not expired at `time_ms` (-Infinity: all). */
mr_status mr_scan_start(mr_scan_data *scan, mr_rows *rows, double time_ms);

/* Has no row come or gone since the scan was started? */
static inline bool mr_scan_valid(const mr_scan_data *scan) {
    return scan->changes == scan->rows->changes;
}

/* The next page of at most `rows_max` rows (<= MR_SCAN_PAGE_ROWS), 0 rows at the end.
 * MR_MORE: still collecting, call again. MR_ERR_HANDLE: the state has changed. */
mr_status mr_scan_page(mr_scan_data *scan, uint32_t rows_max);

void mr_scan_stop(mr_scan_data *scan);

#endif
