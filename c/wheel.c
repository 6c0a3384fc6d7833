/* wheel.c -- a hierarchical timing wheel; see wheel.h for the picture.
 *
 * A tick is a deadline plus 2^54, so that ticks are unsigned and level 7, the
 * last, holds the farthest. All slots that are not empty lie at or after the
 * wheel's time, and a slot of a lower level lies before those of all higher
 * ones: they have the digits above it in common with the time. So the next slot
 * is the lowest bit of the lowest level that has one.
 *
 * When that is reached, the time goes on to the least tick in it, and not only to
 * its start: what was set far ahead then falls through several levels at once.
 *
 * The one exception is a slot of level n > 0 that the time has just reached:
 * until its nodes are hung lower, they come before everything. `draining` names
 * its level, so that a call that ran out of budget is gone on with. What is added
 * meanwhile and belongs into that slot queues up at its end: lower down it would
 * overtake those that are still to come.
 *
 * So nodes of one deadline are never in two slots, save that those of the draining
 * slot stand behind those that were hung lower, and a lane of a slot, which is the
 * same for all of one deadline, is a queue: they come off in the order in which
 * they were added, whatever levels they went through. */
#include "wheel.h"

#define TICK_OF_ZERO ((uint64_t)MR_WHEEL_MS_MAX)
#define TICK_MAX (2 * TICK_OF_ZERO)

#define MIXED (UINT64_C(1) << 63) /* Above all ticks. */

enum {
    BITS_0 = 9, /* Of the digit of level 0; */
    BITS_1 = 9,
    BITS_2 = 8,
    BITS_N = 6, /* of levels from 3 on. */
    BIT_1 = BITS_0,
    BIT_2 = BIT_1 + BITS_1,
    BIT_3 = BIT_2 + BITS_2,
    FIRST_1 = 1 << BITS_0, /* The number of the first slot of level 1; */
    FIRST_2 = FIRST_1 + (1 << BITS_1),
    FIRST_3 = FIRST_2 + (1 << BITS_2),
    SLOTS = FIRST_3 + ((MR_WHEEL_LEVELS - 3) << BITS_N),
    LANE_BITS = 3,
    LANES = 1 << LANE_BITS, /* Of a slot of levels 1 and 2; others have one. */
    LANES_MORE = (FIRST_3 - FIRST_1) * (LANES - 1),
};

/* The slots of a wheel, level by level. A slot is not written before it is occupied. */
typedef struct slots {
    mr_wheel_node heads[SLOTS + LANES_MORE]; /* Of the rings of their nodes, lane by lane. */
    uint64_t ticks[SLOTS - FIRST_1]; /* From level 1 on: the least of those that were hung here
                                        * since the slot was empty; | MIXED: there were others. */
} slots;

_Static_assert(SLOTS / 64 == MR_WHEEL_WORDS, "a bit per slot");
_Static_assert(BIT_3 + BITS_N * (MR_WHEEL_LEVELS - 3) > 55, "every tick has a level");
_Static_assert(sizeof(slots) < MR_PAGE_BYTES, "one page");

static mr_wheel_node *node_at(mr_addr address) { return mr_at(address); }

/* The first bit of a level's digit, and the number of its first slot; also behind the last. */
#define SHIFT_OF(level) (BIT_3 + ((level) - 3) * BITS_N)
#define FIRST_OF(level) (FIRST_3 + ((level) - 3) * (1 << BITS_N))
static const uint8_t shifts[MR_WHEEL_LEVELS + 1] = {
    0, BIT_1, BIT_2, BIT_3, SHIFT_OF(4), SHIFT_OF(5), SHIFT_OF(6), SHIFT_OF(7), SHIFT_OF(8),
};
static const uint16_t firsts[MR_WHEEL_LEVELS + 1] = {
    0, FIRST_1, FIRST_2, FIRST_3, FIRST_OF(4), FIRST_OF(5), FIRST_OF(6), FIRST_OF(7), FIRST_OF(8),
};

