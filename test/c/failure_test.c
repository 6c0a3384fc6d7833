/* failure_test.c -- every allocation of every export made to fail, once and for ever.
 *
 * A session is a script of exports. For each of its steps and each allocation in it, the
 * session runs anew with that allocation failing: the step is refused and has changed
 * nothing that can be observed, the same step then succeeds, and in the end everything
 * is as in a session without failures, to the last byte that was emitted and saved. */
#include "harness.h"

enum { ROWS = 300, LOG_ROOM = 1 << 18, SAVED_ROOM = 1 << 16 };

typedef struct session {
    mr_engine engine;
    mr_operator custom;
    mr_operator loaded;
    mr_operator aggregate;
    mr_operator deduplicate;
    mr_operator throttle;
    mr_operator delay;
    mr_operator entries;
    mr_batch in;
    mr_batch out;
    mr_scan scan;
    uint32_t address; /* Of memory for the host. */
    uint32_t blob;
    uint32_t upto; /* Rows done by a step of many. */
    uint32_t size; /* Of `saved`. */
    uint32_t log_size;
    uint8_t log[LOG_ROOM]; /* All that was emitted. */
    uint8_t saved[SAVED_ROOM];
} session;

static mr_columns *columns_of(mr_batch batch) {
    return &((mr_batch_data *)mr_handle_get(batch, MR_HANDLE_BATCH, NULL))->columns;
}

static void write_log(session *s, const void *bytes, uint32_t size) {
    assert_true(s->log_size + size <= LOG_ROOM);
    memcpy(s->log + s->log_size, bytes, size);
    s->log_size += size;
}

static void log_results(session *s) {
    const mr_columns *out = columns_of(s->out);
    for (uint32_t i = 0; i < out->size; i++) {
        write_log(s, mr_u32s(out->position) + i, 4);
        if (mr_batch_has(out, MR_HAS_TIME)) write_log(s, mr_f64s(out->time_ms) + i, 8);
        for (uint32_t c = 0; c < out->column_count; c++) {
            write_log(s, mr_f64s(out->columns[c]) + i, 8);
        }
    }
}

/* ---- what can be observed ---- */

/* Refs are saved as their number's digit, whatever the host would make of them. */
static uint32_t save_page(const mr_rows *rows, mr_scan scan, const mr_page *page, uint8_t *out) {
    static uint8_t digits[ROWS * 2];
    static uint32_t offsets[ROWS * 2 + 1];
    uint32_t count = 0;
    for (uint32_t i = 0; i < page->count; i++) {
        const uint8_t *record = mr_row_record(rows, mr_row_at(mr_u32s(page->rows)[i]));
        for (uint32_t f = 0; f < rows->layout.field_count; f++) {
            if (rows->layout.field_kind[f] != MR_REF) continue;
            const uint32_t cell =
                *(const uint32_t *)(const void *)(record + rows->layout.field_at[f]);
            if ((cell & MR_REF_ENCODED) != 0) continue;
            digits[count] = (uint8_t)('0' + cell % 10);
            offsets[count + 1] = count + 1;
            count++;
        }
    }
    uint32_t upto = 0;
    uint32_t size = 0;
    assert_int_equal(mr_save(scan, 0, digits, offsets, out, SAVED_ROOM, 1, &upto, &size), MR_OK);
    return size;
}

static uint64_t digest_of(mr_operator op) {
    static uint8_t bytes[SAVED_ROOM];
    mr_stats stats;
    mr_scan scan = 0;
    uint64_t digest = 0;
    if (mr_operator_stats(op, &stats) != MR_OK) return 0;
    const mr_rows *rows = &inside(op)->rows;
    assert_int_equal(mr_scan_open(op, -END, &scan), MR_OK);
    const mr_page *page = next_page(scan, MR_SCAN_PAGE_ROWS);
    uint32_t size = save_page(rows, scan, page, bytes);
    assert_int_equal(mr_scan_close(scan), MR_OK);
    memcpy(bytes + size, &stats, sizeof stats);
    size += (uint32_t)sizeof stats;
    const uint32_t changed = rows->dirty.changed + rows->dirty.graves.count;
    memcpy(bytes + size, &changed, 4);
    assert_int_equal(mr_checksum(bytes, size + 4, &digest), MR_OK);
    return digest;
}

