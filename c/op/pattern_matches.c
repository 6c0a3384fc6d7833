/* pattern_matches.c -- the blob of a key's matches: room, nodes, check; pattern.h. */
#include "../bytes.h"
#include "../error.h"
#include "pattern.h"

enum { MATCHES_FIELD = 1, PARTIALS_AT_FIRST = 2, NODES_AT_FIRST = 3 };

static uint32_t *cell_of(const mr_operator_data *op, mr_row *row) {
    const uint32_t at = op->rows.layout.field_at[MATCHES_FIELD];
    return (uint32_t *)(void *)(mr_row_record(&op->rows, row) + at);
}

mr_matches *mr_matches_of(const mr_operator_data *op, mr_row *row) {
    const mr_addr blob = row == NULL ? 0 : *cell_of(op, row);
    return blob == 0 ? NULL : mr_at(blob);
}

mr_status mr_pattern_room_more(mr_operator_data *op, mr_room *room, uint64_t bytes) {
    const uint64_t wanted = bytes * 2 + 8; /* Also for nothing there is a place. */
    const mr_addr made =
        wanted > UINT32_MAX / 2 ? 0 : mr_heap_alloc(op->rows.heap, (uint32_t)wanted);
    if (made == 0) {
        return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)op->rows.heap->budget_bytes);
    }
    if (room->at != 0) memcpy(mr_at(made), mr_at(room->at), room->bytes);
    mr_heap_free(op->rows.heap, room->at, room->bytes);
    *room = (mr_room){.at = made, .bytes = (uint32_t)wanted};
    return MR_OK;
}

/* ---- room ---- */

static uint32_t free_nodes(const mr_matches *m) {
    uint32_t count = m->nodes_max - m->nodes;
    for (uint32_t node = m->free; node != 0; count++)
        node = mr_node_at((mr_matches *)m, node)->parent;
    return count;
}

static uint32_t more_of(uint32_t room, uint32_t needed, uint32_t at_first) {
    if (needed <= room) return room;
    return needed + (room == 0 ? at_first - 1 : needed / 2);
}

static uint64_t bytes_of(uint64_t partials_max, uint64_t nodes_max) {
    const uint64_t node_bytes = sizeof(mr_node) + sizeof(mr_pattern_taken) + sizeof(uint32_t);
    return sizeof(mr_matches) + partials_max * sizeof(mr_partial) + nodes_max * node_bytes;
}

/* As memcpy, which in WebAssembly is a call of the host's. */
static void copy(void *to, const void *from, size_t bytes) {
    mr_copy_bytes(to, from, (uint32_t)bytes);
}

mr_status mr_matches_reserve(mr_operator_data *op, mr_row *row, uint32_t partials, uint32_t nodes) {
    mr_matches *m = mr_matches_of(op, row);
    const mr_matches none = {0};
    const mr_matches *was = m == NULL ? &none : m;
    const bool fits = m != NULL && nodes <= m->nodes_max - m->nodes;
    const uint32_t more = m == NULL ? nodes : fits ? 0 : nodes - mr_min_u32(nodes, free_nodes(m));
    if (m != NULL && more == 0 && partials <= m->partials_max) return MR_OK;
    const uint64_t partials_max = more_of(was->partials_max, partials, PARTIALS_AT_FIRST);
    const uint64_t nodes_max = more_of(was->nodes_max, was->nodes_max + more, NODES_AT_FIRST);
    const uint64_t bytes = bytes_of(partials_max, nodes_max);
    if (bytes > MR_REFS_BYTES_MAX) {
        return mr_fail(MR_ERR_LIMIT, "bytes of the partial matches of a key", MR_REFS_BYTES_MAX);
    }
    mr_addr blob;
    MR_TRY(mr_rows_blob_new(&op->rows, NULL, (uint32_t)(bytes - sizeof(uint32_t)), &blob));
    mr_matches *made = mr_at(blob);
    const uint32_t size = made->size;
    *made = *was;
    made->size = size;
    made->partials_max = (uint32_t)partials_max;
    made->nodes_max = (uint32_t)nodes_max;
    if (m != NULL) {
        copy(mr_partials(made), mr_partials(m), mr_partial_count(m) * sizeof(mr_partial));
        copy(mr_node_at(made, 1), mr_node_at(m, 1), m->nodes * sizeof(mr_node));
        copy(mr_taken_at(made, 1), mr_taken_at(m, 1), m->events * sizeof(mr_pattern_taken));
        copy(mr_taken_cell(made, 1), mr_taken_cell(m, 1), m->events * sizeof(uint32_t));
        mr_rows_blob_release(&op->rows, *cell_of(op, row));
    }
    *cell_of(op, row) = blob;
    return MR_OK;
}

