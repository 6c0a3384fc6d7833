/* slices.h -- stretches of time that overlapping windows share, each with its aggregates.
 *
 *   blob  [ list ][ slid ][ back ][ slice ][ slice ] ... room
 *   slice [ start ][ from ][ cells ][ suffix ]     cells: [ first ][ of each aggregate ]
 *
 *   slices    0 .. old | .. front ............ | .. back ... | ahead
 *             past     | suffix: this slice    | all in one: | not in a window
 *                      | and all of front      | `back`      | that has fired
 *                      | behind it             |             |
 *
 * A window is the merge of the slices in it. Windows are asked for from old to new, and
 * then two stacks (as in Tangwongsan, Hirzel and Schneider 2015) make each one merge of
 * two: the suffix of the oldest slice, and `back`. A slice is merged into `back` once, and
 * once into a suffix, when front is used up and all of back becomes front. So a window
 * costs the same however many slices it has, also where nothing can be subtracted.
 *
 * The first cell is the number of the first event, whose merge is the least. Where windows
 * do not overlap a slice is a window, and there are no suffixes, no back, no from and no slid.
 *
 * An event may be too late for some of its windows while others wait for it still: then it
 * is in a slice of its own, which counts only in windows that end at `from` or later. `slid`
 * is the end of the window that was slid to last: what is in front or back and counts later
 * is in no suffix and not in `back` yet.
 *
 * A slice that something is added to behind the windows' back is in front, whose suffixes
 * are stale then and made anew at the next window, or in back, which gets it, too.
 *
 * A list (list.h) is the string field of a row. Invariants, which mr_slices_check looks at
 * in bytes that others saved:
 *  1. old + front + back <= count, head + count <= room.
 *  2. Starts ascend, and are whole; those that are alike have ascending `from`.
 *  3. `later` is how many slices have a `from`: others have -MR_TIMES_MAX. */
#ifndef MR_SLICES_H
#define MR_SLICES_H

#include "agg/basic.h"
#include "list.h"

enum { MR_SLICE_CELLS_MAX = 1 + MR_FIELDS_MAX + 2 }; /* First event, and two more. */

#define MR_TIMES_MAX 0x1p55 /* Starts and ends lie within this of 0. */

/* What an operator's slices are made of. */
typedef struct mr_slice_shape {
    const uint8_t *kinds; /* mr_aggregate, `count` of them. */
    uint32_t count;
    uint32_t cells;  /* First event and aggregates. */
    uint32_t before; /* Numbers before the first slice, */
    uint32_t stride; /* from one slice to the next, */
    uint32_t head;   /* and before the cells of a slice. */
    bool stacked;    /* Windows overlap. */
} mr_slice_shape;

static inline mr_slice_shape mr_slice_shape_of(const uint8_t *kinds, uint32_t count, bool stacked) {
    const uint32_t cells = 1 + mr_basic_cells_of(kinds, count);
    const mr_slice_shape flat = {kinds, count, cells, 0, 1 + cells, 1, false};
    const mr_slice_shape stacks = {kinds, count, cells, 1 + cells, 2 + cells * 2, 2, true};
    return stacked ? stacks : flat;
}

typedef struct mr_slices {
    uint32_t blob_bytes; /* These three as list.h has them. */
    uint32_t head;
    uint32_t count;
    uint32_t old;
    uint32_t front;
    uint32_t back;
    uint32_t stale; /* 1: suffixes are out of date. */
    uint32_t later;
    double passed; /* End of the last window that was asked for. */
} mr_slices;
_Static_assert(sizeof(mr_slices) == 40, "saved as it is");

static inline bool mr_is_whole(double value, double least, double most) {
    return value >= least && value <= most && (double)(int64_t)value == value;
}

/* ---- cells ---- */

void mr_cells_begin(const mr_slice_shape *shape, double *cells);
void mr_cells_merge(const mr_slice_shape *shape, double *into, const double *from);

/* ---- lists ---- */

static inline mr_slices *mr_slices_at(mr_addr blob) { return mr_at(blob); }

#define MR_SLICE_AT_ONCE (-MR_TIMES_MAX) /* From the first window on. */

