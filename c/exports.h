/* exports.h -- what every export does first: turn its handles into pointers.
 *
 * Each of these returns the refusal from the export that uses it, before anything is
 * changed. */
#ifndef MR_EXPORTS_H
#define MR_EXPORTS_H

#include "error.h"
#include "handle.h"
#include "operator.h"

#define GET(type, name, handle, kind)               \
    type *name = mr_handle_get(handle, kind, NULL); \
    if (name == NULL) return MR_ERR_HANDLE
#define GET_OPERATOR(name, handle) GET(mr_operator_data, name, handle, MR_HANDLE_OPERATOR)
#define GET_BATCH(name, handle) GET(mr_batch_data, name, handle, MR_HANDLE_BATCH)

/* A batch that an operator reads or writes, of the same engine. */
#define GET_BATCH_OF(op, name, handle) \
    GET_BATCH(name, handle);           \
    if (name->heap != (op)->rows.heap) return mr_fail(MR_ERR_HANDLE, "engine", handle)

#endif
