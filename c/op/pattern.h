/* pattern.h -- the partial matches of one key, in a blob: what the files of a pattern share.
 *
 *   blob   [head][ live | waiting | out | room ][ nodes | room ][ events | room ][ refs | room ]
 *
 *   live      partial matches that go on, by their first events
 *   waiting   matches that come out when no partial match that began earlier is left
 *   out       matches, and partial ones whose time is over, that are being emitted
 *   node      a step that an event was taken as, and the node before it
 *   event     its time, and how many nodes have it
 *   ref       of that event: the cell with its index; a blob of refs ends so (ref.h)
 *
 *   a1 <- b2 <- b3 <- c5       Matches share what they have in common: the paths to the root of
 *          ^--- c4              a tree. A node knows how many nodes and matches hold it.
 *
 * Flink keeps a graph instead, whose edges carry versions (Dewey numbers, as SASE+): it merges the
 * nodes of one event, but has an edge for each of them, which a match finds by its version. A tree
 * has a node where that has an edge, and needs no versions, which grow with the length of matches
 * and have to be compared at each step.
 *
 * Invariants:
 *  1. Along a path events descend by (time, number): a path ends, and no event is in it twice.
 *  2. holders of a node = nodes whose parent it is + matches whose node it is; 0: it is free.
 *  3. nodes of an event = those that have it; 0: it is free, and its cell is 0.
 *  4. Live partial matches, and waiting matches, are in the order of their first events. */
#ifndef MR_PATTERN_H
#define MR_PATTERN_H

#include "../operator.h"

typedef struct mr_partial {
    double start_ms; /* Of the first event; of what is out, when that is. */
    uint32_t start_number;
    uint32_t node;  /* Of the last event; + 1. */
    uint32_t state; /* Live: of the automaton. */
    int32_t sort;   /* Out: MR_PATTERN_MATCH or MR_PATTERN_TIMED_OUT. */
} mr_partial;
_Static_assert(sizeof(mr_partial) == 24, "saved as it is");

typedef struct mr_node {
    uint32_t event;  /* + 1 */
    uint32_t parent; /* + 1; 0: none. Free: the next free one. */
    uint32_t holders;
    uint32_t step;
} mr_node;
_Static_assert(sizeof(mr_node) == 16, "saved as it is");

_Static_assert(sizeof(mr_pattern_taken) == 16, "saved as it is");

enum { MR_PATTERN_AHEAD = 32 }; /* Matches that are looked at before they are needed. */

#define MR_NODE_TOLD 0x80000000u /* In step: that its time is over has been said. */
#define MR_NODE_FREE 0x7fffffffu /* A step: it is free. */

typedef struct mr_matches {
    uint32_t size;      /* Of the blob. */
    uint32_t nodes_max; /* Also of events, and of cells. */
    uint32_t partials_max;
    uint32_t nodes; /* Those behind were never used. */
    uint32_t free;  /* + 1; 0: none. */
    uint32_t events;
    uint32_t free_event;
    uint32_t live;
    uint32_t waiting;
    uint32_t out;
    uint32_t last_number; /* Of the event that was taken last, */
    uint32_t spare;
    double last_ms; /* and its time. */
} mr_matches;
_Static_assert(sizeof(mr_matches) == 56, "saved as it is");

/* An event that is run. */
typedef struct mr_pattern_event {
    const uint8_t *owner; /* Its key. */
    uint32_t owner_bytes;
    uint32_t hash; /* Of the row of its matches, */
    mr_addr found; /* which was this when it was looked for ahead; 0: there was none. */
    bool looked;
    double time_ms;
    uint32_t number; /* Among those of its time, once it is taken. */
    uint32_t bits;   /* The conditions that hold for it. */
    uint32_t cell;   /* Its ref, */
    uint32_t *at;    /* which is there if it has a row; else it is not counted yet. */
} mr_pattern_event;

enum { MR_PATTERN_GOES_ON = 1, MR_PATTERN_FINISHES = 2 };

/* What an event makes of a partial match. */
typedef struct mr_move {
    const mr_pattern_edge *edge;
    uint32_t partial;   /* Live, or their number: the start. */
    uint32_t node;      /* The last one; then that of the event, where the edge takes it; + 1. */
    uint32_t makes;     /* MR_PATTERN_GOES_ON, MR_PATTERN_FINISHES. */
    uint32_t condition; /* In the place of a move: it has to be known. */
} mr_move;

/* What may hold of a condition. */
typedef struct mr_known {
    uint32_t known;
    uint32_t holds;
    uint32_t asked; /* What would have to be known. */
} mr_known;

static inline const mr_pattern *mr_pattern_of(const mr_operator_data *op) {
    return mr_at(op->spec.pattern);
}
static inline const mr_pattern_state *mr_state_at(const mr_pattern *p, uint32_t state) {
    return (const mr_pattern_state *)mr_at(p->states) + state;
}
static inline const mr_pattern_edge *mr_edge_at(const mr_pattern *p, uint32_t edge) {
    return (const mr_pattern_edge *)mr_at(p->edges) + edge;
}
static inline mr_partial *mr_partials(mr_matches *m) { return (mr_partial *)(m + 1); }
static inline mr_node *mr_node_at(mr_matches *m, uint32_t node) {
    return (mr_node *)(mr_partials(m) + m->partials_max) + (node - 1);
}
static inline mr_pattern_taken *mr_taken_at(mr_matches *m, uint32_t event) {
    return (mr_pattern_taken *)(mr_node_at(m, 1) + m->nodes_max) + (event - 1);
}
static inline uint32_t *mr_taken_cell(mr_matches *m, uint32_t event) {
    return (uint32_t *)mr_taken_at(m, m->nodes_max + 1) + (event - 1);
}
/* The event of a node. */
static inline const mr_pattern_taken *mr_event_of(mr_matches *m, uint32_t node) {
    return mr_taken_at(m, mr_node_at(m, node)->event);
}
static inline uint32_t mr_partial_count(const mr_matches *m) {
    return m->live + m->waiting + m->out;
}

