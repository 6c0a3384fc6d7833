/* slices.c -- see slices.h. */
#include "slices.h"

/* ---- cells ---- */

void mr_cells_begin(const mr_slice_shape *shape, double *cells) {
    cells[0] = __builtin_inf();
    mr_basic_begin(shape->kinds, shape->count, cells + 1);
}

void mr_cells_merge(const mr_slice_shape *shape, double *into, const double *from) {
    if (*from < *into) *into = *from;
    mr_basic_merge(shape->kinds, shape->count, into + 1, from + 1);
}

static void copy_cells(const mr_slice_shape *shape, double *into, const double *from) {
    memcpy(into, from, shape->cells * sizeof(double));
}

/* ---- room ---- */

static uint32_t slice_bytes(const mr_slice_shape *shape) {
    return shape->stride * (uint32_t)sizeof(double);
}

static mr_list_shape list_shape(const mr_slice_shape *shape) {
    const uint32_t back = shape->before * (uint32_t)sizeof(double);
    return (mr_list_shape){(uint32_t)sizeof(mr_slices) + back, slice_bytes(shape),
                           "slices of a key"};
}

mr_status mr_slices_reserve(mr_rows *rows, const mr_slice_shape *shape, mr_addr *cell) {
    const mr_list_shape list = list_shape(shape);
    return mr_list_reserve(rows, &list, 1, cell);
}

/* ---- slices ---- */

static bool is_before(const mr_slice_shape *shape, mr_slices *list, uint32_t index,
                      mr_slice_id id) {
    const double start = *mr_slice(shape, list, index);
    if (start != id.start) return start < id.start;
    return mr_slice_from(shape, list, index) < id.from;
}

