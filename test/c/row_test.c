/* row_test.c -- rows: their lives, their limits, their order of use, their changes. */
#include "harness.h"

enum { KEYS = 40 };

static const mr_operator_spec plain = {.kind = MR_CUSTOM, .count = 1, .kinds = {MR_F64}};

static const uint64_t no_record[8];

/* Find one key that arrives at `now_ms`, and enter its row. */
static mr_row *enter(bench *b, uint32_t number, double now_ms) {
    begin_input(b, now_ms);
    add_key(b, number);
    (void)find_input(b);
    assert_int_equal(mr_row_enter(b->op, 0), MR_OK);
    return row_of(b, 0);
}

static mr_row *enter_event(bench *b, uint32_t number, double time_ms, double watermark) {
    begin_input(b, 0);
    add_event(b, number, time_ms, watermark);
    (void)find_input(b);
    assert_int_equal(mr_row_enter(b->op, 0), MR_OK);
    return row_of(b, 0);
}

static mr_status create(bench *b) { return mr_row_create(b->op, 0, (const uint8_t *)no_record); }

/* Use a key: make its row or write it. */
static void put(bench *b, uint32_t number, double now_ms) {
    if (enter(b, number, now_ms) == NULL) {
        assert_int_equal(create(b), MR_OK);
    } else {
        assert_int_equal(mr_row_touch(b->op, 0, 1), MR_OK);
    }
}

static void looking_at_a_row_that_is_over_leaves_it_there(void **state) {
    (void)state;
    mr_operator_spec spec = plain;
    spec.ttl_ms = 10;
    bench b = open_bench(&spec);
    put(&b, 1, 0);
    begin_input(&b, 0);
    add_key(&b, 1);
    add_key(&b, 2);
    (void)find_input(&b);
    uint32_t row = 1;
    assert_int_equal(mr_row_look(b.op, 0, 9, &row), MR_OK);
    assert_ptr_equal(mr_at(row), row_of(&b, 0));
    assert_int_equal(mr_row_look(b.op, 0, 10, &row), MR_OK);
    assert_int_equal(row, 0);
    assert_int_equal(mr_row_look(b.op, 1, 0, &row), MR_OK);
    assert_int_equal(row, 0);
    assert_int_equal(mr_row_look(b.op, 2, 0, &row), MR_ERR_ARGUMENT);
    assert_int_equal(stats_of(&b).rows, 1);
    assert_int_equal(stats_of(&b).expired, 0);
    close_bench(&b);
}

static void a_row_is_made_found_written_and_removed(void **state) {
    (void)state;
    bench b = open_bench(&plain);
    assert_null(enter(&b, 1, 0));
    const double five = 5;
    assert_int_equal(mr_row_create(b.op, 0, (const uint8_t *)&five), MR_OK);
    mr_row *row = row_of(&b, 0);
    assert_int_equal(row->key_bytes, 2);
    assert_memory_equal(mr_row_key(&inside(b.op)->rows, row), "k1", 2);
    assert_true(*(double *)record_of(&b, 0) == 5);
    assert_ptr_equal(enter(&b, 1, 0), row);
    assert_null(enter(&b, 2, 0));
    assert_int_equal(stats_of(&b).rows, 1);
    assert_int_equal(stats_of(&b).bytes, mr_heap_size_of(12 + 4 + 8));
    assert_ptr_equal(enter(&b, 1, 0), row);
    assert_int_equal(mr_row_create(b.op, 0, (const uint8_t *)&five), MR_ERR_ARGUMENT);
    assert_int_equal(mr_row_remove(b.op, 0), MR_OK);
    assert_int_equal(mr_row_remove(b.op, 0), MR_OK);
    assert_null(row_of(&b, 0));
    assert_int_equal(stats_of(&b).rows, 0);
    assert_int_equal(stats_of(&b).bytes, 0);
    close_bench(&b);
}

static void a_row_expires_at_age_exactly_ttl_since_its_last_write(void **state) {
    (void)state;
    mr_operator_spec spec = plain;
    spec.ttl_ms = 100;
    bench b = open_bench(&spec);
    put(&b, 1, 1000);
    assert_non_null(enter(&b, 1, 1099));
    assert_int_equal(mr_row_touch(b.op, 0, 0), MR_OK); /* A read is no write. */
    assert_null(enter(&b, 1, 1100));
    assert_int_equal(stats_of(&b).expired, 1);
    put(&b, 1, 1200);
    put(&b, 1, 1299);
    assert_non_null(enter(&b, 1, 1398));
    assert_null(enter(&b, 1, 1399));
    assert_int_equal(stats_of(&b).rows, 0);
    close_bench(&b);
}

