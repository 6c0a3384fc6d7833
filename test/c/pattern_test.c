/* pattern_test.c -- three steps against plain code, in chunks of any size, under allocations that
 * fail, saved and loaded on the way; matches longer than results; bytes that were damaged. */
#include "harness.h"

#include "../../c/ref.h"

enum { EVENTS = 160, KEYS = 3, LONG = 6000 };

static const double within_ms = 9;

typedef struct event {
    uint32_t key;
    uint32_t bits; /* 1: a, 2: b, 4: c. */
    double time;
    double watermark;
} event;

typedef struct out {
    char text[1 << 16];
    uint32_t size;
} out;

static void say(out *to, uint32_t a, uint32_t b, uint32_t c, double time) {
    char *at = to->text + to->size;
    const size_t room = sizeof to->text - to->size;
    to->size += (uint32_t)snprintf(at, room, "%u %u %u @%g\n", a, b, c, time);
    assert_true(to->size < sizeof to->text);
}

static void make_events(event *events, uint32_t count, uint64_t seed) {
    double base = -20;
    for (uint32_t i = 0; i < count; i++) {
        base += random_below(&seed, 2);
        events[i] = (event){
            .key = random_below(&seed, KEYS),
            .bits = random_below(&seed, 8),
            .time = base + random_below(&seed, 5),
            .watermark = base,
        };
    }
}

/* ---- naively ---- */

/* The first event of the key behind `from`, by (time, number), that has this bit. */
static int32_t next_of(const event *events, const uint32_t *order, uint32_t from, uint32_t bit) {
    for (uint32_t i = from + 1; i < EVENTS; i++) {
        const event *e = &events[order[i]];
        if (e->key == events[order[from]].key && (e->bits & bit) != 0) return (int32_t)i;
    }
    return -1;
}

