/* save_test.c -- rows saved and loaded again, and what loading makes of damaged bytes. */
#include <stdlib.h>

#include "../../c/bytes.h"
#include "../../c/save.h"
#include "harness.h"

enum { ROOM = 1 << 20, REF_ROOM = 1 << 16 };

static uint8_t saved[ROOM];
static uint8_t again[ROOM];

/* One field of each kind; the string and the ref twice, to have empty ones. */
static const mr_operator_spec every_kind = {
    .kind = MR_CUSTOM,
    .count = 8,
    .kinds = {MR_BOOL, MR_STRING, MR_F64, MR_REF, MR_I64, MR_TIMESTAMP, MR_STRING, MR_REF},
    .ttl_ms = 1000,
    .flags = MR_EVICT,
};

/* What the host's values are, by number of their ref; none has no bytes. */
static const char *const values[] = {"", "one", "2", "three and a bit more"};

static void put_cell(const bench *b, uint8_t *record, uint32_t field, const void *cell,
                     uint32_t bytes) {
    memcpy(record + inside(b->op)->rows.layout.field_at[field], cell, bytes);
}

static uint32_t blob_of(const bench *b, const char *text) {
    uint32_t blob = 7;
    const uint32_t size = (uint32_t)strlen(text);
    assert_int_equal(mr_blob_new(b->op, (const uint8_t *)text, size, &blob), MR_OK);
    return blob;
}

static void make_row(bench *b, uint32_t number) {
    static uint64_t record[8];
    uint8_t *cells = (uint8_t *)record;
    const uint8_t yes = number % 2;
    const double value = number == 3 ? __builtin_nan("") : -0.5 * number;
    const int64_t integer = INT64_MIN + (int64_t)number;
    const double time = -8.64e15 + number;
    const uint32_t first = blob_of(b, number % 3 == 0 ? "" : "grüße");
    const uint32_t second = blob_of(b, "x");
    const uint32_t ref = number % 4;
    const uint32_t other = (number + 1) % 4;
    put_cell(b, cells, 0, &yes, sizeof yes);
    put_cell(b, cells, 1, &first, sizeof first);
    put_cell(b, cells, 2, &value, sizeof value);
    put_cell(b, cells, 3, &ref, sizeof ref);
    put_cell(b, cells, 4, &integer, sizeof integer);
    put_cell(b, cells, 5, &time, sizeof time);
    put_cell(b, cells, 6, &second, sizeof second);
    put_cell(b, cells, 7, &other, sizeof other);
    begin_input(b, 100.0 + number);
    add_key(b, number);
    (void)find_input(b);
    assert_int_equal(mr_row_create(b->op, 0, cells), MR_OK);
}

static bench open_kinds(void) {
    const mr_engine engine = open_engine(1024 * MIB, 42);
    uint32_t refs = 0;
    assert_int_equal(mr_refs_reserve(engine, 4, &refs), MR_OK);
    return open_bench_in(engine, &every_kind);
}

/* The host's part of a save: the values of live refs in the order of rows and fields. */
typedef struct host_refs {
    uint8_t bytes[REF_ROOM];
    uint32_t offsets[1024];
} host_refs;

static void encode_refs(const bench *b, const mr_page *page, host_refs *refs) {
    mr_rows *rows = &inside(b->op)->rows;
    uint32_t count = 0;
    refs->offsets[0] = 0;
    for (uint32_t i = 0; i < page->count; i++) {
        uint8_t *record = mr_row_record(rows, mr_row_at(mr_u32s(page->rows)[i]));
        for (uint32_t f = 0; f < rows->layout.field_count; f++) {
            if (rows->layout.field_kind[f] != MR_REF) continue;
            uint32_t cell;
            memcpy(&cell, record + rows->layout.field_at[f], sizeof cell);
            if ((cell & MR_REF_ENCODED) != 0) continue;
            const char *text = values[cell];
            const uint32_t size = (uint32_t)strlen(text);
            memcpy(refs->bytes + refs->offsets[count], text, size);
            refs->offsets[count + 1] = refs->offsets[count] + size;
            count++;
        }
    }
}

