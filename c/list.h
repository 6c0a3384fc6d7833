/* list.h -- a string field of a row that grows at its end and forgets at its front.
 *
 *   blob  [u32 bytes][u32 head][u32 count] ... [ element ][ element ] ... room
 *                                              head: gone | count of them
 *
 * It is saved and loaded as it is. What stands before the elements is its owner's. */
#ifndef MR_LIST_H
#define MR_LIST_H

#include "row.h"

/* What a list is made of. */
typedef struct mr_list_shape {
    uint32_t at;      /* Where elements begin in the blob, > 8. */
    uint32_t bytes;   /* Of an element. */
    const char *name; /* Of a limit: how many of them a key has. */
} mr_list_shape;

enum { MR_LIST_HEAD = 1, MR_LIST_COUNT = 2 }; /* Words of the blob. */

static inline uint64_t mr_list_bytes(const mr_list_shape *shape, uint64_t count) {
    return shape->at + count * shape->bytes;
}

/* Has the blob of a list room for so many elements? */
static inline bool mr_list_fits(const mr_list_shape *shape, mr_addr blob, uint64_t count) {
    return mr_list_bytes(shape, count) <= mr_blob_size(blob) + sizeof(uint32_t);
}

/* Make room in the list in the string field `cell`, or 0, for so many elements more at its end.
 * MR_ERR_LIMIT, MR_ERR_MEMORY: it is as it was. */
mr_status mr_list_grow(mr_rows *rows, const mr_list_shape *shape, uint32_t more, mr_addr *cell);

/* The same, where there may be room. */
static inline mr_status mr_list_reserve(mr_rows *rows, const mr_list_shape *shape, uint32_t more,
                                        mr_addr *cell) {
    if (*cell != 0) {
        const uint32_t *words = mr_u32s(*cell);
        const uint64_t end = (uint64_t)words[MR_LIST_HEAD] + words[MR_LIST_COUNT];
        if (mr_list_fits(shape, *cell, end + more)) return MR_OK;
    }
    return mr_list_grow(rows, shape, more, cell);
}

/* Is this a list, of as many elements as it has room for? */
bool mr_list_check(const mr_list_shape *shape, mr_addr blob);

#endif