static void find_naively(const event *events, out *to) {
    uint32_t order[EVENTS];
    *to = (out){0};
    for (uint32_t i = 0; i < EVENTS; i++) {
        uint32_t at = i;
        for (; at > 0 && events[order[at - 1]].time > events[i].time; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (uint32_t last = 0; last < EVENTS; last++) {
        for (uint32_t first = 0; first < last; first++) {
            if ((events[order[first]].bits & 1) == 0) continue;
            const int32_t b = next_of(events, order, first, 2);
            const int32_t c = b < 0 ? -1 : next_of(events, order, (uint32_t)b, 4);
            const double time = events[order[last]].time;
            if (c != (int32_t)last || time - events[order[first]].time >= within_ms) continue;
            say(to, order[first], order[b], order[c], time);
        }
    }
}

/* ---- by the engine ---- */

static const mr_pattern_term terms[] = {{1, 0}, {2, 0}, {0, 2}, {4, 0}, {0, 4}};
static const mr_pattern_edge edges[] = {
    {.gap_ms = END, .takes = 1, .target = 1, .step = 0, .term = 0, .terms = 1},
    {.gap_ms = END, .takes = 1, .target = 2, .step = 1, .term = 1, .terms = 1},
    {.gap_ms = END, .takes = 0, .target = 1, .term = 2, .terms = 1},
    {.gap_ms = END, .takes = 1, .target = MR_PATTERN_FINAL, .step = 2, .term = 3, .terms = 1},
    {.gap_ms = END, .takes = 0, .target = 2, .term = 4, .terms = 1},
};
static const mr_pattern_state states[] = {
    {.gap_ms = END, .edge = 0, .edges = 1},
    {.gap_ms = END, .edge = 1, .edges = 2},
    {.gap_ms = END, .edge = 3, .edges = 2},
};

/* One start, any number in the middle, an end. */
static const mr_pattern_edge long_edges[] = {
    {.gap_ms = END, .takes = 1, .target = 1, .step = 0, .term = 0, .terms = 1},
    {.gap_ms = END, .takes = 1, .target = 1, .step = 1, .term = 1, .terms = 1},
    {.gap_ms = END, .takes = 1, .target = MR_PATTERN_FINAL, .step = 2, .term = 3, .terms = 1},
};
static const mr_pattern_state long_states[] = {
    {.gap_ms = END, .edge = 0, .edges = 1},
    {.gap_ms = END, .edge = 1, .edges = 2},
};

static uint32_t put_bytes(mr_engine engine, const void *bytes, uint32_t size) {
    uint32_t at = 0;
    assert_int_equal(mr_alloc(engine, size, &at), MR_OK);
    memcpy(mr_at(at), bytes, size);
    return at;
}

/* What else goes with a match. */
static mr_skip skip = MR_SKIP_NONE;

static mr_operator_spec spec_of(mr_engine engine, bool longer) {
    mr_pattern pattern = {
        .skip = skip,
        .skip_step = 1,
        .within_ms = longer ? END : within_ms,
        .partials_max = 1000,
        .states = longer ? put_bytes(engine, long_states, sizeof long_states)
                         : put_bytes(engine, states, sizeof states),
        .state_count = longer ? 2 : 3,
        .edges = longer ? put_bytes(engine, long_edges, sizeof long_edges)
                        : put_bytes(engine, edges, sizeof edges),
        .edge_count = longer ? 3 : 5,
        .terms = put_bytes(engine, terms, sizeof terms),
        .term_count = 5,
        .conditions = 3,
        .steps = 3,
        .timed = 1,
    };
    return (mr_operator_spec){
        .kind = MR_PATTERN,
        .flags = MR_TIMERS | MR_ENTRIES | MR_TRACK,
        .count = 3,
        .kinds = {MR_REF, MR_REFS, MR_F64},
        .pattern = put_bytes(engine, &pattern, sizeof pattern),
    };
}

static bench open_pattern(bool longer) {
    uint32_t refs = 0;
    const mr_engine engine = open_engine(1024 * MIB, 42);
    const mr_operator_spec spec = spec_of(engine, longer);
    bench b = open_bench_in(engine, &spec);
    assert_int_equal(mr_refs_reserve(engine, LONG + 8, &refs), MR_OK);
    return b;
}

static void put(bench *b, const event *e, uint32_t number) {
    const uint32_t row = add_event(b, e->key, e->time, e->watermark);
    mr_f64s(b->input->columns[MR_PATTERN_EVENT])[row] = number + 1;
    mr_f64s(b->input->columns[MR_PATTERN_BITS])[row] = e->bits;
}

static uint32_t event_of(uint32_t cell) {
    uint32_t number;
    if ((cell & MR_REF_ENCODED) == 0) return cell - 1;
    memcpy(&number, mr_blob_bytes(mr_ref_blob(cell)), sizeof number);
    return number;
}

/* Results; what goes on in the next batch is remembered. */
static void take(const bench *b, out *to) {
    static uint32_t of_step[3];
    const mr_columns *columns = b->results;
    for (uint32_t i = 0; i < columns->size; i++) {
        const double step = mr_f64s(columns->columns[MR_PATTERN_STEP])[i];
        const uint32_t cell = (uint32_t)mr_f64s(columns->columns[MR_PATTERN_CELL])[i];
        if (step >= 0) {
            of_step[(uint32_t)step] = event_of(cell);
            continue;
        }
        assert_int_equal((int32_t)step, MR_PATTERN_MATCH);
        const double time = mr_f64s(columns->columns[MR_PATTERN_VALUE])[i];
        say(to, of_step[0], of_step[1], of_step[2], time);
    }
}

/* The values of live refs, one after another. */
typedef struct gathered {
    uint32_t numbers[4096];
    uint32_t offsets[4097];
    uint32_t count;
} gathered;

/* `cell` is not encoded; 0: a field without a value. */
static void gather(gathered *to, uint32_t cell) {
    const uint32_t from = to->offsets[to->count++];
    to->offsets[to->count] = from;
    if (cell == 0) return;
    to->numbers[from / sizeof to->numbers[0]] = event_of(cell);
    to->offsets[to->count] += (uint32_t)sizeof to->numbers[0];
}

static uint32_t cell_of(const mr_rows *rows, mr_row *row, uint32_t field) {
    return *(const uint32_t *)(const void *)(mr_row_record(rows, row) +
                                             rows->layout.field_at[field]);
}

/* Save the rows of a page, some at a time; gives how many bytes they are. */
static uint32_t save_page(const bench *b, mr_scan scan, const mr_page *page, uint8_t *saved) {
    static gathered refs;
    const mr_rows *rows = &inside(b->op)->rows;
    uint32_t total = 0;
    uint32_t room = 1024;
    refs.count = 0;
    for (uint32_t i = 0; i < page->count; i++) {
        mr_row *row = mr_row_at(mr_u32s(page->rows)[i]);
        const uint32_t cell = cell_of(rows, row, 0);
        const mr_addr blob = cell_of(rows, row, 1);
        if ((cell & MR_REF_ENCODED) == 0) gather(&refs, cell); /* Else its bytes are there. */
        for (uint32_t c = 0; blob != 0 && c < mr_cells_count(blob); c++) {
            const uint32_t taken = mr_cells(blob)[c];
            if (taken != 0 && (taken & MR_REF_ENCODED) == 0) gather(&refs, taken);
        }
    }
    const uint8_t *bytes = (const uint8_t *)refs.numbers;
    for (uint32_t from = 0, upto = 0; upto < page->count; from = upto) {
        uint32_t size = 0;
        const mr_status status =
            mr_save(scan, from, bytes, refs.offsets, saved + total, room, 2, &upto, &size);
        assert_int_equal(status, upto == page->count ? MR_OK : MR_MORE);
        total += size;
        if (upto == from) room *= 2; /* A row is larger. */
    }
    return total;
}

/* Save the rows of a scan, and close it. */
static uint32_t save_scan(const bench *b, mr_scan scan, uint8_t *saved) {
    uint32_t size = 0;
    for (const mr_page *page; (page = next_page(scan, 4096))->count > 0;)
        size += save_page(b, scan, page, saved + size);
    assert_int_equal(mr_scan_close(scan), MR_OK);
    return size;
}

static uint32_t save(const bench *b, uint8_t *saved) {
    mr_scan scan = 0;
    assert_int_equal(mr_scan_open(b->op, -END, &scan), MR_OK);
    return save_scan(b, scan, saved);
}

static void save_and_load(bench *b) {
    static uint8_t saved[SAVED_MAX];
    mr_operator op = 0;
    const uint32_t size = save(b, saved);
    assert_int_equal(mr_operator_open(b->engine, &inside(b->op)->spec, &op), MR_OK);
    if (size > 0) assert_int_equal(mr_load(op, saved, size, 0, 1), MR_OK);
    assert_int_equal(mr_load_end(op), MR_OK);
    assert_int_equal(mr_operator_close(b->op), MR_OK);
    b->op = op;
}

typedef struct way {
    uint32_t chunk;
    uint32_t load_every; /* Chunks; 0: never. */
    uint32_t fail;       /* The n-th allocation; 0: none. */
} way;

static void play(const event *events, way w, out *to) {
    bench b = open_pattern(false);
    *to = (out){0};
    mr_heap_fail_after(w.fail, false);
    for (uint32_t from = 0, chunk = 1; from < EVENTS; from += w.chunk, chunk++) {
        begin_input(&b, 0);
        for (uint32_t i = from; i < from + w.chunk && i < EVENTS; i++)
            put(&b, &events[i], i);
        mr_status status = MR_MORE;
        for (uint32_t at = 0; status != MR_OK;) { /* Again after a refusal. */
            status = mr_operator_push(b.op, b.in, at, &at, b.out);
            assert_true(status >= 0 || status == MR_ERR_MEMORY);
            take(&b, to);
        }
        if (w.load_every != 0 && chunk % w.load_every == 0) save_and_load(&b);
    }
    mr_heap_fail_after(0, false);
    for (mr_status status = MR_MORE; status == MR_MORE;) {
        status = mr_operator_advance(b.op, END, b.out);
        assert_true(status >= 0);
        take(&b, to);
    }
    assert_int_equal(stats_of(&b).rows, 0);
    assert_int_equal(stats_of(&b).bytes, 0);
    assert_int_equal(memory_of(b.engine).external_bytes, 0);
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
}

static event events[EVENTS];
static out expected;
static out is;

static void matches_are_those_of_plain_code_however_it_is_cut(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        make_events(events, EVENTS, seed);
        find_naively(events, &expected);
        assert_true(expected.size > 200);
        for (uint32_t chunk = 1; chunk < 200; chunk = chunk * 3 + 1) {
            play(events, (way){.chunk = chunk}, &is);
            assert_string_equal(is.text, expected.text);
            play(events, (way){.chunk = chunk, .load_every = 1 + (uint32_t)seed % 3}, &is);
            assert_string_equal(is.text, expected.text);
        }
    }
}

static void what_a_match_skips_is_the_same_however_it_is_cut(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed < 10; seed++) {
        make_events(events, EVENTS, seed);
        find_naively(events, &expected);
        for (skip = MR_SKIP_NEXT; skip <= MR_SKIP_LAST_OF; skip++) {
            static out whole;
            play(events, (way){.chunk = EVENTS}, &whole);
            assert_true(whole.size > 0 && whole.size <= expected.size);
            for (uint32_t chunk = 1; chunk < 20; chunk = chunk * 3 + 1) {
                play(events, (way){.chunk = chunk, .load_every = 1 + (uint32_t)seed % 3}, &is);
                assert_string_equal(is.text, whole.text);
            }
        }
        skip = MR_SKIP_NONE;
    }
}