/* Save all rows in pages of `page_rows`, blocks of at most `room`; returns the bytes. */
static uint32_t save_pages(const bench *b, uint8_t *out, uint32_t page_rows, uint32_t room) {
    static host_refs refs;
    mr_scan scan = 0;
    uint32_t total = 0;
    assert_int_equal(mr_scan_open(b->op, -END, &scan), MR_OK);
    for (;;) {
        const mr_page *page = next_page(scan, page_rows);
        if (page->count == 0) break;
        encode_refs(b, page, &refs);
        for (uint32_t from = 0; from < page->count;) {
            uint32_t size = 0;
            uint32_t upto = 0;
            mr_status status =
                mr_save(scan, from, refs.bytes, refs.offsets, out + total, room, 1, &upto, &size);
            assert_int_equal(status, upto == page->count ? MR_OK : MR_MORE);
            assert_true(upto > from && size <= room);
            total += size;
            from = upto;
        }
    }
    assert_int_equal(mr_scan_close(scan), MR_OK);
    return total;
}

/* Keys from the one that was used least recently on. */
static uint32_t use_order(const bench *b, uint32_t *order) {
    const mr_rows *rows = &inside(b->op)->rows;
    uint32_t count = 0;
    for (mr_addr at = rows->oldest; at != 0;) {
        order[count++] = number_of(rows, mr_row_at(at));
        at = ((mr_lru *)mr_row_part(mr_row_at(at), rows->lru_at))->newer;
    }
    return count;
}

static void touch(bench *b, uint32_t number) {
    begin_input(b, 500);
    add_key(b, number);
    (void)find_input(b);
    assert_int_equal(mr_row_touch(b->op, 0, 0), MR_OK);
}

static bench open_saved(void) {
    bench b = open_kinds();
    for (uint32_t i = 0; i < 20; i++)
        make_row(&b, i);
    touch(&b, 7);
    touch(&b, 3);
    return b;
}

static void every_kind_of_field_comes_back_as_it_was(void **state) {
    (void)state;
    bench a = open_saved();
    const uint32_t size = save_pages(&a, saved, 4096, ROOM);
    bench b = open_kinds();
    assert_int_equal(mr_load(b.op, saved, size, 0, 1), MR_OK);
    assert_int_equal(mr_load_end(b.op), MR_OK);
    assert_int_equal(save_pages(&b, again, 4096, ROOM), size); /* Its refs are encoded now. */
    assert_memory_equal(again, saved, size);

    const mr_rows *was = &inside(a.op)->rows;
    const mr_rows *is = &inside(b.op)->rows;
    assert_int_equal(is->births, was->births);
    assert_int_equal(is->uses, was->uses);
    assert_int_equal(stats_of(&b).rows, 20);
    uint32_t order[2][20];
    assert_int_equal(use_order(&a, order[0]), 20);
    assert_int_equal(use_order(&b, order[1]), 20);
    assert_memory_equal(order[0], order[1], sizeof order[0]);
    assert_int_equal(order[1][18], 7);
    assert_int_equal(order[1][19], 3);

    begin_input(&b, 1104); /* 100 + 5 + 1000 is not over; 100 + 4 + 1000 is. */
    add_key(&b, 5);
    add_key(&b, 4);
    (void)find_input(&b);
    assert_int_equal(mr_row_enter(b.op, 0), MR_OK);
    assert_int_equal(mr_row_enter(b.op, 1), MR_OK);
    assert_non_null(row_of(&b, 0));
    assert_null(row_of(&b, 1));
    const uint8_t *record = record_of(&b, 0);
    double value;
    memcpy(&value, record + is->layout.field_at[2], sizeof value);
    assert_true(value == -2.5);
    uint32_t blob;
    memcpy(&blob, record + is->layout.field_at[1], sizeof blob);
    assert_int_equal(mr_blob_size(blob), 7);
    assert_memory_equal(mr_blob_bytes(blob), "grüße", 7);
    close_bench(&a);
    close_bench(&b);
}

