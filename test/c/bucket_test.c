/* bucket_test.c -- events of two sides by their key and time, against a plain list of them. */
#include "harness.h"

#include "../../c/bucket.h"

enum { EVENTS = 600, KEYS = 3 };

static const mr_operator_spec spec = {
    .kind = MR_JOIN,
    .flags = MR_TIMERS | MR_ENTRIES,
    .count = 1,
    .kinds = {MR_REF},
    .before_ms = 2,
    .after_ms = 2, /* A stretch is 40 ms. */
};

typedef struct event {
    uint8_t key;
    uint32_t side;
    double time_ms;
    double number;
    mr_addr row; /* 0: it is gone. */
} event;

static mr_rows *rows_of(const bench *b) { return &inside(b->op)->rows; }

/* The bucket of a time; all keys have one hash where they are to collide. */
static mr_bucket_name name_of(const mr_rows *rows, const event *e, bool alike) {
    const double stretch = mr_bucket_stretch(rows, e->time_ms);
    const uint32_t hash = alike ? 7 : mr_hash32(rows, &e->key, 1);
    return (mr_bucket_name){stretch, &e->key, 1, mr_bucket_hash(rows, hash, alike ? 0 : stretch)};
}

static void make(mr_rows *rows, event *e, bool alike) {
    uint8_t key[1 + MR_BUCKET_KEY_AROUND];
    mr_bucket_event event = {.name = name_of(rows, e, alike), .time_ms = e->time_ms};
    const mr_moment moment = {e->time_ms, e->time_ms, 0};
    const uint64_t record = 0;
    mr_row *row;
    event.side = e->side;
    mr_place_behind(rows, mr_bucket_find(rows, &event.name), &event);
    e->number = event.number;
    mr_bucket_key_write(key, &event);
    const mr_keyed keyed = {key, sizeof key, event.name.hash};
    assert_true(mr_row_key_valid(rows, key, sizeof key));
    const mr_status status =
        rows->births % 2 == 1
            ? mr_rows_make_event(rows, &event, &moment, (const uint8_t *)&record, &row)
            : mr_rows_make(rows, &keyed, &moment, (const uint8_t *)&record, &row);
    assert_int_equal(status, MR_OK);
    assert_memory_equal(mr_row_key(rows, row), key, sizeof key);
    e->row = mr_addr_of(row);
}

/* Of those of a key, side and stretch the next one by time, then as they came. */
static const event *next_of(const mr_rows *rows, const event *events, const event *of,
                            uint32_t side, const event *last) {
    const event *next = NULL;
    for (const event *e = events; e < events + EVENTS; e++) {
        if (e->row == 0 || e->key != of->key || e->side != side) continue;
        if (mr_bucket_stretch(rows, e->time_ms) != mr_bucket_stretch(rows, of->time_ms)) continue;
        const bool behind =
            last == NULL || e->time_ms > last->time_ms || (e->time_ms == last->time_ms && e > last);
        if (behind && (next == NULL || e->time_ms < next->time_ms)) next = e;
    }
    return next;
}

static void check_bucket(const mr_rows *rows, const event *events, const event *of, bool alike) {
    const mr_bucket_name name = name_of(rows, of, alike);
    const mr_addr bucket = mr_bucket_find(rows, &name);
    assert_true(bucket == 0 || mr_bucket_at(bucket)->stretch == name.stretch);
    for (uint32_t side = 0; side < 2; side++) {
        mr_addr before = 0;
        const event *e = NULL;
        mr_addr at = bucket == 0 ? 0 : mr_bucket_at(bucket)->first[side];
        for (; at != 0; at = mr_place_of(rows, at)->next) {
            e = next_of(rows, events, of, side, e);
            assert_non_null(e);
            assert_int_equal(at, e->row);
            assert_int_equal(mr_place_of(rows, at)->before, before);
            assert_int_equal(mr_place_of(rows, at)->bucket, bucket);
            assert_int_equal(mr_place_side(rows, mr_row_at(at)), side);
            before = at;
        }
        assert_null(next_of(rows, events, of, side, e));
        if (bucket != 0) assert_int_equal(mr_bucket_at(bucket)->last[side], before);
    }
}

static void check_walk(const mr_rows *rows, const event *events) {
    static mr_addr found[EVENTS];
    mr_rows_cursor cursor = {0};
    uint32_t count = 0;
    uint32_t live = 0;
    while (count < EVENTS) {
        const uint32_t more = mr_rows_walk(rows, &cursor, found + count, 7);
        if (more == 0) break;
        count += more;
    }
    for (uint32_t i = 0; i < EVENTS; i++) {
        uint32_t times = 0;
        for (uint32_t at = 0; at < count; at++)
            times += events[i].row != 0 && found[at] == events[i].row;
        assert_int_equal(times, events[i].row != 0);
        live += events[i].row != 0;
    }
    assert_int_equal(count, live);
    assert_int_equal(rows->size, live);
}