static void an_allocation_that_fails_changes_nothing(void **state) {
    (void)state;
    make_events(events, EVENTS, 5);
    find_naively(events, &expected);
    for (uint32_t fail = 1; fail < 300; fail += 1 + fail / 60) {
        play(events, (way){.chunk = 50, .fail = fail}, &is);
        assert_string_equal(is.text, expected.text);
    }
}

static void push_some(bench *b, uint32_t from, uint32_t count) {
    begin_input(b, 0);
    for (uint32_t i = from; i < from + count; i++)
        put(b, &events[i], i);
    mr_status status = MR_MORE;
    for (uint32_t at = 0; status == MR_MORE;) {
        status = mr_operator_push(b->op, b->in, at, &at, b->out);
        take(b, &is);
    }
    assert_int_equal(status, MR_OK);
}

/* Live values, and with `restored` bytes of them, that have changed and gone since. */
static void a_checkpoint_has_matches_as_they_were_at_its_cut(void **state) {
    (void)state;
    static uint8_t before[SAVED_MAX];
    static uint8_t at_cut[SAVED_MAX];
    for (uint32_t round = 0; round < 20; round++) {
        const bool restored = round % 2 != 0;
        mr_scan scan = 0;
        make_events(events, EVENTS, round + 1);
        bench b = open_pattern(false);
        is.size = 0;
        push_some(&b, 0, 60);
        if (restored) save_and_load(&b);
        const uint32_t size = save(&b, before);
        assert_int_equal(mr_changes_scan(b.op, UINT32_MAX, &scan), MR_OK);
        push_some(&b, 60, 90);
        const uint32_t saved = save_scan(&b, scan, at_cut);
        assert_int_equal(mr_changes_end(b.op, 1), MR_OK);
        assert_int_equal(mr_operator_close(b.op), MR_OK);
        assert_int_equal(memory_of(b.engine).external_bytes, 0);
        assert_int_equal(mr_engine_close(b.engine), MR_OK);
        b = open_pattern(false);
        assert_int_equal(mr_load(b.op, at_cut, saved, 0, 1), MR_OK);
        assert_int_equal(mr_load_end(b.op), MR_OK);
        assert_int_equal(save(&b, at_cut), size);
        assert_memory_equal(at_cut, before, size);
        assert_int_equal(mr_engine_close(b.engine), MR_OK);
    }
}

