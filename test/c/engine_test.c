/* engine_test.c -- handles, the limits of arguments, batches that lie, and errors. */
#include "harness.h"

static const mr_operator_spec custom = {.kind = MR_CUSTOM, .count = 1, .kinds = {MR_REF}};
static const mr_operator_spec dedup = {.kind = MR_DEDUPLICATE};

/* ---- handles ---- */

/* Every export that takes a handle, called with one that it must refuse. */
static void check_refused(uint32_t handle, const bench *live, mr_handle_kind kind) {
    uint32_t out[600] = {0};
    mr_memory memory;
    mr_stats stats;
    mr_layout layout;
    if (kind != MR_HANDLE_ENGINE) {
        if (handle != 0) assert_int_equal(mr_engine_close(handle), MR_ERR_HANDLE);
        assert_int_equal(mr_engine_memory(handle, &memory), MR_ERR_HANDLE);
        assert_int_equal(mr_alloc(handle, 8, out), MR_ERR_HANDLE);
        assert_int_equal(mr_free(handle, 8, 8), MR_ERR_HANDLE);
        assert_int_equal(mr_refs_reserve(handle, 8, out), MR_ERR_HANDLE);
        assert_int_equal(mr_batch_open(handle, out), MR_ERR_HANDLE);
        assert_int_equal(mr_operator_open(handle, &custom, out), MR_ERR_HANDLE);
    }
    if (kind != MR_HANDLE_BATCH) {
        assert_int_equal(mr_batch_close(handle), MR_ERR_HANDLE);
        assert_int_equal(mr_batch_reserve(handle, 1, 1, 1, out), MR_ERR_HANDLE);
        assert_int_equal(mr_batch_reserve_keys(handle, 1), MR_ERR_HANDLE);
        assert_int_equal(mr_operator_push(live->op, handle, 0, out, live->out), MR_ERR_HANDLE);
        assert_int_equal(mr_operator_push(live->op, live->in, 0, out, handle), MR_ERR_HANDLE);
        assert_int_equal(mr_operator_advance(live->op, 0, handle), MR_ERR_HANDLE);
        assert_int_equal(mr_operator_results(live->op, out, 0, handle), MR_ERR_HANDLE);
        assert_int_equal(mr_find(live->op, handle, out), MR_ERR_HANDLE);
    }
    if (kind != MR_HANDLE_OPERATOR) {
        assert_int_equal(mr_operator_close(handle), MR_ERR_HANDLE);
        assert_int_equal(mr_operator_layout(handle, &layout), MR_ERR_HANDLE);
        assert_int_equal(mr_operator_stats(handle, &stats), MR_ERR_HANDLE);
        assert_int_equal(mr_operator_push(handle, live->in, 0, out, live->out), MR_ERR_HANDLE);
        assert_int_equal(mr_operator_advance(handle, 0, live->out), MR_ERR_HANDLE);
        assert_int_equal(mr_operator_expire(handle, 0, 1), MR_ERR_HANDLE);
        assert_int_equal(mr_operator_results(handle, out, 0, live->out), MR_ERR_HANDLE);
        assert_int_equal(mr_ref_decoded(handle, 8, 1), MR_ERR_HANDLE);
        assert_int_equal(mr_ref_put(handle, 8, 0, 1), MR_ERR_HANDLE);
        assert_int_equal(mr_find(handle, live->in, out), MR_ERR_HANDLE);
        assert_int_equal(mr_row_look(handle, 0, 0, out), MR_ERR_HANDLE);
        assert_int_equal(mr_row_enter(handle, 0), MR_ERR_HANDLE);
        assert_int_equal(mr_row_create(handle, 0, (uint8_t *)out), MR_ERR_HANDLE);
        assert_int_equal(mr_row_touch(handle, 0, 0), MR_ERR_HANDLE);
        assert_int_equal(mr_row_remove(handle, 0), MR_ERR_HANDLE);
        assert_int_equal(mr_blob_new(handle, (uint8_t *)out, 1, out), MR_ERR_HANDLE);
        assert_int_equal(mr_blob_free(handle, 0), MR_ERR_HANDLE);
        assert_int_equal(mr_scan_open(handle, 0, out), MR_ERR_HANDLE);
        assert_int_equal(mr_load_begin(handle, 0), MR_ERR_HANDLE);
        assert_int_equal(mr_load(handle, (uint8_t *)out, 0, 0, 1), MR_ERR_HANDLE);
        assert_int_equal(mr_load_end(handle), MR_ERR_HANDLE);
    }
    if (kind != MR_HANDLE_SCAN) {
        assert_int_equal(mr_scan_close(handle), MR_ERR_HANDLE);
        assert_int_equal(mr_scan_next(handle, 1, out), MR_ERR_HANDLE);
        assert_int_equal(mr_save(handle, 0, NULL, out, NULL, 0, 1, out, out), MR_ERR_HANDLE);
    }
    assert_string_equal(mr_error_name(), "handle");
    assert_true(mr_error_value() == handle);
}

