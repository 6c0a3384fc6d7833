/* alloc.h -- all memory of the engine, with an exact budget.
 *
 *   host memory  [ page 64 KiB ][ page ][ page ] ...   one owner per page
 *   small object   page of one size class: header, then slots of that size
 *   large object   as many whole pages as it needs
 *
 * A heap belongs to one engine. Every byte that an object occupies in host
 * memory, pages counted whole, is counted against the heap's budget, so
 * `reserved_bytes` is exact. Objects are freed with their size, so they carry
 * no header; freeing the last object of a page gives the page back, for any
 * heap and any size class to take.
 *
 * Invariants:
 *  1. An address that is not 0 is a multiple of 8.
 *  2. reserved_bytes + external_bytes <= budget_bytes; reserved_bytes counts the heap's pages
 *     exactly. Whoever adds to external_bytes (ref.c) checks the budget first.
 *  3. live_bytes is the sum of the sizes (rounded up to their class) in use.
 *  4. A failed allocation changes nothing. */
#ifndef MR_ALLOC_H
#define MR_ALLOC_H

#include "common.h"

enum {
    MR_PAGE_BYTES = 65536,
    MR_PAGE_HEADER_BYTES = 32,
    MR_PAGE_BODY_BYTES = MR_PAGE_BYTES - MR_PAGE_HEADER_BYTES,
    MR_SMALL_BYTES_MAX = MR_PAGE_BODY_BYTES / 2, /* Larger objects take whole pages. */
    MR_CLASSES_MAX = 72,
    MR_HEAPS_MAX = 250,
};

/* Who has memory of a heap that can be done without. It is asked when there is no more, in the
 * middle of any allocation. */
typedef struct mr_lender {
    struct mr_lender *next;
    bool (*give_back)(struct mr_lender *lender); /* False: it had none. */
} mr_lender;

typedef struct mr_heap {
    uint64_t budget_bytes;
    uint64_t reserved_bytes;
    uint64_t live_bytes;
    uint64_t
        external_bytes; /* Counted against the budget, held by the host: an estimate for refs. */
    mr_lender *lenders;
    mr_addr open_pages[MR_CLASSES_MAX]; /* Per class: pages with a free slot, newest first. */
    uint8_t id;                         /* Owner mark in the page map; 0 = closed. */
} mr_heap;

/* Start an empty heap. MR_ERR_LIMIT when MR_HEAPS_MAX heaps are open. */
mr_status mr_heap_open(mr_heap *heap, uint64_t budget_bytes);

/* Give back every page, whatever is still in use. The heap may be opened again. */
void mr_heap_close(mr_heap *heap);

/* `bytes` (> 0) of memory, aligned to 8, not cleared. 0 when the budget is
 * reached or the host has no more. */
mr_addr mr_heap_alloc(mr_heap *heap, uint32_t bytes);

/* As mr_heap_alloc, cleared. */
mr_addr mr_heap_alloc_zeroed(mr_heap *heap, uint32_t bytes);

/* Give back what mr_heap_alloc gave for the same `bytes`. Address 0 is allowed. */
void mr_heap_free(mr_heap *heap, mr_addr address, uint32_t bytes);

/* From now on a lender is asked, until it leaves. It is borrowed. */
void mr_heap_lend(mr_heap *heap, mr_lender *lender);
void mr_heap_unlend(mr_heap *heap, mr_lender *lender);

/* There is no more: did anybody give memory back? */
bool mr_heap_give_back(mr_heap *heap);

enum { MR_FINE_BYTES_MAX = 256 }; /* Up to here there is a size class for every 8 bytes. */

/* What an object of `bytes` (> 0, < 4 GiB - 64 KiB) really occupies: its size
 * class, or whole pages. */
uint32_t mr_heap_size_of_more(uint32_t bytes);
static inline uint32_t mr_heap_size_of(uint32_t bytes) {
    return bytes <= MR_FINE_BYTES_MAX ? mr_round8(bytes) : mr_heap_size_of_more(bytes);
}

/* The engine's memory as a pointer. Valid until the object is freed: memory
 * never moves. On native builds the region is reserved once, when memory first
 * grows. */
#if defined(__wasm__)
static inline void *mr_at(mr_addr address) { return (void *)(uintptr_t)address; }
static inline mr_addr mr_addr_of(const void *pointer) { return (mr_addr)(uintptr_t)pointer; }
#else
extern uint8_t *mr_region;
static inline void *mr_at(mr_addr address) { return mr_region + address; }
static inline mr_addr mr_addr_of(const void *pointer) {
    return (mr_addr)((const uint8_t *)pointer - mr_region);
}
#endif

/* Host memory, the only platform code of the engine (wasm/memory.c in the
 * modules, test/c/memory_native.c natively). Grow by `pages` of 64 KiB; give
 * the index of the first, or UINT32_MAX when the host refuses. Pages are
 * zero when new and contiguous from one call to the next. */
uint32_t mr_host_grow(uint32_t pages);

/* Make the `count`-th mr_heap_alloc from now fail, and all after it when
 * `forever` (0 count: none). For the tests of every allocation failure. */
void mr_heap_fail_after(uint32_t count, bool forever);

#endif
