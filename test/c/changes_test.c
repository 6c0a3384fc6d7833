/* changes_test.c -- checkpoints of what changed: chains of segments, and the way back. */
#include <stdlib.h>

#include "harness.h"

enum { ROOM = 1 << 20, KEYS = 40, CHAIN = 2000, PAGE = 7 };

static const mr_operator_spec spec = {
    .kind = MR_CUSTOM,
    .count = 2,
    .kinds = {MR_F64, MR_STRING},
    .flags = MR_TRACK | MR_EVICT | MR_TIMERS,
    .ttl_ms = 1000,
    .rows_max = KEYS - 5,
};

/* ---- saving ---- */

typedef struct segment {
    uint8_t *bytes;
    uint32_t size;
    uint32_t number;
    uint32_t entries;
} segment;

typedef struct chain {
    segment segments[CHAIN];
    uint32_t count;
} chain;

static uint8_t buffer[ROOM];

/* Save a page in blocks of two entries, mostly; returns the bytes. */
static uint32_t save_page(mr_scan scan, const mr_page *page, uint32_t segment, uint8_t *out) {
    static const uint32_t no_refs[1];
    uint32_t total = 0;
    uint32_t upto = 0;
    for (uint32_t from = 0; from < page->count; from = upto) {
        uint32_t size = 0;
        const mr_status status =
            mr_save(scan, from, NULL, no_refs, out + total, 170, segment, &upto, &size);
        assert_int_equal(status, upto == page->count ? MR_OK : MR_MORE);
        assert_true(upto > from);
        total += size;
    }
    return total;
}

/* All rows as they are: what a restore must give again. */
static uint32_t save_rows(const bench *b, uint8_t *out) {
    mr_scan scan = 0;
    uint32_t total = 0;
    assert_int_equal(mr_scan_open(b->op, -END, &scan), MR_OK);
    for (const mr_page *page; (page = next_page(scan, PAGE))->count > 0;)
        total += save_page(scan, page, 0, out + total);
    assert_int_equal(mr_scan_close(scan), MR_OK);
    return total;
}

static void drop_first(chain *c, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        free(c->segments[i].bytes);
    c->count -= count;
    memmove(c->segments, c->segments + count, c->count * sizeof(segment));
}

/* Without those of the first segment. */
static uint32_t entries_of(const chain *c) {
    uint32_t entries = 0;
    for (uint32_t i = 1; i < c->count; i++)
        entries += c->segments[i].entries;
    return entries;
}

/* What the host rewrites, which keeps chains short; js/chain.ts. */
static uint32_t rewrite_of(const bench *b, const chain *c) {
    const mr_changes changes = changes_of(b);
    const uint32_t rows = (uint32_t)stats_of(b).rows;
    const uint32_t changed = changes.rows + changes.removed;
    const uint32_t share = changed > (rows + 255) / 256 ? changed : (rows + 255) / 256;
    return entries_of(c) + changed + share > 3 * rows ? rows : share;
}

static void add_segment(chain *c, const uint8_t *bytes, segment added) {
    assert_true(c->count < CHAIN);
    added.bytes = malloc(added.size); /* It ends where its memory does. */
    assert_non_null(added.bytes);
    memcpy(added.bytes, bytes, added.size);
    c->segments[c->count++] = added;
}

/* What goes on between two pages of a checkpoint. */
typedef struct meanwhile {
    void (*change)(bench *b, uint64_t *seed, double time_ms);
    uint64_t *seed;
    double time_ms;
} meanwhile;

static void go_on(bench *b, const meanwhile *m) {
    if (m == NULL) return;
    for (uint32_t left = random_below(m->seed, 8); left > 0; left--)
        m->change(b, m->seed, m->time_ms);
}

/* Segments of a few pages. What was given up is not kept. */
static void checkpoint_beside(bench *b, chain *c, uint32_t rewrite, bool saved,
                              const meanwhile *m) {
    const uint32_t kept = c->count;
    mr_scan scan = 0;
    segment next = {.number = changes_of(b).next};
    assert_int_equal(mr_changes_scan(b->op, rewrite, &scan), MR_OK);
    go_on(b, m);
    for (const mr_page *page; (page = next_page(scan, PAGE))->count > 0; go_on(b, m)) {
        next.size += save_page(scan, page, next.number, buffer + next.size);
        next.entries += page->count;
        if (next.entries < 3 * PAGE) continue;
        add_segment(c, buffer, next);
        next = (segment){.number = next.number + 1};
    }
    assert_int_equal(mr_scan_close(scan), MR_OK);
    if (next.size > 0) add_segment(c, buffer, next);
    const uint32_t oldest = changes_of(b).oldest;
    go_on(b, m); /* It is written, and storage has it not yet. */
    assert_int_equal(mr_changes_end(b->op, saved), MR_OK);
    while (!saved && c->count > kept)
        free(c->segments[--c->count].bytes);
    uint32_t useless = 0;
    while (saved && useless < c->count && c->segments[useless].number < oldest)
        useless++;
    drop_first(c, useless);
}