static void wrong_handles_are_refused_everywhere(void **state) {
    (void)state;
    bench b = open_bench(&dedup);
    mr_scan scan = 0;
    assert_int_equal(mr_scan_open(b.op, 0, &scan), MR_OK);
    check_refused(0, &b, MR_HANDLE_FREE);
    check_refused(b.engine, &b, MR_HANDLE_ENGINE);
    check_refused(b.in, &b, MR_HANDLE_BATCH);
    check_refused(b.op, &b, MR_HANDLE_OPERATOR);
    check_refused(scan, &b, MR_HANDLE_SCAN);
    check_refused(b.op + (1u << 12), &b, MR_HANDLE_FREE); /* The next generation. */
    check_refused(UINT32_MAX, &b, MR_HANDLE_FREE);
    assert_int_equal(mr_scan_close(scan), MR_OK);
    check_refused(scan, &b, MR_HANDLE_FREE);

    mr_batch batch = 0;
    mr_operator op = 0;
    assert_int_equal(mr_batch_open(b.engine, &batch), MR_OK);
    assert_int_equal(mr_operator_open(b.engine, &custom, &op), MR_OK);
    assert_int_equal(mr_batch_close(batch), MR_OK);
    assert_int_equal(mr_operator_close(op), MR_OK);
    check_refused(batch, &b, MR_HANDLE_FREE);
    check_refused(op, &b, MR_HANDLE_FREE);
    close_bench(&b);
}

static void closing_an_engine_closes_what_it_owns(void **state) {
    (void)state;
    bench b = open_bench(&dedup);
    bench other = open_bench(&dedup);
    mr_scan scan = 0;
    assert_int_equal(mr_scan_open(b.op, 0, &scan), MR_OK);
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
    check_refused(b.engine, &other, MR_HANDLE_FREE);
    check_refused(b.op, &other, MR_HANDLE_FREE);
    check_refused(b.in, &other, MR_HANDLE_FREE);
    check_refused(scan, &other, MR_HANDLE_FREE);
    assert_int_equal(mr_engine_close(0), MR_OK);
    close_bench(&other);
}

static void batches_of_another_engine_are_refused(void **state) {
    (void)state;
    bench b = open_bench(&dedup);
    bench other = open_bench(&dedup);
    uint32_t out = 0;
    begin_input(&b, 0);
    begin_input(&other, 0);
    assert_int_equal(mr_operator_push(b.op, other.in, 0, &out, b.out), MR_ERR_HANDLE);
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &out, other.out), MR_ERR_HANDLE);
    assert_int_equal(mr_operator_advance(b.op, END, other.out), MR_ERR_HANDLE);
    assert_int_equal(mr_find(b.op, other.in, &out), MR_ERR_HANDLE);
    assert_string_equal(mr_error_name(), "engine");
    close_bench(&b);
    close_bench(&other);
}

