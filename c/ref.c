/* ref.c -- see ref.h. */
#include "ref.h"

#include "error.h"

mr_status mr_refs_grow(mr_refs *refs, mr_heap *heap, uint32_t capacity) {
    if (capacity <= refs->capacity) return MR_OK;
    if (capacity >= MR_REF_ENCODED / 4) return mr_fail(MR_ERR_ARGUMENT, "capacity", capacity);
    mr_addr next = mr_heap_alloc_zeroed(heap, capacity * (uint32_t)sizeof(uint32_t));
    if (next == 0) return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)heap->budget_bytes);
    if (refs->next != 0) {
        uint32_t old_bytes = refs->capacity * (uint32_t)sizeof(uint32_t);
        memcpy(mr_at(next), mr_at(refs->next), old_bytes);
        mr_heap_free(heap, refs->next, old_bytes);
    }
    refs->next = next;
    refs->capacity = capacity;
    return MR_OK;
}

static uint32_t *next_of(const mr_refs *refs, uint32_t number) {
    MR_ASSERT(number != 0 && number < refs->capacity);
    return (uint32_t *)mr_at(refs->next) + number;
}

static bool is_over(const mr_heap *heap, uint64_t more) {
    return heap->reserved_bytes + heap->external_bytes + more > heap->budget_bytes;
}

mr_status mr_refs_take(mr_heap *heap, uint32_t count) {
    const uint64_t more = (uint64_t)count * MR_REF_BYTES;
    if (is_over(heap, more) && (!mr_heap_give_back(heap) || is_over(heap, more))) {
        return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)heap->budget_bytes);
    }
    heap->external_bytes += more;
    return MR_OK;
}

void mr_ref_share(mr_refs *refs, uint32_t number) {
    uint32_t *next = next_of(refs, number);
    *next = (*next < MR_REF_SHARED ? MR_REF_SHARED : *next) + 1;
}

void mr_ref_drop(mr_refs *refs, mr_heap *heap, uint32_t number) {
    uint32_t *next = next_of(refs, number);
    if (*next > MR_REF_SHARED) { /* Another cell has it still. */
        --*next;
        return;
    }
    heap->external_bytes -= MR_REF_BYTES;
    *next = refs->dropped;
    refs->dropped = number;
}

void mr_ref_release(mr_refs *refs, mr_heap *heap, uint32_t cell) {
    if ((cell & MR_REF_ENCODED) != 0) {
        mr_blob_release(heap, mr_ref_blob(cell));
    } else if (cell != 0) {
        mr_ref_drop(refs, heap, cell);
    }
}

mr_addr mr_blob_make(mr_heap *heap, const uint8_t *bytes, uint32_t size) {
    mr_addr blob = mr_heap_alloc(heap, size + (uint32_t)sizeof(uint32_t));
    if (blob == 0) return 0;
    *(uint32_t *)mr_at(blob) = size;
    uint8_t *to = (uint8_t *)mr_at(blob) + sizeof(uint32_t);
    if (bytes == NULL) {
        memset(to, 0, size);
    } else {
        memcpy(to, bytes, size);
    }
    return blob;
}

void mr_blob_release(mr_heap *heap, mr_addr blob) {
    if (blob != 0) mr_heap_free(heap, blob, mr_blob_size(blob) + (uint32_t)sizeof(uint32_t));
}