typedef struct snapshot {
    uint64_t digests[7];
    uint64_t external_bytes;
    uint32_t handles[12]; /* One is 0: no padding. */
} snapshot;

static snapshot snap(const session *s) {
    snapshot is = {.handles = {s->engine, s->custom, s->loaded, s->aggregate, s->deduplicate,
                               s->throttle, s->delay, s->entries, s->in, s->out, s->scan}};
    if (s->engine == 0) return is;
    is.external_bytes = memory_of(s->engine).external_bytes;
    for (uint32_t i = 0; i < 7; i++)
        is.digests[i] = digest_of(is.handles[1 + i]);
    return is;
}

/* ---- steps: each an export that may allocate, or a loop that goes on where it was refused ---- */

static mr_status engine_open(session *s) {
    const mr_options options = {.memory_bytes_max = 64 * MIB, .hash_seed = 9};
    return mr_engine_open(&options, &s->engine);
}

static mr_status alloc(session *s) { return mr_alloc(s->engine, 100, &s->address); }

static mr_status refs_reserve(session *s) {
    uint32_t refs = 0;
    return mr_refs_reserve(s->engine, 16, &refs);
}

static mr_status refs_reserve_more(session *s) {
    uint32_t refs = 0;
    return mr_refs_reserve(s->engine, 2 * ROWS, &refs);
}

static const mr_operator_spec custom_spec = {
    .kind = MR_CUSTOM,
    .count = 3,
    .kinds = {MR_STRING, MR_REF, MR_F64},
    .flags = MR_EVICT | MR_KEEP_EVICTED | MR_TRACK | MR_TIMERS,
    .ttl_ms = 1000,
    .rows_max = ROWS - 20,
};

static mr_status open_custom(session *s) {
    return mr_operator_open(s->engine, &custom_spec, &s->custom);
}

static mr_status open_loaded(session *s) {
    return mr_operator_open(s->engine, &custom_spec, &s->loaded);
}

static mr_status open_aggregate(session *s) {
    const mr_operator_spec spec = {
        .kind = MR_AGGREGATE, .count = 2, .kinds = {MR_COUNT, MR_SUM}, .flags = MR_TRACK};
    return mr_operator_open(s->engine, &spec, &s->aggregate);
}

static mr_status open_deduplicate(session *s) {
    const mr_operator_spec spec = {.kind = MR_DEDUPLICATE, .ttl_ms = 50};
    return mr_operator_open(s->engine, &spec, &s->deduplicate);
}

/* Its keys remember one pass more at each of the pushes, and their lists grow. */
static mr_status open_throttle(session *s) {
    const mr_operator_spec spec = {
        .kind = MR_THROTTLE, .limit = 5, .per_ms = 1000, .burst = 1, .ttl_ms = 1000};
    return mr_operator_open(s->engine, &spec, &s->throttle);
}

/* Its keys wait longer and longer. */
static mr_status open_delay(session *s) {
    const mr_operator_spec spec = {.kind = MR_THROTTLE,
                                   .flags = MR_DELAY,
                                   .limit = 1,
                                   .per_ms = 1000,
                                   .burst = 1,
                                   .queue_max = 100,
                                   .ttl_ms = 1000};
    return mr_operator_open(s->engine, &spec, &s->delay);
}

static mr_status open_in(session *s) { return mr_batch_open(s->engine, &s->in); }
static mr_status open_out(session *s) { return mr_batch_open(s->engine, &s->out); }

