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

enum {
    BITS_0 = 9, /* Of the digit of level 0; */
    BITS_1 = 11,
    BITS_N = 6,            /* of levels from 2 on. */
    FIRST_1 = 1 << BITS_0, /* The number of the first slot of level 1; */
    FIRST_2 = FIRST_1 + (1 << BITS_1),
    SLOTS = FIRST_2 + ((MR_WHEEL_LEVELS - 2) << BITS_N),
};

/* The slots of a wheel, level by level. A slot is not written before it is occupied. */
typedef struct slots {
    mr_wheel_node heads[SLOTS];      /* Of the rings of their nodes. */
    uint64_t ticks[SLOTS - FIRST_1]; /* From level 1 on: of all that were hung here since the
                                        * slot was empty, or MIXED. On level 0 there is but one. */
} slots;

_Static_assert(SLOTS / 64 == MR_WHEEL_WORDS, "a bit per slot");
_Static_assert(BITS_0 + BITS_1 + BITS_N * (MR_WHEEL_LEVELS - 2) > 55, "every tick has a level");
_Static_assert(sizeof(slots) < MR_PAGE_BYTES, "one page");

static mr_wheel_node *node_at(mr_addr address) { return mr_at(address); }

/* The first bit of a level's digit, also behind the last. */
static uint32_t shift_of(uint32_t level) {
    return level < 2 ? level * BITS_0 : BITS_0 + BITS_1 + (level - 2) * BITS_N;
}

static uint32_t first_of(uint32_t level) {
    return level < 2 ? level * FIRST_1 : FIRST_2 + ((level - 2) << BITS_N);
}

static uint32_t digit_of(uint64_t tick, uint32_t level) {
    return (uint32_t)(tick >> shift_of(level)) & (first_of(level + 1) - first_of(level) - 1);
}

/* The number of a tick's slot on a level. */
static uint32_t index_of(uint64_t tick, uint32_t level) {
    return first_of(level) + digit_of(tick, level);
}

static mr_addr head_of(const mr_wheel *wheel, uint32_t index) {
    return wheel->slots + index * (uint32_t)sizeof(mr_wheel_node);
}

static uint64_t *tick_at(const mr_wheel *wheel, uint32_t index) {
    slots *all = mr_at(wheel->slots);
    return &all->ticks[index - FIRST_1];
}

static bool is_occupied(const mr_wheel *wheel, uint32_t index) {
    return (wheel->occupied[index / 64] >> (index % 64) & 1) != 0;
}

static void occupy(mr_wheel *wheel, uint32_t level, uint32_t index) {
    wheel->occupied[index / 64] |= UINT64_C(1) << (index % 64);
    wheel->words[level] |= UINT64_C(1) << ((index - first_of(level)) / 64);
}

static void vacate(mr_wheel *wheel, uint32_t level, uint32_t index) {
    uint64_t *word = &wheel->occupied[index / 64];
    *word &= ~(UINT64_C(1) << (index % 64));
    if (*word == 0) wheel->words[level] &= ~(UINT64_C(1) << ((index - first_of(level)) / 64));
}

/* The first occupied slot of a level that has one. */
static uint32_t first_occupied(const mr_wheel *wheel, uint32_t level) {
    const uint32_t word = first_of(level) / 64 + (uint32_t)__builtin_ctzll(wheel->words[level]);
    return word * 64 + (uint32_t)__builtin_ctzll(wheel->occupied[word]);
}

mr_status mr_wheel_open(mr_wheel *wheel, mr_heap *heap, mr_wheel_deadline deadline,
                        const void *owner) {
    mr_addr made = mr_heap_alloc(heap, sizeof(slots));
    if (made == 0) return MR_ERR_MEMORY;
    *wheel = (mr_wheel){.heap = heap, .slots = made, .deadline = deadline, .owner = owner};
    return MR_OK;
}