static void a_handle_is_never_issued_twice(void **state) {
    (void)state;
    int object = 0;
    uint32_t last = 0;
    for (uint32_t i = 0; i < (1u << 20) + 10; i++) { /* More than a slot has generations. */
        const uint32_t handle = mr_handle_open(MR_HANDLE_BATCH, &object, NULL);
        assert_true(handle != 0 && handle != last);
        assert_ptr_equal(mr_handle_get(handle, MR_HANDLE_BATCH, NULL), &object);
        if (i > 0 && mr_handle_get(last, MR_HANDLE_BATCH, NULL) != NULL) fail();
        mr_handle_close(handle);
        if ((last & 4095) == (handle & 4095)) assert_true(handle > last);
        last = handle;
    }
    assert_null(mr_handle_get(0, MR_HANDLE_BATCH, NULL));
}

static void handles_are_limited_and_refused_by_name(void **state) {
    (void)state;
    bench b = open_bench(&dedup);
    static mr_batch batches[5000];
    uint32_t count = 0;
    mr_status status;
    const uint64_t before = live_bytes(b.engine);
    while ((status = mr_batch_open(b.engine, &batches[count])) == MR_OK)
        count++;
    assert_int_equal(status, MR_ERR_LIMIT);
    assert_string_equal(mr_error_name(), "handles");
    assert_true(mr_error_value() == 4096);
    assert_int_equal(batches[count], 0);
    mr_operator op = 0;
    mr_scan scan = 0;
    mr_engine engine = 0;
    const mr_options options = {.memory_bytes_max = MIB};
    assert_int_equal(mr_operator_open(b.engine, &dedup, &op), MR_ERR_LIMIT);
    assert_int_equal(mr_scan_open(b.op, 0, &scan), MR_ERR_LIMIT);
    assert_int_equal(mr_engine_open(&options, &engine), MR_ERR_LIMIT);
    assert_int_equal(op | scan | engine, 0);
    while (count > 0)
        assert_int_equal(mr_batch_close(batches[--count]), MR_OK);
    assert_int_equal(live_bytes(b.engine), before);
    close_bench(&b);
}

/* ---- engines ---- */

static void an_engine_needs_memory(void **state) {
    (void)state;
    mr_engine engine = 0;
    mr_options options = {.memory_bytes_max = 0};
    assert_int_equal(mr_engine_open(&options, &engine), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "memory_bytes_max");
    options.memory_bytes_max = MR_PAGE_BYTES - 1;
    assert_int_equal(mr_engine_open(&options, &engine), MR_ERR_MEMORY);
    assert_string_equal(mr_error_name(), "memory.maxBytes");
    assert_true(mr_error_value() == MR_PAGE_BYTES - 1);
    assert_int_equal(engine, 0);
    options.memory_bytes_max = MR_PAGE_BYTES;
    assert_int_equal(mr_engine_open(&options, &engine), MR_OK);
    assert_int_equal(memory_of(engine).limit_bytes, MR_PAGE_BYTES);
    assert_int_equal(memory_of(engine).reserved_bytes, MR_PAGE_BYTES);
    uint32_t address = 5;
    assert_int_equal(mr_alloc(engine, MR_PAGE_BYTES, &address), MR_ERR_MEMORY);
    assert_int_equal(mr_alloc(engine, UINT32_MAX, &address), MR_ERR_MEMORY);
    assert_int_equal(mr_alloc(engine, 0, &address), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "bytes");
    assert_int_equal(address, 5);
    assert_int_equal(mr_engine_close(engine), MR_OK);
}

static void engines_are_limited_and_refused_by_name(void **state) {
    (void)state;
    mr_engine engines[MR_HEAPS_MAX + 1] = {0};
    const mr_options options = {.memory_bytes_max = MIB};
    for (uint32_t i = 0; i < MR_HEAPS_MAX; i++) {
        assert_int_equal(mr_engine_open(&options, &engines[i]), MR_OK);
    }
    assert_int_equal(mr_engine_open(&options, &engines[MR_HEAPS_MAX]), MR_ERR_LIMIT);
    assert_string_equal(mr_error_name(), "engines");
    assert_true(mr_error_value() == (double)MR_HEAPS_MAX);
    for (uint32_t i = 0; i < MR_HEAPS_MAX; i++) {
        assert_int_equal(mr_engine_close(engines[i]), MR_OK);
    }
}