static void a_row_that_is_found_but_not_entered_stands(void **state) {
    (void)state;
    mr_operator_spec spec = plain;
    spec.ttl_ms = 10;
    bench b = open_bench(&spec);
    put(&b, 1, 0);
    begin_input(&b, 50);
    add_key(&b, 1);
    (void)find_input(&b);
    assert_non_null(row_of(&b, 0));
    assert_int_equal(create(&b), MR_ERR_ARGUMENT);
    assert_int_equal(mr_row_enter(b.op, 0), MR_OK);
    assert_int_equal(create(&b), MR_OK);
    close_bench(&b);
}

static void event_time_judges_by_the_event_or_the_watermark_whichever_is_later(void **state) {
    (void)state;
    mr_operator_spec spec = plain;
    spec.ttl_ms = 100;
    bench b = open_bench(&spec);
    assert_null(enter_event(&b, 1, 1000, 0));
    assert_int_equal(create(&b), MR_OK);
    assert_non_null(enter_event(&b, 1, 500, 900)); /* Late, but within its life. */
    assert_int_equal(mr_row_touch(b.op, 0, 1), MR_OK);
    assert_int_equal(mr_row_last_use(&inside(b.op)->rows, row_of(&b, 0)), 1000);
    assert_non_null(enter_event(&b, 1, 1099, 1000));
    assert_non_null(enter_event(&b, 1, 1000, 1099));
    assert_null(enter_event(&b, 1, 1000, 1100)); /* The watermark has passed it. */
    assert_int_equal(create(&b), MR_OK);         /* Born at 1000, though late. */
    assert_null(enter_event(&b, 1, 1100, 1000)); /* The event itself has. */
    close_bench(&b);
}

static void times_before_1970_and_between_milliseconds_do_not_expire_a_row_early(void **state) {
    (void)state;
    mr_operator_spec spec = plain;
    spec.ttl_ms = 10;
    spec.flags = MR_EVICT;
    spec.rows_max = 2;
    bench b = open_bench(&spec);
    assert_null(enter_event(&b, 1, -11, -20));
    assert_int_equal(create(&b), MR_OK); /* Until -1. */
    assert_non_null(enter_event(&b, 1, -11, -1.5));
    assert_int_equal(mr_operator_expire(b.op, -1.5, 100), MR_OK);
    assert_int_equal(stats_of(&b).rows, 1);
    assert_int_equal(mr_operator_expire(b.op, -1, 100), MR_OK);
    assert_int_equal(stats_of(&b).rows, 0);
    assert_int_equal(mr_time_of(-1.5), -2);
    assert_int_equal(mr_time_of(1.5), 1);
    assert_int_equal(mr_time_of(-END), -8640000000000000);
    assert_int_equal(mr_time_of(__builtin_nan("")), -8640000000000000);
    assert_int_equal(mr_time_of(END), 8640000000000000);
    close_bench(&b);
}

static void expired_rows_count_toward_nothing(void **state) {
    (void)state;
    for (uint32_t flags = 0; flags <= MR_EVICT; flags += MR_EVICT) {
        mr_operator_spec spec = plain;
        spec.ttl_ms = 100;
        spec.rows_max = 3;
        spec.flags = flags;
        bench b = open_bench(&spec);
        put(&b, 1, 0);
        put(&b, 2, 0);
        put(&b, 3, 50);
        if (flags == 0) { /* Nothing has expired yet: full. */
            assert_null(enter(&b, 4, 99));
            assert_int_equal(create(&b), MR_ERR_LIMIT);
            assert_string_equal(mr_error_name(), "state.maxSize");
            assert_true(mr_error_value() == 3);
        }
        put(&b, 4, 100);
        put(&b, 5, 100);
        assert_int_equal(stats_of(&b).expired, 2);
        assert_int_equal(stats_of(&b).evicted, 0);
        assert_non_null(enter(&b, 3, 101));
        close_bench(&b);
    }
}