/* ---- nodes ---- */

/* A node less has this event: the last one takes it along. */
static void drop_event(mr_operator_data *op, mr_matches *m, uint32_t event) {
    mr_pattern_taken *at = mr_taken_at(m, event);
    if (--at->nodes > 0) return;
    uint32_t *cell = mr_taken_cell(m, event);
    mr_rows_cell_release(&op->rows, MR_REF, *cell);
    *cell = 0;
    at->number = m->free_event;
    m->free_event = event;
}

uint32_t mr_taken_make(mr_matches *m, mr_pattern_event *event) {
    const bool same = m->events > 0 && m->last_ms == event->time_ms;
    uint32_t made = m->free_event;
    if (made != 0) {
        m->free_event = mr_taken_at(m, made)->number;
    } else {
        made = ++m->events;
    }
    event->number = same ? m->last_number + 1 : 0;
    m->last_ms = event->time_ms;
    m->last_number = event->number;
    *mr_taken_at(m, made) = (mr_pattern_taken){.time_ms = event->time_ms, .number = event->number};
    *mr_taken_cell(m, made) = event->cell;
    if (event->at != NULL) *event->at = 0;
    event->cell = 0;
    return made;
}

void mr_node_release(mr_operator_data *op, mr_matches *m, uint32_t node) {
    while (node != 0) {
        mr_node *at = mr_node_at(m, node);
        if (--at->holders > 0) break;
        const uint32_t parent = at->parent;
        drop_event(op, m, at->event);
        at->parent = m->free;
        at->step = MR_NODE_FREE;
        m->free = node;
        node = parent;
    }
}

uint32_t mr_node_make(mr_matches *m, const mr_node *node) {
    uint32_t made = m->free;
    if (made != 0) {
        m->free = mr_node_at(m, made)->parent;
    } else {
        made = ++m->nodes;
    }
    *mr_node_at(m, made) = *node;
    if (node->parent != 0) mr_node_at(m, node->parent)->holders++;
    mr_taken_at(m, node->event)->nodes++;
    return made;
}

/* ---- time ---- */

static double deadline_of(const mr_pattern *p, mr_matches *m, const mr_partial *partial) {
    const double within_ms = partial->start_ms + p->within_ms;
    const double gap_ms = mr_state_at(p, partial->state)->gap_ms;
    if (gap_ms == __builtin_inf()) return within_ms;
    const double since_ms = mr_event_of(m, partial->node)->time_ms + gap_ms;
    return since_ms < within_ms ? since_ms : within_ms;
}

double mr_matches_deadline(const mr_pattern *p, mr_matches *m) {
    double first = __builtin_inf();
    for (uint32_t i = 0; i < m->live; i++) {
        const double deadline = deadline_of(p, m, mr_partials(m) + i);
        if (deadline < first) first = deadline;
    }
    return first;
}

