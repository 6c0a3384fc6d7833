/* queue.c -- see queue.h. */
#include "queue.h"

enum {
    GONE_MORE = 1024, /* So many nodes may have gone whatever is there, */
    GONE_MAX =
        256 << 10, /* and so many at all where others are added: one call may step past them. */
};

typedef struct block {
    mr_addr next;
    mr_addr nodes[1023];
} block;

static mr_addr *place_at(mr_addr address) { return mr_at(address); }
static block *block_at(mr_addr address) { return mr_at(address); }
static mr_addr begin_of(mr_addr block) { return block + (uint32_t)offsetof(struct block, nodes); }
static mr_addr end_of(mr_addr block) { return block + (uint32_t)sizeof(struct block); }

void mr_queue_open(mr_queue *queue, mr_heap *heap) {
    *queue = (mr_queue){.heap = heap, .next = INT64_MAX, .least = INT64_MIN};
}

/* Let the first block go, and begin at the next one. */
static void leave_block(mr_queue *queue) {
    const mr_addr next = block_at(queue->first)->next;
    mr_heap_free(queue->heap, queue->first, sizeof(block));
    queue->first = next;
    queue->head = begin_of(next);
}

void mr_queue_close(mr_queue *queue) {
    while (queue->first != 0)
        leave_block(queue);
}

/* Room for one more behind the tail. */
static bool add_block(mr_queue *queue) {
    const mr_addr made = mr_heap_alloc(queue->heap, sizeof(block));
    if (made == 0) return false;
    block_at(made)->next = 0;
    if (queue->first == 0) {
        queue->first = made;
        queue->head = begin_of(made);
    } else {
        block_at(queue->end - (uint32_t)sizeof(block))->next = made;
    }
    queue->tail = begin_of(made);
    queue->end = end_of(made);
    return true;
}

bool mr_queue_add(mr_queue *queue, mr_wheel_node *node, bool alone) {
    const int64_t deadline = mr_wheel_deadline_behind(node);
    if (alone && queue->size == 0) queue->least = INT64_MIN;
    if (deadline < queue->least) return false;
    const bool sparse = queue->gone > mr_min_u32(3 * queue->size + GONE_MORE, GONE_MAX);
    if (sparse || (queue->tail == queue->end && !add_block(queue))) {
        queue->least = deadline + 1;
        return false;
    }
    *place_at(queue->tail) = mr_addr_of(node);
    *node = (mr_wheel_node){.next = queue->tail, .before = queue->tail | 1};
    queue->tail += (uint32_t)sizeof(mr_addr);
    queue->least = deadline;
    if (queue->size++ == 0) queue->next = deadline;
    return true;
}

mr_wheel_node *mr_queue_first(const mr_queue *queue) { return mr_at(*place_at(queue->head)); }

/* The head has gone: on to the next node, or to the one block that stays. */
static void move_on(mr_queue *queue) {
    if (queue->size == 0) {
        while (end_of(queue->first) != queue->end)
            leave_block(queue);
        queue->head = begin_of(queue->first);
        queue->tail = queue->head;
        queue->gone = 0;
        queue->next = INT64_MAX;
        return;
    }
    for (;;) {
        if (queue->head == end_of(queue->first)) {
            leave_block(queue);
        } else if (*place_at(queue->head) == 0) {
            queue->head += (uint32_t)sizeof(mr_addr);
            queue->gone--;
        } else {
            queue->next = mr_wheel_deadline_behind(mr_queue_first(queue));
            return;
        }
    }
}

void mr_queue_remove(mr_queue *queue, mr_wheel_node *node) {
    const mr_addr place = node->next;
    *place_at(place) = 0;
    *node = (mr_wheel_node){0};
    queue->size--;
    queue->gone++;
    if (place == queue->head) move_on(queue);
}

uint32_t mr_queue_take(mr_queue *queue, int64_t now_ms, mr_addr *nodes_out, uint32_t max) {
    uint32_t count = 0;
    while (count < max && queue->next <= now_ms) {
        mr_wheel_node *node = mr_queue_first(queue);
        nodes_out[count++] = mr_addr_of(node);
        mr_queue_remove(queue, node);
    }
    return count;
}
