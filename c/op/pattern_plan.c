/* pattern_plan.c -- what an event makes of the partial matches of its key.
 *
 *   plan     edges that the event takes from each partial match, in their order: nothing changes
 *   apply    nodes for the event; then who goes on, who is a match, who is gone
 *   settle   matches go out, and take others with them, as the skip strategy says
 *
 * The semantics are those of Flink's NFA, of which edges without an event (PROCEED) are gone: the
 * host has put what lies behind them into the states before them. */
#include "pattern.h"

/* ---- what a host may ask for ---- */

static MR_COLD bool check_edges(const mr_pattern *p) {
    const mr_pattern_edge *edges = mr_at(p->edges);
    for (uint32_t i = 0; i < p->edge_count; i++) {
        const mr_pattern_edge *edge = &edges[i];
        const bool ends = edge->target == MR_PATTERN_FINAL || edge->target == MR_PATTERN_STOP;
        if ((!ends && (uint32_t)edge->target >= p->state_count) || edge->step >= p->steps)
            return false;
        if (edge->takes > 1 || !(edge->gap_ms > 0)) return false;
        if ((uint64_t)edge->term + edge->terms > p->term_count) return false;
    }
    return true;
}

static MR_COLD bool check_states(const mr_pattern *p) {
    const mr_pattern_state *states = mr_at(p->states);
    for (uint32_t i = 0; i < p->state_count; i++) {
        if ((uint64_t)states[i].edge + states[i].edges > p->edge_count) return false;
        if ((uint64_t)states[i].term + states[i].terms > p->term_count) return false;
        if (!(states[i].gap_ms > 0)) return false;
        for (uint32_t e = states[i].edge; i == 0 && e < states[i].edge + states[i].edges; e++) {
            if (mr_edge_at(p, e)->takes == 0) return false; /* There is nothing yet to go on. */
        }
    }
    return p->state_count > 0 && p->conditions <= 32 && p->partials_max > 0 && p->within_ms > 0 &&
           p->skip <= MR_SKIP_LAST_OF;
}

MR_COLD bool mr_pattern_check(const mr_pattern *p) { return check_edges(p) && check_states(p); }

/* Nothing comes of it that the time of a partial match is over. */
MR_COLD bool mr_pattern_is_silent(const mr_pattern *p) {
    bool silent = p->timeouts == 0 && p->skip == MR_SKIP_NONE;
    for (uint32_t i = 0; i < p->state_count; i++)
        silent &= mr_state_at(p, i)->pending == 0;
    return silent;
}

/* ---- plan ---- */

/* Is any of the terms true? False as well where that is not known: then `known` says what asks. */
static inline bool is_true(const mr_pattern_term *term, uint32_t count, mr_known *known) {
    uint32_t asked = 0;
    for (const mr_pattern_term *end = term + count; term < end; term++) {
        const uint32_t not_yet = term->wanted & ~known->holds;
        if (((not_yet & known->known) | (term->unwanted & known->holds)) != 0) continue;
        const uint32_t open = (not_yet | term->unwanted) & ~known->known;
        if (open == 0) return true;
        asked |= open;
    }
    known->asked |= asked;
    return false;
}

static MR_COLD void add_answers(const mr_operator_data *op, uint32_t partial, mr_known *known) {
    const uint32_t count = mr_pattern_of(op)->conditions;
    const uint8_t *answers = (const uint8_t *)mr_at(op->pattern.answers.at) + partial * count;
    for (uint32_t i = 0; i < count; i++) {
        if (answers[i] == 0) continue;
        known->known |= 1u << i;
        if (answers[i] == 2) known->holds |= 1u << i;
    }
}

static mr_status add_move(mr_operator_data *op, mr_move move) {
    MR_TRY(mr_pattern_room(op, &op->pattern.moves, op->pattern.count + 1, sizeof move));
    ((mr_move *)mr_at(op->pattern.moves.at))[op->pattern.count++] = move;
    return MR_OK;
}

/* Drop the moves from the `from`-th on, but for those to a match: what is one by now is one. */
static MR_COLD void stop_moves(mr_operator_data *op, uint32_t from) {
    uint32_t kept = from;
    mr_move *moves = mr_at(op->pattern.moves.at);
    for (uint32_t i = from; i < op->pattern.count; i++) {
        moves[i].makes &= MR_PATTERN_FINISHES;
        if (moves[i].makes != 0) moves[kept++] = moves[i];
    }
    op->pattern.count = kept;
}

/* Has the event come in time for this edge? */
static bool is_near(mr_matches *m, uint32_t node, const mr_pattern_edge *edge,
                    const mr_pattern_event *event) {
    if (edge->gap_ms == __builtin_inf() || edge->takes == 0 || node == 0) return true;
    return event->time_ms - mr_event_of(m, node)->time_ms < edge->gap_ms;
}