static void checkpoint(bench *b, chain *c, uint32_t rewrite, bool saved) {
    checkpoint_beside(b, c, rewrite, saved, NULL);
}

/* ---- loading ---- */

static mr_status load_chain(const bench *b, const chain *c) {
    MR_TRY(mr_load_begin(b->op, c->count % 2 * 100)); /* Room for as many rows, or none. */
    for (uint32_t i = 0; i < c->count; i++) {
        const segment *each = &c->segments[i];
        MR_TRY(mr_load(b->op, each->bytes, each->size, 0, each->number));
    }
    return mr_load_end(b->op);
}

/* The rows of a state at some time. */
typedef struct image {
    uint8_t bytes[ROOM];
    uint32_t size;
    mr_stats stats;
} image;

static void take_image(const bench *b, image *to) {
    to->size = save_rows(b, to->bytes);
    to->stats = stats_of(b);
}

static void check_restored_as(const image *was, const chain *c) {
    static image is;
    bench restored = open_bench(&spec);
    assert_int_equal(load_chain(&restored, c), MR_OK);
    take_image(&restored, &is);
    assert_int_equal(is.size, was->size);
    assert_memory_equal(is.bytes, was->bytes, is.size);
    assert_int_equal(is.stats.bytes, was->stats.bytes);
    assert_int_equal(changes_of(&restored).rows, 0);
    assert_int_equal(changes_of(&restored).removed, 0);
    close_bench(&restored);
}

static void check_restored(const bench *b, const chain *c) {
    static image was;
    take_image(b, &was);
    check_restored_as(&was, c);
}

/* ---- what happens to rows ---- */

static void write_row(bench *b, uint32_t number, double time_ms, uint32_t value) {
    static uint64_t record[2];
    char text[24];
    uint32_t blob = 0;
    const double cell = value;
    const int size = snprintf(text, sizeof text, "%u", value % 1000);
    assert_int_equal(mr_blob_new(b->op, (const uint8_t *)text, (uint32_t)size, &blob), MR_OK);
    begin_input(b, time_ms);
    add_key(b, number);
    (void)find_input(b);
    assert_int_equal(mr_row_enter(b->op, 0), MR_OK);
    const mr_layout *layout = &inside(b->op)->rows.layout;
    if (row_of(b, 0) != NULL) {
        uint8_t *cells = record_of(b, 0);
        uint32_t old;
        memcpy(&old, cells + layout->field_at[1], sizeof old);
        assert_int_equal(mr_blob_free(b->op, old), MR_OK);
        memcpy(cells + layout->field_at[0], &cell, sizeof cell);
        memcpy(cells + layout->field_at[1], &blob, sizeof blob);
        assert_int_equal(mr_row_touch(b->op, 0, 1), MR_OK);
        return;
    }
    memcpy((uint8_t *)record + layout->field_at[0], &cell, sizeof cell);
    memcpy((uint8_t *)record + layout->field_at[1], &blob, sizeof blob);
    assert_int_equal(mr_row_create(b->op, 0, (const uint8_t *)record), MR_OK);
}

static mr_row *look(bench *b, uint32_t number, double time_ms) {
    begin_input(b, time_ms);
    add_key(b, number);
    (void)find_input(b);
    assert_int_equal(mr_row_enter(b->op, 0), MR_OK);
    return row_of(b, 0);
}