static uint32_t digit_of(uint64_t tick, uint32_t level) {
    const uint32_t slots_more = firsts[level + 1] - firsts[level] - 1u;
    return (uint32_t)(tick >> shifts[level]) & slots_more;
}

/* The number of a tick's slot on a level. */
static uint32_t index_of(uint64_t tick, uint32_t level) {
    return firsts[level] + digit_of(tick, level);
}

static bool has_lanes(uint32_t index) { return index >= FIRST_1 && index < FIRST_3; }

static uint32_t lanes_of(uint32_t index) { return has_lanes(index) ? LANES : 1; }

/* The lane of a tick in a slot: another one for most of its neighbours. */
static uint32_t lane_of(uint64_t tick, uint32_t index) {
    return has_lanes(index) ? (uint32_t)tick * 0x9E3779B1u >> (32 - LANE_BITS) : 0;
}

static mr_addr lane_at(mr_addr heads, uint32_t lane) {
    return heads + lane * (uint32_t)sizeof(mr_wheel_node);
}

/* The head of a slot's first lane; those of the others come behind it. */
static mr_addr head_of(const mr_wheel *wheel, uint32_t index) {
    uint32_t number = index;
    if (has_lanes(index)) {
        number += (index - FIRST_1) * (LANES - 1);
    } else if (index >= FIRST_3) {
        number += LANES_MORE;
    }
    return lane_at(wheel->slots, number);
}

/* The number of the slot that one of these heads belongs to. */
static uint32_t index_at(const mr_wheel *wheel, mr_addr head) {
    const uint32_t number = (head - wheel->slots) / (uint32_t)sizeof(mr_wheel_node);
    if (number < FIRST_1) return number;
    if (number >= FIRST_3 + LANES_MORE) return number - LANES_MORE;
    return FIRST_1 + (number - FIRST_1) / LANES;
}

static bool is_empty(mr_addr head) { return node_at(head)->next == head; }

static uint64_t *tick_at(const mr_wheel *wheel, uint32_t index) {
    slots *all = mr_at(wheel->slots);
    return &all->ticks[index - FIRST_1];
}

static bool is_occupied(const mr_wheel *wheel, uint32_t index) {
    return (wheel->occupied[index / 64] >> (index % 64) & 1) != 0;
}

static void occupy(mr_wheel *wheel, uint32_t level, uint32_t index) {
    wheel->occupied[index / 64] |= UINT64_C(1) << (index % 64);
    wheel->words[level] |= UINT64_C(1) << ((index - firsts[level]) / 64);
}

static void vacate(mr_wheel *wheel, uint32_t level, uint32_t index) {
    uint64_t *word = &wheel->occupied[index / 64];
    *word &= ~(UINT64_C(1) << (index % 64));
    if (*word == 0) wheel->words[level] &= ~(UINT64_C(1) << ((index - firsts[level]) / 64));
}

/* The first occupied slot of a level that has one. */
static uint32_t first_occupied(const mr_wheel *wheel, uint32_t level) {
    const uint32_t word = firsts[level] / 64u + (uint32_t)__builtin_ctzll(wheel->words[level]);
    return word * 64 + (uint32_t)__builtin_ctzll(wheel->occupied[word]);
}

/* ---- Hanging and unhanging ---- */

static int64_t deadline_of(const mr_wheel *wheel, const mr_wheel_node *node) {
    if (wheel->deadline != NULL) return wheel->deadline(wheel->owner, node);
    int64_t deadline;
    memcpy(&deadline, node + 1, sizeof deadline);
    return deadline;
}

static uint64_t tick_of(const mr_wheel *wheel, const mr_wheel_node *node) {
    const uint64_t tick = (uint64_t)deadline_of(wheel, node) + TICK_OF_ZERO;
    MR_ASSERT(tick <= TICK_MAX);
    return tick < wheel->time ? wheel->time : tick;
}