void mr_wheel_close(mr_wheel *wheel) {
    if (wheel->slots != 0) mr_heap_free(wheel->heap, wheel->slots, sizeof(slots));
    *wheel = (mr_wheel){0};
}

/* ---- Hanging and unhanging ---- */

static uint64_t tick_of(const mr_wheel *wheel, const mr_wheel_node *node) {
    uint64_t tick = (uint64_t)wheel->deadline(wheel->owner, node) + TICK_OF_ZERO;
    MR_ASSERT(tick <= TICK_MAX);
    return tick < wheel->time ? wheel->time : tick;
}

/* The level of the highest digit in which the tick differs from the time. */
static uint32_t level_of(const mr_wheel *wheel, uint64_t tick) {
    const uint64_t differing = (tick ^ wheel->time) | 1; /* | 1: equal is level 0 too. */
    const uint32_t bit = 63u - (uint32_t)__builtin_clzll(differing);
    return bit < BITS_0 + BITS_1 ? bit >= BITS_0 : 2 + (bit - BITS_0 - BITS_1) / BITS_N;
}

/* The head of a slot, a ring of its own if nothing hangs there. */
static mr_wheel_node *ring_of(mr_wheel *wheel, uint32_t index) {
    const mr_addr address = head_of(wheel, index);
    mr_wheel_node *head = node_at(address);
    if (!is_occupied(wheel, index)) *head = (mr_wheel_node){.next = address, .before = address};
    return head;
}

/* Put the node at the end of the slot of its tick. */
static void hang(mr_wheel *wheel, mr_wheel_node *node, uint32_t level, uint64_t tick) {
    const uint32_t index = index_of(tick, level);
    if (level > 0) {
        uint64_t *alike = tick_at(wheel, index);
        *alike = !is_occupied(wheel, index) || *alike == tick ? tick : MIXED;
    }
    mr_wheel_node *head = ring_of(wheel, index);
    const mr_addr address = mr_addr_of(node);
    *node = (mr_wheel_node){.next = mr_addr_of(head), .before = head->before};
    node_at(head->before)->next = address;
    head->before = address;
    occupy(wheel, level, index);
}

static uint32_t level_at(uint32_t index) {
    return index < FIRST_2 ? index >= FIRST_1 : 2 + ((index - FIRST_2) >> BITS_N);
}

static void unhang(mr_wheel *wheel, mr_wheel_node *node) {
    node_at(node->before)->next = node->next;
    node_at(node->next)->before = node->before;
    if (node->before == node->next) { /* Both are the head: the slot is empty now. */
        const uint32_t index = (node->next - wheel->slots) / (uint32_t)sizeof(mr_wheel_node);
        const uint32_t level = level_at(index);
        vacate(wheel, level, index);
        if (level == wheel->draining && index == index_of(wheel->time, level)) wheel->draining = 0;
    }
    *node = (mr_wheel_node){0};
}

void mr_wheel_add(mr_wheel *wheel, mr_wheel_node *node) {
    const uint64_t tick = tick_of(wheel, node);
    const uint32_t level = level_of(wheel, tick);
    hang(wheel, node, level < wheel->draining ? wheel->draining : level, tick);
    wheel->size++;
}

/* Put all of a slot before what stands in the ring of another, and leave it empty. */
static void splice(mr_wheel *wheel, uint32_t level, uint32_t index, mr_wheel_node *to) {
    const mr_wheel_node *from = node_at(head_of(wheel, index));
    node_at(from->before)->next = to->next;
    node_at(to->next)->before = from->before;
    to->next = from->next;
    node_at(from->next)->before = mr_addr_of(to);
    vacate(wheel, level, index);
}

/* The time has come to a slot whose nodes were all hung for one tick: hang them lower, where
 * nothing hangs. */
