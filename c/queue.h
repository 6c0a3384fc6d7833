/* queue.h -- deadlines that come in their order, O(1) each, without a look at any other.
 *
 *   head v                          tail v
 *   [next][.][a][0][b] -> [next][c][d][ ]     blocks; 0: a node that has gone
 *
 * Events mostly come in the order of their times, and so do the timers that they set. A wheel
 * hangs each of those twice, beside others that are no longer in the cache; here a node knows its
 * place and the place the node, and what is due next is told by what lies side by side.
 *
 * A deadline before one that was added already is refused, as is any without memory, or while far
 * more nodes have gone from the middle than are there: those hang in a wheel (timer.c). So a node
 * has 4 bytes, and 16 at worst.
 *
 * Invariants:
 *  1. Deadlines ascend from head to tail, those that are alike as they were added.
 *  2. What the head names has not gone, if there are nodes; else there is one block at most.
 *  3. Once a node was refused, no other is added for its deadline, until all have gone. */
#ifndef MR_QUEUE_H
#define MR_QUEUE_H

#include "wheel.h"

typedef struct mr_queue {
    mr_heap *heap;
    int64_t next;  /* The deadline of the first node; INT64_MAX: there is none. */
    int64_t least; /* Deadlines before it are refused. */
    mr_addr first; /* Block; 0: there is none. */
    mr_addr head;  /* Places. */
    mr_addr tail;
    mr_addr end;   /* Of the last block. */
    uint32_t size; /* Nodes. */
    uint32_t gone; /* Places between head and tail whose nodes have gone. */
} mr_queue;

/* An empty queue. */
void mr_queue_open(mr_queue *queue, mr_heap *heap);
void mr_queue_close(mr_queue *queue);

/* Does the node, which hangs somewhere, stand in a queue? */
static inline bool mr_queue_has(const mr_wheel_node *node) { return (node->before & 1) != 0; }

/* Add a node, whose deadline is the int64_t behind it; false: it is refused. An empty
 * queue may begin anew where no node that was refused waits any more (`alone`). */
bool mr_queue_add(mr_queue *queue, mr_wheel_node *node, bool alone);

/* Would it be refused for its deadline? Told without a call to those of another order. */
static inline bool mr_queue_refuses(const mr_queue *queue, int64_t deadline) {
    return deadline < queue->least && queue->size > 0;
}

void mr_queue_remove(mr_queue *queue, mr_wheel_node *node);

/* The first node, if there are any. */
mr_wheel_node *mr_queue_first(const mr_queue *queue);

/* Take off up to `max` of the first nodes, whose deadlines have come by `now_ms` (< INT64_MAX);
 * gives how many. */
uint32_t mr_queue_take(mr_queue *queue, int64_t now_ms, mr_addr *nodes_out, uint32_t max);

#endif
