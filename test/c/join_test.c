/* join_test.c -- pairs of two inputs against a naive list of all events, in chunks of any size,
 * under allocations that fail, and saved and loaded on the way. */
#include "harness.h"

#include "../../c/ref.h"

enum { EVENTS = 240, KEYS = 4, MANY = 6000 };

#define NEVER (-END)

static const mr_operator_spec plain = {
    .kind = MR_JOIN,
    .flags = MR_TIMERS | MR_ENTRIES | MR_TRACK,
    .count = 1,
    .kinds = {MR_REF},
    .before_ms = 3,
    .after_ms = 5,
};

static const mr_operator_spec as_of = {
    .kind = MR_JOIN,
    .flags = MR_TIMERS | MR_ENTRIES | MR_TRACK | MR_AS_OF,
    .count = 1,
    .kinds = {MR_REF},
    .before_ms = 6,
};

/* Of those that are tried. */
static struct {
    double before;
    double after;
} bounds = {3, 5};

typedef struct event {
    uint32_t key;
    bool right;
    double time;
    double watermark;
    double own;
} event;

/* What came out, as text: a line for each pair, by the numbers of its events. */
typedef struct out {
    char text[1 << 17];
    uint32_t size;
} out;

static void say(out *to, uint32_t left, uint32_t right, double time) {
    char *at = to->text + to->size;
    const size_t room = sizeof to->text - to->size;
    to->size += (uint32_t)snprintf(at, room, "%u %u @%g\n", left, right, time);
    assert_true(to->size < sizeof to->text);
}

static void say_late(out *to, uint32_t number) {
    char *at = to->text + to->size;
    to->size += (uint32_t)snprintf(at, sizeof to->text - to->size, "late %u\n", number);
    assert_true(to->size < sizeof to->text);
}

static void make_events(event *events, uint32_t count, uint64_t seed) {
    double time = -40;
    double most[2] = {NEVER, NEVER};
    for (uint32_t i = 0; i < count; i++) {
        const bool right = random_below(&seed, 2) == 1;
        time += (double)random_below(&seed, 7) - 2;
        if (random_below(&seed, 30) == 0) time += (double)random_below(&seed, 60) - 20;
        events[i] = (event){
            .key = random_below(&seed, KEYS),
            .right = right,
            .time = time,
            .watermark = (most[0] < most[1] ? most[0] : most[1]) - 4,
            .own = most[right] - 4,
        };
        if (time > most[right]) most[right] = time;
    }
}

/* ---- naively ---- */

static bool is_late(const event *e) { return e->time < e->watermark || e->time < e->own; }

static bool is_pair(const event *left, const event *right) {
    return left->key == right->key && left->time - bounds.before <= right->time &&
           right->time <= left->time + bounds.after;
}

static void join_naively(const event *events, out *to) {
    *to = (out){0};
    for (uint32_t i = 0; i < EVENTS; i++) {
        const event *e = &events[i];
        double after = NEVER; /* Partners in the order of their times: of each time all, */
        if (is_late(e)) say_late(to, i);
        while (!is_late(e) && after < END) {
            double next = END; /* then those of the next. */
            for (uint32_t j = 0; j < i; j++) {
                const event *other = &events[j];
                if (other->right == e->right || is_late(other) || other->time < after) continue;
                if (!(e->right ? is_pair(other, e) : is_pair(e, other))) continue;
                if (other->time > after) {
                    if (other->time < next) next = other->time;
                    continue;
                }
                const double time = other->time > e->time ? other->time : e->time;
                say(to, e->right ? j : i, e->right ? i : j, time);
            }
            after = next;
        }
    }
}

