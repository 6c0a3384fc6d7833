/* memory_native.h -- a host whose memory a test can make scarce or patchy. */
#ifndef MR_MEMORY_NATIVE_H
#define MR_MEMORY_NATIVE_H

#include "../../c/alloc.h"

/* Refuse to grow beyond `pages` more than there are now; UINT32_MAX: no limit. */
void mr_host_limit(uint32_t pages);

/* Grow by `pages` as if another allocator had done it: the engine never gets them. */
void mr_host_take(uint32_t pages);

#endif
