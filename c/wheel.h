/* wheel.h -- deadlines of any number of rows, O(1) each, in bounded steps.
 *
 * A hierarchical timing wheel (Varghese and Lauck 1987), one tick a millisecond. A node
 * hangs in the slot of the highest digit in which its deadline differs from the wheel's
 * time. The two lowest digits have 9 bits, the next one 8, the five others have 6:
 *
 *   level 2 [ .  .  x  . ... ]   4 minutes a slot, 256 of them
 *   level 1 [ .  x  .  . ... ]   512 ms a slot, 512 of them
 *   level 0 [ x  .  .  . ... ]   1 ms a slot, 512 of them
 *
 * Each level that a node goes through costs a cache miss, so the low ones, where most
 * deadlines are, are few and wide; but not so wide that the nodes of a slot of level 1
 * fall out of the cache before they are due. And a slot of levels 1 to 3 has 16 lanes: a
 * deadline is in one of them by its hash. They are walked through side by side, so that 16
 * misses overlap, where one ring would tell where the next node is only when the last is there.
 *
 * When the time reaches a slot of level n > 0, its nodes are taken one by one
 * and hung lower; or all at once, where they were hung for one deadline, as are the
 * windows of many keys. A lane is a queue, a ring through its head; nodes are
 * intrusive: two addresses inside the row. A deadline that moves later is not
 * told to the wheel: the node comes up at the old time, the caller looks at the
 * true deadline and adds it again. So an event that refreshes a row costs the
 * wheel nothing.
 *
 * Invariants:
 *  1. Every node hangs in exactly one slot; a slot's bit is set iff it has nodes. None was
 *     hung there for an earlier tick than the slot's, and where that is not MIXED, all for it.
 *  2. The wheel's time never passes a node, and moves back in mr_wheel_add_past only.
 *  3. Nodes come off in order of their deadlines, or of the wheel's time when they
 *     were added, if that was later; those that are alike as they were added. */
#ifndef MR_WHEEL_H
#define MR_WHEEL_H

#include "alloc.h"

enum { MR_WHEEL_LEVELS = 8, MR_WHEEL_WORDS = 25 };

#define MR_WHEEL_MS_MAX (INT64_C(1) << 54) /* Deadlines lie within this of 0. */

/* Inside the row: its neighbours in the lane's ring, of which the lane's head is one.
 * Both are 0 when it hangs nowhere. */
typedef struct mr_wheel_node {
    mr_addr next;
    mr_addr before;
} mr_wheel_node;

/* When the node is really due, in ms. `owner` is what mr_wheel_open got. Without this function
 * it is the int64_t that lies behind the node. */
typedef int64_t (*mr_wheel_deadline)(const void *owner, const mr_wheel_node *node);

static inline int64_t mr_wheel_deadline_behind(const mr_wheel_node *node) {
    int64_t deadline;
    memcpy(&deadline, node + 1, sizeof deadline);
    return deadline;
}

typedef struct mr_wheel {
    uint64_t time;                     /* Ticks; see mr_wheel_open. */
    uint64_t size;                     /* Nodes. */
    uint64_t words[MR_WHEEL_LEVELS];   /* A bit per word of `occupied` that is not 0. */
    uint64_t occupied[MR_WHEEL_WORDS]; /* A bit per slot, of level 0 first. */
    uint32_t draining;                 /* Level whose reached slot is being hung lower, or 0. */
    mr_addr slots;
    uint32_t lane_bits;
    mr_heap *heap;
    mr_wheel_deadline deadline;
    const void *owner;
    /* So far from a node lies what is read with it when it is due; set by the owner, or 0. */
    uint32_t before;
    uint32_t behind;
} mr_wheel;

/* An empty wheel whose time is the earliest there is (-2^54 ms); of `few` nodes it has no lanes,
 * and a fifth of the memory, which is 123 KB. MR_ERR_MEMORY. */
mr_status mr_wheel_open(mr_wheel *wheel, mr_heap *heap, mr_wheel_deadline deadline,
                        const void *owner, bool few);
void mr_wheel_close(mr_wheel *wheel);

/* Hang `node`, which hangs nowhere, at its deadline (asked from the owner), behind
 * all others of that deadline. A deadline in the wheel's past is due at once, behind
 * what is due already. */
void mr_wheel_add(mr_wheel *wheel, mr_wheel_node *node);

/* Is this time before the wheel's? */
bool mr_wheel_is_past(const mr_wheel *wheel, int64_t time_ms);

/* As mr_wheel_add, but a deadline in the wheel's past turns the wheel back: nodes come
 * off by deadline alone, whatever was taken already. Those that lie between are hung
 * lower once more, so this is for a wheel of few nodes. */
void mr_wheel_add_past(mr_wheel *wheel, mr_wheel_node *node);

/* Unhang a node that hangs in this wheel. */
void mr_wheel_remove(mr_wheel *wheel, mr_wheel_node *node);

/* A node whose time has come, that is whose slot starts at or before `now_ms`; it stays.
 * NULL when there is none, or when `budget` steps (nodes looked at; counted down) are used
 * up. The caller checks the true deadline and adds the node again if it is later. */
mr_wheel_node *mr_wheel_first(mr_wheel *wheel, int64_t now_ms, uint32_t *budget);

/* Take off nodes that are due, in their order, up to `max` (> 0) that hang for one time; gives how
 * many. As mr_wheel_first, but for the caller's look at true deadlines, which comes after. */
uint32_t mr_wheel_take(mr_wheel *wheel, int64_t now_ms, uint32_t *budget, mr_addr *nodes_out,
                       uint32_t max);

/* No node comes off before this time: the deadline of the next one, or less, where others went
 * or the wheel turned back. INT64_MAX without nodes. */
int64_t mr_wheel_next(const mr_wheel *wheel);

#endif