/* Left events in the order of their times, each with the last right one that is near enough. */
static void join_as_of_naively(const event *events, double tolerance, out *to) {
    *to = (out){0};
    for (uint32_t i = 0; i < EVENTS; i++) {
        if (is_late(&events[i])) say_late(to, i);
    }
    for (double time = NEVER, next; time < END; time = next) {
        next = END;
        for (uint32_t i = 0; i < EVENTS; i++) {
            const event *left = &events[i];
            if (left->right || is_late(left) || left->time < time) continue;
            if (left->time > time) {
                if (left->time < next) next = left->time;
                continue;
            }
            uint32_t partner = EVENTS;
            for (uint32_t j = 0; j < EVENTS; j++) {
                const event *right = &events[j];
                if (!right->right || is_late(right) || right->key != left->key) continue;
                if (right->time > time || right->time < time - tolerance) continue;
                if (partner == EVENTS || right->time >= events[partner].time) partner = j;
            }
            say(to, i, partner, time);
        }
    }
}

/* ---- by the engine ---- */

static void reserve_refs(const bench *b, uint32_t count) {
    uint32_t refs = 0;
    assert_int_equal(mr_refs_reserve(b->engine, count + 1, &refs), MR_OK);
}

static void put(bench *b, const event *e, uint32_t number) {
    const uint32_t row = add_event(b, e->key, e->time, e->watermark);
    b->input->present |= MR_HAS_OWN;
    mr_f64s(b->input->own_watermark)[row] = e->own;
    mr_f64s(b->input->columns[MR_JOIN_SIDE])[row] = e->right ? 1 : 0;
    mr_f64s(b->input->columns[MR_JOIN_EVENT])[row] = number + 1;
}

/* The number of the event that a cell is of: a ref, or bytes that it was saved as. */
static uint32_t event_of(uint32_t cell) {
    uint32_t number;
    if ((cell & MR_REF_ENCODED) == 0) return cell - 1;
    memcpy(&number, mr_blob_bytes(mr_ref_blob(cell)), sizeof number);
    return number;
}

/* The left events that results tell, and their partners; late ones in `late`. */
static void take_as_of(const bench *b, uint32_t from, out *late, out *to) {
    const mr_columns *columns = b->results;
    for (uint32_t i = 0; i < columns->size; i++) {
        const uint32_t left = (uint32_t)mr_f64s(columns->columns[MR_JOIN_CELL])[i];
        const uint32_t right = (uint32_t)mr_f64s(columns->columns[MR_JOIN_RIGHT])[i];
        if (left == 0) {
            say_late(late, from + mr_u32s(columns->position)[i]);
            continue;
        }
        const uint32_t at = (uint32_t)mr_f64s(columns->columns[MR_JOIN_CELL_AT])[i];
        if ((left & MR_REF_ENCODED) != 0) assert_int_equal(*mr_u32s(at), left); /* It stands. */
        const uint32_t partner = right == 0 ? EVENTS : event_of(right);
        say(to, event_of(left), partner, mr_f64s(columns->time_ms)[i]);
    }
}

static void take(const bench *b, const event *events, uint32_t from, out *to) {
    const mr_columns *columns = b->results;
    for (uint32_t i = 0; i < columns->size; i++) {
        const uint32_t number = from + mr_u32s(columns->position)[i];
        const uint32_t cell = (uint32_t)mr_f64s(columns->columns[MR_JOIN_CELL])[i];
        if (cell == 0) {
            say_late(to, number);
            continue;
        }
        const uint32_t at = (uint32_t)mr_f64s(columns->columns[MR_JOIN_CELL_AT])[i];
        const uint32_t other = event_of(cell);
        const bool right = events[number].right;
        if ((cell & MR_REF_ENCODED) != 0) assert_int_equal(*mr_u32s(at), cell); /* It stands. */
        say(to, right ? other : number, right ? number : other, mr_f64s(columns->time_ms)[i]);
    }
}

