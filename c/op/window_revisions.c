/* window_revisions.c -- how often windows of a key were emitted, by their ends.
 *
 *   list.h  [ end, next revision ][ end, next revision ] ...  ascending
 *
 * Only where a window may be emitted more than once. */
#include "window.h"

typedef struct revision {
    double end;
    double next;
} revision;

typedef struct revisions {
    uint32_t blob_bytes; /* These three as list.h has them. */
    uint32_t head;
    uint32_t count;
    uint32_t spare;
    revision of[];
} revisions;

static const mr_list_shape shape = {sizeof(revisions), sizeof(revision), "windows of a key"};

static revisions *list_at(mr_addr blob) { return mr_at(blob); }

mr_status mr_revisions_reserve(mr_rows *rows, mr_addr *cell, uint32_t more) {
    return mr_list_reserve(rows, &shape, more, cell);
}

double mr_revisions_next(mr_addr cell, int64_t end) {
    revisions *list = list_at(cell);
    revision *of = list->of + list->head;
    uint32_t at = list->count;
    while (at > 0 && of[at - 1].end > (double)end)
        at--;
    if (at > 0 && of[at - 1].end == (double)end) return of[at - 1].next++;
    memmove(of + at + 1, of + at, (list->count - at) * sizeof(revision));
    of[at] = (revision){.end = (double)end, .next = 1};
    list->count++;
    return 0;
}

void mr_revisions_forget(mr_addr cell, int64_t upto) {
    if (cell == 0) return;
    revisions *list = list_at(cell);
    for (; list->count > 0 && list->of[list->head].end <= (double)upto; list->count--)
        list->head++;
}

bool mr_revisions_check(mr_addr cell) { return cell == 0 || mr_list_check(&shape, cell); }