static void lower_all(mr_wheel *wheel, uint32_t level, uint32_t index) {
    const uint64_t tick = *tick_at(wheel, index);
    const uint32_t lower = level_of(wheel, tick);
    const uint32_t to = index_of(tick, lower);
    splice(wheel, level, index, ring_of(wheel, to));
    if (lower > 0) *tick_at(wheel, to) = tick;
    occupy(wheel, lower, to);
}

/* Move the time back to `tick`. What hangs below the highest digit that changes goes up
 * into the slot of the old time there, lower levels first: if a slot was being hung lower,
 * they hold what came before the rest of it. */
static void turn_back(mr_wheel *wheel, uint64_t tick) {
    const uint32_t level = level_of(wheel, tick);
    if (level > 0) { /* On level 0 nothing hangs below. */
        const uint32_t index = index_of(wheel->time, level);
        mr_wheel_node *ring = ring_of(wheel, index);
        for (uint32_t lower = level; lower-- > 0;) {
            while (wheel->words[lower] != 0)
                splice(wheel, lower, first_occupied(wheel, lower), ring);
        }
        if (ring->next != mr_addr_of(ring)) occupy(wheel, level, index);
        *tick_at(wheel, index) = MIXED;
    }
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
static bool earliest(const mr_wheel *wheel, uint32_t *level_out, uint32_t *index_out,
                     uint64_t *start_out) {
    uint32_t level = wheel->draining;
    while (wheel->words[level] == 0) {
        if (++level == MR_WHEEL_LEVELS) return false;
    }
    const uint32_t index = first_occupied(wheel, level);
    const uint64_t digit = index - first_of(level);
    const uint32_t above = shift_of(level + 1);
    *level_out = level;
    *index_out = index;
    *start_out = wheel->time >> above << above | digit << shift_of(level);
    return true;
}

/* A slot is emptied from its front, and walked through from its back meanwhile, so that the
 * cache misses of two nodes overlap and the later half is there already: the node before
 * `behind`, or 0 when it has met the `first`. */
static mr_addr look_behind(mr_addr behind, mr_addr first) {
    if (behind == 0 || behind == first) return 0;
    const mr_addr before = node_at(behind)->before;
    return before == first ? 0 : before;
}

/* The first node that is due, hung on level 0 by now; the budget pays for it, too. */
mr_wheel_node *mr_wheel_first(mr_wheel *wheel, int64_t now_ms, uint32_t *budget) {
    if (now_ms < -(int64_t)TICK_OF_ZERO) return NULL; /* Before all deadlines. */
    uint64_t now = (uint64_t)now_ms + TICK_OF_ZERO;
    if (now > TICK_MAX) now = TICK_MAX;
    uint32_t level;
    uint32_t index;
    uint64_t start;
    uint32_t emptied = SLOTS; /* None. */
    mr_addr behind = 0;
    while (earliest(wheel, &level, &index, &start) && start <= now) {
        if (*budget == 0) return NULL;
        --*budget;
        wheel->time = start;
        const mr_wheel_node *head = node_at(head_of(wheel, index));
        mr_wheel_node *node = node_at(head->next);
        if (level == 0) return node;
        if (*tick_at(wheel, index) != MIXED) {
            lower_all(wheel, level, index);
            continue;
        }
        behind = look_behind(emptied == index ? behind : head->before, head->next);
        emptied = index;
        wheel->draining = level; /* Ends with the slot's last node, in unhang(). */
        unhang(wheel, node);
        const uint64_t tick = tick_of(wheel, node);
        hang(wheel, node, level_of(wheel, tick), tick);
    }
    if (now > wheel->time) wheel->time = now;
    return NULL;
}

int64_t mr_wheel_next(const mr_wheel *wheel) {
    uint32_t level;
    uint32_t index;
    uint64_t start;
    if (!earliest(wheel, &level, &index, &start)) return INT64_MAX;
    const bool mixed = level == 0 || *tick_at(wheel, index) == MIXED;
    return (int64_t)((mixed ? start : *tick_at(wheel, index)) - TICK_OF_ZERO);
}
