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
    LANED_END = FIRST_3 + (1 << BITS_N),
    SLOTS = FIRST_3 + ((MR_WHEEL_LEVELS - 3) << BITS_N),
    LANED = LANED_END - FIRST_1, /* Slots of levels 1 to 3 have lanes; others have one. */
    LANE_BITS_MAX = 4,
    LANES_MAX = 1 << LANE_BITS_MAX,
};

/* The slots of a wheel, level by level. Heads and ticks of those without nodes may be anything. */
typedef struct slots {
    uint64_t ticks[SLOTS - FIRST_1]; /* From level 1 on: the least of those that were hung here
                                      * since the slot was empty; | MIXED: there were others. */
    uint16_t lanes[LANED];           /* A bit per lane that has nodes. */
    mr_wheel_node heads[];           /* Of the rings of their nodes, lane by lane. */
} slots;

_Static_assert(SLOTS / 64 == MR_WHEEL_WORDS, "a bit per slot");
_Static_assert(BIT_3 + BITS_N * (MR_WHEEL_LEVELS - 3) > 55, "every tick has a level");
_Static_assert(LANES_MAX <= 16, "a bit per lane");

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

static bool has_lanes(uint32_t index) { return index >= FIRST_1 && index < LANED_END; }

/* The lane of a tick in a slot: another one for most of its neighbours. */
static uint32_t lane_of(const mr_wheel *wheel, uint64_t tick, uint32_t index) {
    if (!has_lanes(index)) return 0;
    return (uint32_t)((uint64_t)((uint32_t)tick * 0x9E3779B1u) << wheel->lane_bits >> 32);
}

static mr_addr lane_at(mr_addr heads, uint32_t lane) {
    return heads + lane * (uint32_t)sizeof(mr_wheel_node);
}

static mr_addr first_head(const mr_wheel *wheel) {
    return wheel->slots + (uint32_t)offsetof(slots, heads);
}

/* How many heads the slots before one have. */
static uint32_t heads_before(uint32_t lane_bits, uint32_t index) {
    if (index < FIRST_1) return index;
    if (index < LANED_END) return FIRST_1 + ((index - FIRST_1) << lane_bits);
    return FIRST_1 + ((uint32_t)LANED << lane_bits) + index - LANED_END;
}

/* The head of a slot's first lane; those of the others come behind it. */
static mr_addr head_of(const mr_wheel *wheel, uint32_t index) {
    return lane_at(first_head(wheel), heads_before(wheel->lane_bits, index));
}

/* The number of the slot from level 1 on that one of these heads belongs to. */
static uint32_t index_at(const mr_wheel *wheel, mr_addr head) {
    const uint32_t laned = (uint32_t)LANED << wheel->lane_bits;
    const uint32_t number = (head - first_head(wheel)) / (uint32_t)sizeof(mr_wheel_node) - FIRST_1;
    if (number >= laned) return number - laned + LANED_END;
    return FIRST_1 + (number >> wheel->lane_bits);
}

static slots *slots_of(const mr_wheel *wheel) { return mr_at(wheel->slots); }

static uint64_t *tick_at(const mr_wheel *wheel, uint32_t index) {
    return &slots_of(wheel)->ticks[index - FIRST_1];
}

static bool is_occupied(const mr_wheel *wheel, uint32_t index) {
    return (wheel->occupied[index / 64] >> (index % 64) & 1) != 0;
}

/* A bit per lane of a slot that has nodes. */
static uint32_t lanes_in(const mr_wheel *wheel, uint32_t index) {
    return has_lanes(index) ? slots_of(wheel)->lanes[index - FIRST_1] : is_occupied(wheel, index);
}

static void set_lanes(const mr_wheel *wheel, uint32_t index, uint32_t lanes) {
    if (has_lanes(index)) slots_of(wheel)->lanes[index - FIRST_1] = (uint16_t)lanes;
}

/* A slot that had no nodes has some now. */
static void occupy(mr_wheel *wheel, uint32_t level, uint32_t index) {
    wheel->occupied[index / 64] |= UINT64_C(1) << (index % 64);
    wheel->words[level] |= UINT64_C(1) << ((index - firsts[level]) / 64);
}

