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
 * its level, so that a call that ran out of budget is gone on with. What is added
 * meanwhile and belongs into that slot queues up at its end: lower down it would
 * overtake those that are still to come.
 *
 * So nodes of one deadline are never in two slots, save that those of the draining
 * slot stand behind those that were hung lower, and a slot is a queue: they come off
 * in the order in which they were added, whatever levels they went through. */
#include "wheel.h"

#define TICK_OF_ZERO ((uint64_t)MR_WHEEL_MS_MAX)
#define TICK_MAX (2 * TICK_OF_ZERO)

#define MIXED UINT64_MAX

enum { DIGIT_BITS = 6, SLOTS = MR_WHEEL_LEVELS * MR_WHEEL_SLOTS };

typedef struct slot {
    mr_wheel_node head; /* Of the ring of its nodes. */
    uint64_t tick;      /* Of all that were hung here since it was empty, or MIXED. */
} slot;

enum { SLOTS_BYTES = SLOTS * sizeof(slot) };

_Static_assert(1 << DIGIT_BITS == MR_WHEEL_SLOTS, "a digit is a slot");
_Static_assert(DIGIT_BITS *MR_WHEEL_LEVELS > 55, "every tick has a level");

static mr_wheel_node *node_at(mr_addr address) { return mr_at(address); }

static mr_addr head_of(const mr_wheel *wheel, uint32_t level, uint64_t digit) {
    uint32_t index = level * MR_WHEEL_SLOTS + (uint32_t)digit;
    return wheel->slots + index * (uint32_t)sizeof(slot);
}

static slot *slot_at(mr_addr head) { return mr_at(head); }

mr_status mr_wheel_open(mr_wheel *wheel, mr_heap *heap, mr_wheel_deadline deadline,
                        const void *owner) {
    mr_addr slots = mr_heap_alloc(heap, SLOTS_BYTES);
    if (slots == 0) return MR_ERR_MEMORY;
    *wheel = (mr_wheel){.heap = heap, .slots = slots, .deadline = deadline, .owner = owner};
    for (uint32_t index = 0; index < SLOTS; index++) {
        const mr_addr head = head_of(wheel, 0, index);
        *slot_at(head) = (slot){{.next = head, .before = head}, MIXED};
    }
    return MR_OK;
}

void mr_wheel_close(mr_wheel *wheel) {
    if (wheel->slots != 0) mr_heap_free(wheel->heap, wheel->slots, SLOTS_BYTES);
    *wheel = (mr_wheel){0};
}

static uint64_t digit_of(uint64_t tick, uint32_t level) {
    return tick >> (DIGIT_BITS * level) & (MR_WHEEL_SLOTS - 1);
}

/* ---- Hanging and unhanging ---- */

static uint64_t tick_of(const mr_wheel *wheel, const mr_wheel_node *node) {
    uint64_t tick = (uint64_t)wheel->deadline(wheel->owner, node) + TICK_OF_ZERO;
    MR_ASSERT(tick <= TICK_MAX);
    return tick < wheel->time ? wheel->time : tick;
}

/* The level of the highest digit in which the tick differs from the time. */
static uint32_t level_of(const mr_wheel *wheel, uint64_t tick) {
    uint64_t differing = (tick ^ wheel->time) | 1; /* | 1: equal is level 0 too. */
    return (63u - (uint32_t)__builtin_clzll(differing)) / DIGIT_BITS;
}

/* Put the node at the end of the slot of its tick. */
static void hang(mr_wheel *wheel, mr_wheel_node *node, uint32_t level, uint64_t tick) {
    const uint64_t digit = digit_of(tick, level);
    const mr_addr head = head_of(wheel, level, digit);
    slot *to = slot_at(head);
    const mr_addr last = to->head.before;
    const mr_addr address = mr_addr_of(node);
    *node = (mr_wheel_node){.next = head, .before = last};
    node_at(last)->next = address;
    to->head.before = address;
    if (to->tick != tick) to->tick = last == head ? tick : MIXED;
    wheel->occupied[level] |= UINT64_C(1) << digit;
}

static void unhang(mr_wheel *wheel, mr_wheel_node *node) {
    node_at(node->before)->next = node->next;
    node_at(node->next)->before = node->before;
    if (node->before == node->next) { /* Both are the head: the slot is empty now. */
        uint32_t index = (node->next - wheel->slots) / (uint32_t)sizeof(slot);
        uint32_t level = index / MR_WHEEL_SLOTS;
        uint32_t digit = index % MR_WHEEL_SLOTS;
        wheel->occupied[level] &= ~(UINT64_C(1) << digit);
        if (level == wheel->draining && digit == digit_of(wheel->time, level)) wheel->draining = 0;
    }
    *node = (mr_wheel_node){0};
}

void mr_wheel_add(mr_wheel *wheel, mr_wheel_node *node) {
    const uint64_t tick = tick_of(wheel, node);
    const uint32_t level = level_of(wheel, tick);
    hang(wheel, node, level < wheel->draining ? wheel->draining : level, tick);
    wheel->size++;
}