static void change(bench *b, uint64_t *seed, double time_ms) {
    const uint32_t number = random_below(seed, KEYS);
    const uint32_t what = random_below(seed, 10);
    if (what < 4) {
        write_row(b, number, time_ms, random_below(seed, 1000000));
        return;
    }
    mr_row *row = look(b, number, time_ms);
    if (row == NULL) return;
    if (what == 4) assert_int_equal(mr_row_remove(b->op, 0), MR_OK);
    if (what == 5) assert_int_equal(mr_row_touch(b->op, 0, 0), MR_OK); /* Used, and no more. */
    if (what == 6) assert_int_equal(mr_timer_set(b->op, mr_addr_of(row), time_ms + 5), MR_OK);
    if (what == 7) assert_int_equal(mr_timer_clear(b->op, mr_addr_of(row)), MR_OK);
    if (what == 8) assert_int_equal(mr_operator_expire(b->op, time_ms, 50), MR_OK);
    if (what == 9) {
        mr_due due;
        assert_int_equal(mr_timer_take(b->op, time_ms, &due), MR_OK);
    }
}

static void any_changes_and_checkpoints_come_back_as_they_were(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        static chain c;
        uint64_t random = seed;
        bench b = open_bench(&spec);
        for (uint32_t step = 0; step < 400; step++) {
            change(&b, &random, step * 7.0);
            if (random_below(&random, 6) > 0) continue;
            const bool saved = random_below(&random, 4) > 0;
            const bool some = random_below(&random, 2) > 0;
            checkpoint(&b, &c, some ? rewrite_of(&b, &c) : random_below(&random, 50), saved);
            if (saved) check_restored(&b, &c);
            if (saved && some) assert_true(entries_of(&c) <= 3 * stats_of(&b).rows);
        }
        drop_first(&c, c.count);
        close_bench(&b);
    }
}

/* While a checkpoint is written, rows change, go, are evicted and expire, and come again. */
static void what_is_saved_is_the_state_at_the_cut(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        static chain c;
        static image cut;
        uint64_t random = seed;
        bench b = open_bench(&spec);
        for (uint32_t step = 0; step < 400; step++) {
            const meanwhile m = {change, &random, step * 7.0};
            change(&b, &random, m.time_ms);
            if (random_below(&random, 6) > 0) continue;
            const bool saved = random_below(&random, 4) > 0;
            const bool some = random_below(&random, 2) > 0;
            take_image(&b, &cut);
            const uint32_t rewrite = some ? rewrite_of(&b, &c) : random_below(&random, 50);
            checkpoint_beside(&b, &c, rewrite, saved, &m);
            if (saved) check_restored_as(&cut, &c);
        }
        checkpoint(&b, &c, rewrite_of(&b, &c), true);
        check_restored(&b, &c);
        drop_first(&c, c.count);
        close_bench(&b);
    }
}

/* ---- what a restore reads ---- */

static const mr_operator_spec plain = {
    .kind = MR_CUSTOM, .count = 1, .kinds = {MR_F64}, .flags = MR_TRACK};

/* So many of some rows change, or as many go as come. */
static void churn(bench *b, uint32_t count, uint32_t rows, bool moves, uint32_t *born) {
    static uint64_t seed;
    static uint64_t record[1];
    for (uint32_t n = 0; n < count; n++) {
        const uint32_t hot = 2 * count < rows ? 2 * count : rows;
        const uint32_t number = moves ? (*born)++ : random_below(&seed, hot);
        if (moves && number >= rows) {
            assert_non_null(look(b, number - rows, 0));
            assert_int_equal(mr_row_remove(b->op, 0), MR_OK);
        }
        if (look(b, number, 0) == NULL) {
            assert_int_equal(mr_row_create(b->op, 0, (uint8_t *)record), MR_OK);
        } else {
            assert_int_equal(mr_row_touch(b->op, 0, 1), MR_OK);
        }
    }
}

/* The state stays as large as it is, while few rows or many change, or go and come. */
static void a_chain_is_short_whatever_changes(void **state) {
    (void)state;
    static chain c;
    const uint32_t rows = 2000;
    const uint32_t changes[] = {1, 7, 100, 900};
    for (uint32_t i = 0; i < 8; i++) {
        const uint32_t count = changes[i / 2];
        const bool moves = i % 2 == 1;
        bench b = open_bench(&plain);
        uint32_t most = 0;
        uint32_t born = 0;
        churn(&b, rows, rows, true, &born);
        for (uint32_t epoch = 1; epoch <= 700; epoch++) {
            checkpoint(&b, &c, rewrite_of(&b, &c), true);
            if (entries_of(&c) > most) most = entries_of(&c);
            churn(&b, count, rows, moves, &born);
        }
        print_message("%u %s: %.2f entries for each row\n", count, moves ? "go and come" : "change",
                      (double)most / rows);
        assert_true(most <= (moves ? 3 : 2) * rows);
        drop_first(&c, c.count);
        close_bench(&b);
    }
}