/* The level of the highest digit in which the tick differs from the time. */
static uint32_t level_of(const mr_wheel *wheel, uint64_t tick) {
    const uint64_t differing = (tick ^ wheel->time) | 1; /* | 1: equal is level 0 too. */
    const uint32_t bit = 63u - (uint32_t)__builtin_clzll(differing);
    if (bit < BIT_2) return bit >= BIT_1;
    return bit < BIT_3 ? 2 : 3 + (bit - BIT_3) / BITS_N;
}

/* Heads of lanes are rings of their own. */
MR_COLD static void make_rings(mr_addr heads, uint32_t count) {
    for (mr_addr head = heads; head < lane_at(heads, count); head = lane_at(head, 1))
        *node_at(head) = (mr_wheel_node){.next = head, .before = head};
}

/* The head of a tick's lane in a slot. Those of level 0 are always rings. */
static mr_wheel_node *ring_of(mr_wheel *wheel, uint32_t index, uint64_t tick) {
    const mr_addr heads = head_of(wheel, index);
    if (index >= FIRST_1 && !is_occupied(wheel, index)) make_rings(heads, lanes_of(index));
    return node_at(lane_at(heads, lane_of(tick, index)));
}

/* The least tick of a slot to which comes another node. */
static uint64_t least_of(uint64_t least, uint64_t tick) {
    if (tick == least) return least;
    return MIXED | (tick < (least & ~MIXED) ? tick : least);
}

/* Put the node at the end of its lane in the slot of its tick. */
static void hang(mr_wheel *wheel, mr_wheel_node *node, uint32_t level, uint64_t tick) {
    const uint32_t index = index_of(tick, level);
    if (level > 0) {
        uint64_t *least = tick_at(wheel, index);
        *least = is_occupied(wheel, index) ? least_of(*least, tick) : tick;
    }
    mr_wheel_node *head = ring_of(wheel, index, tick);
    const mr_addr address = mr_addr_of(node);
    *node = (mr_wheel_node){.next = mr_addr_of(head), .before = head->before};
    node_at(head->before)->next = address;
    head->before = address;
    occupy(wheel, level, index);
}

static uint32_t level_at(uint32_t index) {
    if (index < FIRST_2) return index >= FIRST_1;
    return index < FIRST_3 ? 2 : 3 + ((index - FIRST_3) >> BITS_N);
}

/* The lane of this head is empty: so may be its slot. */
MR_COLD static void vacate_if_empty(mr_wheel *wheel, mr_addr head) {
    const uint32_t index = index_at(wheel, head);
    const mr_addr heads = head_of(wheel, index);
#pragma clang loop unroll(disable)
    for (uint32_t lane = 0; lane < lanes_of(index); lane++) {
        if (!is_empty(lane_at(heads, lane))) return;
    }
    const uint32_t level = level_at(index);
    vacate(wheel, level, index);
    if (level == wheel->draining && index == index_of(wheel->time, level)) wheel->draining = 0;
}

static void unhang(mr_wheel *wheel, mr_wheel_node *node) {
    node_at(node->before)->next = node->next;
    node_at(node->next)->before = node->before;
    if (node->before == node->next) vacate_if_empty(wheel, node->next);
    *node = (mr_wheel_node){0};
}

void mr_wheel_add(mr_wheel *wheel, mr_wheel_node *node) {
    const uint64_t tick = tick_of(wheel, node);
    const uint32_t level = level_of(wheel, tick);
    hang(wheel, node, level < wheel->draining ? wheel->draining : level, tick);
    wheel->size++;
}

/* Put all of a ring before what stands in another, and leave it empty. */
static void splice(mr_wheel_node *from, mr_wheel_node *to) {
    const mr_addr head = mr_addr_of(from);
    if (from->next == head) return;
    node_at(from->before)->next = to->next;
    node_at(to->next)->before = from->before;
    to->next = from->next;
    node_at(from->next)->before = mr_addr_of(to);
    *from = (mr_wheel_node){.next = head, .before = head};
}