static mr_status reserve(session *s) {
    uint32_t columns = 0;
    return mr_batch_reserve(s->in, 10, 10, 1, &columns);
}

static mr_status reserve_more(session *s) {
    uint32_t columns = 0;
    return mr_batch_reserve(s->in, ROWS, 100, 1, &columns);
}

static mr_status reserve_keys(session *s) { return mr_batch_reserve_keys(s->in, ROWS * 8); }

static mr_status fill(session *s) {
    bench b = {.input = columns_of(s->in)};
    begin_input(&b, 100);
    for (uint32_t i = 0; i < ROWS; i++)
        mr_f64s(b.input->columns[0])[add_key(&b, i)] = i;
    s->upto = 0;
    return MR_OK;
}

static mr_status find(session *s) {
    uint32_t found = 0;
    return mr_find(s->custom, s->in, &found);
}

static mr_status make_blob(session *s) {
    return mr_blob_new(s->custom, (const uint8_t *)"a string", 8, &s->blob);
}

static mr_status make_row(session *s) {
    const uint64_t record[2] = {0, s->blob | (UINT64_C(5) << 32)};
    return mr_row_create(s->custom, 0, (const uint8_t *)record);
}

static mr_status make_rows(session *s) {
    for (uint32_t i = s->upto > 0 ? s->upto : 1; i < ROWS; i++) {
        const uint64_t record[2] = {0, (uint64_t)(16 + i) << 32};
        s->upto = i;
        MR_TRY(mr_row_create(s->custom, i, (const uint8_t *)record));
    }
    return MR_OK;
}

static mr_status change_rows(session *s) {
    for (uint32_t i = 0; i < ROWS; i += 7) {
        assert_int_equal(mr_row_enter(s->custom, i), MR_OK);
        assert_int_equal(mr_row_touch(s->custom, i, i % 2), MR_OK);
        if (i % 3 == 0) assert_int_equal(mr_row_remove(s->custom, i), MR_OK);
    }
    s->upto = 0;
    return MR_OK;
}

static mr_status set_timers(session *s) {
    for (uint32_t i = 0; i < ROWS; i += 2) {
        const mr_addr row = mr_find_again(&inside(s->custom)->rows, i);
        if (row != 0) MR_TRY(mr_timer_set(s->custom, row, (i * 37) % 100));
    }
    return MR_OK;
}

static mr_status free_evicted(session *s) {
    assert_int_not_equal(inside(s->custom)->rows.find.found.evicted, 0);
    return mr_evicted_free(s->custom);
}

/* All that are due, written down; some are set anew. */
static mr_status fire(session *s) {
    for (mr_due due;;) {
        MR_TRY(mr_timer_take(s->loaded, 150, &due));
        if (due.row == 0) return MR_OK;
        const uint32_t number = number_of(&inside(s->loaded)->rows, mr_row_at(due.row));
        write_log(s, &due.time_ms, sizeof due.time_ms);
        write_log(s, &number, sizeof number);
        if (number % 3 == 0) MR_TRY(mr_timer_set(s->loaded, due.row, due.time_ms + 60));
        if (number % 3 == 1) MR_TRY(mr_row_drop(s->loaded, due.row));
    }
}

static mr_status push(session *s, mr_operator op) {
    mr_status status = MR_MORE;
    while (status == MR_MORE) {
        status = mr_operator_push(op, s->in, s->upto, &s->upto, s->out);
        log_results(s);
    }
    if (status == MR_OK) s->upto = 0;
    return status;
}

static mr_status push_aggregate(session *s) { return push(s, s->aggregate); }
static mr_status push_deduplicate(session *s) { return push(s, s->deduplicate); }
static mr_status push_throttle(session *s) { return push(s, s->throttle); }
static mr_status push_delay(session *s) { return push(s, s->delay); }

static mr_status tick(session *s) {
    columns_of(s->in)->now_ms += 1;
    return MR_OK;
}