static void a_state_that_shrinks_leaves_no_more_than_it_has(void **state) {
    (void)state;
    static chain c;
    bench b = open_bench(&spec);
    for (uint32_t i = 0; i < 30; i++)
        write_row(&b, i, 0, i);
    checkpoint(&b, &c, rewrite_of(&b, &c), true);
    for (uint32_t i = 0; i < 29; i++) {
        assert_non_null(look(&b, i, 0));
        assert_int_equal(mr_row_remove(b.op, 0), MR_OK);
    }
    checkpoint(&b, &c, rewrite_of(&b, &c), true);
    assert_int_equal(c.count, 1);
    assert_int_equal(c.segments[0].entries, 1); /* And no tombstones: there is nothing older. */
    check_restored(&b, &c);
    assert_non_null(look(&b, 29, 0));
    assert_int_equal(mr_row_remove(b.op, 0), MR_OK);
    checkpoint(&b, &c, rewrite_of(&b, &c), true);
    assert_int_equal(c.count, 0);
    close_bench(&b);
}

/* ---- what is refused ---- */

static void calls_out_of_order_are_refused(void **state) {
    (void)state;
    const mr_operator_spec untracked = {.kind = MR_DEDUPLICATE};
    mr_changes changes;
    mr_scan scan = 0;
    bench other = open_bench(&untracked);
    assert_int_equal(mr_changes_of(other.op, &changes), MR_ERR_ARGUMENT);
    assert_int_equal(mr_changes_scan(other.op, 0, &scan), MR_ERR_ARGUMENT);
    assert_int_equal(mr_changes_end(other.op, 1), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "flags");
    close_bench(&other);

    bench b = open_bench(&spec);
    uint32_t upto = 0;
    uint32_t size = 0;
    write_row(&b, 1, 0, 1);
    assert_int_equal(mr_row_changes(b.op, 0), MR_ERR_ARGUMENT);
    assert_int_equal(mr_changes_end(b.op, 1), MR_OK); /* Nothing has begun. */
    assert_int_equal(changes_of(&b).rows, 1);
    assert_int_equal(mr_changes_scan(b.op, 0, &scan), MR_OK);
    assert_int_equal(next_page(scan, 5)->count, 1);
    assert_int_equal(mr_changes_end(b.op, 1), MR_ERR_ARGUMENT); /* Nothing is written. */
    assert_string_equal(mr_error_name(), "saved");
    const uint32_t numbers[] = {0, INT32_MAX, UINT32_MAX - 2, UINT32_MAX};
    for (uint32_t i = 0; i < 4; i++) {
        const mr_status status =
            mr_save(scan, 0, NULL, numbers, buffer, ROOM, numbers[i], &upto, &size);
        assert_int_equal(status, MR_ERR_ARGUMENT);
        assert_string_equal(mr_error_name(), "segment");
    }
    assert_int_equal(mr_save(scan, 0, NULL, numbers, buffer, ROOM, 7, &upto, &size), MR_OK);
    assert_int_equal(mr_save(scan, 0, NULL, numbers, buffer, ROOM, 6, &upto, &size),
                     MR_ERR_ARGUMENT);
    assert_int_equal(next_page(scan, 5)->count, 0);
    assert_int_equal(mr_scan_close(scan), MR_OK);
    assert_int_equal(mr_changes_scan(b.op, 0, &scan), MR_ERR_ARGUMENT); /* It goes on. */
    assert_string_equal(mr_error_name(), "saving");
    assert_int_equal(mr_changes_end(b.op, 1), MR_OK);
    assert_int_equal(changes_of(&b).rows, 0);
    assert_int_equal(changes_of(&b).oldest, 7);
    assert_int_equal(mr_load(b.op, buffer, 0, 0, 7), MR_ERR_ARGUMENT);
    close_bench(&b);
}