/* Carry a row over, with each allocation failing first; returns how many there are. */
static uint32_t carry_failing(bench *b, mr_operator from, uint32_t old, const uint8_t *record,
                              uint32_t *row_out) {
    const uint64_t external_bytes = memory_of(b->engine).external_bytes;
    const uint64_t rows = stats_of(b).rows;
    for (uint32_t nth = 1;; nth++) {
        mr_heap_fail_after(nth, false);
        const mr_status status = mr_row_carry(b->op, from, old, record, row_out);
        mr_heap_fail_after(0, false);
        if (status == MR_OK) return nth - 1;
        assert_int_equal(status, MR_ERR_MEMORY);
        assert_int_equal(memory_of(b->engine).external_bytes, external_bytes);
        assert_int_equal(stats_of(b).rows, rows);
    }
}

static void rows_that_are_carried_over_keep_their_past(void **state) {
    (void)state;
    uint32_t failures = 0;
    bench a = open_saved();
    mr_operator_spec other = every_kind;
    other.count = 2;
    other.kinds[0] = MR_F64;
    other.kinds[1] = MR_REF;
    bench b = open_bench_in(a.engine, &other);
    const mr_rows *was = &inside(a.op)->rows;
    const mr_rows *is = &inside(b.op)->rows;
    mr_scan scan = 0;
    assert_int_equal(mr_scan_open(a.op, -END, &scan), MR_OK);
    const mr_page *page = next_page(scan, 64);
    assert_int_equal(page->count, 20);
    for (uint32_t i = 0; i < page->count; i++) {
        const mr_addr old = mr_u32s(page->rows)[i];
        const double number = number_of(was, mr_row_at(old));
        uint64_t record[2] = {0, 9};
        uint32_t row = 0;
        memcpy(record, &number, sizeof number);
        const uint8_t *bytes = (const uint8_t *)record;
        assert_int_equal(mr_row_carry(b.op, a.op, old, bytes, &row), MR_ERR_ARGUMENT);
        assert_int_equal(mr_row_carry(a.op, a.op, old, bytes, &row), MR_ERR_ARGUMENT);
        assert_int_equal(mr_row_carry(b.op, a.op, 0, bytes, &row), MR_ERR_ARGUMENT);
        record[1] = i % 4; /* 9 is no number of a ref. */
        failures += carry_failing(&b, a.op, old, bytes, &row);
        assert_memory_equal(mr_row_record(is, mr_row_at(row)), record, sizeof record);
        assert_int_equal(mr_row_birth(mr_row_at(row)), mr_row_birth(mr_row_at(old)));
        assert_int_equal(mr_row_last_use(is, mr_row_at(row)), mr_row_last_use(was, mr_row_at(old)));
    }
    assert_true(failures >= 20);
    assert_int_equal(mr_scan_close(scan), MR_OK);
    assert_int_equal(mr_load_end(b.op), MR_OK);
    assert_int_equal(is->births, was->births);
    assert_int_equal(is->uses, was->uses);
    uint32_t order[2][20];
    assert_int_equal(use_order(&a, order[0]), 20);
    assert_int_equal(use_order(&b, order[1]), 20);
    assert_memory_equal(order[0], order[1], sizeof order[0]);
    assert_int_equal(mr_operator_close(a.op), MR_OK);
    assert_int_equal(stats_of(&b).rows, 20);
    assert_int_equal(mr_operator_open(a.engine, &every_kind, &a.op), MR_OK);
    assert_int_equal(mr_operator_close(b.op), MR_OK);
    assert_int_equal(mr_batch_close(b.in), MR_OK);
    assert_int_equal(mr_batch_close(b.out), MR_OK);
    close_bench(&a);
}