static mr_status finish(session *s) {
    mr_status status = MR_MORE;
    while (status == MR_MORE) {
        status = mr_operator_advance(s->aggregate, END, s->out);
        log_results(s);
    }
    return status;
}

static mr_status expire(session *s) { return mr_operator_expire(s->deduplicate, 149, 1000); }

static mr_status scan_aggregate(session *s) { return mr_scan_open(s->aggregate, -END, &s->scan); }

static mr_status scan_next(session *s) {
    uint32_t page = 0;
    mr_status status = MR_MORE;
    while (status == MR_MORE)
        status = mr_scan_next(s->scan, 100, &page);
    return status;
}

static mr_status results(session *s) {
    mr_scan_data *scan = mr_handle_get(s->scan, MR_HANDLE_SCAN, NULL);
    mr_status status =
        mr_operator_results(s->aggregate, mr_u32s(scan->page.rows), scan->page.count, s->out);
    log_results(s);
    return status;
}

static mr_status scan_close(session *s) {
    mr_status status = mr_scan_close(s->scan);
    s->scan = 0;
    return status;
}

static mr_status scan_custom(session *s) { return mr_scan_open(s->custom, -END, &s->scan); }

static mr_status save(session *s) {
    mr_scan_data *scan = mr_handle_get(s->scan, MR_HANDLE_SCAN, NULL);
    s->size = save_page(&inside(s->custom)->rows, s->scan, &scan->page, s->saved);
    return MR_OK;
}

static mr_status load(session *s) { return mr_load(s->loaded, s->saved, s->size, 0, 1); }
static mr_status load_end(session *s) { return mr_load_end(s->loaded); }

static mr_status decode(session *s) {
    mr_rows *rows = &inside(s->loaded)->rows;
    mr_row *row = mr_row_at(rows->newest);
    uint32_t *cell = mr_row_part(row, rows->layout.field_at[1] +
                                          (uint32_t)(mr_row_record(rows, row) - (uint8_t *)row));
    return mr_ref_decoded(s->loaded, mr_addr_of(cell), 7);
}

/* ---- entries ---- */

static mr_status open_entries(session *s) {
    const mr_operator_spec spec = {.kind = MR_CUSTOM,
                                   .count = 1,
                                   .kinds = {MR_REF},
                                   .flags = MR_ENTRIES | MR_TRACK | MR_TIMERS,
                                   .ttl_ms = 1000};
    return mr_operator_open(s->engine, &spec, &s->entries);
}

static mr_status make_entries(session *s) {
    for (uint32_t i = s->upto; i < ROWS; i++) {
        const uint8_t key[] = {6, 2, 2, 0, 5, 'a' + i % 50, 2, 0, 5, (uint8_t)('a' + i / 50)};
        const uint64_t record = 16 + i;
        mr_addr row = 0;
        s->upto = i;
        MR_TRY(mr_key_make(s->entries, key, 10, i, 0, (const uint8_t *)&record, &row));
        if (i % 3 == 0) MR_TRY(mr_timer_set(s->entries, row, i));
    }
    return MR_OK;
}

/* Log them all, in the order that they have by now, and drop some. */
static mr_status drop_entries(session *s) {
    for (uint8_t owner = 'a'; owner < 'a' + 50; owner++) {
        mr_entries page = {.clock_ms = 0};
        MR_TRY(mr_entries_next(s->entries, (const uint8_t[]){5, owner}, 2, &page));
        for (uint32_t i = 0; i < page.count; i++) {
            write_log(s, mr_row_key(&inside(s->entries)->rows, mr_row_at(page.rows[i])), 10);
            MR_TRY(mr_row_use(s->entries, page.rows[i], 500, 500, 1));
            if (i % 2 == 0) MR_TRY(mr_row_drop(s->entries, page.rows[i]));
        }
    }
    return MR_OK;
}

static mr_status scan_entries(session *s) { return mr_scan_open(s->entries, -END, &s->scan); }

