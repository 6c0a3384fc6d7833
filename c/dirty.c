/* dirty.c -- see dirty.h. */
#include "dirty.h"

#include "error.h"

mr_status mr_dirty_reserve(mr_dirty *dirty, uint32_t more) {
    uint32_t need = dirty->size + more;
    if (need <= dirty->room) return MR_OK;
    uint32_t room = need + need / 2 + 64;
    mr_addr entries = mr_heap_alloc(dirty->heap, room * (uint32_t)sizeof(mr_addr));
    if (entries == 0) {
        return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)dirty->heap->budget_bytes);
    }
    if (dirty->entries != 0) {
        memcpy(mr_at(entries), mr_at(dirty->entries), dirty->size * sizeof(mr_addr));
    }
    mr_dirty_close(dirty);
    dirty->entries = entries;
    dirty->room = room;
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
