/* wheel.c -- a hierarchical timing wheel; see wheel.h for the picture.
 *
 * A tick is a deadline plus 2^54, so that ticks are unsigned and level 9, the
 * last, holds the farthest. All slots that are not empty lie at or after the
 * wheel's time, and a slot of a lower level lies before those of all higher
 * ones: they have the digits above it in common with the time. So the next slot
 * is the lowest bit of the lowest level that has one.
 *
 * The one exception is a slot of level n > 0 that the time has just reached:
 * until its nodes are hung lower, they come before everything. `draining` names
 * its level, so that a call that ran out of budget is gone on with. */
#include "wheel.h"

#define TICK_OF_ZERO (UINT64_C(1) << 54)
#define TICK_MAX (UINT64_C(1) << 55)

enum { DIGIT_BITS = 6, HEADS_BYTES = MR_WHEEL_LEVELS * MR_WHEEL_SLOTS * sizeof(mr_addr) };

_Static_assert(1 << DIGIT_BITS == MR_WHEEL_SLOTS, "a digit is a slot");
_Static_assert(DIGIT_BITS *MR_WHEEL_LEVELS > 55, "every tick has a level");
_Static_assert(offsetof(mr_wheel_node, next) == 0, "a node's address is its next's");

mr_status mr_wheel_open(mr_wheel *wheel, mr_heap *heap, mr_wheel_deadline deadline,
                        const void *owner) {
    mr_addr heads = mr_heap_alloc_zeroed(heap, HEADS_BYTES);
    if (heads == 0) return MR_ERR_MEMORY;
    *wheel = (mr_wheel){.heap = heap, .heads = heads, .deadline = deadline, .owner = owner};
    return MR_OK;
}

void mr_wheel_close(mr_wheel *wheel) {
    if (wheel->heads != 0) mr_heap_free(wheel->heap, wheel->heads, HEADS_BYTES);
    *wheel = (mr_wheel){0};
}

static uint64_t digit_of(uint64_t tick, uint32_t level) {
    return tick >> (DIGIT_BITS * level) & (MR_WHEEL_SLOTS - 1);
}

static mr_addr head_of(const mr_wheel *wheel, uint32_t level, uint64_t slot) {
    uint32_t index = level * MR_WHEEL_SLOTS + (uint32_t)slot;
    return wheel->heads + index * (uint32_t)sizeof(mr_addr);
}

/* ---- Hanging and unhanging ---- */

static void hang(mr_wheel *wheel, mr_wheel_node *node) {
    uint64_t tick = (uint64_t)wheel->deadline(wheel->owner, node) + TICK_OF_ZERO;
    MR_ASSERT(tick <= TICK_MAX);
    if (tick < wheel->time) tick = wheel->time;
    uint64_t differing = (tick ^ wheel->time) | 1; /* | 1: equal is level 0 too. */
    uint32_t level = (63u - (uint32_t)__builtin_clzll(differing)) / DIGIT_BITS;
    uint64_t slot = digit_of(tick, level);

    mr_addr head = head_of(wheel, level, slot);
    mr_addr *first = mr_at(head);
    mr_addr address = mr_addr_of(node);
    node->next = *first;
    node->before = head;
    if (node->next != 0) ((mr_wheel_node *)mr_at(node->next))->before = address;
    *first = address;
    wheel->occupied[level] |= UINT64_C(1) << slot;
}

static void unhang(mr_wheel *wheel, mr_wheel_node *node) {
    mr_addr *before = mr_at(node->before);
    *before = node->next;
    if (node->next != 0) {
        ((mr_wheel_node *)mr_at(node->next))->before = node->before;
    } else if (node->before - wheel->heads < HEADS_BYTES) { /* The slot is empty now. */
        uint32_t index = (node->before - wheel->heads) / (uint32_t)sizeof(mr_addr);
        uint32_t level = index / MR_WHEEL_SLOTS;
        uint32_t slot = index % MR_WHEEL_SLOTS;
        wheel->occupied[level] &= ~(UINT64_C(1) << slot);
        if (level == wheel->draining && slot == digit_of(wheel->time, level)) wheel->draining = 0;
    }
    *node = (mr_wheel_node){0};
}

void mr_wheel_add(mr_wheel *wheel, mr_wheel_node *node) {
    hang(wheel, node);
    wheel->size++;
}

void mr_wheel_remove(mr_wheel *wheel, mr_wheel_node *node) {
    MR_ASSERT(node->before != 0 && wheel->size > 0);
    unhang(wheel, node);
    wheel->size--;
}

/* ---- Taking what is due ---- */

/* Write where the earliest slot is and the tick it starts at; false: no nodes. */
static bool earliest(const mr_wheel *wheel, uint32_t *level_out, uint64_t *start_out) {
    uint32_t level = wheel->draining;
    while (wheel->occupied[level] == 0) {
        if (++level == MR_WHEEL_LEVELS) return false;
    }
    uint32_t shift = DIGIT_BITS * level;
    uint64_t slot = (uint64_t)__builtin_ctzll(wheel->occupied[level]);
    *level_out = level;
    *start_out = (wheel->time >> shift >> DIGIT_BITS << DIGIT_BITS | slot) << shift;
    return true;
}

mr_wheel_node *mr_wheel_take(mr_wheel *wheel, int64_t now_ms, uint32_t *budget) {
    if (now_ms < -(int64_t)TICK_OF_ZERO) return NULL; /* Before all deadlines. */
    uint64_t now = (uint64_t)now_ms + TICK_OF_ZERO;
    if (now > TICK_MAX) now = TICK_MAX;
    uint32_t level;
    uint64_t start;
    while (earliest(wheel, &level, &start) && start <= now) {
        if (*budget == 0) return NULL;
        --*budget;
        wheel->time = start;
        wheel->draining = level; /* Ends with the slot's last node, in unhang(). */
        mr_addr *first = mr_at(head_of(wheel, level, digit_of(start, level)));
        mr_wheel_node *node = mr_at(*first);
        unhang(wheel, node);
        if (level == 0) {
            wheel->size--;
            return node;
        }
        hang(wheel, node);
    }
    if (now > wheel->time) wheel->time = now;
    return NULL;
}
