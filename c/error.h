/* error.h -- what the last refused call complained of: a name and a number.
 *
 * One per module, not per engine: a module runs one call at a time, and the host
 * asks right after the refusal. */
#ifndef MR_ERROR_H
#define MR_ERROR_H

#include "common.h"

/* Remember `name` (a static string) and `value`, and return `status`. */
mr_status mr_fail(mr_status status, const char *name, double value);

#endif