/* Is this an automaton? */
bool mr_pattern_check(const mr_pattern *p);

/* Does nothing come of it that the time of a partial match is over? */
bool mr_pattern_is_silent(const mr_pattern *p);

/* ---- rows; pattern_rows.c ---- */

/* Is it a row of matches? Else it is that of an event that waits. */
static inline bool mr_is_matches(const mr_rows *rows, mr_row *row) {
    return mr_entry_number(rows, row) == MR_ALONE;
}

/* Of an event that waits: where its ref is, and the conditions that hold for it. */
uint32_t *mr_event_cell(const mr_operator_data *op, mr_row *row);
double mr_event_bits(const mr_operator_data *op, mr_row *row);
static inline bool mr_is_u32(double value) { return value >= 0 && value <= UINT32_MAX; }

/* Make the row of an event that waits. MR_ERR_LIMIT, MR_ERR_MEMORY. */
mr_status mr_event_make(mr_operator_data *op, const mr_pattern_event *event, mr_row **row_out);

/* Write the key of an entry; there is room. It stands until the next. */
mr_keyed mr_pattern_key(const mr_operator_data *op, const uint8_t *owner, uint32_t owner_bytes,
                        double time_ms, double number);

/* The row of the matches of an event's key; NULL: there is none. */
mr_row *mr_matches_find(const mr_operator_data *op, const mr_pattern_event *event);

/* Look for those of some events, MR_PATTERN_AHEAD at most, and at what is in them: cache misses
 * overlap then. This holds until the next look. */
void mr_matches_find_all(mr_operator_data *op, mr_pattern_event *events, uint32_t count);

/* A row of matches was made; remove one. */
void mr_matches_made(mr_operator_data *op, uint32_t hash);
void mr_matches_remove(mr_operator_data *op, mr_row *row);

/* Look at the matches of rows (0: none), so that cache misses overlap. `ending`: all rows are
 * there, and will let go of what they have. */
void mr_matches_touch(const mr_operator_data *op, const mr_addr *found, uint32_t count,
                      bool ending);

/* Look at all rows after some were loaded. MR_ERR_CORRUPT. */
mr_status mr_pattern_check_rows(mr_operator_data *op);

/* ---- matches; pattern_matches.c ---- */

/* The matches of a row; NULL: it has none. */
mr_matches *mr_matches_of(const mr_operator_data *op, mr_row *row);

/* As memmove, of a few partial matches: in WebAssembly that is a call of the host's. */
static inline void mr_partials_move(mr_partial *to, const mr_partial *from, uint32_t count) {
    const bool up = to > from;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t at = up ? count - 1 - i : i;
        to[at] = from[at];
    }
}

/* Is this what a pattern may have made? */
bool mr_matches_check(const mr_pattern *p, mr_matches *m);

/* Room in a key's matches for so many partial ones in all, and so many new nodes. MR_ERR_LIMIT,
 * MR_ERR_MEMORY: there is as much as before. */
mr_status mr_matches_reserve(mr_operator_data *op, mr_row *row, uint32_t partials, uint32_t nodes);

/* Let go of a node, and of what it alone held; make one, for which there is room. */
void mr_node_release(mr_operator_data *op, mr_matches *m, uint32_t node);
uint32_t mr_node_make(mr_matches *m, const mr_node *node);

/* An event that nodes are to take, with its ref: there is room. It gets its number. */
uint32_t mr_taken_make(mr_matches *m, mr_pattern_event *event);

/* When the first partial match is over; Infinity: none will be. */
double mr_matches_deadline(const mr_pattern *p, mr_matches *m);

/* Partial matches that are over at `time_ms` go, or go out: of several that have taken the same
 * events one is told. MR_ERR_MEMORY: none has gone. */
mr_status mr_matches_time_out(mr_operator_data *op, mr_row *row, double time_ms);

/* A match is whole: it goes out, or waits. There is room. */
void mr_matches_complete(const mr_operator_data *op, mr_matches *m, const mr_partial *match,
                         double time_ms);

/* Matches go out that no partial match began before, and what they skip goes. */
void mr_matches_settle(mr_operator_data *op, mr_row *row, double time_ms);

/* What does an event make of all partial matches? Moves, or in their place, with *asks_out, what
 * has to be known first: partial matches and conditions, as `edge`. MR_ERR_MEMORY. */
mr_status mr_matches_plan(mr_operator_data *op, mr_matches *m, const mr_pattern_event *event,
                          bool *asks_out);

/* What comes of a plan. */
typedef struct mr_plan_sizes {
    uint32_t live;
    uint32_t matches;
    uint32_t nodes;
    bool changes; /* Anything at all. */
} mr_plan_sizes;
mr_plan_sizes mr_plan_measure(const mr_operator_data *op, mr_matches *m);

/* Do what was planned. All room is there, also in `next` for the live ones. Where a node takes the
 * event, its ref is theirs now. */
void mr_matches_apply(mr_operator_data *op, mr_row *row, mr_pattern_event *event);

/* Room for `count` elements of `bytes` in memory of the operator that it does without at rest. */
mr_status mr_pattern_room_more(mr_operator_data *op, mr_room *room, uint64_t bytes);
static inline mr_status mr_pattern_room(mr_operator_data *op, mr_room *room, uint64_t count,
                                        uint32_t bytes) {
    const bool fits = room->at != 0 && count * bytes <= room->bytes;
    return fits ? MR_OK : mr_pattern_room_more(op, room, count * bytes);
}

#endif