/* The moves of one partial match in a state, whose last node is `node`; 0: of the start. */
static mr_status plan_one(mr_operator_data *op, mr_matches *m, mr_move move, uint32_t state,
                          const mr_pattern_event *event, mr_known *known) {
    const mr_pattern *p = mr_pattern_of(op);
    const mr_pattern_term *terms = mr_at(p->terms);
    const mr_pattern_state *states = mr_at(p->states);
    const mr_pattern_edge *edge = mr_edge_at(p, states[state].edge);
    const mr_pattern_edge *end = edge + states[state].edges;
    const uint32_t from = op->pattern.count;
    const uint32_t node = move.node;
    bool stops = false;
    for (; edge < end; edge++) {
        if (!is_near(m, node, edge, event)) continue;
        if (!is_true(terms + edge->term, edge->terms, known)) continue;
        if (edge->target == MR_PATTERN_STOP) {
            stops = true;
            continue;
        }
        move.edge = edge;
        move.makes = edge->target == MR_PATTERN_FINAL ? MR_PATTERN_FINISHES : MR_PATTERN_GOES_ON;
        if (edge->target != MR_PATTERN_FINAL && edge->takes != 0) {
            const mr_pattern_state *target = &states[edge->target];
            if (is_true(terms + target->term, target->terms, known))
                move.makes |= MR_PATTERN_FINISHES;
        }
        MR_TRY(add_move(op, move));
    }
    if (stops) stop_moves(op, from);
    return MR_OK;
}

/* Put what partial matches ask in the place of moves. */
static MR_COLD mr_status ask(mr_operator_data *op, uint32_t at, uint32_t asked, bool *asks) {
    if (!*asks) op->pattern.count = 0;
    *asks = true;
    for (uint32_t condition = 0; asked != 0; condition++, asked >>= 1) {
        if ((asked & 1) == 0) continue;
        MR_TRY(add_move(op, (mr_move){.partial = at, .condition = condition}));
    }
    return MR_OK;
}

mr_status mr_matches_plan(mr_operator_data *op, mr_matches *m, const mr_pattern_event *event,
                          bool *asks_out) {
    const uint32_t asks = mr_pattern_of(op)->asks;
    const uint32_t live = m == NULL ? 0 : m->live;
    op->pattern.count = 0;
    *asks_out = false;
    for (uint32_t i = 0; i <= live; i++) {
        const uint32_t count = op->pattern.count;
        const mr_partial *partial = i == live ? NULL : mr_partials(m) + i;
        const mr_move move = {.partial = i, .node = partial == NULL ? 0 : partial->node};
        const uint32_t state = partial == NULL ? 0 : partial->state;
        mr_known known = {.known = ~asks, .holds = event->bits & ~asks};
        if (op->pattern.asked) add_answers(op, i, &known);
        MR_TRY(plan_one(op, m, move, state, event, &known));
        if (*asks_out) op->pattern.count = count;
        if (known.asked != 0) MR_TRY(ask(op, i, known.asked, asks_out));
    }
    return MR_OK;
}

mr_plan_sizes mr_plan_measure(const mr_operator_data *op, mr_matches *m) {
    const mr_move *moves = mr_at(op->pattern.moves.at);
    const uint32_t live = m == NULL ? 0 : m->live;
    mr_plan_sizes sizes = {.changes = op->pattern.count != live};
    for (uint32_t i = 0; i < op->pattern.count; i++) {
        const mr_pattern_edge *edge = moves[i].edge;
        sizes.nodes += edge->takes;
        sizes.live += (moves[i].makes & MR_PATTERN_GOES_ON) != 0;
        sizes.matches += (moves[i].makes & MR_PATTERN_FINISHES) != 0;
        const bool stays = moves[i].partial == i && edge->takes == 0 && i < live &&
                           (uint32_t)edge->target == mr_partials(m)[i].state;
        sizes.changes |= !stays;
    }
    return sizes;
}

/* ---- apply ---- */

/* The nodes of the moves: of the event where they take it, else those of the partial matches. */
static void make_nodes(mr_operator_data *op, mr_matches *m, mr_pattern_event *event) {
    mr_move *moves = mr_at(op->pattern.moves.at);
    uint32_t taken = 0;
    for (uint32_t i = 0; i < op->pattern.count; i++) {
        const mr_pattern_edge *edge = moves[i].edge;
        if (edge->takes == 0) continue;
        if (taken == 0) taken = mr_taken_make(m, event);
        const mr_node node = {.event = taken, .parent = moves[i].node, .step = edge->step};
        moves[i].node = mr_node_make(m, &node);
    }
}

static mr_partial moved(mr_matches *m, const mr_move *move, const mr_pattern_event *event) {
    mr_partial partial = {.start_ms = event->time_ms, .start_number = event->number};
    if (move->partial < m->live) partial = mr_partials(m)[move->partial];
    partial.node = move->node;
    partial.state = (uint32_t)move->edge->target;
    mr_node_at(m, move->node)->holders++;
    return partial;
}