uint32_t mr_slices_search(const mr_slice_shape *shape, mr_slices *list, mr_slice_id id) {
    uint32_t low = 0;
    uint32_t high = list->count;
    if (high > 0 && is_before(shape, list, high - 1, id)) return high;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (is_before(shape, list, middle, id)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void mr_slices_insert(const mr_slice_shape *shape, mr_slices *list, uint32_t index, mr_slice_id id,
                      uint64_t first, bool old) {
    double *slice = mr_slice(shape, list, index);
    if (index < list->count) {
        memmove(slice + shape->stride, slice, (list->count - index) * slice_bytes(shape));
    }
    list->count++;
    slice[0] = id.start;
    if (shape->stacked) slice[1] = id.from;
    if (id.from != MR_SLICE_AT_ONCE) list->later++;
    double *cells = mr_slice_cells(shape, list, index);
    mr_cells_begin(shape, cells);
    cells[0] = (double)first;
    if (old) {
        list->old++;
    } else if (index < list->old + list->front) {
        list->front++;
        list->stale = 1;
    } else if (index < list->old + list->front + list->back) {
        list->back++;
    }
}

/* Does a slice count in the window that was slid to last? */
static bool counts(const mr_slice_shape *shape, mr_slices *list, uint32_t index) {
    return list->later == 0 || mr_slice_from(shape, list, index) <= *mr_slices_slid(list);
}

double *mr_slices_touch_past(const mr_slice_shape *shape, mr_slices *list, uint32_t index) {
    if (index < list->old) return NULL;
    if (index < list->old + list->front) {
        list->stale = 1;
        return NULL;
    }
    return counts(shape, list, index) ? mr_slices_back(list) : NULL;
}

void mr_slices_forget(const mr_slice_shape *shape, mr_slices *list, uint32_t count) {
    for (uint32_t i = 0; i < count && list->later > 0; i++)
        list->later -= mr_slice_from(shape, list, i) != MR_SLICE_AT_ONCE;
    list->head += count;
    list->count -= count;
    list->old -= count;
}

/* ---- windows ---- */

/* Each slice of front gets what it and those behind it have together. */
static void make_suffixes(const mr_slice_shape *shape, mr_slices *list) {
    const double *behind = NULL;
    for (uint32_t i = list->front; i-- > 0;) {
        const double *cells = mr_slice_cells(shape, list, list->old + i);
        double *suffix = mr_slice_cells(shape, list, list->old + i) + shape->cells;
        if (counts(shape, list, list->old + i)) {
            copy_cells(shape, suffix, cells);
        } else {
            mr_cells_begin(shape, suffix);
        }
        if (behind != NULL) mr_cells_merge(shape, suffix, behind);
        behind = suffix;
    }
    list->stale = 0;
}

static void add_to_back(const mr_slice_shape *shape, mr_slices *list) {
    const uint32_t at = list->old + list->front + list->back;
    const bool is_first = list->back++ == 0;
    double *back = mr_slices_back(list);
    if (!counts(shape, list, at)) {
        if (is_first) mr_cells_begin(shape, back);
    } else if (is_first) {
        copy_cells(shape, back, mr_slice_cells(shape, list, at));
    } else {
        mr_cells_merge(shape, back, mr_slice_cells(shape, list, at));
    }
}

/* The window that ends at `upto` comes: some slices in front and back count from now on. */
static void count_later(const mr_slice_shape *shape, mr_slices *list, double upto) {
    const double slid = *mr_slices_slid(list);
    *mr_slices_slid(list) = upto;
    if (list->later == 0) return;
    const uint32_t back = list->old + list->front;
    for (uint32_t i = list->old; i < back + list->back; i++) {
        const double from = mr_slice_from(shape, list, i);
        if (from <= slid || from > upto) continue;
        if (i < back) {
            list->stale = 1;
        } else {
            mr_cells_merge(shape, mr_slices_back(list), mr_slice_cells(shape, list, i));
        }
    }
}

void mr_slices_slide_stacks(const mr_slice_shape *shape, mr_slices *list, uint32_t older,
                            int64_t upto) {
    count_later(shape, list, (double)upto);
    if (older < list->old + list->front) {
        list->front -= older - list->old;
        list->old = older;
    } else if (older > list->old) { /* Front is used up: what is left of back becomes front. */
        const uint32_t end = list->old + list->front + list->back;
        list->old = older;
        list->front = end > older ? end - older : 0;
        list->back = 0;
        list->stale = 1;
    }
    if (list->stale != 0) make_suffixes(shape, list);
    for (uint32_t at = list->old + list->front + list->back;
         at < list->count && mr_slice_start(shape, list, at) < upto; at++)
        add_to_back(shape, list);
}

/* A number that was loaded may be any. */
static uint64_t number_of(double first) {
    return first >= 0 && first < 0x1p48 ? (uint64_t)first : 0;
}

uint64_t mr_slices_first(const mr_slice_shape *shape, mr_slices *list) {
    const double *oldest = mr_slice_cells(shape, list, list->old);
    if (!shape->stacked) return number_of(*oldest);
    if (list->front == 0) return number_of(*mr_slices_back(list));
    const double first = oldest[shape->cells];
    if (list->back == 0 || first < *mr_slices_back(list)) return number_of(first);
    return number_of(*mr_slices_back(list));
}

const double *mr_slices_window(const mr_slice_shape *shape, mr_slices *list, double *cells) {
    const double *oldest = mr_slice_cells(shape, list, list->old);
    if (!shape->stacked) return oldest;
    if (list->front == 0) return mr_slices_back(list);
    if (list->back == 0) return oldest + shape->cells;
    copy_cells(shape, cells, oldest + shape->cells);
    mr_cells_merge(shape, cells, mr_slices_back(list));
    return cells;
}

void mr_slices_range(const mr_slice_shape *shape, mr_slices *list, int64_t from, int64_t upto,
                     double *cells) {
    mr_cells_begin(shape, cells);
    for (uint32_t at = mr_slices_find(shape, list, (mr_slice_id){(double)from, MR_SLICE_AT_ONCE});
         at < list->count && mr_slice_start(shape, list, at) < upto; at++) {
        if (mr_slice_from(shape, list, at) > (double)upto) continue;
        mr_cells_merge(shape, cells, mr_slice_cells(shape, list, at));
    }
}

/* ---- bytes that somebody else saved ---- */

bool mr_slices_check(const mr_slice_shape *shape, mr_addr blob) {
    const mr_list_shape of = list_shape(shape);
    if (!mr_list_check(&of, blob)) return false;
    mr_slices *list = mr_slices_at(blob);
    const uint64_t stacks = (uint64_t)list->old + list->front + list->back;
    if (stacks > list->count) return false;
    if (!mr_is_whole(list->passed, -MR_TIMES_MAX, MR_TIMES_MAX)) return false;
    uint32_t later = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const double *slice = mr_slice(shape, list, i);
        const double from = mr_slice_from(shape, list, i);
        if (!mr_is_whole(slice[0], -MR_TIMES_MAX, MR_TIMES_MAX)) return false;
        if (!mr_is_whole(from, MR_SLICE_AT_ONCE, MR_TIMES_MAX)) return false;
        if (!mr_is_whole(*mr_slice_cells(shape, list, i), 0, 0x1p48 - 1)) return false;
        const mr_slice_id id = {slice[0], from};
        if (i > 0 && !is_before(shape, list, i - 1, id)) return false;
        later += from != MR_SLICE_AT_ONCE;
    }
    return later == list->later;
}