static void a_row_found_before_the_cut_is_saved_as_it_was(void **state) {
    (void)state;
    bench b = open_bench(&spec);
    mr_scan scan = 0;
    write_row(&b, 1, 0, 1);
    assert_int_equal(mr_changes_scan(b.op, 0, &scan), MR_OK);
    assert_int_equal(mr_row_touch(b.op, 0, 1), MR_OK);
    assert_int_equal(changes_of(&b).kept, 1);
    assert_int_equal(mr_row_remove(b.op, 0), MR_OK);
    const mr_page *page = next_page(scan, 5);
    assert_int_equal(page->count, 1);
    assert_int_equal(number_of(&inside(b.op)->rows, mr_row_at(mr_u32s(page->rows)[0])), 1);
    assert_int_equal(mr_scan_close(scan), MR_OK);
    close_bench(&b);
}

/* Also where the marks of changes begin anew. */
static void a_scan_of_a_checkpoint_that_is_over_is_refused(void **state) {
    (void)state;
    bench b = open_bench(&spec);
    mr_scan over = 0;
    mr_scan scan = 0;
    uint32_t page = 0;
    write_row(&b, 1, 0, 1);
    end_epoch(&b);
    assert_int_equal(mr_changes_scan(b.op, 0, &over), MR_OK);
    assert_int_equal(mr_load_end(b.op), MR_OK); /* It is given up. */
    assert_int_equal(mr_scan_next(over, 1, &page), MR_ERR_HANDLE);
    assert_int_equal(mr_changes_scan(b.op, 0, &scan), MR_OK);
    assert_int_equal(mr_scan_next(over, 1, &page), MR_ERR_HANDLE);
    assert_int_equal(mr_scan_close(over), MR_OK);
    assert_int_equal(mr_scan_close(scan), MR_OK);
    close_bench(&b);
}

static void rows_that_change_while_it_is_written_are_in_the_next_one(void **state) {
    (void)state;
    for (uint32_t saved = 0; saved < 2; saved++) {
        mr_scan scan = 0;
        int32_t numbers[5];
        bench b = open_bench(&spec);
        for (uint32_t i = 1; i <= 3; i++)
            write_row(&b, i, 0, i);
        assert_int_equal(mr_changes_scan(b.op, 0, &scan), MR_OK);
        (void)save_page(scan, next_page(scan, 5), 1, buffer);
        assert_int_equal(next_page(scan, 5)->count, 0);
        assert_int_equal(mr_scan_close(scan), MR_OK);
        write_row(&b, 2, 0, 7);
        assert_non_null(look(&b, 3, 0)); /* Known, perhaps. */
        assert_int_equal(mr_row_remove(b.op, 0), MR_OK);
        write_row(&b, 3, 0, 8);
        assert_int_equal(mr_changes_end(b.op, saved), MR_OK);
        const int32_t all[] = {1, 2, 3}; /* All rows: nothing else is of use any more. */
        const int32_t rest[] = {-3, 2, 3};
        assert_int_equal(changes_of(&b).rows, 3 - saved);
        assert_int_equal(changes_of(&b).removed, 1);
        assert_int_equal(scan_changes(&b, 0, true, numbers, 5), 3);
        assert_memory_equal(numbers, saved == 1 ? rest : all, sizeof all);
        close_bench(&b);
    }
}

/* ---- bytes that are damaged, and memory that there is not ---- */

/* Two epochs: rows, then tombstones, a row again and a new one. */
static chain two_epochs(void) {
    chain c = {.count = 0};
    bench b = open_bench(&spec);
    for (uint32_t i = 0; i < 8; i++)
        write_row(&b, i, 0, i);
    checkpoint(&b, &c, 0, true);
    for (uint32_t i = 2; i < 5; i++) {
        assert_non_null(look(&b, i, 1));
        assert_int_equal(mr_row_remove(b.op, 0), MR_OK);
    }
    write_row(&b, 3, 1, 33);
    write_row(&b, 9, 1, 99);
    checkpoint(&b, &c, 1, true);
    assert_int_equal(c.count, 2);
    assert_int_equal(c.segments[1].entries, 6);
    close_bench(&b);
    return c;
}