/* The time has come to a slot whose nodes were all hung for one tick: hang them lower, where
 * nothing hangs. */
MR_COLD static void lower_all(mr_wheel *wheel, uint32_t level, uint32_t index) {
    const uint64_t tick = *tick_at(wheel, index);
    const uint32_t lower = level_of(wheel, tick);
    const uint32_t to = index_of(tick, lower);
    splice(ring_of(wheel, index, tick), ring_of(wheel, to, tick));
    vacate(wheel, level, index);
    if (lower > 0) *tick_at(wheel, to) = tick;
    occupy(wheel, lower, to);
}

/* Put all of a lower slot before what stands in another, lane by lane: a tick's is the same. */
MR_COLD static void lift_all(mr_wheel *wheel, uint32_t level, uint32_t index, uint32_t to) {
    const uint64_t tick = wheel->time >> BIT_1 << BIT_1 | index; /* If that is on level 0. */
#pragma clang loop unroll(disable)
    for (uint32_t lane = 0; lane < lanes_of(index); lane++) {
        const uint32_t lane_to = level == 0 ? lane_of(tick, to) : has_lanes(to) ? lane : 0;
        splice(node_at(lane_at(head_of(wheel, index), lane)),
               node_at(lane_at(head_of(wheel, to), lane_to)));
    }
    vacate(wheel, level, index);
}

/* Move the time back to `tick`. What hangs below the highest digit that changes, or below a slot
 * that was being hung lower, goes up into the slot of the old time there, lower levels first:
 * they hold what came before the rest of that slot. */
MR_COLD static void turn_back(mr_wheel *wheel, uint64_t tick) {
    const uint32_t changing = level_of(wheel, tick);
    const bool drains = changing < wheel->draining; /* And goes on with that. */
    const uint32_t level = drains ? wheel->draining : changing;
    if (level > 0) { /* On level 0 nothing hangs below. */
        const uint32_t index = index_of(wheel->time, level);
        bool holds = is_occupied(wheel, index);
        (void)ring_of(wheel, index, tick);
        for (uint32_t lower = level; lower-- > 0;) {
            for (; wheel->words[lower] != 0; holds = true)
                lift_all(wheel, lower, first_occupied(wheel, lower), index);
        }
        if (holds) occupy(wheel, level, index);
        *tick_at(wheel, index) = MIXED | wheel->time;
    }
    wheel->time = tick;
    if (!drains) wheel->draining = 0;
}

bool mr_wheel_is_past(const mr_wheel *wheel, int64_t time_ms) {
    return (uint64_t)time_ms + TICK_OF_ZERO < wheel->time;
}

void mr_wheel_add_past(mr_wheel *wheel, mr_wheel_node *node) {
    const uint64_t tick = (uint64_t)deadline_of(wheel, node) + TICK_OF_ZERO;
    if (wheel->size == 0) {
        wheel->time = tick;
    } else if (tick < wheel->time) {
        turn_back(wheel, tick);
    }
    mr_wheel_add(wheel, node);
}

MR_CALLED void mr_wheel_remove(mr_wheel *wheel, mr_wheel_node *node) {
    MR_ASSERT(node->before != 0 && wheel->size > 0);
    unhang(wheel, node);
    wheel->size--;
}

/* ---- Opening and closing ---- */

mr_status mr_wheel_open(mr_wheel *wheel, mr_heap *heap, mr_wheel_deadline deadline,
                        const void *owner) {
    mr_addr made = mr_heap_alloc(heap, sizeof(slots));
    if (made == 0) return MR_ERR_MEMORY;
    *wheel = (mr_wheel){.heap = heap, .slots = made, .deadline = deadline, .owner = owner};
    make_rings(made, FIRST_1);
    return MR_OK;
}

void mr_wheel_close(mr_wheel *wheel) {
    if (wheel->slots != 0) mr_heap_free(wheel->heap, wheel->slots, sizeof(slots));
    *wheel = (mr_wheel){0};
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
    const uint64_t digit = index - firsts[level];
    const uint32_t above = shifts[level + 1];
    *level_out = level;
    *index_out = index;
    *start_out = wheel->time >> above << above | digit << shifts[level];
    return true;
}

