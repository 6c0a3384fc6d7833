/* error.h -- what the last refused call complained of: a name and a number.
 *
 * One per module, not per engine: a module runs one call at a time, and the host
 * asks right after the refusal. */
#ifndef MR_ERROR_H
#define MR_ERROR_H

#include "common.h"

/* Remember `name` (a static string) and `value` for the host. */
MR_COLD void mr_error_set(const char *name, double value);

/* Remember what was wrong and return `status`; in line, so that an analyser sees that
 * a refusal is never MR_OK. */
static inline mr_status mr_fail(mr_status status, const char *name, double value) {
    mr_error_set(name, value);
    return status;
}

#endif