static void damaged_tombstones_are_refused_or_do_no_harm(void **state) {
    (void)state;
    chain c = two_epochs();
    segment *last = &c.segments[1];
    const uint32_t size = last->size;
    for (uint32_t cut = 1; cut < size; cut++) {
        bench b = open_bench(&spec);
        uint8_t *copy = malloc(cut);
        assert_non_null(copy);
        memcpy(copy, last->bytes, cut);
        assert_int_equal(mr_load(b.op, c.segments[0].bytes, c.segments[0].size, 0, 1), MR_OK);
        const mr_status status = mr_load(b.op, copy, cut, 0, 9); /* Whole blocks are whole. */
        assert_true(status == MR_ERR_CORRUPT || status == MR_OK);
        free(copy);
        close_bench(&b);
    }
    for (uint32_t bit = 0; bit < size * 8; bit++) {
        bench b = open_bench(&spec);
        last->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        const mr_status status = load_chain(&b, &c);
        assert_true(status == MR_ERR_CORRUPT || status == MR_OK);
        last->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (status == MR_OK) write_row(&b, 5, 5, 5);
        close_bench(&b);
    }
    drop_first(&c, c.count);
}

static void a_failed_allocation_loses_nothing(void **state) {
    (void)state;
    chain c = two_epochs();
    for (uint32_t nth = 1;; nth++) { /* Loading: the engine is closed, another one is whole. */
        bench b = open_bench(&spec);
        mr_heap_fail_after(nth, false);
        const mr_status status = load_chain(&b, &c);
        mr_heap_fail_after(0, false);
        close_bench(&b);
        if (status == MR_OK) break;
        assert_int_equal(status, MR_ERR_MEMORY);
    }
    bench b = open_bench(&spec);
    assert_int_equal(load_chain(&b, &c), MR_OK);
    write_row(&b, 1, 5, 11);
    assert_non_null(look(&b, 9, 5));
    assert_int_equal(mr_row_remove(b.op, 0), MR_OK);
    for (uint32_t nth = 1;; nth++) { /* A checkpoint: what changed is still to be written. */
        mr_scan scan = 0;
        mr_heap_fail_after(nth, false);
        const mr_status status = mr_changes_scan(b.op, 0, &scan);
        mr_heap_fail_after(0, false);
        assert_int_equal(changes_of(&b).rows, 1);
        assert_int_equal(changes_of(&b).removed, status == MR_OK ? 0 : 1);
        if (status == MR_OK) {
            assert_int_equal(mr_scan_close(scan), MR_OK);
            assert_int_equal(mr_changes_end(b.op, 0), MR_OK);
            assert_int_equal(changes_of(&b).removed, 1);
            break;
        }
        assert_int_equal(status, MR_ERR_MEMORY);
    }
    checkpoint(&b, &c, 1, true);
    check_restored(&b, &c);
    close_bench(&b);
    drop_first(&c, c.count);
}

static void a_row_that_the_host_has_changed_is_saved_again(void **state) {
    (void)state;
    const mr_operator_spec tracked = {
        .kind = MR_CUSTOM, .count = 1, .kinds = {MR_F64}, .flags = MR_TRACK};
    const double record = 1;
    mr_addr row = 0;
    int32_t number = 0;
    bench b = open_bench(&tracked);
    for (uint32_t i = 1; i < 4; i++) {
        const uint8_t key[] = {'k', (uint8_t)('0' + i)};
        const uint8_t *bytes = (const uint8_t *)&record;
        assert_int_equal(mr_key_make(b.op, key, 2, 0, 0, bytes, &row), MR_OK);
    }
    end_epoch(&b);
    assert_int_equal(changes_of(&b).rows, 0);
    assert_int_equal(mr_row_changes(b.op, row), MR_OK);
    assert_int_equal(scan_changes(&b, 0, true, &number, 1), 1);
    assert_int_equal(number, 3);
    assert_int_equal(mr_row_changes(b.op, 0), MR_ERR_ARGUMENT);
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_changes_and_checkpoints_come_back_as_they_were),
        cmocka_unit_test(what_is_saved_is_the_state_at_the_cut),
        cmocka_unit_test(a_chain_is_short_whatever_changes),
        cmocka_unit_test(a_state_that_shrinks_leaves_no_more_than_it_has),
        cmocka_unit_test(calls_out_of_order_are_refused),
        cmocka_unit_test(a_row_found_before_the_cut_is_saved_as_it_was),
        cmocka_unit_test(a_scan_of_a_checkpoint_that_is_over_is_refused),
        cmocka_unit_test(rows_that_change_while_it_is_written_are_in_the_next_one),
        cmocka_unit_test(damaged_tombstones_are_refused_or_do_no_harm),
        cmocka_unit_test(a_failed_allocation_loses_nothing),
        cmocka_unit_test(a_row_that_the_host_has_changed_is_saved_again),
    };
    return cmocka_run_group_tests_name("changes", tests, NULL, NULL);
}
