/* alloc.c -- pages of 64 KiB, cut into slots of one size class each.
 *
 *   owner[]      one byte per page of the address space: whose it is
 *   page         [ header 32 | slot | slot | slot | ... ]
 *                  free: slots given back, each linking to the next
 *                  bump: where the slots begin that were never used
 *
 * A page with a free slot is in its class's open list, the one that got it
 * last in front; a full page is in no list and is found again from the address
 * of the slot that is freed. Alloc and free touch only the header and the slot.
 *
 * A page goes back to the map with its last object. No empty page is held in
 * reserve: taking one is a look at `first_free` and eight stores, so a caller
 * that allocates and frees on the edge of a page pays a few ns, and
 * `reserved_bytes` needs no footnote. Pages are taken lowest first, so that
 * contiguous ones remain for large objects.
 *
 * Memory that somebody else grew has owner NOBODY and is never ours, so another
 * allocator may live beside this one.
 *
 * Under AddressSanitizer every byte that is not inside an object, the rest of
 * its slot included, is poisoned (page headers aside).
 *
 * Invariants:
 *  1. owner[p] == FREE for exactly `free_pages` pages, none below `first_free`.
 *  2. A page is in an open list iff live < capacity.
 *  3. A small page has live > 0. */
#include "alloc.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define POISON(address, bytes) __asan_poison_memory_region(mr_at(address), bytes)
#define UNPOISON(address, bytes) __asan_unpoison_memory_region(mr_at(address), bytes)
#define MAY_TOUCH_POISON __attribute__((no_sanitize("address")))
#endif
#endif
#ifndef POISON
#define POISON(address, bytes) ((void)0)
#define UNPOISON(address, bytes) ((void)0)
#define MAY_TOUCH_POISON
#endif

enum {
    PAGES_MAX = 65536,
    PAGE_SHIFT = 16,
    GROW_PAGES_MIN = 16,
    FINE_PAGES_MAX = 480, /* The last step ends below 32 MiB; see growth(). */
    NOBODY = 0,           /* Not ours: static data, the stack, not grown, somebody else's. */
    FREE = 255,           /* Grown and in no heap. Between the two: the id of a heap. */
};
#define NO_PAGE UINT32_MAX

/* Classes: 32 multiples of 8 up to 256, then four per doubling up to 4096,
 * then equal parts of a page, so that the large slots leave little over. */
enum { FINE_CLASSES = 32, GEOMETRIC_CLASSES = 16, PART_CLASSES = 10 };
enum { GEOMETRIC_BYTES_MAX = 4096 };

/* Entry i: the class for objects of which i, and no more, fit in a page. */
static const uint8_t class_of_parts[16] = {0, 0, 9, 8, 7, 6, 5, 4, 3, 3, 2, 2, 1, 1, 0, 0};
static const uint8_t parts_of_class[PART_CLASSES] = {14, 12, 10, 8, 7, 6, 5, 4, 3, 2};

typedef struct page_header {
    mr_addr next; /* In the open list of the class; 0 at its end. */
    mr_addr before;
    mr_addr free;      /* First slot that was given back, or 0. */
    uint32_t bump;     /* Offset of the first slot never used. */
    uint32_t live;     /* Slots in use. */
    uint32_t capacity; /* Slots. */
    uint32_t slot_bytes;
    uint32_t class;
} page_header;

_Static_assert(sizeof(page_header) == MR_PAGE_HEADER_BYTES, "slots begin behind the header");
_Static_assert(FINE_CLASSES + GEOMETRIC_CLASSES + PART_CLASSES <= MR_CLASSES_MAX, "room in heap");
_Static_assert(MR_HEAPS_MAX < FREE, "an id is not a mark");