static void strings_of_expired_rows_make_room_for_new_ones(void **state) {
    (void)state;
    const mr_operator_spec spec = {
        .kind = MR_CUSTOM, .count = 1, .kinds = {MR_STRING}, .ttl_ms = 100, .bytes_max = 400};
    static const uint8_t text[200];
    bench b = open_bench(&spec);
    uint32_t blob = 0;
    assert_null(enter(&b, 1, 0));
    assert_int_equal(mr_blob_new(b.op, text, 200, &blob), MR_OK);
    const uint32_t record[2] = {blob, 0};
    assert_int_equal(mr_row_create(b.op, 0, (const uint8_t *)record), MR_OK);
    assert_null(enter(&b, 2, 99));
    assert_int_equal(mr_blob_new(b.op, text, 200, &blob), MR_ERR_LIMIT);
    assert_string_equal(mr_error_name(), "state.maxBytes");
    assert_null(enter(&b, 2, 100));
    assert_int_equal(mr_blob_new(b.op, text, 200, &blob), MR_OK);
    assert_int_equal(stats_of(&b).expired, 1);
    assert_int_equal(mr_blob_free(b.op, blob), MR_OK);
    assert_int_equal(stats_of(&b).bytes, 0);
    close_bench(&b);
}

static void looking_at_a_row_changes_nothing(void **state) {
    (void)state;
    mr_operator_spec spec = plain;
    spec.ttl_ms = 100;
    bench b = open_bench(&spec);
    put(&b, 1, 0);
    begin_input(&b, 0);
    add_key(&b, 1);
    add_key(&b, 2);
    (void)find_input(&b);
    uint32_t row = 7;
    assert_int_equal(mr_row_look(b.op, 0, 99, &row), MR_OK);
    assert_ptr_equal(mr_at(row), row_of(&b, 0));
    assert_int_equal(mr_row_look(b.op, 0, 100, &row), MR_OK);
    assert_int_equal(row, 0);
    assert_int_equal(mr_row_look(b.op, 0, -END, &row), MR_OK);
    assert_true(row != 0);
    assert_int_equal(mr_row_look(b.op, 1, 0, &row), MR_OK);
    assert_int_equal(row, 0);
    assert_int_equal(mr_row_look(b.op, 2, 0, &row), MR_ERR_ARGUMENT);
    assert_int_equal(stats_of(&b).rows, 1);
    close_bench(&b);
}

static void expiry_looks_at_as_many_rows_as_it_may(void **state) {
    (void)state;
    mr_operator_spec spec = plain;
    spec.ttl_ms = 1;
    bench b = open_bench(&spec);
    for (uint32_t i = 0; i < 100; i++)
        put(&b, i, 0);
    assert_int_equal(mr_operator_expire(b.op, 0, 1000), MR_OK);
    assert_int_equal(stats_of(&b).rows, 100);
    uint32_t calls = 1;
    while (mr_operator_expire(b.op, 1, 10) == MR_MORE)
        calls++;
    assert_true(calls >= 10);
    assert_int_equal(stats_of(&b).rows, 0);
    assert_int_equal(stats_of(&b).expired, 100);
    close_bench(&b);
}

/* ---- the least recently used row ---- */

/* A naive list, the oldest first. */
typedef struct model {
    uint32_t keys[KEYS];
    uint32_t size;
} model;

static uint32_t place_of(const model *m, uint32_t key) {
    uint32_t at = 0;
    while (at < m->size && m->keys[at] != key)
        at++;
    return at;
}

static void drop(model *m, uint32_t at) {
    m->size--;
    memmove(m->keys + at, m->keys + at + 1, (m->size - at) * sizeof m->keys[0]);
}

static void use(model *m, uint32_t key, uint32_t rows_max) {
    const uint32_t at = place_of(m, key);
    if (at < m->size) drop(m, at);
    if (m->size == rows_max) drop(m, 0);
    m->keys[m->size++] = key;
}

static void check_order(const bench *b, const model *m) {
    const mr_rows *rows = &inside(b->op)->rows;
    assert_int_equal(rows->table.size, m->size);
    mr_addr at = rows->oldest;
    for (uint32_t i = 0; i < m->size; i++) {
        assert_true(at != 0);
        assert_int_equal(number_of(rows, mr_row_at(at)), m->keys[i]);
        at = ((mr_lru *)mr_row_part(mr_row_at(at), rows->lru_at))->newer;
    }
    assert_int_equal(at, 0);
}

