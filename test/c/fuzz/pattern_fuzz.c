/* pattern_fuzz.c -- any automaton over any events.
 *
 *   input   [u8 budget][the pattern][calls: u8 which, and what they take]
 *
 * The embedder keeps to the border of patterns (millrace_pattern.h): events have refs, which are
 * its own again when the engine lets go of them; it answers what is asked; it takes encoded values
 * before it goes on. Allocations fail; rows are saved, as a savepoint or at the cut of a
 * checkpoint, and loaded, whole or damaged. What was saved here is sound when it is loaded, every
 * loop comes to its end, and in the end no ref and no byte is left. */
#include "../../../c/handle.h"
#include "fuzz.h"

enum {
    KEYS = 3,
    ROWS = 12,
    EVENTS_MAX = 1024, /* More refs than that are not made. */
    CALLS_MAX = 10000, /* Of one push: more is a loop without end. */
    PAGE = 64,
    SAVED_MAX = 1 << 20,
    STATES_MAX = 5,
    EDGES_MAX = 4, /* Of a state. */
    TERMS_MAX = 2, /* Of an edge. */
};

typedef struct world {
    choices from;
    mr_engine engine;
    mr_operator op;
    mr_operator_spec spec;
    mr_batch in;
    mr_batch out;
    mr_columns *input;
    mr_columns *results;
    const mr_refs *refs;
    double base_ms;
    uint32_t segment;
    bool damaged; /* The state was loaded from bytes that were changed. */
    bool held[EVENTS_MAX];
    uint8_t saved[SAVED_MAX];
} world;

static uint32_t below(world *w, uint32_t count) { return take_u8(&w->from) % count; }

/* ---- the pattern ---- */

typedef struct automaton {
    mr_pattern pattern;
    mr_pattern_state states[STATES_MAX];
    mr_pattern_edge edges[STATES_MAX * EDGES_MAX];
    mr_pattern_term terms[STATES_MAX * (EDGES_MAX + 1) * TERMS_MAX];
} automaton;

static double any_gap(world *w) {
    const uint32_t gap = below(w, 16);
    return gap < 8 ? __builtin_inf() : gap - 7;
}

static void add_terms(world *w, automaton *a, uint32_t *first, uint32_t *count, uint32_t least) {
    *first = a->pattern.term_count;
    *count = least + below(w, TERMS_MAX + 1 - least);
    for (uint32_t i = 0; i < *count; i++) {
        const uint32_t bits = take_u8(&w->from);
        a->terms[a->pattern.term_count++] = (mr_pattern_term){bits & 7, bits >> 4 & 7};
    }
}

/* Mostly one that is not refused. */
static mr_pattern_edge any_edge(world *w, automaton *a, bool starts) {
    const uint32_t target = below(w, 10);
    mr_pattern_edge edge = {.gap_ms = any_gap(w), .step = below(w, 3)};
    edge.takes = starts || below(w, 3) != 0;
    edge.target = target < 2 ? MR_PATTERN_FINAL : (int32_t)(target % a->pattern.state_count);
    if (target == 2) edge.target = MR_PATTERN_STOP;
    if (target == 3 && below(w, 8) == 0) edge.target = (int32_t)take_u8(&w->from) - 4;
    add_terms(w, a, &edge.term, &edge.terms, 1);
    return edge;
}

static void make_automaton(world *w, automaton *a) {
    *a = (automaton){0};
    mr_pattern *p = &a->pattern;
    p->state_count = 1 + below(w, STATES_MAX);
    p->within_ms = any_gap(w);
    p->partials_max = 1 + below(w, 24);
    p->conditions = 3;
    p->steps = 3;
    p->asks = below(w, 3) == 0 ? below(w, 8) : 0;
    p->skip = below(w, MR_SKIP_LAST_OF + 1);
    p->skip_step = below(w, 3);
    p->passive = below(w, 2);
    p->timed = below(w, 4) != 0;
    p->timeouts = below(w, 2);
    for (uint32_t s = 0; s < p->state_count; s++) {
        mr_pattern_state *state = &a->states[s];
        state->gap_ms = any_gap(w);
        state->pending = below(w, 4) == 0;
        state->edge = p->edge_count;
        state->edges = below(w, EDGES_MAX + 1);
        for (uint32_t e = 0; e < state->edges; e++)
            a->edges[p->edge_count++] = any_edge(w, a, s == 0);
        add_terms(w, a, &state->term, &state->terms, 0);
    }
}