static inline double *mr_slices_slid(mr_slices *list) { return (double *)(void *)(list + 1); }
static inline double *mr_slices_back(mr_slices *list) { return mr_slices_slid(list) + 1; }
static inline double *mr_slice(const mr_slice_shape *shape, mr_slices *list, uint32_t index) {
    return mr_slices_slid(list) + shape->before + (list->head + index) * shape->stride;
}
static inline double *mr_slice_cells(const mr_slice_shape *shape, mr_slices *list, uint32_t index) {
    return mr_slice(shape, list, index) + shape->head;
}
static inline int64_t mr_slice_start(const mr_slice_shape *shape, mr_slices *list, uint32_t index) {
    return (int64_t)mr_slice(shape, list, index)[0];
}
static inline double mr_slice_from(const mr_slice_shape *shape, mr_slices *list, uint32_t index) {
    return shape->stacked ? mr_slice(shape, list, index)[1] : MR_SLICE_AT_ONCE;
}

/* Which slice: its start, and the end of the first window that it counts in. */
typedef struct mr_slice_id {
    double start;
    double from;
} mr_slice_id;

/* Make sure that the list in the string field `cell` of a row, or 0, has room for one slice
 * more. MR_ERR_LIMIT, MR_ERR_MEMORY: it is as it was. */
mr_status mr_slices_reserve(mr_rows *rows, const mr_slice_shape *shape, mr_addr *cell);

/* Is this where the slice is? */
static inline bool mr_slices_is(const mr_slice_shape *shape, mr_slices *list, uint32_t index,
                                mr_slice_id id) {
    return index < list->count && *mr_slice(shape, list, index) == id.start &&
           mr_slice_from(shape, list, index) == id.from;
}

uint32_t mr_slices_search(const mr_slice_shape *shape, mr_slices *list, mr_slice_id id);

/* The first slice that is not before this one; there may be none. */
static inline uint32_t mr_slices_find(const mr_slice_shape *shape, mr_slices *list,
                                      mr_slice_id id) {
    const uint32_t last = list->count - 1; /* Mostly. */
    return mr_slices_is(shape, list, last, id) ? last : mr_slices_search(shape, list, id);
}

/* A slice before slice `index`, for which there is room; its first event is `first`. It may
 * be old, if those before it are. */
void mr_slices_insert(const mr_slice_shape *shape, mr_slices *list, uint32_t index, mr_slice_id id,
                      uint64_t first, bool old);

double *mr_slices_touch_past(const mr_slice_shape *shape, mr_slices *list, uint32_t index);

/* Something is about to be added to slice `index`: `back` if it has to be added to that,
 * too, or NULL. */
static inline double *mr_slices_touch(const mr_slice_shape *shape, mr_slices *list,
                                      uint32_t index) {
    const bool ahead = index >= list->old + list->front + list->back;
    return ahead ? NULL : mr_slices_touch_past(shape, list, index);
}

void mr_slices_slide_stacks(const mr_slice_shape *shape, mr_slices *list, uint32_t older,
                            int64_t upto);

/* Slices that start before `from` are old; those before `upto` are in front or back. Neither
 * moves back. */
static inline void mr_slices_slide(const mr_slice_shape *shape, mr_slices *list, int64_t from,
                                   int64_t upto) {
    uint32_t older = list->old;
    while (older < list->count && mr_slice_start(shape, list, older) < from)
        older++;
    if (shape->stacked) {
        mr_slices_slide_stacks(shape, list, older, upto);
    } else {
        list->old = older;
    }
}

/* The window that was slid to, of one slice at least: the number of its first event, and all
 * of its slices as one, which are in the list or put into `cells`. */
uint64_t mr_slices_first(const mr_slice_shape *shape, mr_slices *list);
const double *mr_slices_window(const mr_slice_shape *shape, mr_slices *list, double *cells);

/* All slices of the window [from, upto) as one, one by one; its first event is Infinity where
 * there are none. */
void mr_slices_range(const mr_slice_shape *shape, mr_slices *list, int64_t from, int64_t upto,
                     double *cells);

/* Forget the first `count` slices, which are old. */
void mr_slices_forget(const mr_slice_shape *shape, mr_slices *list, uint32_t count);

/* Is this list what it should be? */
MR_COLD bool mr_slices_check(const mr_slice_shape *shape, mr_addr blob);

#endif
