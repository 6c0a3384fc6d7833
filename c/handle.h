/* handle.h -- numbers that the host may hold, and what they stand for.
 *
 *   handle  [generation 20 bits][slot 12 bits]
 *
 * A slot is used again under the next generation, so that a closed handle stays
 * closed; a slot that is out of generations is never used again. One table per
 * module, because a handle must be refused by whichever engine gets it. */
#ifndef MR_HANDLE_H
#define MR_HANDLE_H

#include "common.h"

typedef enum mr_handle_kind {
    MR_HANDLE_FREE = 0,
    MR_HANDLE_ENGINE,
    MR_HANDLE_OPERATOR,
    MR_HANDLE_BATCH,
    MR_HANDLE_SCAN,
} mr_handle_kind;

/* A new handle for `object` of `owner` (an engine; NULL for an engine itself). 0 when
 * all slots are taken: mr_error_name() is "handles". */
uint32_t mr_handle_open(mr_handle_kind kind, void *object, void *owner);

/* The object behind a handle of this kind, and its owner if `owner_out` is not NULL;
 * NULL when the handle is closed, foreign or of another kind. */
void *mr_handle_get(uint32_t handle, mr_handle_kind kind, void **owner_out);

void mr_handle_close(uint32_t handle);

/* Close every handle whose owner is `owner`. */
void mr_handle_close_owned(const void *owner);

#endif
