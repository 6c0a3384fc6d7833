/* window_revisions.c -- how often windows of a key were emitted, by their ends.
 *
 *   blob  [u32 bytes][u32 count][ end, next revision ][ end, next revision ] ...  ascending
 *
 * Only where a window may be emitted more than once. */
#include "window.h"

typedef struct revision {
    double end;
    double next;
} revision;

typedef struct revisions {
    uint32_t blob_bytes; /* The size that every blob begins with. */
    uint32_t count;
    revision of[];
} revisions;

static revisions *list_at(mr_addr blob) { return mr_at(blob); }

static uint32_t room_of(mr_addr blob) {
    if (blob == 0) return 0;
    return (mr_blob_size(blob) - (uint32_t)sizeof(uint32_t)) / (uint32_t)sizeof(revision);
}

mr_status mr_revisions_reserve(mr_rows *rows, mr_addr *cell, uint32_t more) {
    const uint32_t count = *cell == 0 ? 0 : list_at(*cell)->count;
    if (count + more <= room_of(*cell)) return MR_OK;
    const uint64_t room = count + more + (uint64_t)count / 2;
    const uint64_t bytes = sizeof(revisions) + room * sizeof(revision);
    if (bytes > MR_STRING_BYTES_MAX) return mr_fail(MR_ERR_LIMIT, "windows of a key", count);
    mr_addr made;
    MR_TRY(mr_rows_blob_new(rows, NULL, (uint32_t)(bytes - sizeof(uint32_t)), &made));
    if (*cell != 0) {
        list_at(made)->count = count;
        memcpy(list_at(made)->of, list_at(*cell)->of, count * sizeof(revision));
        mr_rows_blob_release(rows, *cell);
    }
    *cell = made;
    return MR_OK;
}

double mr_revisions_next(mr_addr cell, int64_t end) {
    revisions *list = list_at(cell);
    uint32_t at = list->count;
    while (at > 0 && list->of[at - 1].end > (double)end)
        at--;
    if (at > 0 && list->of[at - 1].end == (double)end) return list->of[at - 1].next++;
    memmove(list->of + at + 1, list->of + at, (list->count - at) * sizeof(revision));
    list->of[at] = (revision){.end = (double)end, .next = 1};
    list->count++;
    return 0;
}

void mr_revisions_forget(mr_addr cell, int64_t upto) {
    if (cell == 0) return;
    revisions *list = list_at(cell);
    uint32_t old = 0;
    while (old < list->count && list->of[old].end <= (double)upto)
        old++;
    if (old == 0) return;
    list->count -= old;
    memmove(list->of, list->of + old, list->count * sizeof(revision));
}

bool mr_revisions_check(mr_addr cell) {
    if (cell == 0) return true;
    return mr_blob_size(cell) >= sizeof(uint32_t) && list_at(cell)->count <= room_of(cell);
}
