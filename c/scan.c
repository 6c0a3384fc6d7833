/* scan.c -- see scan.h. */
#include "scan.h"

#include "error.h"

enum { WALK_STEP = 1024, WALK_MOST = MR_RUN_ENTRIES / WALK_STEP * WALK_STEP };

static mr_status start(mr_scan_data *scan, mr_rows *rows) {
    memset(scan, 0, sizeof *scan);
    scan->rows = rows;
    scan->runs.heap = rows->heap;
    scan->changes = rows->changes;
    const uint32_t bytes = MR_SCAN_PAGE_ROWS * (uint32_t)sizeof(mr_addr);
    scan->page.rows = mr_heap_alloc(rows->heap, bytes);
    if (scan->page.rows != 0) return MR_OK;
    return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)rows->heap->budget_bytes);
}

mr_status mr_scan_start(mr_scan_data *scan, mr_rows *rows, double time_ms) {
    MR_TRY(start(scan, rows));
    scan->time_ms = time_ms;
    return MR_OK;
}

mr_status mr_scan_ranked(mr_scan_data *scan, mr_rows *rows, double time_ms) {
    MR_TRY(mr_scan_start(scan, rows, time_ms));
    scan->ranked = true;
    const mr_status status = mr_ranks_open(&scan->ranks, rows);
    if (status != MR_OK) mr_scan_stop(scan);
    return status;
}

mr_status mr_scan_changes(mr_scan_data *scan, mr_rows *rows, uint32_t rewrite) {
    MR_TRY(start(scan, rows));
    scan->of_changes = true;
    scan->with_graves = rewrite < rows->table.size - rows->dirty.changed;
    scan->rewrite = rewrite;
    return MR_OK;
}

/* What comes next among changes; 0: nothing. */
static mr_addr next_change(mr_scan_data *scan) {
    if (scan->with_graves) {
        const mr_addr grave = mr_dirty_grave_after(scan->rows, scan->grave);
        if (grave != 0) {
            scan->grave = grave;
            return grave + MR_PAGE_GRAVE;
        }
        scan->with_graves = false;
    }
    mr_addr row = mr_dirty_after(scan->rows, scan->row);
    if (row == 0 && scan->rewrite > 0 && mr_dirty_rewrite(scan->rows)) {
        scan->rewrite--;
        row = scan->rows->dirty.newest;
    }
    if (row != 0) scan->row = row;
    return row;
}

static mr_status add_visible(mr_scan_data *scan, const mr_addr *found, uint32_t count) {
    for (; scan->step_at < count; scan->step_at++) {
        const mr_addr address = found[scan->step_at];
        const mr_row *row = mr_row_at(address);
        if (mr_row_expired(scan->rows, row, scan->time_ms)) continue;
        MR_TRY(mr_runs_add(&scan->runs, mr_row_birth(row), address));
    }
    scan->step_at = 0;
    return MR_OK;
}

/* What is visible among so many rows, or the news that the table is walked. */
static mr_status collect(mr_scan_data *scan) {
    mr_addr *found = mr_at(scan->page.rows);
    for (uint32_t seen = 0; seen < WALK_MOST; seen += WALK_STEP) {
        mr_table_cursor cursor = scan->cursor;
        const uint32_t count = mr_table_walk(&scan->rows->table, &cursor, found, WALK_STEP);
        MR_TRY(add_visible(scan, found, count));
        scan->cursor = cursor;
        if (count == WALK_STEP) continue;
        MR_TRY(mr_runs_merge(&scan->runs));
        scan->collected = true;
        return MR_OK;
    }
    return MR_OK;
}

/* The next rows of those that are ranked. */
static void next_ranked(mr_scan_data *scan, uint32_t rows_max) {
    mr_addr *rows = mr_at(scan->page.rows);
    const uint32_t left = scan->ranks.count - scan->upto;
    scan->first = scan->upto;
    scan->page.count = mr_min_u32(rows_max, left);
    for (uint32_t i = 0; i < scan->page.count; i++)
        rows[i] = mr_ranked_row(&scan->ranks, scan->upto++);
}

mr_status mr_scan_page(mr_scan_data *scan, uint32_t rows_max) {
    scan->page.count = 0;
    if (!mr_scan_valid(scan)) return mr_fail(MR_ERR_HANDLE, "scan", 0);
    mr_addr *rows = mr_at(scan->page.rows);
    rows_max = mr_min_u32(rows_max, MR_SCAN_PAGE_ROWS);
    if (scan->of_changes) {
        mr_addr next;
        while (scan->page.count < rows_max && (next = next_change(scan)) != 0)
            rows[scan->page.count++] = next;
        if (scan->page.count == 0) mr_dirty_freeze(scan->rows);
        return MR_OK;
    }
    if (!scan->collected) {
        MR_TRY(collect(scan));
        if (!scan->collected) return MR_MORE;
    }
    if (scan->ranked) {
        MR_TRY(mr_ranks_sort(&scan->ranks, scan->rows, &scan->runs)); /* MR_MORE, too. */
        next_ranked(scan, rows_max);
        return MR_OK;
    }
    for (; scan->page.count < rows_max && scan->runs.count > 0; mr_runs_take(&scan->runs))
        rows[scan->page.count++] = mr_runs_first(&scan->runs);
    return MR_OK;
}

void mr_scan_stop(mr_scan_data *scan) {
    mr_heap *heap = scan->runs.heap;
    mr_runs_close(&scan->runs);
    mr_ranks_close(&scan->ranks, heap);
    mr_heap_free(heap, scan->page.rows, MR_SCAN_PAGE_ROWS * (uint32_t)sizeof(mr_addr));
}