/* What a user function may do with its row, decided by chance. */
static void live(bench *b, model *m, uint32_t index, uint32_t key, uint32_t rows_max,
                 uint64_t *seed) {
    const bool stands = place_of(m, key) < m->size;
    assert_int_equal(row_of(b, index) != NULL, stands);
    const uint32_t choice = random_below(seed, 10);
    if (!stands) {
        if (choice < 2) return;
        assert_int_equal(mr_row_create(b->op, index, (const uint8_t *)no_record), MR_OK);
        use(m, key, rows_max);
    } else if (choice == 0) {
        assert_int_equal(mr_row_remove(b->op, index), MR_OK);
        drop(m, place_of(m, key));
    } else {
        assert_int_equal(mr_row_touch(b->op, index, choice & 1), MR_OK);
        use(m, key, rows_max);
    }
}

static void a_full_state_evicts_exactly_the_row_that_was_used_least_recently(void **state) {
    (void)state;
    for (uint64_t seed = 100; seed < 110; seed++) {
        mr_operator_spec spec = plain;
        spec.flags = MR_EVICT | MR_TRACK;
        spec.rows_max = 1 + (seed % 10) * 3;
        print_message("seed %u\n", (unsigned)seed);
        uint64_t random = seed;
        bench b = open_bench(&spec);
        model m = {0};
        for (uint32_t chunk = 0; chunk < 300; chunk++) {
            uint32_t keys[70];
            const uint32_t size = 1 + random_below(&random, 70);
            begin_input(&b, chunk);
            for (uint32_t i = 0; i < size; i++) {
                keys[i] = random_below(&random, KEYS);
                add_key(&b, keys[i]);
            }
            (void)find_input(&b);
            for (uint32_t i = 0; i < size; i++) {
                live(&b, &m, i, keys[i], (uint32_t)spec.rows_max, &random);
                check_order(&b, &m);
            }
        }
        assert_true(stats_of(&b).evicted > 0);
        close_bench(&b);
    }
}

static void bytes_are_a_limit_too(void **state) {
    (void)state;
    mr_operator_spec spec = plain;
    const uint32_t row_bytes = mr_heap_size_of(12 + 4 + 8);
    spec.bytes_max = 3 * row_bytes;
    bench b = open_bench(&spec);
    for (uint32_t i = 0; i < 3; i++)
        put(&b, i, 0);
    assert_null(enter(&b, 3, 0));
    assert_int_equal(create(&b), MR_ERR_LIMIT);
    assert_string_equal(mr_error_name(), "state.maxBytes");
    assert_true(mr_error_value() == (double)spec.bytes_max);
    assert_int_equal(stats_of(&b).rows, 3);
    close_bench(&b);

    spec.flags = MR_EVICT; /* Rows are 16 bytes larger. */
    spec.bytes_max = 3 * mr_heap_size_of(12 + 16 + 4 + 8);
    b = open_bench(&spec);
    for (uint32_t i = 0; i < 9; i++)
        put(&b, i, 0);
    assert_int_equal(stats_of(&b).rows, 3);
    assert_int_equal(stats_of(&b).evicted, 6);
    close_bench(&b);
}

static void a_row_that_can_never_fit_evicts_nobody(void **state) {
    (void)state;
    mr_operator_spec spec = plain;
    spec.flags = MR_EVICT;
    spec.bytes_max = 200;
    bench b = open_bench(&spec);
    for (uint32_t i = 0; i < 3; i++)
        put(&b, i, 0);
    char key[300];
    memset(key, 'x', sizeof key);
    begin_input(&b, 0);
    add_bytes(&b, key, sizeof key);
    (void)find_input(&b);
    assert_int_equal(create(&b), MR_ERR_LIMIT);
    assert_string_equal(mr_error_name(), "state.maxBytes");
    assert_int_equal(stats_of(&b).rows, 3);
    assert_int_equal(stats_of(&b).evicted, 0);
    uint32_t blob = 7;
    assert_int_equal(mr_blob_new(b.op, (const uint8_t *)key, 250, &blob), MR_ERR_LIMIT);
    assert_int_equal(blob, 0);
    close_bench(&b);
}