/* Nodes of a slot that is being hung lower: the first of each lane, */
typedef struct drained {
    mr_wheel_node *node[LANES];
    uint64_t tick[LANES]; /* and for when they are to be hung. */
} drained;

/* Take the first node off each of the lanes, at most so many; how many they were. All are touched
 * before any is looked at, so that their cache misses overlap. */
static uint32_t take_round(const mr_wheel *wheel, mr_addr heads, uint32_t lanes, uint32_t most,
                           drained *out) {
    mr_addr second[LANES];
#pragma clang loop unroll(disable)
    for (uint32_t lane = 0; lane < lanes; lane++) {
        const mr_addr head = lane_at(heads, lane);
        const mr_addr first = node_at(head)->next;
        second[lane] = node_at(first)->next;
        if (first == head) continue;
        mr_touch(mr_at(first - wheel->before));
        mr_touch(mr_at(first + wheel->behind));
    }
    uint32_t count = 0;
#pragma clang loop unroll(disable)
    for (uint32_t lane = 0; lane < lanes && count < most; lane++) {
        const mr_addr head = lane_at(heads, lane);
        if (is_empty(head)) continue;
        mr_wheel_node *node = node_at(node_at(head)->next);
        out->node[count] = node;
        out->tick[count++] = tick_of(wheel, node);
        node_at(head)->next = second[lane];
    }
    return count;
}

/* Hang nodes of a slot lower, round by round. */
static void lower_some(mr_wheel *wheel, uint32_t level, uint32_t index, uint32_t *budget) {
    const mr_addr heads = head_of(wheel, index);
    const uint32_t lanes = lanes_of(index);
    drained some;
    for (uint32_t count; (count = take_round(wheel, heads, lanes, *budget, &some)) > 0;) {
        for (uint32_t i = 0; i < count; i++)
            hang(wheel, some.node[i], level_of(wheel, some.tick[i]), some.tick[i]);
        *budget -= count;
    }
#pragma clang loop unroll(disable)
    for (mr_addr head = heads; head < lane_at(heads, lanes); head = lane_at(head, 1))
        node_at(node_at(head)->next)->before = head;
    wheel->draining = level; /* Until the slot's last node has gone. */
    vacate_if_empty(wheel, heads);
}

/* The first node that is due, hung on level 0 by now; the budget pays for it, too. */
mr_wheel_node *mr_wheel_first(mr_wheel *wheel, int64_t now_ms, uint32_t *budget) {
    if (now_ms < -(int64_t)TICK_OF_ZERO) return NULL; /* Before all deadlines. */
    uint64_t now = (uint64_t)now_ms + TICK_OF_ZERO;
    if (now > TICK_MAX) now = TICK_MAX;
    uint32_t level;
    uint32_t index;
    uint64_t start;
    while (earliest(wheel, &level, &index, &start) && start <= now) {
        if (*budget == 0) return NULL;
        if (level == 0) {
            --*budget;
            wheel->time = start;
            return node_at(node_at(head_of(wheel, index))->next);
        }
        const uint64_t least = *tick_at(wheel, index);
        if (wheel->draining == 0) wheel->time = (least & ~MIXED) < now ? least & ~MIXED : now;
        if ((least & MIXED) != 0) {
            lower_some(wheel, level, index, budget);
        } else {
            --*budget;
            lower_all(wheel, level, index);
        }
    }
    if (now > wheel->time) wheel->time = now;
    return NULL;
}

int64_t mr_wheel_next(const mr_wheel *wheel) {
    uint32_t level;
    uint32_t index;
    uint64_t start;
    if (!earliest(wheel, &level, &index, &start)) return INT64_MAX;
    return (int64_t)((level == 0 ? start : *tick_at(wheel, index) & ~MIXED) - TICK_OF_ZERO);
}