static void a_match_has_more_events_than_results_have_room(void **state) {
    (void)state;
    bench b = open_pattern(true);
    uint32_t members = 0;
    begin_input(&b, 0);
    for (uint32_t i = 0; i < LONG; i++) {
        const uint32_t bits = i == 0 ? 1 : i == LONG - 1 ? 4 : 2;
        put(&b, &(event){.bits = bits, .time = i, .watermark = i}, i);
    }
    uint32_t from = 0;
    mr_status status = MR_MORE;
    while (status == MR_MORE)
        status = mr_operator_push(b.op, b.in, from, &from, b.out);
    assert_int_equal(status, MR_OK);
    for (status = MR_MORE; status == MR_MORE;) {
        status = mr_operator_advance(b.op, END, b.out);
        for (uint32_t i = 0; i < b.results->size; i++) {
            if (mr_f64s(b.results->columns[MR_PATTERN_STEP])[i] < 0) continue;
            const double cell = mr_f64s(b.results->columns[MR_PATTERN_CELL])[i];
            assert_int_equal(event_of((uint32_t)cell), LONG - 1 - members++);
        }
    }
    assert_int_equal(status, MR_OK);
    assert_int_equal(members, LONG);
    assert_int_equal(stats_of(&b).rows, 0);
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
}

/* After an error the host may come with another event. */
static void an_answer_is_not_of_another_event(void **state) {
    (void)state;
    bench b = open_pattern(false);
    ((mr_pattern *)mr_at(inside(b.op)->spec.pattern))->asks = 1;
    for (uint32_t key = 0; key < 2; key++) {
        uint32_t upto = 0;
        begin_input(&b, 0);
        put(&b, &(event){.key = key, .time = 0, .watermark = 0}, key);
        put(&b, &(event){.key = key, .time = 0, .watermark = 0}, key + 2);
        assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_MORE);
        assert_int_equal(b.results->size, 1);
        assert_int_equal((int32_t)mr_f64s(b.results->columns[MR_PATTERN_STEP])[0], MR_PATTERN_ASKS);
        *(uint8_t *)mr_at((mr_addr)mr_f64s(b.results->columns[MR_PATTERN_VALUE])[0]) = 2;
        b.input->present = MR_HAS_KEYS;
        assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_ERR_ARGUMENT);
    }
    assert_int_equal(stats_of(&b).rows, 0);
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
}