static void memory_that_the_host_asks_for_is_its_own_and_counted(void **state) {
    (void)state;
    bench b = open_bench(&dedup);
    uint32_t address = 0;
    const uint64_t before = live_bytes(b.engine);
    assert_int_equal(mr_alloc(b.engine, 1000, &address), MR_OK);
    assert_int_equal(address % 8, 0);
    assert_int_equal(live_bytes(b.engine), before + mr_heap_size_of(1000));
    memset(mr_at(address), 1, 1000);
    assert_int_equal(mr_free(b.engine, address, 1000), MR_OK);
    assert_int_equal(mr_free(b.engine, 0, 1000), MR_OK);
    assert_int_equal(live_bytes(b.engine), before);
    close_bench(&b);
}

/* ---- arguments ---- */

static void wrong_operators_are_refused(void **state) {
    (void)state;
    bench b = open_bench(&dedup);
    mr_operator op = 0;
    mr_operator_spec spec = {.kind = MR_SESSION + 1};
    assert_int_equal(mr_operator_open(b.engine, &spec, &op), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "kind");
    assert_true(mr_error_value() == MR_SESSION + 1);
    spec = (mr_operator_spec){.kind = MR_CUSTOM, .count = MR_FIELDS_MAX + 1};
    assert_int_equal(mr_operator_open(b.engine, &spec, &op), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "count");
    spec = (mr_operator_spec){.kind = MR_CUSTOM, .flags = 1u << 31};
    assert_int_equal(mr_operator_open(b.engine, &spec, &op), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "flags");
    const uint32_t own[] = {MR_ENTRIES, MR_EMIT_EACH, MR_REFRESH, MR_DELAY, MR_EXCLUSIVE};
    for (uint32_t kind = MR_CUSTOM; kind <= MR_WINDOW; kind++) { /* What only others know. */
        for (uint32_t other = MR_CUSTOM; other <= MR_WINDOW; other++) {
            const bool both = kind == MR_WINDOW && other == MR_AGGREGATE;
            if (kind == other || both) continue;
            spec = (mr_operator_spec){.kind = kind, .flags = own[other]};
            assert_int_equal(mr_operator_open(b.engine, &spec, &op), MR_ERR_ARGUMENT);
            assert_string_equal(mr_error_name(), "flags");
        }
    }
    assert_int_equal(op, 0);
    spec = (mr_operator_spec){.kind = MR_CUSTOM, .count = MR_FIELDS_MAX};
    assert_int_equal(mr_operator_open(b.engine, &spec, &op), MR_OK);
    assert_int_equal(mr_operator_close(op), MR_OK);
    close_bench(&b);
}

static void wrong_batches_are_refused(void **state) {
    (void)state;
    bench b = open_bench(&dedup);
    uint32_t out = 9;
    assert_int_equal(mr_batch_reserve(b.in, MR_BATCH_ROWS_MAX + 1, 0, 0, &out), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "rows");
    assert_int_equal(mr_batch_reserve(b.in, 0, 0, MR_COLUMNS_MAX + 1, &out), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "columns");
    assert_int_equal(mr_batch_reserve(b.in, 0, UINT32_MAX, 0, &out), MR_ERR_MEMORY);
    assert_int_equal(out, 9);
    assert_int_equal(mr_batch_reserve(b.in, MR_BATCH_ROWS_MAX, 0, MR_COLUMNS_MAX, &out), MR_OK);
    const mr_columns *columns = mr_at(out);
    for (uint32_t i = 0; i < MR_COLUMNS_MAX; i++) {
        mr_f64s(columns->columns[i])[MR_BATCH_ROWS_MAX - 1] = 1;
    }
    close_bench(&b);
}