static void a_string_that_grows_evicts_others_but_not_its_own_row(void **state) {
    (void)state;
    const mr_operator_spec spec = {
        .kind = MR_CUSTOM, .count = 1, .kinds = {MR_STRING}, .flags = MR_EVICT, .bytes_max = 1000};
    static const uint8_t text[900];
    bench b = open_bench(&spec);
    for (uint32_t i = 0; i < 5; i++)
        put(&b, i, 0);
    assert_non_null(enter(&b, 0, 0));
    uint32_t *cell = record_of(&b, 0);
    assert_int_equal(mr_blob_new(b.op, text, 800, cell), MR_OK);
    assert_int_equal(stats_of(&b).rows, 5); /* Room is made when the row is written. */
    assert_int_equal(mr_row_touch(b.op, 0, 1), MR_OK);
    assert_true(stats_of(&b).bytes <= 1000);
    assert_int_equal(stats_of(&b).rows, 2);
    assert_non_null(row_of(&b, 0));
    assert_non_null(enter(&b, 4, 0));
    close_bench(&b);
}

static void rows_that_are_evicted_in_a_chunk_are_gone_for_its_later_events(void **state) {
    (void)state;
    mr_operator_spec spec = plain;
    spec.flags = MR_EVICT;
    spec.rows_max = 1;
    bench b = open_bench(&spec);
    put(&b, 1, 0);
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 6; i++)
        add_key(&b, 1 + i % 2);
    const mr_found *found = find_input(&b);
    assert_int_equal(found->size, 6);
    assert_non_null(row_of(&b, 0));
    for (uint32_t i = 1; i < 6; i++) {
        assert_null(row_of(&b, i));
        assert_int_equal(mr_row_create(b.op, i, (const uint8_t *)no_record), MR_OK);
        assert_non_null(row_of(&b, i));
    }
    assert_int_equal(stats_of(&b).rows, 1);
    assert_int_equal(stats_of(&b).evicted, 5);
    close_bench(&b);
}

/* ---- changed rows ---- */

static const mr_operator_spec tracked = {
    .kind = MR_CUSTOM, .count = 1, .kinds = {MR_F64}, .flags = MR_TRACK};

static void changed_rows_are_listed_once_in_the_order_they_first_changed(void **state) {
    (void)state;
    bench b = open_bench(&tracked);
    int32_t numbers[4];
    for (uint32_t i = 0; i < 4; i++)
        put(&b, i, 0);
    assert_int_equal(changes_of(&b).rows, 4);
    end_epoch(&b);
    assert_int_equal(changes_of(&b).rows, 0);
    put(&b, 2, 0);
    put(&b, 1, 0);
    put(&b, 2, 0);
    assert_non_null(enter(&b, 3, 0));
    assert_int_equal(mr_row_touch(b.op, 0, 0), MR_OK); /* Read only. */
    assert_int_equal(scan_changes(&b, 0, true, numbers, 4), 2);
    assert_int_equal(numbers[0], 2);
    assert_int_equal(numbers[1], 1);
    close_bench(&b);
}

static void a_row_that_was_born_and_removed_in_an_epoch_leaves_nothing(void **state) {
    (void)state;
    bench b = open_bench(&tracked);
    put(&b, 1, 0);
    assert_non_null(enter(&b, 1, 0));
    const uint64_t before = live_bytes(b.engine);
    put(&b, 2, 0);
    assert_int_equal(mr_row_remove(b.op, 0), MR_OK);
    assert_int_equal(live_bytes(b.engine), before);
    assert_int_equal(changes_of(&b).rows, 1);
    assert_int_equal(changes_of(&b).removed, 0);
    close_bench(&b);
}

static void a_known_row_that_is_removed_leaves_a_grave_with_its_key(void **state) {
    (void)state;
    bench b = open_bench(&tracked);
    int32_t numbers[4];
    put(&b, 1, 0);
    put(&b, 2, 0);
    put(&b, 3, 0);
    end_epoch(&b);
    put(&b, 2, 0); /* Changed, then removed. */
    assert_int_equal(mr_row_remove(b.op, 0), MR_OK);
    assert_non_null(enter(&b, 1, 0)); /* Removed unchanged. */
    assert_int_equal(mr_row_remove(b.op, 0), MR_OK);
    put(&b, 1, 0);                     /* Born anew: no grave when removed. */
    for (uint32_t i = 0; i < 3; i++) { /* The same after a checkpoint that was given up. */
        assert_int_equal(scan_changes(&b, 0, i == 2, numbers, 4), 3);
        assert_int_equal(numbers[0], -2);
        assert_int_equal(numbers[1], -1);
        assert_int_equal(numbers[2], 1);
    }
    assert_int_equal(changes_of(&b).removed, 0);
    put(&b, 3, 0);
    assert_int_equal(mr_row_remove(b.op, 0), MR_OK);
    close_bench(&b); /* Graves are freed with the rest. */
}