static uint8_t owner[PAGES_MAX];
static bool id_taken[MR_HEAPS_MAX + 1];
static uint32_t free_pages;
static uint32_t our_pages;  /* Free or in a heap. */
static uint32_t first_free; /* Hint: no page below is free. */
static uint32_t pages_end;  /* One past the highest page that is ours. */
static uint32_t fail_in;    /* See mr_heap_fail_after. 0 = off. */
static bool fail_forever;

/* ---- Size classes ---- */

static uint32_t class_of(uint32_t bytes) {
    if (bytes <= MR_FINE_BYTES_MAX) return (bytes - 1) >> 3;
    if (bytes <= GEOMETRIC_BYTES_MAX) {
        uint32_t top = 31u - (uint32_t)__builtin_clz(bytes - 1); /* 8 to 11. */
        uint32_t quarter = ((bytes - 1) >> (top - 2)) & 3u;
        return FINE_CLASSES + (top - 8) * 4 + quarter;
    }
    uint32_t parts = MR_PAGE_BODY_BYTES / mr_round8(bytes);
    return FINE_CLASSES + GEOMETRIC_CLASSES + class_of_parts[parts];
}

static uint32_t slot_bytes_of(uint32_t class) {
    if (class < FINE_CLASSES) return (class + 1) * 8;
    if (class < FINE_CLASSES + GEOMETRIC_CLASSES) {
        uint32_t step = class - FINE_CLASSES;
        return (5 + step % 4) << (6 + step / 4);
    }
    uint32_t parts = parts_of_class[class - FINE_CLASSES - GEOMETRIC_CLASSES];
    return (MR_PAGE_BODY_BYTES / parts) & ~7u;
}

static uint32_t pages_of(uint32_t bytes) { return ((bytes - 1) >> PAGE_SHIFT) + 1; }

uint32_t mr_heap_size_of_more(uint32_t bytes) {
    if (bytes > MR_SMALL_BYTES_MAX) return pages_of(bytes) << PAGE_SHIFT;
    return slot_bytes_of(class_of(bytes));
}

/* ---- The page map ---- */

static mr_addr address_of(uint32_t page) { return page << PAGE_SHIFT; }

/* The first of `count` (> 0) contiguous free pages, lowest first, or NO_PAGE. */
static uint32_t find_free(uint32_t count) {
    if (free_pages < count) return NO_PAGE;
    while (owner[first_free] != FREE)
        first_free++; /* Ends: a page is free. */
    uint32_t run = 0;
    for (uint32_t page = first_free; page < pages_end; page++) {
        run = owner[page] == FREE ? run + 1 : 0;
        if (run == count) return page + 1 - count;
    }
    return NO_PAGE;
}

/* How many free pages stand at the end, where growth continues them. */
static uint32_t free_at_end(void) {
    uint32_t page = pages_end;
    while (page > 0 && owner[page - 1] == FREE)
        page--;
    return pages_end - page;
}

static void give_pages(uint32_t first, uint32_t count) {
    memset(&owner[first], FREE, count);
    for (uint32_t i = 0; i < count; i++)
        POISON(address_of(first + i), MR_PAGE_BYTES);
    free_pages += count;
    if (first < first_free) first_free = first;
}

/* How many pages to ask the host for. V8 counts memory that grows twice, and collects its whole
 * heap each time that it has grown to a size above 32 MiB. So it grows finely below, and beyond
 * to four times its size. Pages that nobody touches cost the host no memory. */
static uint32_t growth(void) { return our_pages < FINE_PAGES_MAX ? GROW_PAGES_MIN : 3 * our_pages; }

/* Grow host memory by at least `needed` pages; more, if the host has them. */
static bool grow(uint32_t needed) {
    uint32_t step = growth();
    if (step < needed) step = needed;
    uint32_t first;
    while ((first = mr_host_grow(step)) == UINT32_MAX) {
        if (step == needed) return false;
        step = step / 2 > needed ? step / 2 : needed;
    }
    our_pages += step;
    pages_end = first + step;
    give_pages(first, step);
    return true;
}