static void a_batch_grows_and_keeps_its_keys_when_asked_to(void **state) {
    (void)state;
    bench b = open_bench(&dedup);
    uint32_t out = 0;
    mr_batch batch = 0;
    assert_int_equal(mr_batch_open(b.engine, &batch), MR_OK);
    assert_int_equal(mr_batch_reserve(batch, 4, 10, 2, &out), MR_OK);
    const mr_columns *columns = mr_at(out);
    assert_int_equal(columns->rows_max, 4);
    assert_int_equal(columns->column_count, 2);
    memcpy(mr_at(columns->keys), "0123456789", 10);
    assert_int_equal(mr_batch_reserve_keys(batch, 5000), MR_OK);
    assert_memory_equal(mr_at(columns->keys), "0123456789", 10);
    assert_int_equal(columns->key_bytes_max, 5000);
    assert_int_equal(mr_batch_reserve_keys(batch, 3), MR_OK);
    assert_int_equal(columns->key_bytes_max, 5000);
    assert_int_equal(mr_batch_reserve(batch, 2, 0, 1, &out), MR_OK); /* Never shrinks. */
    assert_ptr_equal(columns, mr_at(out));
    assert_int_equal(columns->rows_max, 4);
    assert_int_equal(columns->column_count, 1);
    assert_int_equal(mr_batch_close(batch), MR_OK);
    close_bench(&b);
}

static void pushes_and_finds_check_what_they_get(void **state) {
    (void)state;
    bench b = open_bench(&dedup);
    bench c = open_bench_in(b.engine, &custom);
    uint32_t out = 9;
    begin_input(&b, 0);
    add_key(&b, 1);
    assert_int_equal(mr_operator_push(b.op, b.in, 2, &out, b.out), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "from");
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &out, b.in), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "results");
    assert_int_equal(mr_operator_push(c.op, b.in, 0, &out, b.out), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "operator");
    assert_int_equal(mr_operator_results(c.op, &out, 0, b.out), MR_ERR_ARGUMENT);
    b.input->present = 0;
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &out, b.out), MR_ERR_ARGUMENT);
    assert_int_equal(mr_find(c.op, b.in, &out), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "present");
    b.input->present = MR_HAS_KEYS;
    assert_int_equal(mr_operator_push(b.op, b.in, 1, &out, b.out), MR_OK);
    assert_int_equal(b.results->size, 0);
    assert_int_equal(stats_of(&b).rows, 0);
    assert_int_equal(mr_operator_close(c.op), MR_OK);
    assert_int_equal(mr_batch_close(c.in), MR_OK);
    assert_int_equal(mr_batch_close(c.out), MR_OK);
    close_bench(&b);
}

/* A batch of three keys, told a lie, is refused by push and find alike. */
static void check_lie(bench *b, mr_operator other, const char *name) {
    uint32_t out = 0;
    assert_int_equal(mr_operator_push(b->op, b->in, 0, &out, b->out), MR_ERR_CORRUPT);
    assert_string_equal(mr_error_name(), name);
    assert_int_equal(mr_find(other, b->in, &out), MR_ERR_CORRUPT);
    assert_int_equal(stats_of(b).rows, 0);
}

