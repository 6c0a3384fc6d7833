/* dirty.c -- see dirty.h. */
#include "dirty.h"

#include "error.h"

mr_status mr_dirty_reserve(mr_dirty *dirty, uint32_t more) {
    const uint64_t need = (uint64_t)dirty->size + more;
    if (need <= dirty->room) return MR_OK;
    const uint64_t bytes = (need + need / 2 + 64) * sizeof(mr_addr);
    mr_addr entries = bytes <= UINT32_MAX ? mr_heap_alloc(dirty->heap, (uint32_t)bytes) : 0;
    if (entries == 0) {
        return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)dirty->heap->budget_bytes);
    }
    if (dirty->entries != 0) {
        memcpy(mr_at(entries), mr_at(dirty->entries), dirty->size * sizeof(mr_addr));
    }
    mr_dirty_close(dirty);
    dirty->entries = entries;
    dirty->room = (uint32_t)(bytes / sizeof(mr_addr));
    return MR_OK;
}

uint32_t mr_dirty_add(mr_dirty *dirty, mr_addr entry) {
    MR_ASSERT(dirty->size < dirty->room);
    ((mr_addr *)mr_at(dirty->entries))[dirty->size] = entry;
    return ++dirty->size;
}

void mr_dirty_close(mr_dirty *dirty) {
    mr_heap_free(dirty->heap, dirty->entries, dirty->room * (uint32_t)sizeof(mr_addr));
    dirty->entries = 0;
    dirty->room = 0;
}