static mr_addr put_bytes(world *w, const void *bytes, uint32_t size) {
    mr_addr at = 0;
    CHECK(mr_alloc(w->engine, size, &at) == MR_OK);
    memcpy(mr_at(at), bytes, size);
    return at;
}

static void make_spec(world *w) {
    automaton a;
    make_automaton(w, &a);
    a.pattern.states = put_bytes(w, a.states, sizeof a.states);
    a.pattern.edges = put_bytes(w, a.edges, sizeof a.edges);
    a.pattern.terms = put_bytes(w, a.terms, sizeof a.terms);
    w->spec = (mr_operator_spec){
        .kind = MR_PATTERN,
        .flags = MR_TIMERS | MR_ENTRIES | MR_TRACK,
        .count = 3,
        .kinds = {MR_REF, MR_REFS, MR_F64},
        .pattern = put_bytes(w, &a.pattern, sizeof a.pattern),
    };
    w->spec.rows_max = below(w, 4) == 0 ? 1 + below(w, 16) : 0;
    w->spec.bytes_max = below(w, 4) == 0 ? take_u16(&w->from) : 0;
}

/* ---- refs ---- */

static uint32_t any_ref(world *w) {
    for (uint32_t ref = 1; ref < EVENTS_MAX; ref++) {
        if (w->held[ref]) continue;
        w->held[ref] = true;
        return ref;
    }
    return 0;
}

static void give_back(world *w, uint32_t ref) {
    CHECK(ref > 0 && ref < EVENTS_MAX && w->held[ref]);
    w->held[ref] = false;
}

/* What the engine has let go of. */
static void collect(world *w) {
    mr_refs *refs = (mr_refs *)(uintptr_t)w->refs;
    const uint32_t *next = mr_at(refs->next);
    for (uint32_t ref = refs->dropped; ref != 0; ref = next[ref])
        give_back(w, ref);
    refs->dropped = 0;
}

/* A value that results tell: it is live, or is now. */
static void take_value(world *w, uint32_t cell, mr_addr at) {
    if (cell == 0) return;
    if ((cell & MR_REF_ENCODED) == 0) {
        CHECK(cell < EVENTS_MAX && w->held[cell]);
        return;
    }
    const uint32_t now = *(const uint32_t *)mr_at(at);
    if ((now & MR_REF_ENCODED) == 0) return; /* Another result has told it. */
    const uint32_t ref = any_ref(w);
    if (ref == 0) return;
    if (mr_ref_decoded(w->op, at, ref) != MR_OK) give_back(w, ref);
}

/* ---- events ---- */

static void fill(world *w) {
    mr_columns *in = w->input;
    const mr_pattern *p = mr_at(w->spec.pattern);
    double watermark_ms = w->base_ms;
    in->size = 0;
    in->present = MR_HAS_KEYS | (p->timed != 0 ? MR_HAS_TIME : 0);
    mr_u32s(in->key_offsets)[0] = 0;
    for (uint32_t count = below(w, ROWS + 1); in->size < count; in->size++) {
        const uint32_t i = in->size;
        const uint32_t choice = take_u8(&w->from);
        const uint32_t ref = any_ref(w);
        if (ref == 0) return;
        ((uint8_t *)mr_at(in->keys))[i] = (uint8_t)('a' + choice % KEYS);
        mr_u32s(in->key_offsets)[i + 1] = i + 1;
        w->base_ms += choice >> 2 & 3;
        mr_f64s(in->watermark_before)[i] = watermark_ms;
        mr_f64s(in->time_ms)[i] = w->base_ms + (choice >> 4 & 1) - (choice >> 5 & 1) * 2.5;
        if (choice >> 6 != 3) watermark_ms = w->base_ms;
        mr_f64s(in->columns[MR_PATTERN_EVENT])[i] = ref;
        mr_f64s(in->columns[MR_PATTERN_BITS])[i] = below(w, 8);
    }
    in->now_ms = w->base_ms;
}