static void batches_that_lie_are_refused(void **state) {
    (void)state;
    bench b = open_bench(&dedup);
    mr_operator other = 0;
    assert_int_equal(mr_operator_open(b.engine, &custom, &other), MR_OK);
    const uint32_t lies[][4] = {
        {1, 2, 3, 4},                        /* Does not begin at 0. */
        {0, 2, 1, 4},                        /* Goes back. */
        {0, 2, 2, 4},                        /* An empty key. */
        {0, 2, 4, 2 + MR_KEY_BYTES_MAX * 2}, /* A key too long. */
        {0, UINT32_MAX, 0, 3},               /* Goes around. */
        {0, 65535, 131070, 196605},          /* More than there is. */
    };
    open_input(&b, 3, 100, 0);
    mr_batch fresh = 0;
    assert_int_equal(mr_batch_open(b.engine, &fresh), MR_OK);
    assert_int_equal(mr_batch_close(b.in), MR_OK);
    b.in = fresh;
    open_input(&b, 3, 100, 0);
    for (uint32_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        begin_input(&b, 0);
        for (uint32_t k = 0; k < 3; k++)
            add_key(&b, k);
        memcpy(mr_at(b.input->key_offsets), lies[i], sizeof lies[i]);
        check_lie(&b, other, "key_offsets");
    }
    begin_input(&b, 0);
    b.input->size = 4; /* More rows than there is room for. */
    check_lie(&b, other, "size");
    b.input->size = UINT32_MAX;
    check_lie(&b, other, "size");
    assert_int_equal(mr_operator_close(other), MR_OK);
    close_bench(&b);
}

static void rows_are_named_by_the_last_find_alone(void **state) {
    (void)state;
    const uint32_t record[2] = {0};
    bench b = open_bench(&custom);
    assert_int_equal(mr_row_create(b.op, 0, (const uint8_t *)record), MR_ERR_ARGUMENT);
    begin_input(&b, 0);
    add_key(&b, 1);
    add_key(&b, 2);
    (void)find_input(&b);
    assert_int_equal(mr_row_create(b.op, 2, (const uint8_t *)record), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "index");
    assert_true(mr_error_value() == 2);
    assert_int_equal(mr_row_touch(b.op, UINT32_MAX, 1), MR_ERR_ARGUMENT);
    assert_int_equal(mr_row_touch(b.op, 0, 1), MR_OK); /* No row: nothing to touch. */
    assert_int_equal(mr_row_create(b.op, 0, (const uint8_t *)record), MR_OK);

    open_input(&b, 1, 0, 0); /* The batch is emptied: what was found is void. */
    assert_int_equal(mr_row_create(b.op, 1, (const uint8_t *)record), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "size");
    begin_input(&b, 0);
    add_key(&b, 2);
    (void)find_input(&b);
    assert_int_equal(mr_load(b.op, NULL, 0, 0, 1), MR_OK); /* So it is after a load, */
    assert_int_equal(mr_row_create(b.op, 0, (const uint8_t *)record), MR_ERR_ARGUMENT);
    (void)find_input(&b);
    assert_int_equal(mr_batch_close(b.in), MR_OK); /* and when its batch is closed. */
    assert_int_equal(mr_row_create(b.op, 0, (const uint8_t *)record), MR_ERR_HANDLE);
    assert_int_equal(mr_batch_open(b.engine, &b.in), MR_OK);
    assert_int_equal(stats_of(&b).rows, 1);
    close_bench(&b);
}

/* ---- refs and blobs ---- */