/* As after a crash: rows go on in another operator, each event as the bytes of its number. */
static void save_and_load(bench *b) {
    static uint8_t saved[SAVED_MAX];
    static uint32_t numbers[4096];
    static uint32_t offsets[4097];
    mr_operator op = 0;
    mr_scan scan = 0;
    uint32_t upto = 0;
    uint32_t size = 0;
    assert_int_equal(mr_scan_open(b->op, NEVER, &scan), MR_OK);
    const mr_page *page = next_page(scan, 4096);
    uint32_t live = 0;
    for (uint32_t i = 0; i < page->count; i++) {
        const mr_rows *rows = &inside(b->op)->rows;
        const uint8_t *record = mr_row_record(rows, mr_row_at(mr_u32s(page->rows)[i]));
        const uint32_t cell = *(const uint32_t *)(const void *)record;
        if ((cell & MR_REF_ENCODED) != 0) continue; /* Its bytes are there. */
        numbers[live++] = event_of(cell);
        offsets[live] = live * (uint32_t)sizeof numbers[0];
    }
    if (page->count > 0) {
        const uint8_t *bytes = (const uint8_t *)numbers;
        assert_int_equal(mr_save(scan, 0, bytes, offsets, saved, SAVED_MAX, 1, &upto, &size),
                         MR_OK);
    }
    assert_int_equal(mr_scan_close(scan), MR_OK);
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
    uint64_t rows_max;
} way;

static void play(const event *events, way w, out *to) {
    mr_operator_spec spec = plain;
    spec.before_ms = bounds.before;
    spec.after_ms = bounds.after;
    spec.rows_max = w.rows_max;
    bench b = open_bench(&spec);
    *to = (out){0};
    reserve_refs(&b, EVENTS);
    mr_heap_fail_after(w.fail, false);
    for (uint32_t from = 0, chunk = 1; from < EVENTS; from += w.chunk, chunk++) {
        begin_input(&b, 0);
        for (uint32_t i = from; i < from + w.chunk && i < EVENTS; i++)
            put(&b, &events[i], i);
        mr_status status = MR_MORE;
        for (uint32_t at = 0; status != MR_OK;) { /* Again after a refusal. */
            status = mr_operator_push(b.op, b.in, at, &at, b.out);
            assert_true(status >= 0 || status == MR_ERR_MEMORY);
            take(&b, events, from, to);
        }
        if (w.load_every != 0 && chunk % w.load_every == 0) save_and_load(&b);
    }
    mr_heap_fail_after(0, false);
    while (mr_operator_advance(b.op, END, b.out) == MR_MORE) {
    }
    assert_int_equal(stats_of(&b).rows, 0);
    assert_int_equal(stats_of(&b).bytes, 0);
    assert_int_equal(memory_of(b.engine).external_bytes, 0);
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
}

/* The same as of: late events, then what the others come to. */
static void play_as_of(const event *events, way w, double tolerance, out *to) {
    static out others;
    mr_operator_spec spec = as_of;
    spec.before_ms = tolerance;
    spec.rows_max = w.rows_max;
    bench b = open_bench(&spec);
    *to = others = (out){0};
    reserve_refs(&b, EVENTS);
    mr_heap_fail_after(w.fail, false);
    for (uint32_t from = 0, chunk = 1; from < EVENTS; from += w.chunk, chunk++) {
        begin_input(&b, 0);
        double watermark = NEVER;
        for (uint32_t i = from; i < from + w.chunk && i < EVENTS; i++) {
            put(&b, &events[i], i);
            watermark = events[i].watermark;
        }
        mr_status status = MR_MORE;
        for (uint32_t at = 0; status != MR_OK;) { /* Again after a refusal. */
            status = mr_operator_push(b.op, b.in, at, &at, b.out);
            assert_true(status >= 0 || status == MR_ERR_MEMORY);
            take_as_of(&b, from, to, &others);
        }
        for (status = MR_MORE; status != MR_OK;) {
            status = mr_operator_advance(b.op, watermark, b.out);
            take_as_of(&b, from, to, &others);
        }
        if (w.load_every != 0 && chunk % w.load_every == 0) save_and_load(&b);
    }
    mr_heap_fail_after(0, false);
    for (mr_status status = MR_MORE; status == MR_MORE;) {
        status = mr_operator_advance(b.op, __builtin_inf(), b.out);
        take_as_of(&b, 0, to, &others);
    }
    assert_true(to->size + others.size < sizeof to->text);
    memcpy(to->text + to->size, others.text, others.size + 1);
    assert_int_equal(stats_of(&b).rows, 0);
    assert_int_equal(memory_of(b.engine).external_bytes, 0);
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
}

static event events[MANY + 1];
static out expected;
static out is;

