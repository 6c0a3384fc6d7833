/* runs.c -- see runs.h. */
#include "runs.h"

#include "error.h"

enum { FEW = 24 }; /* So many are sorted in place. */

static mr_status out_of_memory(const mr_runs *runs) {
    return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)runs->heap->budget_bytes);
}

static uint64_t number_of(const mr_run_entry *entry) {
    return ((uint64_t)entry->number_high << 32) | entry->number_low;
}

static mr_run_entry *entries_of(const mr_run *run) { return mr_at(run->entries); }

static mr_run *run_at(const mr_runs *runs, uint32_t index) {
    return (mr_run *)mr_at(runs->runs) + index;
}

/* ---- adding ---- */

static mr_status grow(mr_runs *runs) {
    const uint32_t room = runs->room * 2 + 16;
    const mr_addr grown = mr_heap_alloc(runs->heap, room * (uint32_t)sizeof(mr_run));
    if (grown == 0) return out_of_memory(runs);
    if (runs->runs != 0) {
        const uint32_t bytes = runs->room * (uint32_t)sizeof(mr_run);
        memcpy(mr_at(grown), mr_at(runs->runs), bytes);
        mr_heap_free(runs->heap, runs->runs, bytes);
    }
    runs->runs = grown;
    runs->room = room;
    return MR_OK;
}

/* A page, the spare one if there is one; 0: no memory. */
static mr_addr take_page(mr_runs *runs) {
    const mr_addr page = runs->spare;
    runs->spare = 0;
    return page != 0 ? page : mr_heap_alloc(runs->heap, MR_PAGE_BYTES);
}

static void drop_page(mr_runs *runs, mr_addr page) {
    if (runs->spare == 0) {
        runs->spare = page;
    } else {
        mr_heap_free(runs->heap, page, MR_PAGE_BYTES);
    }
}

static mr_status begin_run(mr_runs *runs) {
    if (runs->count == runs->room) MR_TRY(grow(runs));
    const mr_addr page = take_page(runs);
    if (page == 0) return out_of_memory(runs);
    *run_at(runs, runs->count++) = (mr_run){.entries = page};
    return MR_OK;
}

static void sort_few(mr_run_entry *entries, uint32_t size) {
    for (uint32_t i = 1; i < size; i++) {
        const mr_run_entry entry = entries[i];
        const uint64_t number = number_of(&entry);
        uint32_t at = i;
        for (; at > 0 && number_of(entries + at - 1) > number; at--)
            entries[at] = entries[at - 1];
        entries[at] = entry;
    }
}

/* One pass of a radix sort: by the byte of the number at `shift`, order kept otherwise.
 * False when all have the same byte there, and nothing was moved. */
static bool sort_byte(const mr_run_entry *from, mr_run_entry *to, uint32_t size, uint32_t shift) {
    uint32_t at[256] = {0};
    for (uint32_t i = 0; i < size; i++)
        at[(number_of(from + i) >> shift) & 255]++;
    if (at[(number_of(from) >> shift) & 255] == size) return false;
    for (uint32_t byte = 0, sum = 0; byte < 256; byte++) {
        const uint32_t count = at[byte];
        at[byte] = sum;
        sum += count;
    }
    for (uint32_t i = 0; i < size; i++)
        to[at[(number_of(from + i) >> shift) & 255]++] = from[i];
    return true;
}

static bool is_sorted(const mr_run_entry *entries, uint32_t size) {
    for (uint32_t i = 1; i < size; i++) {
        if (number_of(entries + i - 1) > number_of(entries + i)) return false;
    }
    return true;
}

/* Sort the last run, unless it is in order: many rows byte by byte, between its page and
 * another. */
static mr_status sort_last(mr_runs *runs) {
    mr_run *run = run_at(runs, runs->count - 1);
    if (is_sorted(entries_of(run), run->size)) return MR_OK;
    if (run->size <= FEW) {
        sort_few(entries_of(run), run->size);
        return MR_OK;
    }
    mr_addr other = take_page(runs);
    if (other == 0) return out_of_memory(runs);
    for (uint32_t shift = 0; shift < 48; shift += 8) {
        if (!sort_byte(entries_of(run), mr_at(other), run->size, shift)) continue;
        const mr_addr sorted = other;
        other = run->entries;
        run->entries = sorted;
    }
    drop_page(runs, other);
    return MR_OK;
}

mr_status mr_runs_add(mr_runs *runs, uint64_t number, mr_addr row) {
    if (runs->count == 0) {
        MR_TRY(begin_run(runs));
    } else if (run_at(runs, runs->count - 1)->size == MR_RUN_ENTRIES) {
        MR_TRY(sort_last(runs)); /* Twice, if there is no room for the next one: no harm. */
        MR_TRY(begin_run(runs));
    }
    mr_run *run = run_at(runs, runs->count - 1);
    entries_of(run)[run->size++] = (mr_run_entry){(uint32_t)number, (uint32_t)(number >> 32), row};
    return MR_OK;
}

/* ---- merging ---- */

static void look_ahead(mr_run *run) { run->next_number = number_of(entries_of(run) + run->at); }

static void sift_down(mr_run *runs, uint32_t count, uint32_t at) {
    const mr_run run = runs[at];
    const uint64_t number = run.next_number;
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && runs[child + 1].next_number < runs[child].next_number) child++;
        if (runs[child].next_number >= number) break;
        runs[at] = runs[child];
    }
    runs[at] = run;
}

mr_status mr_runs_merge(mr_runs *runs) {
    if (runs->count > 0) MR_TRY(sort_last(runs));
    for (uint32_t i = 0; i < runs->count; i++)
        look_ahead(run_at(runs, i));
    for (uint32_t at = runs->count / 2; at-- > 0;)
        sift_down(run_at(runs, 0), runs->count, at);
    runs->merging = runs->count > 0;
    return MR_OK;
}

void mr_runs_take(mr_runs *runs) {
    mr_run *first = run_at(runs, 0);
    if (++first->at < first->size) {
        look_ahead(first);
    } else {
        drop_page(runs, first->entries);
        *first = *run_at(runs, --runs->count);
    }
    if (runs->count > 0) sift_down(first, runs->count, 0);
    runs->merging = runs->count > 0;
}

void mr_runs_close(mr_runs *runs) {
    for (uint32_t i = 0; i < runs->count; i++)
        mr_heap_free(runs->heap, run_at(runs, i)->entries, MR_PAGE_BYTES);
    if (runs->spare != 0) mr_heap_free(runs->heap, runs->spare, MR_PAGE_BYTES);
    mr_heap_free(runs->heap, runs->runs, runs->room * (uint32_t)sizeof(mr_run));
    *runs = (mr_runs){.heap = runs->heap};
}