/* Hand `count` contiguous pages to the heap, within its budget. NO_PAGE: nothing
 * changed, save that there may be more free pages. */
static uint32_t take_pages(mr_heap *heap, uint32_t count) {
    uint64_t bytes = (uint64_t)count << PAGE_SHIFT;
    if (heap->reserved_bytes + heap->external_bytes + bytes > heap->budget_bytes) return NO_PAGE;
    uint32_t first;
    while ((first = find_free(count)) == NO_PAGE) {
        /* Again, because the host may have given pages that do not continue ours. */
        if (!grow(count - free_at_end())) return NO_PAGE;
    }
    memset(&owner[first], heap->id, count);
    free_pages -= count;
    if (first == first_free) first_free = first + count;
    heap->reserved_bytes += bytes;
    return first;
}

static MR_COLD void release_pages(mr_heap *heap, uint32_t first, uint32_t count) {
    give_pages(first, count);
    heap->reserved_bytes -= (uint64_t)count << PAGE_SHIFT;
}

/* ---- Heaps ---- */

mr_status mr_heap_open(mr_heap *heap, uint64_t budget_bytes) {
    uint32_t id = 1;
    while (id <= MR_HEAPS_MAX && id_taken[id])
        id++;
    if (id > MR_HEAPS_MAX) return MR_ERR_LIMIT;
    id_taken[id] = true;
    *heap = (mr_heap){.budget_bytes = budget_bytes, .id = (uint8_t)id};
    return MR_OK;
}

void mr_heap_close(mr_heap *heap) {
    if (heap->id == NOBODY) return;
    for (uint32_t page = 0; heap->reserved_bytes > 0; page++) {
        if (owner[page] == heap->id) release_pages(heap, page, 1);
    }
    id_taken[heap->id] = false;
    *heap = (mr_heap){0};
}

/* ---- What can be done without ---- */

void mr_heap_lend(mr_heap *heap, mr_lender *lender) {
    lender->next = heap->lenders;
    heap->lenders = lender;
}

void mr_heap_unlend(mr_heap *heap, mr_lender *lender) {
    mr_lender **at = &heap->lenders;
    while (*at != lender)
        at = &(*at)->next;
    *at = lender->next;
}

bool mr_heap_give_back(mr_heap *heap) {
    bool given = false;
    for (mr_lender *lender = heap->lenders; lender != NULL; lender = lender->next)
        given |= lender->give_back(lender);
    return given;
}

/* ---- Objects ---- */

/* The link inside a slot that was given back. */
MAY_TOUCH_POISON static mr_addr link_of(mr_addr slot) { return *(mr_addr *)mr_at(slot); }
MAY_TOUCH_POISON static void set_link(mr_addr slot, mr_addr next) {
    *(mr_addr *)mr_at(slot) = next;
}

static void link_page(mr_heap *heap, mr_addr page, page_header *header) {
    mr_addr next = heap->open_pages[header->class];
    header->next = next;
    header->before = 0;
    if (next != 0) ((page_header *)mr_at(next))->before = page;
    heap->open_pages[header->class] = page;
}

static void unlink_page(mr_heap *heap, page_header *header) {
    if (header->next != 0) ((page_header *)mr_at(header->next))->before = header->before;
    if (header->before != 0) {
        ((page_header *)mr_at(header->before))->next = header->next;
    } else {
        heap->open_pages[header->class] = header->next;
    }
}

/* A fresh page of the class, in front of its open list; 0 if there is none. */
static MR_COLD mr_addr open_page(mr_heap *heap, uint32_t class) {
    uint32_t index = take_pages(heap, 1);
    if (index == NO_PAGE) return 0;
    mr_addr page = address_of(index);
    UNPOISON(page, MR_PAGE_HEADER_BYTES);
    uint32_t slot_bytes = slot_bytes_of(class);
    page_header *header = mr_at(page);
    *header = (page_header){
        .bump = MR_PAGE_HEADER_BYTES,
        .capacity = MR_PAGE_BODY_BYTES / slot_bytes,
        .slot_bytes = slot_bytes,
        .class = class,
    };
    link_page(heap, page, header);
    return page;
}