void mr_matches_apply(mr_operator_data *op, mr_row *row, mr_pattern_event *event) {
    mr_matches *m = mr_matches_of(op, row);
    const mr_move *moves = mr_at(op->pattern.moves.at);
    mr_partial *next = mr_at(op->pattern.next.at);
    mr_partial *partials = mr_partials(m);
    uint32_t live = 0;
    uint32_t finished = 0;
    make_nodes(op, m, event);
    for (uint32_t i = 0; i < op->pattern.count; i++) {
        if ((moves[i].makes & MR_PATTERN_GOES_ON) != 0) next[live++] = moved(m, &moves[i], event);
    }
    mr_partial *matches = next + live;
    for (uint32_t i = 0; i < op->pattern.count; i++) {
        if ((moves[i].makes & MR_PATTERN_FINISHES) == 0) continue;
        matches[finished++] = moved(m, &moves[i], event);
    }
    for (uint32_t i = 0; i < m->live; i++)
        mr_node_release(op, m, partials[i].node);
    mr_partials_move(partials + live, partials + m->live, m->waiting + m->out);
    mr_partials_move(partials, next, live);
    m->live = live;
    for (uint32_t i = 0; i < finished; i++)
        mr_matches_complete(op, m, &matches[i], event->time_ms);
    mr_matches_settle(op, row, event->time_ms);
}

/* ---- matches ---- */

/* Which of two events came first? Below 0: that at (ms, number). */
static int compare(double ms, uint32_t number, double other_ms, uint32_t other_number) {
    if (ms != other_ms) return ms < other_ms ? -1 : 1;
    return number == other_number ? 0 : number < other_number ? -1 : 1;
}

static int compare_starts(const mr_partial *a, const mr_partial *b) {
    return compare(a->start_ms, a->start_number, b->start_ms, b->start_number);
}

/* Make room for one more at a place, and put it there. */
static void insert(mr_matches *m, uint32_t place, const mr_partial *match) {
    mr_partial *at = mr_partials(m) + place;
    memmove(at + 1, at, (mr_partial_count(m) - place) * sizeof *at);
    *at = *match;
}

static void put_out(mr_matches *m, const mr_partial *match, double time_ms) {
    mr_partial *out = mr_partials(m) + mr_partial_count(m);
    *out = *match;
    const bool ends = time_ms == __builtin_inf();
    out->start_ms = ends ? mr_event_of(m, match->node)->time_ms : time_ms;
    out->sort = MR_PATTERN_MATCH;
    m->out++;
}

void mr_matches_complete(const mr_operator_data *op, mr_matches *m, const mr_partial *match,
                         double time_ms) {
    if (mr_pattern_of(op)->skip == MR_SKIP_NONE) {
        put_out(m, match, time_ms);
        return;
    }
    uint32_t place = m->live + m->waiting;
    while (place > m->live && compare_starts(mr_partials(m) + place - 1, match) > 0)
        place--;
    insert(m, place, match);
    m->waiting++;
}

/* The event up to which partial matches are skipped; NULL: none is. */
static const mr_pattern_taken *skips_to(const mr_pattern *p, mr_matches *m,
                                        const mr_partial *match) {
    const mr_pattern_taken *found = NULL;
    const mr_node *at;
    for (uint32_t node = match->node; node != 0; node = at->parent) {
        at = mr_node_at(m, node);
        const mr_pattern_taken *event = mr_taken_at(m, at->event);
        switch (p->skip) {
        case MR_SKIP_LAST:
            return event;
        case MR_SKIP_NEXT:
            found = event;
            break; /* The first, at last. */
        default:
            if ((at->step & ~MR_NODE_TOLD) != p->skip_step) break;
            if (p->skip == MR_SKIP_LAST_OF) return event;
            found = event;
        }
    }
    return found;
}

/* Let those go that a match skips. */
static MR_COLD uint32_t skip(mr_operator_data *op, mr_matches *m, mr_partial *from, uint32_t count,
                             const mr_pattern_taken *to) {
    const uint32_t skip = mr_pattern_of(op)->skip;
    const int most = skip == MR_SKIP_NEXT || skip == MR_SKIP_LAST ? 0 : -1;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        const mr_partial partial = from[i];
        if (compare(partial.start_ms, partial.start_number, to->time_ms, to->number) <= most) {
            mr_node_release(op, m, partial.node);
        } else {
            from[kept++] = partial;
        }
    }
    return kept;
}

MR_COLD void mr_matches_settle(mr_operator_data *op, mr_row *row, double time_ms) {
    const mr_pattern *p = mr_pattern_of(op);
    mr_matches *m = mr_matches_of(op, row);
    mr_partial *partials = mr_partials(m);
    while (m->waiting > 0) {
        const mr_partial match = partials[m->live];
        const mr_pattern_taken *to = skips_to(p, m, &match);
        if (m->live > 0 && compare_starts(&partials[0], &match) < 0) return;
        uint32_t live = m->live;
        uint32_t waiting = m->waiting - 1;
        if (to != NULL) { /* The match holds it. */
            waiting = skip(op, m, partials + m->live + 1, waiting, to);
            live = skip(op, m, partials, live, to);
        }
        memmove(partials + live, partials + m->live + 1, waiting * sizeof *partials);
        memmove(partials + live + waiting, partials + m->live + m->waiting,
                m->out * sizeof *partials);
        m->live = live;
        m->waiting = waiting;
        put_out(m, &match, time_ms);
    }
}