static mr_status save_entries(session *s) {
    mr_scan_data *scan = mr_handle_get(s->scan, MR_HANDLE_SCAN, NULL);
    s->size = save_page(&inside(s->entries)->rows, s->scan, &scan->page, s->saved);
    return MR_OK;
}

static mr_status close_entries(session *s) {
    const mr_operator op = s->entries;
    s->entries = 0;
    return mr_operator_close(op);
}

static mr_status load_entries(session *s) { return mr_load(s->entries, s->saved, s->size, 0, 1); }
static mr_status load_entries_end(session *s) { return mr_load_end(s->entries); }

static mr_status close_some(session *s) {
    assert_int_equal(mr_free(s->engine, s->address, 100), MR_OK);
    assert_int_equal(mr_operator_close(s->aggregate), MR_OK);
    s->aggregate = 0;
    return MR_OK;
}

typedef struct step {
    mr_status (*run)(session *s);
    bool partial; /* Goes on where it was refused, so a refusal may leave something done. */
} step;

static const step steps[] = {
    {engine_open, false},
    {alloc, false},
    {refs_reserve, false},
    {open_custom, false},
    {open_aggregate, false},
    {open_deduplicate, false},
    {open_in, false},
    {open_out, false},
    {reserve, false},
    {reserve_more, false},
    {reserve_keys, false},
    {fill, false},
    {find, false},
    {make_blob, false},
    {make_row, false},
    {refs_reserve_more, false},
    {make_rows, true},
    {change_rows, false},
    {set_timers, false},
    {free_evicted, false},
    {push_aggregate, true},
    {push_deduplicate, true},
    {expire, false},
    {finish, true},
    {push_aggregate, true},
    {finish, true},
    {scan_aggregate, false},
    {scan_next, false},
    {results, false},
    {scan_close, false},
    {scan_custom, false},
    {scan_next, false},
    {save, false},
    {scan_close, false},
    {open_loaded, false},
    {load, true},
    {load_end, false},
    {decode, false},
    {fire, false},
    {open_throttle, false},
    {fill, false},
    {push_throttle, true},
    {tick, false},
    {push_throttle, true},
    {tick, false},
    {push_throttle, true},
    {open_delay, false},
    {push_delay, true},
    {tick, false},
    {push_delay, true},
    {push_delay, true},
    {open_entries, false},
    {make_entries, true},
    {drop_entries, false},
    {drop_entries, false},
    {scan_entries, false},
    {scan_next, false},
    {save_entries, false},
    {scan_close, false},
    {close_entries, false},
    {open_entries, false},
    {load_entries, true},
    {load_entries_end, false},
    {drop_entries, false},
    {close_some, false},
};
enum { STEPS = sizeof steps / sizeof steps[0] };

/* ---- the loop ---- */

static void check_same(const snapshot *a, const snapshot *b) {
    assert_memory_equal(a, b, sizeof *a);
}

/* Run a step whose `nth` allocation fails; false when it has fewer. */
static bool run_failing(session *s, uint32_t at, uint32_t nth, bool forever) {
    const snapshot before = snap(s);
    mr_heap_fail_after(nth, forever);
    mr_status status = steps[at].run(s);
    mr_heap_fail_after(0, false);
    if (status == MR_OK) return false;
    assert_int_equal(status, MR_ERR_MEMORY);
    assert_string_equal(mr_error_name(), "memory.maxBytes");
    const snapshot after = snap(s);
    if (!steps[at].partial) check_same(&before, &after);
    assert_int_equal(steps[at].run(s), MR_OK);
    return true;
}

/* Run all steps; the `nth` allocation of step `failing` fails. */
static bool run(session *s, uint32_t failing, uint32_t nth, bool forever) {
    memset(s, 0, sizeof *s);
    bool failed = false;
    for (uint32_t at = 0; at < STEPS; at++) {
        if (at == failing) {
            failed = run_failing(s, at, nth, forever);
        } else {
            assert_int_equal(steps[at].run(s), MR_OK);
        }
    }
    return failed;
}