static MR_COLD mr_addr alloc_large(mr_heap *heap, uint32_t bytes) {
    uint32_t count = pages_of(bytes);
    uint32_t index = take_pages(heap, count);
    if (index == NO_PAGE) return 0;
    heap->live_bytes += (uint64_t)count << PAGE_SHIFT;
    UNPOISON(address_of(index), bytes);
    return address_of(index);
}

static MR_COLD void free_large(mr_heap *heap, mr_addr address, uint32_t bytes) {
    uint32_t count = pages_of(bytes);
    MR_ASSERT((address & (MR_PAGE_BYTES - 1)) == 0);
    heap->live_bytes -= (uint64_t)count << PAGE_SHIFT;
    release_pages(heap, address >> PAGE_SHIFT, count);
}

/* Whether this allocation is the one that a test wants to fail. */
static bool must_fail(void) {
    if (--fail_in > 0) return false;
    if (fail_forever) fail_in = 1;
    return true;
}

/* An object of the heap, if there is memory for it. */
static inline mr_addr alloc(mr_heap *heap, uint32_t bytes) {
    if (fail_in != 0 && must_fail()) return 0;
    if (bytes > MR_SMALL_BYTES_MAX) return alloc_large(heap, bytes);

    uint32_t class = class_of(bytes);
    mr_addr page = heap->open_pages[class];
    if (page == 0) page = open_page(heap, class);
    if (page == 0) return 0;

    page_header *header = mr_at(page);
    mr_addr slot = header->free;
    if (slot != 0) {
        header->free = link_of(slot);
    } else {
        slot = page + header->bump;
        header->bump += header->slot_bytes;
    }
    if (++header->live == header->capacity) unlink_page(heap, header);
    heap->live_bytes += header->slot_bytes;
    UNPOISON(slot, bytes);
    return slot;
}

/* Once more, if anybody gives memory back. */
static MR_COLD mr_addr alloc_again(mr_heap *heap, uint32_t bytes) {
    return mr_heap_give_back(heap) ? alloc(heap, bytes) : 0;
}

MR_CALLED mr_addr mr_heap_alloc(mr_heap *heap, uint32_t bytes) {
    MR_ASSERT(bytes > 0 && heap->id != NOBODY);
    const mr_addr made = alloc(heap, bytes);
    return made != 0 ? made : alloc_again(heap, bytes);
}

mr_addr mr_heap_alloc_zeroed(mr_heap *heap, uint32_t bytes) {
    mr_addr address = mr_heap_alloc(heap, bytes);
    if (address != 0) memset(mr_at(address), 0, bytes);
    return address;
}

MR_CALLED void mr_heap_free(mr_heap *heap, mr_addr address, uint32_t bytes) {
    if (address == 0) return;
    MR_ASSERT(owner[address >> PAGE_SHIFT] == heap->id);
    if (bytes > MR_SMALL_BYTES_MAX) {
        free_large(heap, address, bytes);
        return;
    }
    mr_addr page = address & ~(mr_addr)(MR_PAGE_BYTES - 1);
    page_header *header = mr_at(page);
    MR_ASSERT(bytes > 0 && header->class == class_of(bytes));
    heap->live_bytes -= header->slot_bytes;
    bool was_full = header->live-- == header->capacity;
    if (header->live == 0) {
        if (!was_full) unlink_page(heap, header);
        release_pages(heap, page >> PAGE_SHIFT, 1);
        return;
    }
    set_link(address, header->free);
    POISON(address, header->slot_bytes);
    header->free = address;
    if (was_full) link_page(heap, page, header);
}

void mr_heap_fail_after(uint32_t count, bool forever) {
    fail_in = count;
    fail_forever = forever;
}