static void refs_count_against_the_budget_and_come_back_in_a_chain(void **state) {
    (void)state;
    const mr_engine engine = open_engine(4 * MIB, 1);
    uint32_t address = 0;
    assert_int_equal(mr_refs_reserve(engine, 10000, &address), MR_OK);
    const uint32_t same = address;
    assert_int_equal(mr_refs_reserve(engine, 10, &address), MR_OK);
    assert_int_equal(address, same);
    assert_int_equal(mr_refs_reserve(engine, UINT32_MAX, &address), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "capacity");
    mr_refs *refs = mr_at(address);
    assert_int_equal(refs->capacity, 10000);
    bench b = open_bench_in(engine, &custom);
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 8000; i++)
        add_key(&b, i);
    (void)find_input(&b);
    uint32_t record[2] = {10000, 0};
    assert_int_equal(mr_row_create(b.op, 0, (const uint8_t *)record), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "number");
    uint32_t count = 0;
    for (mr_status status = MR_OK; status == MR_OK;) {
        record[0] = count + 1;
        status = mr_row_create(b.op, count, (const uint8_t *)record);
        if (status == MR_OK)
            count++;
        else
            assert_int_equal(status, MR_ERR_MEMORY);
    }
    assert_true(count > 1000 && count < 8000);
    assert_int_equal(memory_of(engine).external_bytes, count * (uint64_t)MR_REF_BYTES);
    assert_int_equal(stats_of(&b).rows, count);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(mr_row_remove(b.op, i), MR_OK);
    uint32_t chain[5];
    uint32_t length = 0;
    for (uint32_t at = refs->dropped; at != 0; at = mr_u32s(refs->next)[at]) {
        assert_true(length < 5);
        chain[length++] = at;
    }
    const uint32_t expected[] = {5, 4, 3, 2, 1};
    assert_int_equal(length, 5);
    assert_memory_equal(chain, expected, sizeof expected);
    record[0] = 1; /* There is room again, the cell may be empty, too. */
    assert_int_equal(mr_row_create(b.op, 0, (const uint8_t *)record), MR_OK);
    record[0] = 0;
    assert_int_equal(mr_row_create(b.op, 1, (const uint8_t *)record), MR_OK);
    close_bench(&b);
}

static void strings_are_limited(void **state) {
    (void)state;
    static const uint8_t text[MR_STRING_BYTES_MAX + 1];
    bench b = open_bench(&custom);
    uint32_t blob = 0;
    assert_int_equal(mr_blob_new(b.op, text, MR_STRING_BYTES_MAX + 1, &blob), MR_ERR_LIMIT);
    assert_string_equal(mr_error_name(), "string bytes");
    assert_true(mr_error_value() == (double)MR_STRING_BYTES_MAX);
    assert_int_equal(mr_blob_new(b.op, text, MR_STRING_BYTES_MAX, &blob), MR_OK);
    assert_int_equal(mr_blob_free(b.op, blob), MR_OK);
    assert_int_equal(mr_blob_new(b.op, NULL, 100, &blob), MR_OK);
    assert_memory_equal((uint8_t *)mr_at(blob) + 4, text, 100); /* All zeros. */
    assert_int_equal(mr_blob_free(b.op, blob), MR_OK);
    assert_int_equal(mr_blob_new(b.op, NULL, 0, &blob), MR_OK);
    assert_int_equal(blob, 0);
    assert_int_equal(mr_blob_free(b.op, 0), MR_OK);
    close_bench(&b);
}

static void a_checksum_is_xxh64(void **state) {
    (void)state;
    uint64_t checksum = 0;
    assert_int_equal(mr_checksum((const uint8_t *)"abc", 3, &checksum), MR_OK);
    assert_int_equal(checksum, UINT64_C(0x44BC2CF5AD770999));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_handles_are_refused_everywhere),
        cmocka_unit_test(closing_an_engine_closes_what_it_owns),
        cmocka_unit_test(batches_of_another_engine_are_refused),
        cmocka_unit_test(a_handle_is_never_issued_twice),
        cmocka_unit_test(handles_are_limited_and_refused_by_name),
        cmocka_unit_test(an_engine_needs_memory),
        cmocka_unit_test(engines_are_limited_and_refused_by_name),
        cmocka_unit_test(memory_that_the_host_asks_for_is_its_own_and_counted),
        cmocka_unit_test(wrong_operators_are_refused),
        cmocka_unit_test(wrong_batches_are_refused),
        cmocka_unit_test(a_batch_grows_and_keeps_its_keys_when_asked_to),
        cmocka_unit_test(pushes_and_finds_check_what_they_get),
        cmocka_unit_test(batches_that_lie_are_refused),
        cmocka_unit_test(rows_are_named_by_the_last_find_alone),
        cmocka_unit_test(refs_count_against_the_budget_and_come_back_in_a_chain),
        cmocka_unit_test(strings_are_limited),
        cmocka_unit_test(a_checksum_is_xxh64),
    };
    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