static void pairs_are_those_of_plain_code_however_it_is_cut(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed < 12; seed++) {
        bounds.before = seed % 3 == 1 ? -2 : 3; /* Also behind the left event, or before it. */
        bounds.after = seed % 3 == 2 ? -1 : 5;
        make_events(events, EVENTS, seed);
        join_naively(events, &expected);
        assert_true(expected.size > 100);
        for (uint32_t chunk = 1; chunk < 300; chunk = chunk * 3 + 1) {
            play(events, (way){.chunk = chunk}, &is);
            assert_string_equal(is.text, expected.text);
            play(events, (way){.chunk = chunk, .load_every = 1 + (uint32_t)seed % 3}, &is);
            assert_string_equal(is.text, expected.text);
            play(events, (way){.chunk = chunk, .load_every = 2, .rows_max = EVENTS}, &is);
            assert_string_equal(is.text, expected.text);
        }
    }
    bounds.before = 3;
    bounds.after = 5;
}

static void as_of_a_left_event_has_the_last_right_one(void **state) {
    (void)state;
    const double tolerances[] = {6, 0, 1e15, 2 * 8.64e15};
    for (uint64_t seed = 1; seed < 12; seed++) {
        const double tolerance = tolerances[seed % 4];
        make_events(events, EVENTS, seed);
        join_as_of_naively(events, tolerance, &expected);
        assert_true(expected.size > 200);
        for (uint32_t chunk = 1; chunk < 300; chunk = chunk * 3 + 1) {
            play_as_of(events, (way){.chunk = chunk}, tolerance, &is);
            assert_string_equal(is.text, expected.text);
            way w = {.chunk = chunk, .load_every = 1 + (uint32_t)seed % 3};
            play_as_of(events, w, tolerance, &is);
            assert_string_equal(is.text, expected.text);
            w.rows_max = EVENTS;
            play_as_of(events, w, tolerance, &is);
            assert_string_equal(is.text, expected.text);
        }
        for (uint32_t fail = 1; fail < 60; fail += 7) {
            play_as_of(events, (way){.chunk = 50, .fail = fail}, tolerance, &is);
            assert_string_equal(is.text, expected.text);
        }
    }
}

/* Whatever the tolerance: of what the watermark has passed only the last. */
static void as_of_only_the_last_right_event_stays(void **state) {
    (void)state;
    mr_operator_spec spec = as_of;
    spec.before_ms = 1000;
    bench b = open_bench(&spec);
    reserve_refs(&b, 100);
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 100; i++)
        put(&b, &(event){.right = true, .time = i, .watermark = NEVER, .own = NEVER}, i);
    uint32_t upto = 0;
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_OK);
    const struct {
        double watermark;
        uint32_t rows;
    } steps[] = {{0, 100}, {1, 100}, {2, 99}, {51, 50}, {100, 1}, {1100, 1}, {1101, 0}};
    for (uint32_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_int_equal(mr_operator_advance(b.op, steps[i].watermark, b.out), MR_OK);
        assert_int_equal(stats_of(&b).rows, steps[i].rows);
    }
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
}

/* What results tell goes with the next call; the host may have dropped it before. */
static void as_of_a_row_that_results_tell_may_be_gone(void **state) {
    (void)state;
    bench b = open_bench(&as_of);
    uint32_t upto = 0;
    mr_scan scan = 0;
    reserve_refs(&b, 2);
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 2; i++)
        put(&b, &(event){.key = i, .time = i, .watermark = NEVER, .own = NEVER}, i);
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_OK);
    save_and_load(&b);
    assert_int_equal(mr_operator_advance(b.op, 2, b.out), MR_MORE); /* Its bytes are told. */
    assert_int_equal(b.results->size, 1);
    assert_int_equal(mr_scan_open(b.op, NEVER, &scan), MR_OK);
    const uint32_t row = mr_u32s(next_page(scan, 4096)->rows)[0];
    assert_int_equal(mr_scan_close(scan), MR_OK);
    assert_int_equal(mr_row_drop(b.op, row), MR_OK);
    assert_int_equal(mr_operator_advance(b.op, 2, b.out), MR_MORE);
    assert_int_equal(b.results->size, 1);
    assert_int_equal(mr_operator_advance(b.op, 2, b.out), MR_OK);
    assert_int_equal(stats_of(&b).rows, 0);
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
}