static void wrong_states_are_refused(void **state) {
    (void)state;
    mr_engine engine = open_engine(MIB, 1);
    const double ttls[] = {-1, 0.5, 9e15, END, __builtin_nan("")};
    mr_operator op = 0;
    for (uint32_t i = 0; i < sizeof ttls / sizeof ttls[0]; i++) {
        mr_operator_spec spec = plain;
        spec.ttl_ms = ttls[i];
        assert_int_equal(mr_operator_open(engine, &spec, &op), MR_ERR_ARGUMENT);
        assert_string_equal(mr_error_name(), "ttl_ms");
    }
    mr_operator_spec spec = plain;
    spec.kinds[0] = MR_REFS + 1;
    assert_int_equal(mr_operator_open(engine, &spec, &op), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "kinds");
    assert_int_equal(op, 0);
    assert_int_equal(mr_engine_close(engine), MR_OK);
}

static void a_record_lies_as_its_layout_says(void **state) {
    (void)state;
    const mr_operator_spec spec = {
        .kind = MR_CUSTOM,
        .count = 6,
        .kinds = {MR_BOOL, MR_STRING, MR_F64, MR_REF, MR_BOOL, MR_TIMESTAMP},
        .ttl_ms = 5,
        .flags = MR_EVICT,
    };
    bench b = open_bench(&spec);
    mr_layout layout;
    assert_int_equal(mr_operator_layout(b.op, &layout), MR_OK);
    const uint32_t at[] = {24, 16, 0, 20, 25, 8};
    assert_memory_equal(layout.field_at, at, sizeof at);
    assert_memory_equal(layout.field_kind, spec.kinds, 6);
    assert_int_equal(layout.field_count, 6);
    assert_int_equal(layout.record_bytes, 32);
    assert_int_equal(layout.key_bytes_at, 10);
    assert_int_equal(layout.key_at, 12 + 16 + 8 + 8);
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_made_found_written_and_removed),
        cmocka_unit_test(looking_at_a_row_that_is_over_leaves_it_there),
        cmocka_unit_test(a_row_expires_at_age_exactly_ttl_since_its_last_write),
        cmocka_unit_test(a_row_that_is_found_but_not_entered_stands),
        cmocka_unit_test(event_time_judges_by_the_event_or_the_watermark_whichever_is_later),
        cmocka_unit_test(times_before_1970_and_between_milliseconds_do_not_expire_a_row_early),
        cmocka_unit_test(expired_rows_count_toward_nothing),
        cmocka_unit_test(strings_of_expired_rows_make_room_for_new_ones),
        cmocka_unit_test(looking_at_a_row_changes_nothing),
        cmocka_unit_test(expiry_looks_at_as_many_rows_as_it_may),
        cmocka_unit_test(a_full_state_evicts_exactly_the_row_that_was_used_least_recently),
        cmocka_unit_test(bytes_are_a_limit_too),
        cmocka_unit_test(a_row_that_can_never_fit_evicts_nobody),
        cmocka_unit_test(a_string_that_grows_evicts_others_but_not_its_own_row),
        cmocka_unit_test(rows_that_are_evicted_in_a_chunk_are_gone_for_its_later_events),
        cmocka_unit_test(changed_rows_are_listed_once_in_the_order_they_first_changed),
        cmocka_unit_test(a_row_that_was_born_and_removed_in_an_epoch_leaves_nothing),
        cmocka_unit_test(a_known_row_that_is_removed_leaves_a_grave_with_its_key),
        cmocka_unit_test(wrong_states_are_refused),
        cmocka_unit_test(a_record_lies_as_its_layout_says),
    };
    return cmocka_run_group_tests_name("row", tests, NULL, NULL);
}