/* Values and answers; a late event's ref is the host's. */
static void read_results(world *w) {
    const mr_columns *out = w->results;
    for (uint32_t i = 0; i < out->size; i++) {
        const int32_t step = (int32_t)mr_f64s(out->columns[MR_PATTERN_STEP])[i];
        const uint32_t cell = (uint32_t)mr_f64s(out->columns[MR_PATTERN_CELL])[i];
        const mr_addr at = (mr_addr)mr_f64s(out->columns[MR_PATTERN_CELL_AT])[i];
        const double value = mr_f64s(out->columns[MR_PATTERN_VALUE])[i];
        take_value(w, cell, at);
        if (step == MR_PATTERN_LATE) {
            const uint32_t row = mr_u32s(out->position)[i];
            give_back(w, (uint32_t)mr_f64s(w->input->columns[MR_PATTERN_EVENT])[row]);
        }
        if (step <= MR_PATTERN_ASKS) *(uint8_t *)mr_at((mr_addr)value) = (uint8_t)(1 + below(w, 2));
    }
    collect(w);
}

static void check_status(const world *w, mr_status status) {
    CHECK(status == MR_OK || status == MR_MORE || status == MR_ERR_MEMORY ||
          status == MR_ERR_LIMIT || (w->damaged && status == MR_ERR_CORRUPT));
}

static void push(world *w) {
    fill(w);
    uint32_t upto = 0;
    mr_status status = MR_MORE;
    for (uint32_t calls = 0; status == MR_MORE; calls++) {
        CHECK(calls < CALLS_MAX);
        const uint32_t from = upto;
        status = mr_operator_push(w->op, w->in, from, &upto, w->out);
        check_status(w, status);
        CHECK(upto >= from && upto <= w->input->size);
        read_results(w); /* Also those before an error. */
    }
    collect(w);
    for (uint32_t i = upto; i < w->input->size; i++)
        give_back(w, (uint32_t)mr_f64s(w->input->columns[MR_PATTERN_EVENT])[i]);
}

static void advance_to(world *w, double watermark_ms) {
    mr_status status = MR_MORE;
    for (uint32_t calls = 0; status == MR_MORE; calls++) {
        CHECK(calls < CALLS_MAX);
        status = mr_operator_advance(w->op, watermark_ms, w->out);
        check_status(w, status);
        read_results(w); /* Also those before an error. */
    }
    collect(w);
}

static void advance(world *w) {
    const bool ends = below(w, 4) == 0;
    if (!ends) w->base_ms += below(w, 16);
    advance_to(w, ends ? __builtin_inf() : w->base_ms);
}

static void fail(world *w) { mr_heap_fail_after(below(w, 32), false); }

/* ---- save and load ---- */

static uint32_t live_cells(const mr_rows *rows, mr_row *row) {
    const uint8_t *record = mr_row_record(rows, row);
    const uint32_t cell = *(const uint32_t *)(const void *)(record + rows->layout.field_at[0]);
    const mr_addr blob = *(const uint32_t *)(const void *)(record + rows->layout.field_at[1]);
    uint32_t count = (cell & MR_REF_ENCODED) == 0;
    for (uint32_t i = 0; blob != 0 && i < mr_cells_count(blob); i++) {
        const uint32_t taken = mr_cells(blob)[i];
        count += taken != 0 && (taken & MR_REF_ENCODED) == 0;
    }
    return count;
}

/* Each value is the same four bytes. Gives the size of the page. */
static uint32_t save_page(world *w, mr_scan scan, const mr_page *page, uint8_t *out) {
    static uint32_t offsets[EVENTS_MAX + PAGE + 1];
    static const uint8_t values[sizeof offsets];
    const mr_rows *rows =
        &((mr_operator_data *)mr_handle_get(w->op, MR_HANDLE_OPERATOR, NULL))->rows;
    uint32_t count = 0;
    uint32_t upto = 0;
    uint32_t size = 0;
    for (uint32_t i = 0; i < page->count; i++) {
        const mr_addr row = mr_u32s(page->rows)[i];
        if ((row & MR_PAGE_GRAVE) == 0) count += live_cells(rows, mr_row_at(row));
    }
    CHECK(count <= EVENTS_MAX + PAGE);
    for (uint32_t i = 0; i <= count; i++)
        offsets[i] = i * 4;
    const uint32_t room = (uint32_t)(w->saved + SAVED_MAX - out);
    CHECK(mr_save(scan, 0, values, offsets, out, room, w->segment, &upto, &size) == MR_OK);
    return size;
}