/* Put all of a slot before what stands in the ring of `head`, and leave it empty. */
static void splice(mr_wheel *wheel, uint32_t level, uint64_t digit, mr_addr head) {
    mr_wheel_node *from = node_at(head_of(wheel, level, digit));
    mr_wheel_node *to = node_at(head);
    node_at(from->before)->next = to->next;
    node_at(to->next)->before = from->before;
    to->next = from->next;
    node_at(from->next)->before = head;
    from->next = from->before = mr_addr_of(from);
    wheel->occupied[level] &= ~(UINT64_C(1) << digit);
}

/* The time has come to a slot whose nodes were all hung for one tick: hang them lower, where
 * nothing hangs. */
static void lower_all(mr_wheel *wheel, uint32_t level, uint64_t digit) {
    const uint64_t tick = slot_at(head_of(wheel, level, digit))->tick;
    const uint32_t lower = level_of(wheel, tick);
    const mr_addr head = head_of(wheel, lower, digit_of(tick, lower));
    splice(wheel, level, digit, head);
    slot_at(head)->tick = tick;
    wheel->occupied[lower] |= UINT64_C(1) << digit_of(tick, lower);
}

/* Move the time back to `tick`. What hangs below the highest digit that changes goes up
 * into the slot of the old time there, lower levels first: if a slot was being hung lower,
 * they hold what came before the rest of it. */
static void turn_back(mr_wheel *wheel, uint64_t tick) {
    const uint32_t level = level_of(wheel, tick);
    const uint64_t digit = digit_of(wheel->time, level);
    const mr_addr head = head_of(wheel, level, digit);
    slot_at(head)->tick = MIXED;
    for (uint32_t lower = level; lower-- > 0;) {
        while (wheel->occupied[lower] != 0) {
            splice(wheel, lower, (uint64_t)__builtin_ctzll(wheel->occupied[lower]), head);
        }
    }
    if (node_at(head)->next != head) wheel->occupied[level] |= UINT64_C(1) << digit;
    wheel->time = tick;
    wheel->draining = 0;
}

bool mr_wheel_is_past(const mr_wheel *wheel, int64_t time_ms) {
    return (uint64_t)time_ms + TICK_OF_ZERO < wheel->time;
}

void mr_wheel_add_past(mr_wheel *wheel, mr_wheel_node *node) {
    const uint64_t tick = (uint64_t)wheel->deadline(wheel->owner, node) + TICK_OF_ZERO;
    if (wheel->size == 0) {
        wheel->time = tick;
    } else if (tick < wheel->time) {
        turn_back(wheel, tick);
    }
    mr_wheel_add(wheel, node);
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
    uint64_t digit = (uint64_t)__builtin_ctzll(wheel->occupied[level]);
    *level_out = level;
    *start_out = (wheel->time >> shift >> DIGIT_BITS << DIGIT_BITS | digit) << shift;
    return true;
}

/* The first node that is due, hung on level 0 by now; the budget pays for it, too. */
mr_wheel_node *mr_wheel_first(mr_wheel *wheel, int64_t now_ms, uint32_t *budget) {
    if (now_ms < -(int64_t)TICK_OF_ZERO) return NULL; /* Before all deadlines. */
    uint64_t now = (uint64_t)now_ms + TICK_OF_ZERO;
    if (now > TICK_MAX) now = TICK_MAX;
    uint32_t level;
    uint64_t start;
    while (earliest(wheel, &level, &start) && start <= now) {
        if (*budget == 0) return NULL;
        --*budget;
        wheel->time = start;
        const uint64_t digit = digit_of(start, level);
        const slot *at = slot_at(head_of(wheel, level, digit));
        mr_wheel_node *node = node_at(at->head.next);
        if (level == 0) return node;
        if (at->tick != MIXED) {
            lower_all(wheel, level, digit);
            continue;
        }
        wheel->draining = level; /* Ends with the slot's last node, in unhang(). */
        unhang(wheel, node);
        const uint64_t tick = tick_of(wheel, node);
        hang(wheel, node, level_of(wheel, tick), tick);
    }
    if (now > wheel->time) wheel->time = now;
    return NULL;
}

mr_wheel_node *mr_wheel_take(mr_wheel *wheel, int64_t now_ms, uint32_t *budget) {
    mr_wheel_node *node = mr_wheel_first(wheel, now_ms, budget);
    if (node != NULL) mr_wheel_remove(wheel, node);
    return node;
}

int64_t mr_wheel_next(const mr_wheel *wheel) {
    uint32_t level;
    uint64_t start;
    if (!earliest(wheel, &level, &start)) return INT64_MAX;
    const slot *at = slot_at(head_of(wheel, level, digit_of(start, level)));
    return (int64_t)((at->tick == MIXED ? start : at->tick) - TICK_OF_ZERO);
}