static void an_allocation_that_fails_changes_nothing(void **state) {
    (void)state;
    make_events(events, EVENTS, 5);
    join_naively(events, &expected);
    for (uint32_t fail = 1; fail < 300; fail += 1 + fail / 60) {
        play(events, (way){.chunk = 50, .fail = fail}, &is);
        assert_string_equal(is.text, expected.text);
    }
}

static void an_event_has_more_partners_than_results_have_room(void **state) {
    (void)state;
    bench b = open_bench(&plain);
    static bool given[MANY];
    uint32_t count = 0;
    reserve_refs(&b, MANY + 1);
    begin_input(&b, 0);
    for (uint32_t i = 0; i <= MANY; i++) {
        events[i] = (event){.right = i < MANY, .watermark = NEVER, .own = NEVER};
        put(&b, &events[i], i);
    }
    mr_status status = MR_MORE;
    for (uint32_t from = 0; status == MR_MORE;) {
        status = mr_operator_push(b.op, b.in, from, &from, b.out);
        for (uint32_t i = 0; i < b.results->size; i++, count++) {
            const uint32_t other = event_of((uint32_t)mr_f64s(b.results->columns[MR_JOIN_CELL])[i]);
            assert_int_equal(mr_u32s(b.results->position)[i], MANY);
            assert_false(given[other]);
            given[other] = true;
        }
    }
    assert_int_equal(status, MR_OK);
    assert_int_equal(count, MANY);
    assert_int_equal(stats_of(&b).rows, MANY + 1);
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
}

typedef struct step {
    double watermark;
    uint32_t rows;
} step;

/* A left event at 10 and a right one at 20 go as these steps say, also with other bounds than those
 * that they were saved with. */
static void let_go(bool loaded, double before, double after, const step steps[5]) {
    bench b = open_bench(&plain);
    reserve_refs(&b, 2);
    begin_input(&b, 0);
    put(&b, &(event){.time = 10, .watermark = NEVER, .own = NEVER}, 0);
    put(&b, &(event){.right = true, .time = 20, .watermark = NEVER, .own = NEVER}, 1);
    uint32_t upto = 0;
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_OK);
    inside(b.op)->spec.before_ms = before;
    inside(b.op)->spec.after_ms = after;
    if (loaded) save_and_load(&b);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(mr_operator_advance(b.op, steps[i].watermark, b.out), MR_OK);
        assert_int_equal(stats_of(&b).rows, steps[i].rows);
    }
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
}

static void an_event_goes_when_no_partner_can_come_any_more(void **state) {
    (void)state;
    const step same[5] = {{15, 2}, {16, 1}, {20, 1}, {23, 1}, {24, 0}};
    const step further[5] = {{16, 2}, {24, 2}, {26, 1}, {28, 1}, {29, 0}};
    let_go(false, 3, 5, same);
    let_go(true, 3, 5, same);
    let_go(true, 8, 15, further);
}

static void a_limit_refuses_the_event_and_gives_no_pair_of_it(void **state) {
    (void)state;
    mr_operator_spec spec = plain;
    spec.rows_max = 1;
    bench b = open_bench(&spec);
    uint32_t upto = 0;
    reserve_refs(&b, 2);
    begin_input(&b, 0);
    put(&b, &(event){.time = 10, .watermark = NEVER, .own = NEVER}, 0);
    put(&b, &(event){.right = true, .time = 10, .watermark = NEVER, .own = NEVER}, 1);
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_ERR_LIMIT);
    assert_string_equal(mr_error_name(), "state.maxSize");
    assert_int_equal(upto, 1);
    assert_int_equal(b.results->size, 0);
    assert_int_equal(stats_of(&b).rows, 1);
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
}

