/* memory_native.c -- host memory of native builds: 4 GiB reserved, used as asked.
 *
 * One reservation that may not be touched, made accessible from its start as
 * it grows, behaves as WebAssembly memory does: it never moves, new pages are
 * zero, and an address is 32 bits wide. Page 0 is left out, so that 0 is no
 * address. */
#define _DEFAULT_SOURCE
#include "memory_native.h"

#include <sys/mman.h>

enum { PAGES_MAX = 65536 };

uint8_t *mr_region;
static uint32_t pages_now = 1;
static uint32_t pages_limit = PAGES_MAX;

static bool reserve_region(void) {
    void *region = mmap(NULL, (size_t)PAGES_MAX * MR_PAGE_BYTES, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED) return false;
    mr_region = region;
    return true;
}

uint32_t mr_host_grow(uint32_t pages) {
    if (mr_region == NULL && !reserve_region()) return UINT32_MAX;
    if (pages > pages_limit - pages_now) return UINT32_MAX;
    uint8_t *start = mr_region + (size_t)pages_now * MR_PAGE_BYTES;
    if (mprotect(start, (size_t)pages * MR_PAGE_BYTES, PROT_READ | PROT_WRITE) != 0) {
        return UINT32_MAX;
    }
    uint32_t first = pages_now;
    pages_now += pages;
    return first;
}

void mr_host_limit(uint32_t pages) {
    pages_limit = pages > PAGES_MAX - pages_now ? PAGES_MAX : pages_now + pages;
}

void mr_host_take(uint32_t pages) { pages_now += pages; }