/* A partial match whose time is over: what it is now; 0: nothing. */
static MR_COLD int32_t end_one(mr_operator_data *op, mr_matches *m, mr_partial *partial) {
    const mr_pattern *p = mr_pattern_of(op);
    mr_node *node = mr_node_at(m, partial->node);
    if (mr_state_at(p, partial->state)->pending != 0) return MR_PATTERN_MATCH;
    const double deadline = deadline_of(p, m, partial);
    const bool over = deadline < __builtin_inf(); /* Else it only is the end. */
    if (!over || p->timeouts == 0 || (node->step & MR_NODE_TOLD) != 0) {
        mr_node_release(op, m, partial->node);
        return 0;
    }
    node->step |= MR_NODE_TOLD;
    partial->start_ms = deadline;
    partial->sort = MR_PATTERN_TIMED_OUT;
    return MR_PATTERN_TIMED_OUT;
}

/* What is a match now is not told as a partial one: others may have taken the same events. */
static void tell_matches(const mr_pattern *p, mr_matches *m, double time_ms) {
    for (uint32_t i = 0; i < m->live; i++) {
        const mr_partial *partial = mr_partials(m) + i;
        if (mr_state_at(p, partial->state)->pending == 0) continue;
        if (deadline_of(p, m, partial) > time_ms) continue;
        mr_node_at(m, partial->node)->step |= MR_NODE_TOLD;
    }
}

mr_status mr_matches_time_out(mr_operator_data *op, mr_row *row, double time_ms) {
    const mr_pattern *p = mr_pattern_of(op);
    mr_matches *m = mr_matches_of(op, row);
    if (mr_matches_deadline(p, m) > time_ms) return MR_OK;
    MR_TRY(mr_pattern_room(op, &op->pattern.next, 2 * (uint64_t)m->live, sizeof(mr_partial)));
    mr_row_changed(&op->rows, row);
    mr_partial *partials = mr_partials(m);
    mr_partial *matched = mr_at(op->pattern.next.at);
    mr_partial *told = matched + m->live;
    uint32_t live = 0;
    uint32_t match_count = 0;
    uint32_t told_count = 0;
    tell_matches(p, m, time_ms);
    for (uint32_t i = 0; i < m->live; i++) {
        mr_partial partial = partials[i];
        if (deadline_of(p, m, &partial) > time_ms) {
            partials[live++] = partial;
            continue;
        }
        const int32_t sort = end_one(op, m, &partial);
        if (sort == MR_PATTERN_MATCH) matched[match_count++] = partial;
        if (sort == MR_PATTERN_TIMED_OUT) told[told_count++] = partial;
    }
    const uint32_t others = m->waiting + m->out;
    mr_partials_move(partials + live, partials + m->live, others);
    mr_partials_move(partials + live + others, told, told_count);
    m->live = live;
    m->out += told_count;
    for (uint32_t i = 0; i < match_count; i++)
        mr_matches_complete(op, m, &matched[i], time_ms);
    mr_matches_settle(op, row, time_ms);
    return MR_OK;
}

/* ---- check ---- */

static bool is_before(const mr_pattern_taken *a, const mr_pattern_taken *b) {
    return a->time_ms < b->time_ms || (a->time_ms == b->time_ms && a->number < b->number);
}

static MR_COLD bool check_node(const mr_pattern *p, mr_matches *m, const mr_node *node) {
    if (node->parent > m->nodes) return false;
    if (node->step == MR_NODE_FREE) return node->holders == 0;
    if (node->holders == 0 || (node->step & ~MR_NODE_TOLD) >= p->steps) return false;
    if (node->event == 0 || node->event > m->events) return false;
    if (mr_taken_at(m, node->event)->nodes == 0) return false;
    if (node->parent == 0) return true;
    const mr_node *parent = mr_node_at(m, node->parent);
    if (parent->step == MR_NODE_FREE || parent->event == 0 || parent->event > m->events)
        return false;
    return is_before(mr_taken_at(m, parent->event), mr_taken_at(m, node->event));
}