static void what_no_join_can_be_is_refused(void **state) {
    (void)state;
    mr_operator op = 0;
    mr_operator_spec specs[] = {plain, plain, plain, plain, plain};
    specs[0].flags &= ~(uint32_t)MR_ENTRIES;
    specs[1].flags |= MR_EVICT; /* Results would tell of rows that are gone. */
    specs[2].before_ms = -6;    /* Behind what is after. */
    specs[3].after_ms = __builtin_inf();
    specs[4].kinds[0] = MR_F64;
    bench b = open_bench(&plain);
    for (uint32_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        assert_int_equal(mr_operator_open(b.engine, &specs[i], &op), MR_ERR_ARGUMENT);
    }
    const struct {
        double side;
        double number;
    } rows[] = {{2, 1}, {0, 0}, {0, 9}};
    reserve_refs(&b, 2);
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t upto = 0;
        begin_input(&b, 0);
        put(&b, &(event){.watermark = NEVER, .own = NEVER}, 0);
        mr_f64s(b.input->columns[MR_JOIN_SIDE])[0] = rows[i].side;
        mr_f64s(b.input->columns[MR_JOIN_EVENT])[0] = rows[i].number;
        assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_ERR_ARGUMENT);
    }
    assert_int_equal(stats_of(&b).rows, 0);
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
}

/* Bytes that others wrote are refused or taken; either way nothing breaks. */
static void damage(const mr_operator_spec *spec) {
    static uint8_t saved[SAVED_MAX];
    static uint32_t offsets[EVENTS + 1];
    uint64_t seed = 77;
    uint32_t upto = 0;
    uint32_t size = 0;
    mr_scan scan = 0;
    make_events(events, EVENTS, 3);
    bench b = open_bench(spec);
    reserve_refs(&b, EVENTS);
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 60; i++)
        put(&b, &events[i], i);
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_OK);
    assert_int_equal(mr_scan_open(b.op, NEVER, &scan), MR_OK);
    assert_true(next_page(scan, 4096)->count > 5);
    assert_int_equal(mr_save(scan, 0, saved, offsets, saved, SAVED_MAX, 1, &upto, &size), MR_OK);
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
    for (uint32_t round = 0; round < 3000; round++) {
        const uint32_t at = random_below(&seed, size);
        const uint8_t was = saved[at];
        saved[at] = (uint8_t)random_next(&seed);
        b = open_bench(spec);
        reserve_refs(&b, EVENTS);
        mr_status status = mr_load(b.op, saved, size, 0, 1);
        if (status == MR_OK) status = mr_load_end(b.op);
        begin_input(&b, 0);
        for (uint32_t i = 60; i < EVENTS; i++)
            put(&b, &events[i], i);
        for (uint32_t from = 0, calls = 0; status >= 0 && calls < 100; calls++)
            status = mr_operator_push(b.op, b.in, from, &from, b.out);
        for (uint32_t calls = 0; status >= 0 && calls < 100; calls++)
            status = mr_operator_advance(b.op, __builtin_inf(), b.out);
        assert_true(status >= 0 || status == MR_ERR_CORRUPT);
        assert_int_equal(mr_engine_close(b.engine), MR_OK);
        saved[at] = was;
    }
}

static void bytes_that_were_damaged_do_no_harm(void **state) {
    (void)state;
    damage(&plain);
    damage(&as_of);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_those_of_plain_code_however_it_is_cut),
        cmocka_unit_test(as_of_a_left_event_has_the_last_right_one),
        cmocka_unit_test(as_of_only_the_last_right_event_stays),
        cmocka_unit_test(as_of_a_row_that_results_tell_may_be_gone),
        cmocka_unit_test(an_allocation_that_fails_changes_nothing),
        cmocka_unit_test(an_event_has_more_partners_than_results_have_room),
        cmocka_unit_test(an_event_goes_when_no_partner_can_come_any_more),
        cmocka_unit_test(a_limit_refuses_the_event_and_gives_no_pair_of_it),
        cmocka_unit_test(what_no_join_can_be_is_refused),
        cmocka_unit_test(bytes_that_were_damaged_do_no_harm),
    };
    return cmocka_run_group_tests_name("join", tests, NULL, NULL);
}
