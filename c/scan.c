/* scan.c -- see scan.h. */
#include "scan.h"

#include "error.h"

enum { WALK_STEP = 1024, WALK_MOST = MR_RUN_ENTRIES / WALK_STEP * WALK_STEP };

static mr_status no_memory(const mr_rows *rows) {
    return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)rows->heap->budget_bytes);
}

static mr_status start(mr_scan_data *scan, mr_rows *rows) {
    memset(scan, 0, sizeof *scan);
    scan->rows = rows;
    scan->runs.heap = rows->heap;
    scan->changes = rows->changes;
    const uint32_t bytes = MR_SCAN_PAGE_ROWS * (uint32_t)sizeof(mr_addr);
    scan->page.rows = mr_heap_alloc(rows->heap, bytes);
    return scan->page.rows != 0 ? MR_OK : no_memory(rows);
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
    const bool all = rewrite >= rows->size - rows->dirty.changed;
    scan->of_changes = true;
    scan->with_graves = !all;
    scan->rewrite = rewrite;
    mr_dirty_begin(rows, all);
    scan->checkpoint = rows->dirty.checkpoints;
    return MR_OK;
}

mr_status mr_scan_whole(const mr_scan_data *scan) {
    return scan->of_changes && scan->rows->dirty.torn ? no_memory(scan->rows) : MR_OK;
}

/* Add the next rows of a sort, behind `from`, to the page, at most `most`; returns the last. */
static mr_addr add_changes(mr_scan_data *scan, mr_dirty_sort sort, mr_addr from, uint32_t most) {
    mr_page *page = &scan->page;
    while (most-- > 0 && page->count < scan->rows_max && scan->page_bytes < MR_SCAN_PAGE_BYTES) {
        const mr_addr next = mr_dirty_next(scan->rows, sort, from);
        if (next == 0) break;
        const bool grave = sort == MR_DIRTY_GRAVES;
        if (!grave) scan->page_bytes += mr_row_weight(scan->rows, mr_row_at(next));
        mr_u32s(page->rows)[page->count++] = grave ? next + MR_PAGE_GRAVE : next;
        from = next;
    }
    return from;
}

/* The next page of what there is to write. */
static mr_status next_changes(mr_scan_data *scan, uint32_t rows_max) {
    mr_rows *rows = scan->rows;
    MR_TRY(mr_scan_whole(scan));
    scan->rows_max = rows_max;
    scan->page_bytes = 0;
    mr_dirty_swept(rows);
    if (scan->with_graves) { /* First: some key may have a row again. */
        scan->grave = add_changes(scan, MR_DIRTY_GRAVES, scan->grave, UINT32_MAX);
    }
    (void)add_changes(scan, MR_DIRTY_KEPT, 0, UINT32_MAX);
    (void)add_changes(scan, MR_DIRTY_PENDING, 0, UINT32_MAX);
    const uint32_t before = scan->page.count;
    (void)add_changes(scan, MR_DIRTY_OLD, 0, scan->rewrite);
    scan->rewrite -= scan->page.count - before;
    if (scan->page.count == 0) mr_dirty_done(rows);
    return MR_OK;
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
        mr_rows_cursor cursor = scan->cursor;
        const uint32_t count = mr_rows_walk(scan->rows, &cursor, found, WALK_STEP);
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
    if (scan->of_changes) scan->changes = scan->rows->changes;
    if (!mr_scan_valid(scan)) return mr_fail(MR_ERR_HANDLE, "scan", 0);
    mr_addr *rows = mr_at(scan->page.rows);
    rows_max = mr_min_u32(rows_max, MR_SCAN_PAGE_ROWS);
    if (scan->of_changes) return next_changes(scan, rows_max);
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

void mr_scan_reach(const mr_scan_data *scan) {
    if (scan->of_changes || scan->ranked) return; /* They are only written. */
    for (uint32_t i = 0; i < scan->page.count; i++)
        mr_row_reach(scan->rows, mr_row_at(mr_u32s(scan->page.rows)[i]));
}

void mr_scan_stop(mr_scan_data *scan) {
    mr_heap *heap = scan->runs.heap;
    mr_runs_close(&scan->runs);
    mr_ranks_close(&scan->ranks, heap);
    mr_heap_free(heap, scan->page.rows, MR_SCAN_PAGE_ROWS * (uint32_t)sizeof(mr_addr));
}