static MR_COLD bool check_event(mr_matches *m, uint32_t event) {
    const mr_pattern_taken *taken = mr_taken_at(m, event);
    if ((taken->nodes == 0) != (*mr_taken_cell(m, event) == 0)) return false;
    return taken->nodes == 0 || (taken->time_ms >= -8.64e15 && taken->time_ms <= 8.64e15);
}

static MR_COLD bool check_free(mr_matches *m) {
    uint32_t count = 0;
    for (uint32_t i = 1; i <= m->nodes; i++)
        count += mr_node_at(m, i)->step == MR_NODE_FREE;
    for (uint32_t node = m->free; node != 0; node = mr_node_at(m, node)->parent, count--) {
        if (count == 0 || node > m->nodes || mr_node_at(m, node)->step != MR_NODE_FREE)
            return false;
    }
    return count == 0;
}

static MR_COLD bool check_free_events(mr_matches *m) {
    uint32_t count = 0;
    for (uint32_t i = 1; i <= m->events; i++)
        count += mr_taken_at(m, i)->nodes == 0;
    for (uint32_t at = m->free_event; at != 0; at = mr_taken_at(m, at)->number, count--) {
        if (count == 0 || at > m->events || mr_taken_at(m, at)->nodes != 0) return false;
    }
    for (uint32_t i = m->events + 1; i <= m->nodes_max; i++)
        if (*mr_taken_cell(m, i) != 0) return false;
    return count == 0;
}

/* Count the holders of all nodes and the nodes of all events once more, `by` 1 or -1. */
static MR_COLD void count_holders(mr_matches *m, uint32_t by) {
    for (uint32_t i = 1; i <= m->nodes; i++) {
        const mr_node *node = mr_node_at(m, i);
        if (node->step == MR_NODE_FREE) continue;
        mr_taken_at(m, node->event)->nodes += by;
        if (node->parent != 0) mr_node_at(m, node->parent)->holders += by;
    }
    for (uint32_t i = 0; i < mr_partial_count(m); i++)
        mr_node_at(m, mr_partials(m)[i].node)->holders += by;
}

static bool check_sizes(const mr_matches *m) {
    const uint64_t partials = (uint64_t)m->live + m->waiting + m->out;
    const uint64_t bytes = bytes_of(m->partials_max, m->nodes_max);
    return bytes == (uint64_t)m->size + sizeof(uint32_t) && m->nodes <= m->nodes_max &&
           m->events <= m->nodes_max && m->last_number < UINT32_MAX / 2 && partials > 0 &&
           partials <= m->partials_max && m->out == 0;
}

MR_COLD bool mr_matches_check(const mr_pattern *p, mr_matches *m) {
    if (m->size + sizeof(uint32_t) < sizeof *m || !check_sizes(m)) return false;
    for (uint32_t i = 0; i < mr_partial_count(m); i++) {
        const mr_partial *partial = mr_partials(m) + i;
        if (partial->node == 0 || partial->node > m->nodes) return false;
        if (mr_node_at(m, partial->node)->step == MR_NODE_FREE) return false;
        if (i < m->live && partial->state >= p->state_count) return false;
        if (!(partial->start_ms >= -8.64e15 && partial->start_ms <= 8.64e15)) return false;
    }
    for (uint32_t i = 1; i <= m->nodes; i++) {
        if (!check_node(p, m, mr_node_at(m, i))) return false;
    }
    for (uint32_t i = 1; i <= m->events; i++) {
        if (!check_event(m, i)) return false;
    }
    if (!check_free(m) || !check_free_events(m)) return false;
    uint32_t wrong = 0;
    count_holders(m, UINT32_MAX); /* Minus one: nothing may be left. */
    for (uint32_t i = 1; i <= m->nodes; i++)
        wrong |= mr_node_at(m, i)->holders;
    for (uint32_t i = 1; i <= m->events; i++)
        wrong |= mr_taken_at(m, i)->nodes;
    count_holders(m, 1);
    return wrong == 0;
}