static void small_blocks_and_pages_hold_the_same_rows(void **state) {
    (void)state;
    bench a = open_saved();
    const uint32_t size = save_pages(&a, saved, 4096, ROOM);
    const uint32_t rooms[] = {ROOM, 160, 200, 777};
    for (uint32_t r = 0; r < 4; r++) {
        const uint32_t many = save_pages(&a, again, 3 + r, rooms[r]);
        assert_true(many > size);
        bench b = open_kinds();
        assert_int_equal(mr_load(b.op, again, many, 0, 1), MR_OK);
        assert_int_equal(mr_load_end(b.op), MR_OK);
        assert_int_equal(save_pages(&b, again, 4096, ROOM), size);
        assert_memory_equal(again, saved, size);
        close_bench(&b);
    }
    close_bench(&a);
}

static void an_entry_that_does_not_fit_is_not_written(void **state) {
    (void)state;
    bench a = open_saved();
    static host_refs refs;
    mr_scan scan = 0;
    assert_int_equal(mr_scan_open(a.op, -END, &scan), MR_OK);
    const mr_page *page = next_page(scan, 3);
    encode_refs(&a, page, &refs);
    for (uint32_t room = 0; room < 400; room++) {
        uint32_t upto = 9;
        uint32_t size = 9;
        memset(again, 0xEE, ROOM);
        mr_status status = mr_save(scan, 1, refs.bytes, refs.offsets, again, room, 1, &upto, &size);
        assert_int_equal(status, upto == 3 ? MR_OK : MR_MORE);
        assert_true(size <= room && (size > 0) == (upto > 1));
        assert_int_equal(again[room], 0xEE);
    }
    uint32_t upto = 9;
    uint32_t size = 9;
    assert_int_equal(mr_save(scan, 4, NULL, NULL, again, ROOM, 1, &upto, &size), MR_ERR_ARGUMENT);
    assert_int_equal(mr_save(scan, 3, NULL, refs.offsets, again, ROOM, 1, &upto, &size), MR_OK);
    assert_int_equal(upto, 3);
    assert_int_equal(size, 0);
    assert_int_equal(mr_scan_close(scan), MR_OK);
    close_bench(&a);
}

static void the_same_bytes_loaded_twice_are_there_once(void **state) {
    (void)state;
    bench a = open_saved();
    const uint32_t size = save_pages(&a, saved, 4096, ROOM);
    bench b = open_kinds();
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(mr_load(b.op, saved, size, 0, 1), MR_OK);
        assert_int_equal(mr_load_end(b.op), MR_OK);
    }
    assert_int_equal(mr_load(a.op, saved, size, 0, 1), MR_OK); /* Into rows with live refs. */
    assert_int_equal(mr_load_end(a.op), MR_OK);
    assert_int_equal(stats_of(&a).rows, 20);
    assert_int_equal(stats_of(&b).rows, 20);
    assert_int_equal(stats_of(&a).bytes, stats_of(&b).bytes);
    assert_int_equal(save_pages(&a, again, 4096, ROOM), size);
    assert_memory_equal(again, saved, size);
    close_bench(&a);
    close_bench(&b);
}