/* Close what is left, and check that nothing remains but the engine's refs. */
static void close_all(session *s) {
    assert_int_equal(mr_operator_close(s->custom), MR_OK);
    assert_int_equal(mr_operator_close(s->loaded), MR_OK);
    assert_int_equal(mr_operator_close(s->deduplicate), MR_OK);
    assert_int_equal(mr_operator_close(s->throttle), MR_OK);
    assert_int_equal(mr_operator_close(s->delay), MR_OK);
    assert_int_equal(mr_operator_close(s->entries), MR_OK);
    assert_int_equal(mr_batch_close(s->in), MR_OK);
    assert_int_equal(mr_batch_close(s->out), MR_OK);
    const uint32_t refs = mr_heap_size_of(sizeof(mr_refs)) + mr_heap_size_of(2 * ROWS * 4);
    assert_int_equal(live_bytes(s->engine), refs);
    assert_int_equal(memory_of(s->engine).external_bytes, 0);
    assert_int_equal(mr_engine_close(s->engine), MR_OK);
}

/* Handles differ from session to session; what is in the states does not. */
static void check_ends_alike(const session *s, const session *reference, const snapshot *end) {
    const snapshot is = snap(s);
    assert_memory_equal(is.digests, end->digests, sizeof is.digests);
    assert_int_equal(is.external_bytes, end->external_bytes);
    assert_int_equal(s->log_size, reference->log_size);
    assert_memory_equal(s->log, reference->log, s->log_size);
    assert_int_equal(s->size, reference->size);
    assert_memory_equal(s->saved, reference->saved, s->size);
}

static void fail_everywhere(bool forever) {
    static session reference;
    static session s;
    (void)run(&reference, STEPS, 0, false);
    const snapshot end = snap(&reference);
    close_all(&reference);
    uint32_t failures = 0;
    for (uint32_t at = 0; at < STEPS; at++) {
        for (uint32_t nth = 1;; nth++) {
            const bool failed = run(&s, at, nth, forever);
            check_ends_alike(&s, &reference, &end);
            close_all(&s);
            if (!failed) break;
            failures++;
        }
    }
    print_message("%u failures\n", failures);
    assert_true(failures > 1000);
}

static void an_allocation_that_fails_once_is_a_refusal_that_changes_nothing(void **state) {
    (void)state;
    fail_everywhere(false);
}

static void allocations_that_fail_from_then_on_are_too(void **state) {
    (void)state;
    fail_everywhere(true);
}

/* The same with the host's memory at its end instead of the allocator told to fail. */
static void a_budget_of_any_size_is_kept_to(void **state) {
    (void)state;
    static session s;
    uint32_t refused = 0;
    for (uint64_t pages = 0; pages < 24; pages++) {
        memset(&s, 0, sizeof s);
        const mr_options options = {.memory_bytes_max = pages * MR_PAGE_BYTES + 1, .hash_seed = 9};
        mr_status status = mr_engine_open(&options, &s.engine);
        for (uint32_t at = 1; at < STEPS && status == MR_OK; at++)
            status = steps[at].run(&s);
        assert_true(status == MR_OK || status == MR_ERR_MEMORY);
        refused += status != MR_OK;
        if (s.engine == 0) continue;
        const mr_memory memory = memory_of(s.engine);
        assert_true(memory.reserved_bytes + memory.external_bytes <= memory.limit_bytes);
        assert_int_equal(mr_engine_close(s.engine), MR_OK);
    }
    assert_true(refused > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allocation_that_fails_once_is_a_refusal_that_changes_nothing),
        cmocka_unit_test(allocations_that_fail_from_then_on_are_too),
        cmocka_unit_test(a_budget_of_any_size_is_kept_to),
    };
    return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
