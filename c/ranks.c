/* ranks.c -- see ranks.h. */
#include "ranks.h"

#include "error.h"

enum { STEP = MR_RUN_ENTRIES };

/* A row's number in an order; 0: it has no part in it. */
static uint64_t number_of(const mr_rows *rows, mr_row *row, uint32_t order) {
    if (order == MR_RANK_USE) return mr_row_use_number(rows, row) + 1;
    return mr_row_timer_registered(mr_row_part(row, rows->timer_at));
}

static mr_status hold(const mr_ranks *ranks, mr_heap *heap, mr_addr *block_out) {
    const uint32_t bytes = ranks->room * (uint32_t)sizeof(uint32_t);
    *block_out = mr_heap_alloc(heap, bytes);
    if (*block_out == 0) {
        return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)heap->budget_bytes);
    }
    memset(mr_at(*block_out), 0, bytes);
    return MR_OK;
}

mr_status mr_ranks_open(mr_ranks *ranks, const mr_rows *rows) {
    *ranks = (mr_ranks){.room = (uint32_t)rows->size + 1}; /* There is always a block. */
    MR_TRY(hold(ranks, rows->heap, &ranks->rows));
    if (rows->lru_at != 0) MR_TRY(hold(ranks, rows->heap, &ranks->ranks[MR_RANK_USE]));
    if (rows->timer_at != 0) MR_TRY(hold(ranks, rows->heap, &ranks->ranks[MR_RANK_TIMER]));
    return MR_OK;
}

void mr_ranks_close(mr_ranks *ranks, mr_heap *heap) {
    const uint32_t bytes = ranks->room * (uint32_t)sizeof(uint32_t);
    mr_heap_free(heap, ranks->rows, bytes);
    for (uint32_t order = 0; order < MR_RANKS; order++)
        mr_heap_free(heap, ranks->ranks[order], bytes);
    *ranks = (mr_ranks){0};
}

/* Add rows to the runs of an order: places from 1 on, as 0 is no row. */
static mr_status add(mr_ranks *ranks, const mr_rows *rows, mr_runs *runs) {
    for (uint32_t steps = 0; steps < STEP && ranks->at < ranks->count; steps++) {
        mr_row *row = mr_row_at(mr_ranked_row(ranks, ranks->at));
        const uint64_t number = number_of(rows, row, ranks->order);
        if (number != 0) MR_TRY(mr_runs_add(runs, number, ranks->at + 1));
        ranks->at++;
    }
    return ranks->at < ranks->count ? MR_OK : mr_runs_merge(runs);
}

/* Take what comes next from the runs of an order. */
static void give(mr_ranks *ranks, mr_runs *runs) {
    for (uint32_t steps = 0; steps < STEP && runs->merging; steps++) {
        const mr_addr first = mr_runs_first(runs);
        if (ranks->order == MR_RANK_BIRTH) {
            mr_u32s(ranks->rows)[ranks->count++] = first;
        } else {
            mr_u32s(ranks->ranks[ranks->order])[first - 1] = ++ranks->given;
        }
        mr_runs_take(runs);
    }
}

mr_status mr_ranks_sort(mr_ranks *ranks, const mr_rows *rows, mr_runs *runs) {
    if (ranks->order == MR_RANKS) return MR_OK;
    if (runs->merging) {
        give(ranks, runs);
    } else if (ranks->order != MR_RANK_BIRTH && ranks->ranks[ranks->order] != 0) {
        MR_TRY(add(ranks, rows, runs));
        if (ranks->at < ranks->count) return MR_MORE;
    }
    if (runs->merging) return MR_MORE;
    ranks->order++;
    ranks->at = 0;
    ranks->given = 0;
    return ranks->order == MR_RANKS ? MR_OK : MR_MORE;
}
