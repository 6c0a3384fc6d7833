/* scan.c -- see scan.h. */
#include "scan.h"

#include "error.h"

enum { WALK_STEP = 1024 };

static uint64_t birth_of(const mr_scan_entry *entry) {
    return ((uint64_t)entry->birth_high << 32) | entry->birth_low;
}

static mr_scan_entry *entries_of(const mr_run *run) { return mr_at(run->entries); }

static uint64_t next_birth(const mr_run *run) { return run->next_birth; }

static void look_ahead(mr_run *run) { run->next_birth = birth_of(entries_of(run) + run->at); }

mr_status mr_scan_start(mr_scan_data *scan, mr_rows *rows, double time_ms) {
    memset(scan, 0, sizeof *scan);
    scan->rows = rows;
    scan->heap = rows->heap;
    scan->time_ms = time_ms;
    scan->changes = rows->changes;
    const uint32_t bytes = MR_SCAN_PAGE_ROWS * (uint32_t)sizeof(mr_addr);
    scan->page.rows = mr_heap_alloc(rows->heap, bytes);
    if (scan->page.rows != 0) return MR_OK;
    return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)rows->heap->budget_bytes);
}

/* ---- collecting ---- */

static mr_status add_run(mr_scan_data *scan, mr_run **run_out) {
    mr_heap *heap = scan->rows->heap;
    if (scan->run_count == scan->runs_room) {
        uint32_t room = scan->runs_room * 2 + 16;
        mr_addr runs = mr_heap_alloc(heap, room * (uint32_t)sizeof(mr_run));
        if (runs == 0) goto refused;
        if (scan->runs != 0) {
            const uint32_t bytes = scan->runs_room * (uint32_t)sizeof(mr_run);
            memcpy(mr_at(runs), mr_at(scan->runs), bytes);
            mr_heap_free(heap, scan->runs, bytes);
        }
        scan->runs = runs;
        scan->runs_room = room;
    }
    mr_run *run = (mr_run *)mr_at(scan->runs) + scan->run_count;
    *run = (mr_run){.entries = mr_heap_alloc(heap, MR_PAGE_BYTES)};
    if (run->entries == 0) goto refused;
    scan->run_count++;
    *run_out = run;
    return MR_OK;

refused:
    return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)heap->budget_bytes);
}

/* One pass of a radix sort: by the byte of the birth at `shift`, order kept otherwise.
 * False when all have the same byte there, and nothing was moved. */
static bool sort_byte(const mr_scan_entry *from, mr_scan_entry *to, uint32_t size, uint32_t shift) {
    uint32_t at[256] = {0};
    for (uint32_t i = 0; i < size; i++)
        at[(birth_of(from + i) >> shift) & 255]++;
    if (at[(birth_of(from) >> shift) & 255] == size) return false;
    for (uint32_t byte = 0, sum = 0; byte < 256; byte++) {
        const uint32_t count = at[byte];
        at[byte] = sum;
        sum += count;
    }
    for (uint32_t i = 0; i < size; i++)
        to[at[(birth_of(from + i) >> shift) & 255]++] = from[i];
    return true;
}

/* Sort by birth, byte by byte, between the run's page and a spare one. Returns the one
 * that is spare now. */
static mr_addr sort_run(mr_run *run, mr_addr spare) {
    for (uint32_t shift = 0; shift < 48 && run->size > 1; shift += 8) {
        if (!sort_byte(entries_of(run), mr_at(spare), run->size, shift)) continue;
        const mr_addr sorted = spare;
        spare = run->entries;
        run->entries = sorted;
    }
    return spare;
}

static void add_visible(const mr_scan_data *scan, mr_run *run, const mr_addr *found,
                        uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const mr_row *row = mr_row_at(found[i]);
        if (mr_row_expired(scan->rows, row, scan->time_ms)) continue;
        entries_of(run)[run->size++] = (mr_scan_entry){row->birth_low, row->birth_high, found[i]};
    }
}

/* One run of what is visible among so many rows, or the news that the table is walked. */
static mr_status collect(mr_scan_data *scan, bool *walked_out) {
    mr_run *run;
    const mr_addr spare = mr_heap_alloc(scan->heap, MR_PAGE_BYTES); /* Before rows are walked. */
    if (spare == 0) {
        return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)scan->heap->budget_bytes);
    }
    mr_status status = add_run(scan, &run);
    if (status != MR_OK) {
        mr_heap_free(scan->heap, spare, MR_PAGE_BYTES);
        return status;
    }
    mr_addr *found = mr_at(scan->page.rows);
    uint32_t count = 0;
    for (uint32_t seen = 0; seen + WALK_STEP <= MR_RUN_ENTRIES; seen += count) {
        count = mr_table_walk(&scan->rows->table, &scan->cursor, found, WALK_STEP);
        add_visible(scan, run, found, count);
        if (count < WALK_STEP) {
            *walked_out = true;
            break;
        }
    }
    mr_heap_free(scan->heap, sort_run(run, spare), MR_PAGE_BYTES);
    if (run->size > 0) return MR_OK;
    mr_heap_free(scan->heap, run->entries, MR_PAGE_BYTES);
    scan->run_count--;
    return MR_OK;
}

/* ---- merging ---- */

static void sift_down(mr_run *runs, uint32_t count, uint32_t at) {
    const mr_run run = runs[at];
    const uint64_t birth = next_birth(&run);
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && next_birth(runs + child + 1) < next_birth(runs + child)) child++;
        if (next_birth(runs + child) >= birth) break;
        runs[at] = runs[child];
    }
    runs[at] = run;
}

static mr_addr take_next(mr_scan_data *scan) {
    mr_run *runs = mr_at(scan->runs);
    const mr_addr row = entries_of(runs)[runs->at].row;
    if (++runs->at == runs->size) {
        mr_heap_free(scan->rows->heap, runs->entries, MR_PAGE_BYTES);
        runs[0] = runs[--scan->run_count];
    } else {
        look_ahead(runs);
    }
    if (scan->run_count > 0) sift_down(runs, scan->run_count, 0);
    return row;
}

mr_status mr_scan_page(mr_scan_data *scan, uint32_t rows_max) {
    scan->page.count = 0;
    if (!mr_scan_valid(scan)) return mr_fail(MR_ERR_HANDLE, "scan", 0);
    if (!scan->merging) {
        MR_TRY(collect(scan, &scan->merging));
        if (!scan->merging) return MR_MORE;
        mr_run *runs = mr_at(scan->runs);
        for (uint32_t i = 0; i < scan->run_count; i++)
            look_ahead(runs + i);
        for (uint32_t at = scan->run_count / 2; at-- > 0;)
            sift_down(runs, scan->run_count, at);
    }
    mr_addr *rows = mr_at(scan->page.rows);
    rows_max = mr_min_u32(rows_max, MR_SCAN_PAGE_ROWS);
    while (scan->page.count < rows_max && scan->run_count > 0) {
        rows[scan->page.count++] = take_next(scan);
    }
    return MR_OK;
}

void mr_scan_stop(mr_scan_data *scan) {
    mr_heap *heap = scan->heap;
    const mr_run *runs = mr_at(scan->runs);
    for (uint32_t i = 0; i < scan->run_count; i++) {
        mr_heap_free(heap, runs[i].entries, MR_PAGE_BYTES);
    }
    mr_heap_free(heap, scan->runs, scan->runs_room * (uint32_t)sizeof(mr_run));
    mr_heap_free(heap, scan->page.rows, MR_SCAN_PAGE_ROWS * (uint32_t)sizeof(mr_addr));
}