static void a_loaded_ref_becomes_live_when_it_is_decoded(void **state) {
    (void)state;
    bench a = open_saved();
    const uint32_t size = save_pages(&a, saved, 4096, ROOM);
    bench b = open_kinds();
    assert_int_equal(mr_load(b.op, saved, size, 0, 1), MR_OK);
    begin_input(&b, 0);
    add_key(&b, 3);
    (void)find_input(&b);
    const uint64_t before = stats_of(&b).bytes;
    uint32_t *cell =
        (uint32_t *)(void *)((uint8_t *)record_of(&b, 0) + inside(b.op)->rows.layout.field_at[3]);
    const mr_addr blob = mr_ref_blob(*cell);
    assert_int_equal(mr_blob_size(blob), strlen(values[3]));
    assert_memory_equal(mr_blob_bytes(blob), values[3], strlen(values[3]));
    assert_int_equal(mr_ref_decoded(b.op, mr_addr_of(cell), 0), MR_ERR_ARGUMENT);
    assert_int_equal(mr_ref_decoded(b.op, mr_addr_of(cell), 4), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "number");
    assert_int_equal(mr_ref_decoded(b.op, mr_addr_of(cell), 2), MR_OK);
    assert_int_equal(*cell, 2);
    assert_int_equal(mr_ref_decoded(b.op, mr_addr_of(cell), 2), MR_ERR_ARGUMENT);
    assert_string_equal(mr_error_name(), "cell");
    assert_int_equal(stats_of(&b).bytes, before); /* A ref weighs the same in both forms. */
    uint32_t address = 0;
    assert_int_equal(mr_refs_reserve(b.engine, 4, &address), MR_OK);
    const mr_refs *refs = mr_at(address);
    assert_int_equal(mr_row_remove(b.op, 0), MR_OK);
    assert_int_equal(refs->dropped, 2);
    assert_int_equal(mr_u32s(refs->next)[2], 0);
    close_bench(&a);
    close_bench(&b);
}

static void a_segment_without_last_uses_counts_from_the_time_of_loading(void **state) {
    (void)state;
    const mr_operator_spec plain = {.kind = MR_DEDUPLICATE};
    const mr_operator_spec limited = {.kind = MR_DEDUPLICATE, .ttl_ms = 10, .flags = MR_EVICT};
    bench a = open_bench(&plain);
    uint32_t upto = 0;
    begin_input(&a, 0);
    for (uint32_t i = 0; i < 5; i++)
        add_key(&a, i);
    assert_int_equal(mr_operator_push(a.op, a.in, 0, &upto, a.out), MR_OK);
    const uint32_t size = save_pages(&a, saved, 4096, ROOM);
    bench b = open_bench(&limited);
    assert_int_equal(mr_load(b.op, saved, size, 1000, 1), MR_OK);
    assert_int_equal(mr_load_end(b.op), MR_OK);
    uint32_t order[5];
    assert_int_equal(use_order(&b, order), 5);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(order[i], i); /* As they were born. */
    uint32_t numbers[5];
    assert_int_equal(scan_numbers(&b, 1009, 5, numbers, 5), 5);
    assert_int_equal(scan_numbers(&b, 1010, 5, numbers, 5), 0);
    const uint32_t more = save_pages(&b, again, 4096, ROOM); /* And the other way round. */
    assert_int_equal(mr_load(a.op, again, more, 0, 1), MR_OK);
    assert_int_equal(save_pages(&a, again, 4096, ROOM), size);
    assert_memory_equal(again, saved, size);
    close_bench(&a);
    close_bench(&b);
}

static void bytes_of_other_fields_are_refused(void **state) {
    (void)state;
    bench a = open_saved();
    const uint32_t size = save_pages(&a, saved, 4096, ROOM);
    mr_operator_spec fewer = every_kind;
    fewer.count = 7;
    mr_operator_spec other = every_kind;
    other.kinds[2] = MR_TIMESTAMP;
    const mr_operator_spec *specs[] = {&fewer, &other};
    const char *const names[] = {"fields", "kinds"};
    for (uint32_t i = 0; i < 2; i++) {
        bench b = open_bench(specs[i]);
        assert_int_equal(mr_load(b.op, saved, size, 0, 1), MR_ERR_CORRUPT);
        assert_string_equal(mr_error_name(), names[i]);
        close_bench(&b);
    }
    close_bench(&a);
}