/* All pages of a scan; false: something failed on the way. */
static bool save_scan(world *w, mr_scan scan, uint32_t *size_out) {
    *size_out = 0;
    for (;;) {
        mr_addr at = 0;
        const mr_status status = mr_scan_next(scan, PAGE, &at);
        if (status == MR_MORE) continue;
        CHECK(status == MR_OK || status == MR_ERR_MEMORY);
        if (status != MR_OK) return false;
        const mr_page *page = mr_at(at);
        if (page->count == 0) return true;
        *size_out += save_page(w, scan, page, w->saved + *size_out);
    }
}

/* Another operator with what was saved; where that fails, with nothing. */
static void load(world *w, uint32_t size, bool damaged) {
    mr_heap_fail_after(0, false);
    for (bool empty = false;; empty = true) {
        CHECK(mr_operator_close(w->op) == MR_OK);
        collect(w);
        CHECK(mr_operator_open(w->engine, &w->spec, &w->op) == MR_OK);
        w->damaged = damaged && !empty;
        w->segment = 1;
        mr_status status = empty || size == 0 ? MR_OK : mr_load(w->op, w->saved, size, 0, 1);
        if (status == MR_OK) status = mr_load_end(w->op);
        if (status == MR_OK) break;
        CHECK(damaged);
    }
    w->segment++;
}

static void save_and_load(world *w) {
    mr_scan scan = 0;
    uint32_t size = 0;
    const uint32_t where = take_u16(&w->from);
    const uint8_t what = below(w, 3) == 0 ? take_u8(&w->from) : 0;
    if (mr_scan_open(w->op, -__builtin_inf(), &scan) != MR_OK) return;
    const bool whole = save_scan(w, scan, &size);
    CHECK(mr_scan_close(scan) == MR_OK);
    if (!whole) return;
    if (size > 0) w->saved[where % size] ^= what;
    load(w, size, w->damaged || what != 0);
}

/* What changes between the cut and its writing is kept as it was. */
static void checkpoint(world *w) {
    mr_scan scan = 0;
    uint32_t size = 0;
    if (mr_changes_scan(w->op, below(w, 8), &scan) != MR_OK) return;
    push(w);
    const bool whole = save_scan(w, scan, &size);
    CHECK(mr_scan_close(scan) == MR_OK);
    CHECK(mr_changes_end(w->op, whole) == MR_OK);
    collect(w);
    w->segment++;
}

/* ---- all of it ---- */

static bool begin(world *w) {
    const uint64_t budget = below(w, 4) == 0 ? 3 << 19 : 16 << 20;
    const mr_options options = {.memory_bytes_max = budget, .hash_seed = 7};
    mr_addr at = 0;
    CHECK(mr_engine_open(&options, &w->engine) == MR_OK);
    CHECK(mr_batch_open(w->engine, &w->in) == MR_OK);
    CHECK(mr_batch_open(w->engine, &w->out) == MR_OK);
    CHECK(mr_batch_reserve(w->in, ROWS, ROWS, MR_PATTERN_COLUMNS, &at) == MR_OK);
    w->input = mr_at(at);
    CHECK(mr_batch_reserve(w->out, 1, 0, 0, &at) == MR_OK);
    w->results = mr_at(at);
    CHECK(mr_refs_reserve(w->engine, EVENTS_MAX, &at) == MR_OK);
    w->refs = mr_at(at);
    make_spec(w);
    w->segment = 1;
    const mr_status status = mr_operator_open(w->engine, &w->spec, &w->op);
    CHECK(status == MR_OK || status == MR_ERR_ARGUMENT);
    return status == MR_OK;
}

/* At the end of the source nothing is left but what waited for a limit. */
static void end(world *w) {
    mr_heap_fail_after(0, false);
    advance_to(w, __builtin_inf());
    CHECK(mr_operator_close(w->op) == MR_OK);
    collect(w);
    for (uint32_t ref = 1; ref < EVENTS_MAX; ref++)
        CHECK(!w->held[ref]);
    mr_memory memory;
    CHECK(mr_engine_memory(w->engine, &memory) == MR_OK);
    CHECK(memory.external_bytes == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static void (*const calls[])(world *w) = {push,          push,       push, advance,
                                              save_and_load, checkpoint, fail};
    static world w;
    memset(&w, 0, offsetof(world, saved));
    w.from = (choices){bytes, size};
    if (begin(&w)) {
        while (w.from.left > 0)
            calls[below(&w, sizeof calls / sizeof calls[0])](&w);
        end(&w);
    }
    CHECK(mr_engine_close(w.engine) == MR_OK);
    return 0;
}