/* An event that waited is asked about before the one that brings the watermark. */
static void events_are_asked_about_in_the_order_of_their_times(void **state) {
    (void)state;
    const event given[] = {
        {.key = 0, .time = 5, .watermark = 0},
        {.key = 1, .time = 6, .watermark = 0},
        {.key = 1, .time = 6, .watermark = 6},
    };
    uint32_t upto = 0;
    uint32_t asked = 0;
    bench b = open_pattern(false);
    ((mr_pattern *)mr_at(inside(b.op)->spec.pattern))->asks = 1;
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 3; i++)
        put(&b, &given[i], i);
    for (; asked < 2; asked++) {
        assert_int_equal(mr_operator_push(b.op, b.in, upto, &upto, b.out), MR_MORE);
        assert_int_equal(b.results->size, 1);
        assert_int_equal((int32_t)mr_f64s(b.results->columns[MR_PATTERN_STEP])[0], MR_PATTERN_ASKS);
        const double cell = mr_f64s(b.results->columns[MR_PATTERN_CELL])[0];
        assert_int_equal(event_of((uint32_t)cell), asked);
        *(uint8_t *)mr_at((mr_addr)mr_f64s(b.results->columns[MR_PATTERN_VALUE])[0]) = 2;
    }
    assert_int_equal(mr_operator_push(b.op, b.in, upto, &upto, b.out), MR_OK);
    assert_int_equal(stats_of(&b).rows, 3); /* Two of matches, and the last event waits. */
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
}

static void what_no_pattern_can_be_is_refused(void **state) {
    (void)state;
    mr_operator op = 0;
    bench b = open_pattern(false);
    const mr_operator_spec plain = inside(b.op)->spec;
    for (uint32_t i = 0; i < 9; i++) {
        mr_pattern pattern = *(const mr_pattern *)mr_at(plain.pattern);
        mr_operator_spec spec = plain;
        if (i == 0) spec.flags &= ~(uint32_t)MR_ENTRIES;
        if (i == 1) spec.flags |= MR_EVICT;
        if (i == 2) spec.kinds[1] = MR_STRING;
        if (i == 3) pattern.within_ms = 0;
        if (i == 4) pattern.conditions = 33;
        if (i == 5) pattern.edge_count = 4;
        if (i == 6) pattern.state_count = 2;
        if (i == 7) pattern.steps = 2;
        if (i == 8) spec.pattern = 0;
        if (i < 8) spec.pattern = put_bytes(b.engine, &pattern, sizeof pattern);
        assert_int_equal(mr_operator_open(b.engine, &spec, &op), MR_ERR_ARGUMENT);
    }
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
}

/* Bytes that others wrote are refused or taken; either way nothing breaks. */
static void bytes_that_were_damaged_do_no_harm(void **state) {
    (void)state;
    static uint8_t saved[SAVED_MAX];
    uint64_t seed = 77;
    uint32_t upto = 0;
    make_events(events, EVENTS, 3);
    bench b = open_pattern(false);
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 60; i++)
        put(&b, &events[i], i);
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_OK);
    assert_true(stats_of(&b).rows > KEYS);
    const uint32_t size = save(&b, saved);
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
    for (uint32_t round = 0; round < 3000; round++) {
        const uint32_t at = random_below(&seed, size);
        const uint8_t was = saved[at];
        saved[at] = (uint8_t)random_next(&seed);
        b = open_pattern(false);
        mr_status status = mr_load(b.op, saved, size, 0, 1);
        if (status == MR_OK) status = mr_load_end(b.op);
        begin_input(&b, 0);
        for (uint32_t i = 60; i < EVENTS; i++)
            put(&b, &events[i], i);
        for (uint32_t from = 0, calls = 0; status >= 0 && calls < 100; calls++)
            status = mr_operator_push(b.op, b.in, from, &from, b.out);
        assert_true(status >= 0 || status == MR_ERR_CORRUPT);
        assert_int_equal(mr_engine_close(b.engine), MR_OK);
        saved[at] = was;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_are_those_of_plain_code_however_it_is_cut),
        cmocka_unit_test(what_a_match_skips_is_the_same_however_it_is_cut),
        cmocka_unit_test(an_allocation_that_fails_changes_nothing),
        cmocka_unit_test(a_checkpoint_has_matches_as_they_were_at_its_cut),
        cmocka_unit_test(a_match_has_more_events_than_results_have_room),
        cmocka_unit_test(an_answer_is_not_of_another_event),
        cmocka_unit_test(events_are_asked_about_in_the_order_of_their_times),
        cmocka_unit_test(what_no_pattern_can_be_is_refused),
        cmocka_unit_test(bytes_that_were_damaged_do_no_harm),
    };
    return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