static void vacate(mr_wheel *wheel, uint32_t level, uint32_t index) {
    uint64_t *word = &wheel->occupied[index / 64];
    set_lanes(wheel, index, 0);
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
    return mr_wheel_deadline_behind(node);
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

/* The head of a lane, which has nodes, or becomes a ring of its own. */
static mr_wheel_node *ring_at(mr_addr head, bool has_nodes) {
    if (!has_nodes) *node_at(head) = (mr_wheel_node){.next = head, .before = head};
    return node_at(head);
}

static mr_wheel_node *lane_ring(mr_addr heads, uint32_t lane, uint32_t lanes) {
    return ring_at(lane_at(heads, lane), (lanes >> lane & 1) != 0);
}

/* The least tick of a slot to which comes another node. */
static uint64_t least_of(uint64_t least, uint64_t tick) {
    if (tick == least) return least;
    return MIXED | (tick < (least & ~MIXED) ? tick : least);
}

static void append(mr_wheel_node *head, mr_wheel_node *node) {
    const mr_addr address = mr_addr_of(node);
    *node = (mr_wheel_node){.next = mr_addr_of(head), .before = head->before};
    node_at(head->before)->next = address;
    head->before = address;
}

/* Put the node at the end of its lane in the slot of its tick. */
MR_INLINE void hang(mr_wheel *wheel, mr_wheel_node *node, uint32_t level, uint64_t tick) {
    if (level == 0) { /* Of all nodes, at last: in few steps. */
        const uint32_t low = (uint32_t)tick % FIRST_1;
        const bool occupied = is_occupied(wheel, low);
        append(ring_at(lane_at(first_head(wheel), low), occupied), node);
        if (!occupied) occupy(wheel, 0, low);
        return;
    }
    const uint32_t index = index_of(tick, level);
    const uint32_t lanes = lanes_in(wheel, index);
    const uint32_t lane = lane_of(wheel, tick, index);
    uint64_t *least = tick_at(wheel, index);
    *least = lanes != 0 ? least_of(*least, tick) : tick;
    append(lane_ring(head_of(wheel, index), lane, lanes), node);
    if (lanes == 0) occupy(wheel, level, index);
    set_lanes(wheel, index, lanes | 1u << lane);
}

static uint32_t level_at(uint32_t index) {
    if (index < FIRST_2) return index >= FIRST_1;
    return index < FIRST_3 ? 2 : 3 + ((index - FIRST_3) >> BITS_N);
}

/* These lanes of a slot have nodes yet, or none has. */
static void keep_lanes(mr_wheel *wheel, uint32_t level, uint32_t index, uint32_t lanes) {
    if (lanes != 0) {
        set_lanes(wheel, index, lanes);
        return;
    }
    vacate(wheel, level, index);
    if (level == wheel->draining && index == index_of(wheel->time, level)) wheel->draining = 0;
}

/* The lane of a head is empty. */
static void empty_lane(mr_wheel *wheel, mr_addr head) {
    if (head < lane_at(first_head(wheel), FIRST_1)) {
        vacate(wheel, 0, (head - first_head(wheel)) / (uint32_t)sizeof(mr_wheel_node));
        return;
    }
    const uint32_t index = index_at(wheel, head);
    const uint32_t lane = (head - head_of(wheel, index)) / (uint32_t)sizeof(mr_wheel_node);
    keep_lanes(wheel, level_at(index), index, lanes_in(wheel, index) & ~(1u << lane));
}

static void unhang(mr_wheel *wheel, mr_wheel_node *node) {
    node_at(node->before)->next = node->next;
    node_at(node->next)->before = node->before;
    if (node->before == node->next) empty_lane(wheel, node->next);
    *node = (mr_wheel_node){0};
}

void mr_wheel_add(mr_wheel *wheel, mr_wheel_node *node) {
    const uint64_t tick = tick_of(wheel, node);
    const uint32_t level = level_of(wheel, tick);
    hang(wheel, node, level < wheel->draining ? wheel->draining : level, tick);
    wheel->size++;
}

/* Put all of a ring, which has some, before what stands in another. */
static void splice(const mr_wheel_node *from, mr_wheel_node *to) {
    node_at(from->before)->next = to->next;
    node_at(to->next)->before = from->before;
    to->next = from->next;
    node_at(from->next)->before = mr_addr_of(to);
}

/* The time has come to a slot whose nodes were all hung for one tick: hang them lower, where
 * nothing hangs. */
MR_COLD static void lower_all(mr_wheel *wheel, uint32_t level, uint32_t index) {
    const uint64_t tick = *tick_at(wheel, index);
    const uint32_t lower = level_of(wheel, tick);
    const uint32_t to = index_of(tick, lower);
    const uint32_t lane = lane_of(wheel, tick, to);
    splice(node_at(lane_at(head_of(wheel, index), lane_of(wheel, tick, index))),
           lane_ring(head_of(wheel, to), lane, 0));
    vacate(wheel, level, index);
    if (lower > 0) *tick_at(wheel, to) = tick;
    occupy(wheel, lower, to);
    set_lanes(wheel, to, 1u << lane);
}

/* Put all of a lower slot before what stands in another, lane by lane: a tick's is the same. */
MR_COLD static void lift_all(mr_wheel *wheel, uint32_t level, uint32_t index, uint32_t to) {
    const uint64_t tick = wheel->time >> BIT_1 << BIT_1 | index; /* If that is on level 0. */
    uint32_t lanes_to = lanes_in(wheel, to);
#pragma clang loop unroll(disable)
    for (uint32_t lanes = lanes_in(wheel, index); lanes != 0; lanes &= lanes - 1) {
        const uint32_t lane = (uint32_t)__builtin_ctz(lanes);
        const uint32_t lane_to = level == 0 ? lane_of(wheel, tick, to) : has_lanes(to) ? lane : 0;
        splice(node_at(lane_at(head_of(wheel, index), lane)),
               lane_ring(head_of(wheel, to), lane_to, lanes_to));
        lanes_to |= 1u << lane_to;
    }
    vacate(wheel, level, index);
    occupy(wheel, level_at(to), to);
    set_lanes(wheel, to, lanes_to);
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
        for (uint32_t lower = level; lower-- > 0;) {
            while (wheel->words[lower] != 0)
                lift_all(wheel, lower, first_occupied(wheel, lower), index);
        }
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

static uint32_t slots_bytes(const mr_wheel *wheel) {
    const uint32_t heads = heads_before(wheel->lane_bits, SLOTS);
    return (uint32_t)offsetof(slots, heads) + heads * (uint32_t)sizeof(mr_wheel_node);
}

mr_status mr_wheel_open(mr_wheel *wheel, mr_heap *heap, mr_wheel_deadline deadline,
                        const void *owner, bool few) {
    *wheel = (mr_wheel){.heap = heap, .deadline = deadline, .owner = owner};
    wheel->lane_bits = few ? 0 : LANE_BITS_MAX;
    wheel->slots = mr_heap_alloc(heap, slots_bytes(wheel));
    if (wheel->slots == 0) return MR_ERR_MEMORY;
    memset(slots_of(wheel)->lanes, 0, sizeof slots_of(wheel)->lanes);
    return MR_OK;
}

void mr_wheel_close(mr_wheel *wheel) {
    if (wheel->slots != 0) mr_heap_free(wheel->heap, wheel->slots, slots_bytes(wheel));
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

/* Hang nodes of a slot lower, round by round: the first of each lane. All are touched before any
 * is looked at, so that their cache misses overlap. */
static void lower_some(mr_wheel *wheel, uint32_t level, uint32_t index, uint32_t *budget) {
    const mr_addr heads = head_of(wheel, index);
    uint32_t lanes = lanes_in(wheel, index);
    while (lanes != 0 && *budget > 0) {
        mr_addr first[LANES_MAX];
        mr_addr second[LANES_MAX];
        uint32_t count = 0;
        for (uint32_t left = lanes; left != 0 && count < *budget; left &= left - 1) {
            const mr_addr node = node_at(lane_at(heads, (uint32_t)__builtin_ctz(left)))->next;
            first[count] = node;
            second[count++] = node_at(node)->next;
            mr_touch(mr_at(node - wheel->before));
            mr_touch(mr_at(node + wheel->behind));
        }
        *budget -= count;
        uint32_t left = lanes;
        for (uint32_t i = 0; i < count; i++, left &= left - 1) {
            const uint32_t lane = (uint32_t)__builtin_ctz(left);
            const mr_addr head = lane_at(heads, lane);
            mr_wheel_node *node = node_at(first[i]);
            const uint64_t tick = tick_of(wheel, node);
            node_at(head)->next = second[i];
            if (second[i] == head) lanes ^= 1u << lane;
            hang(wheel, node, level_of(wheel, tick), tick);
        }
    }
#pragma clang loop unroll(disable)
    for (uint32_t left = lanes; left != 0; left &= left - 1) {
        const mr_addr head = lane_at(heads, (uint32_t)__builtin_ctz(left));
        node_at(node_at(head)->next)->before = head;
    }
    wheel->draining = level; /* Until the slot's last node has gone. */
    keep_lanes(wheel, level, index, lanes);
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

uint32_t mr_wheel_take(mr_wheel *wheel, int64_t now_ms, uint32_t *budget, mr_addr *nodes_out,
                       uint32_t max) {
    const mr_wheel_node *first = mr_wheel_first(wheel, now_ms, budget);
    if (first == NULL) return 0;
    const mr_addr head = first->before;
    uint32_t count = 0;
    mr_addr at = mr_addr_of(first);
    while (at != head && count < max) {
        mr_wheel_node *node = node_at(at);
        nodes_out[count++] = at;
        at = node->next;
        *node = (mr_wheel_node){0};
    }
    if (at == head) {
        empty_lane(wheel, head);
    } else {
        node_at(head)->next = at;
        node_at(at)->before = head;
    }
    wheel->size -= count;
    *budget -= mr_min_u32(count - 1, *budget);
    return count;
}

int64_t mr_wheel_next(const mr_wheel *wheel) {
    uint32_t level;
    uint32_t index;
    uint64_t start;
    if (!earliest(wheel, &level, &index, &start)) return INT64_MAX;
    return (int64_t)((level == 0 ? start : *tick_at(wheel, index) & ~MIXED) - TICK_OF_ZERO);
}