static void come_and_go(bool alike) {
    static event events[EVENTS];
    uint64_t seed = 5;
    bench b = open_bench(&spec);
    mr_rows *rows = rows_of(&b);
    memset(events, 0, sizeof events);
    for (uint32_t i = 0; i < EVENTS; i++) {
        events[i].key = (uint8_t)random_below(&seed, KEYS);
        events[i].side = random_below(&seed, 2);
        events[i].time_ms = (double)random_below(&seed, 150) - 60;
        make(rows, &events[i], alike);
        check_bucket(rows, events, &events[i], alike);
        event *gone = &events[random_below(&seed, i + 1)];
        if (random_below(&seed, 3) == 0 || gone->row == 0) continue;
        mr_rows_remove(rows, mr_row_at(gone->row));
        gone->row = 0;
        check_bucket(rows, events, gone, alike);
    }
    check_walk(rows, events);
    for (uint32_t i = 0; i < EVENTS; i++) {
        if (events[i].row == 0) continue;
        const uint8_t *key = mr_row_key(rows, mr_row_at(events[i].row));
        const uint32_t bytes = mr_row_at(events[i].row)->key_bytes;
        const uint32_t hash = name_of(rows, &events[i], alike).hash;
        if (!alike) assert_int_equal(mr_key_hash(rows, key, bytes), hash);
        assert_int_equal(mr_row_hash(rows, mr_row_at(events[i].row)), hash);
        assert_int_equal(mr_rows_lookup(rows, hash, key, bytes), events[i].row);
        mr_rows_remove(rows, mr_row_at(events[i].row));
        events[i].row = 0;
    }
    assert_int_equal(rows->table.size, 0);
    close_bench(&b);
}

static void events_are_as_in_a_plain_list(void **state) {
    (void)state;
    come_and_go(false);
}

static void keys_and_stretches_of_one_hash_are_told_apart(void **state) {
    (void)state;
    come_and_go(true);
}

static void a_look_ahead_finds_what_a_look_finds(void **state) {
    (void)state;
    event events[3 * MR_AHEAD_MAX];
    mr_bucket_name names[MR_AHEAD_MAX];
    mr_addr found[MR_AHEAD_MAX];
    bench b = open_bench(&spec);
    mr_rows *rows = rows_of(&b);
    for (uint32_t i = 0; i < 3 * MR_AHEAD_MAX; i++) {
        events[i] = (event){.key = (uint8_t)(i % 5), .side = i % 2, .time_ms = (double)i * 3};
        if (i % 3 > 0) make(rows, &events[i], i % 2 == 0);
    }
    for (uint32_t alike = 0; alike < 2; alike++) {
        for (uint32_t i = 0; i < MR_AHEAD_MAX; i++)
            names[i] = name_of(rows, &events[3 * i], alike == 1);
        mr_buckets_ahead(rows, names, MR_AHEAD_MAX, found);
        for (uint32_t i = 0; i < MR_AHEAD_MAX; i++)
            assert_int_equal(found[i], mr_bucket_find(rows, &names[i]));
    }
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
}

static void a_key_that_names_no_side_is_refused(void **state) {
    (void)state;
    uint8_t key[3 + MR_BUCKET_KEY_AROUND];
    bench b = open_bench(&spec);
    const mr_rows *rows = rows_of(&b);
    const uint8_t text[] = {5, 'k', '1'};
    const mr_bucket_event event = {
        .name = {.key = text, .key_bytes = sizeof text}, .time_ms = 12, .side = 1};
    mr_bucket_key_write(key, &event);
    assert_true(mr_row_key_valid(rows, key, sizeof key));
    /* Tags and sizes of the entry, of its owner, of key and side; the side; time and number. */
    const uint32_t heads[] = {0, 1, 2, 4, 5, 6, 7, 11, 12, 13, 14, 15, 16, 18, 19, 20, 29, 30, 31};
    for (uint32_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        const uint8_t was = key[heads[i]];
        key[heads[i]] = 99;
        assert_false(mr_row_key_valid(rows, key, sizeof key));
        key[heads[i]] = was;
    }
    assert_false(mr_row_key_valid(rows, key, sizeof key - 1));
    assert_int_equal(mr_engine_close(b.engine), MR_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_as_in_a_plain_list),
        cmocka_unit_test(keys_and_stretches_of_one_hash_are_told_apart),
        cmocka_unit_test(a_look_ahead_finds_what_a_look_finds),
        cmocka_unit_test(a_key_that_names_no_side_is_refused),
    };
    return cmocka_run_group_tests_name("bucket", tests, NULL, NULL);
}
