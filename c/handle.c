/* handle.c -- see handle.h. */
#include "handle.h"

#include "error.h"

enum { SLOT_BITS = 12, SLOTS = 1 << SLOT_BITS, GENERATIONS = 1 << (32 - SLOT_BITS) };

typedef struct slot {
    void *object;
    void *owner;
    uint32_t generation; /* Of the handle that is open, or was last. */
    uint32_t kind;
} slot;

static slot slots[SLOTS];
static uint32_t slots_used; /* No slot at or above was ever open. */

/* A free slot that has generations left: a closed one first. */
static uint32_t free_slot(void) {
    for (uint32_t i = 0; i < slots_used; i++) {
        if (slots[i].kind == MR_HANDLE_FREE && slots[i].generation + 1 < GENERATIONS) return i;
    }
    return slots_used < SLOTS ? slots_used++ : SLOTS;
}

uint32_t mr_handle_open(mr_handle_kind kind, void *object, void *owner) {
    uint32_t at = free_slot();
    if (at == SLOTS) {
        (void)mr_fail(MR_ERR_LIMIT, "handles", SLOTS);
        return 0;
    }
    const uint32_t generation = slots[at].generation + 1; /* From 1: no handle is 0. */
    slots[at] = (slot){.object = object, .owner = owner, .generation = generation, .kind = kind};
    return (generation << SLOT_BITS) | at;
}

void *mr_handle_get(uint32_t handle, mr_handle_kind kind, void **owner_out) {
    const slot *s = &slots[handle & (SLOTS - 1)];
    if (s->kind != (uint32_t)kind || s->generation != handle >> SLOT_BITS) {
        (void)mr_fail(MR_ERR_HANDLE, "handle", handle);
        return NULL;
    }
    if (owner_out != NULL) *owner_out = s->owner;
    return s->object;
}

void mr_handle_close(uint32_t handle) {
    slot *s = &slots[handle & (SLOTS - 1)];
    MR_ASSERT(s->kind != MR_HANDLE_FREE && s->generation == handle >> SLOT_BITS);
    s->kind = MR_HANDLE_FREE;
    s->object = NULL;
    s->owner = NULL;
}

void mr_handle_close_owned(const void *owner) {
    for (uint32_t i = 0; i < slots_used; i++) {
        if (slots[i].kind != MR_HANDLE_FREE && slots[i].owner == owner) {
            mr_handle_close((slots[i].generation << SLOT_BITS) | i);
        }
    }
}