/* Load a copy that ends where its memory ends, and then use and close the state. */
static mr_status load_copy(const uint8_t *bytes, uint32_t size) {
    bench b = open_kinds();
    uint8_t *copy = malloc(size + 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    copy = realloc(copy, size > 0 ? size : 1);
    const mr_status status = mr_load(b.op, copy, size, 0, 1);
    free(copy);
    assert_int_equal(mr_load_end(b.op), MR_OK);
    make_row(&b, 1000);
    assert_true(save_pages(&b, again, 4096, ROOM) > 0);
    close_bench(&b);
    return status;
}

static void every_truncation_is_refused(void **state) {
    (void)state;
    bench a = open_saved();
    const uint32_t size = save_pages(&a, saved, 4096, ROOM);
    print_message("%u bytes\n", size);
    for (uint32_t cut = 1; cut < size; cut++) {
        assert_int_equal(load_copy(saved, cut), MR_ERR_CORRUPT);
    }
    assert_int_equal(load_copy(saved, size), MR_OK);
    assert_int_equal(load_copy(saved, 0), MR_OK);
    close_bench(&a);
}

/* What a flip in a value makes is another value: the checksum of a segment finds that. */
static void a_flipped_bit_anywhere_does_no_harm(void **state) {
    (void)state;
    bench a = open_saved();
    const uint32_t size = save_pages(&a, saved, 4096, ROOM);
    uint32_t refused = 0;
    for (uint32_t at = 0; at < size; at++) {
        for (uint32_t bit = 0; bit < 8; bit += 1 + (at % 3)) {
            saved[at] ^= (uint8_t)(1u << bit);
            const mr_status status = load_copy(saved, size);
            assert_true(status == MR_OK || status == MR_ERR_CORRUPT);
            if (at < 16 + every_kind.count) assert_int_equal(status, MR_ERR_CORRUPT);
            refused += status != MR_OK;
            saved[at] ^= (uint8_t)(1u << bit);
        }
    }
    print_message("%u refused\n", refused);
    close_bench(&a);
}

static void counts_that_lie_are_refused(void **state) {
    (void)state;
    bench a = open_saved();
    const uint32_t size = save_pages(&a, saved, 4096, ROOM);
    const uint32_t lies[] = {0, 1, 19, 21, 0x7FFFFFFF, UINT32_MAX};
    for (uint32_t at = 8; at <= 12; at += 4) { /* Entries, then bytes. */
        for (uint32_t i = 0; i < 6; i++) {
            memcpy(again, saved, size);
            memcpy(again + at, &lies[i], sizeof lies[i]);
            static uint8_t copy[ROOM];
            memcpy(copy, again, size);
            assert_int_equal(load_copy(copy, size), MR_ERR_CORRUPT);
        }
    }
    close_bench(&a);
}

static void births_and_uses_beyond_all_counting_are_refused(void **state) {
    (void)state;
    const mr_operator_spec evicting = {.kind = MR_DEDUPLICATE, .flags = MR_EVICT};
    bench a = open_bench(&evicting);
    uint32_t upto = 0;
    begin_input(&a, 0);
    add_key(&a, 1);
    assert_int_equal(mr_operator_push(a.op, a.in, 0, &upto, a.out), MR_OK);
    const uint32_t size = save_pages(&a, saved, 1, ROOM);
    const char *const names[] = {"birth", "use"};
    for (uint32_t i = 0; i < 2; i++) {
        const uint64_t most = UINT64_MAX;
        memcpy(again, saved, size);
        memcpy(again + 16 + 4 + i * 8, &most, sizeof most);
        assert_int_equal(mr_load(a.op, again, size, 0, 1), MR_ERR_CORRUPT);
        assert_string_equal(mr_error_name(), names[i]);
    }
    assert_int_equal(inside(a.op)->rows.births, 1);
    close_bench(&a);
}

static void the_end_of_loading_needs_no_rows_and_no_order(void **state) {
    (void)state;
    bench b = open_kinds();
    assert_int_equal(mr_load_end(b.op), MR_OK);
    close_bench(&b);
}

/* ---- entries that are looked up together ---- */

static const mr_operator_spec one_text = {.kind = MR_CUSTOM, .count = 1, .kinds = {MR_STRING}};

/* A tombstone, or a row that was born as the `birth`-th. */
static void put_entry(mr_writer *to, uint8_t key, bool tombstone, uint64_t birth) {
    mr_put_u8(to, tombstone ? 2 : 1);
    mr_put_u8(to, (uint8_t)(mr_hash_fixed(&key, 1) % MR_KEY_GROUPS));
    mr_put_u16(to, 1);
    if (!tombstone) mr_put_u64(to, birth);
    mr_put_u8(to, key);
    if (tombstone) return;
    mr_put_u32(to, sizeof birth);
    mr_put_u64(to, birth);
}

static void put_head(mr_writer *to, uint32_t entries, uint32_t bytes) {
    mr_put_bytes(to, (const uint8_t *)"MRSB", 4);
    mr_put_u16(to, MR_SEGMENT_VERSION);
    mr_put_u8(to, 0);
    mr_put_u8(to, 1);
    mr_put_u32(to, entries);
    mr_put_u32(to, bytes);
    mr_put_u8(to, MR_STRING);
}

/* Load entries in blocks of so many, and save what stands then. */
static uint32_t load_in_blocks(uint64_t seed, uint32_t entries, uint32_t block, uint8_t *out) {
    static uint8_t body[ROOM];
    static uint8_t segment[ROOM];
    mr_writer whole = {.bytes = segment, .room = ROOM};
    for (uint32_t i = 0; i < entries;) {
        const uint32_t from = i;
        mr_writer writer = {.bytes = body, .room = ROOM};
        for (; i < entries && i < from + block; i++) {
            const uint8_t key = (uint8_t)(1 + random_below(&seed, 9));
            put_entry(&writer, key, random_below(&seed, 3) == 0, i);
        }
        put_head(&whole, i - from, writer.size);
        mr_put_bytes(&whole, body, writer.size);
    }
    bench b = open_bench(&one_text);
    assert_int_equal(mr_load(b.op, segment, whole.size, 0, 1), MR_OK);
    assert_int_equal(mr_load_end(b.op), MR_OK);
    const uint32_t size = save_all(&b, out);
    close_bench(&b);
    return size;
}

static void entries_of_one_key_replace_each_other_however_near_they_are(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        const uint32_t entries = 1 + (uint32_t)seed;
        const uint32_t size = load_in_blocks(seed, entries, 1, saved);
        assert_int_equal(load_in_blocks(seed, entries, UINT8_MAX, again), size);
        assert_memory_equal(saved, again, size);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_field_comes_back_as_it_was),
        cmocka_unit_test(small_blocks_and_pages_hold_the_same_rows),
        cmocka_unit_test(an_entry_that_does_not_fit_is_not_written),
        cmocka_unit_test(the_same_bytes_loaded_twice_are_there_once),
        cmocka_unit_test(a_loaded_ref_becomes_live_when_it_is_decoded),
        cmocka_unit_test(a_segment_without_last_uses_counts_from_the_time_of_loading),
        cmocka_unit_test(bytes_of_other_fields_are_refused),
        cmocka_unit_test(rows_that_are_carried_over_keep_their_past),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(a_flipped_bit_anywhere_does_no_harm),
        cmocka_unit_test(counts_that_lie_are_refused),
        cmocka_unit_test(births_and_uses_beyond_all_counting_are_refused),
        cmocka_unit_test(the_end_of_loading_needs_no_rows_and_no_order),
        cmocka_unit_test(entries_of_one_key_replace_each_other_however_near_they_are),
    };
    return cmocka_run_group_tests_name("save", tests, NULL, NULL);
}
