/* kept_test.c -- rows that change before their turn in a checkpoint: copies, and who has what. */
#include "harness.h"

enum { NUMBERS = 64 };

/* A value of the host's and a string; the third row evicts the first. */
static const mr_operator_spec spec = {
    .kind = MR_CUSTOM,
    .count = 2,
    .kinds = {MR_REF, MR_STRING},
    .flags = MR_TRACK | MR_EVICT,
    .rows_max = 2,
};

static bench open_with_refs(void) {
    uint32_t refs = 0;
    const mr_engine engine = open_engine(64 * MIB, 42);
    assert_int_equal(mr_refs_reserve(engine, NUMBERS, &refs), MR_OK);
    return open_bench_in(engine, &spec);
}

static uint32_t dropped(const bench *b) {
    uint32_t refs = 0;
    assert_int_equal(mr_refs_reserve(b->engine, 0, &refs), MR_OK);
    return ((mr_refs *)mr_at(refs))->dropped;
}

/* Write the row of key `number`; a new one has the value of that number. */
static mr_status put(bench *b, uint32_t number) {
    begin_input(b, 0);
    add_key(b, number);
    (void)find_input(b);
    if (row_of(b, 0) != NULL) return mr_row_touch(b->op, 0, 1);
    uint64_t words[1] = {0};
    uint32_t blob = 0;
    const uint32_t *at = inside(b->op)->rows.layout.field_at;
    MR_TRY(mr_blob_new(b->op, (const uint8_t *)"text", 4, &blob));
    memcpy((uint8_t *)words + at[0], &number, sizeof number);
    memcpy((uint8_t *)words + at[1], &blob, sizeof blob);
    return mr_row_create(b->op, 0, (const uint8_t *)words);
}

static mr_scan begin(const bench *b) {
    mr_scan scan = 0;
    assert_int_equal(mr_changes_scan(b->op, 0, &scan), MR_OK);
    return scan;
}

/* Save a page whose values are encoded as their numbers, a digit each. */
static void save(const bench *b, mr_scan scan, const mr_page *page, const char *digits) {
    static uint8_t out[1 << 12];
    uint32_t offsets[NUMBERS] = {0};
    uint32_t upto = 0;
    uint32_t size = 0;
    assert_int_equal(page->count, strlen(digits));
    for (uint32_t i = 0; i < page->count; i++) {
        const mr_addr at = mr_u32s(page->rows)[i];
        const uint8_t *record = mr_row_record(&inside(b->op)->rows, mr_row_at(at));
        uint32_t number;
        memcpy(&number, record + inside(b->op)->rows.layout.field_at[0], sizeof number);
        assert_int_equal('0' + number, digits[i]);
        offsets[i + 1] = i + 1;
    }
    assert_int_equal(mr_save(scan, 0, (const uint8_t *)digits, offsets, out, sizeof out,
                             changes_of(b).next, &upto, &size),
                     MR_OK);
}

static void end(const bench *b, mr_scan scan, bool saved) {
    assert_int_equal(mr_scan_close(scan), MR_OK);
    assert_int_equal(mr_changes_end(b->op, saved), MR_OK);
}

static void a_copy_has_the_values_of_its_row_until_it_is_written(void **state) {
    (void)state;
    for (uint32_t saved = 0; saved < 2; saved++) {
        bench b = open_with_refs();
        assert_int_equal(put(&b, 1), MR_OK);
        assert_int_equal(put(&b, 2), MR_OK);
        const mr_scan scan = begin(&b);
        assert_int_equal(put(&b, 3), MR_OK); /* 1 goes. */
        assert_int_equal(changes_of(&b).kept, 1);
        assert_int_equal(dropped(&b), 0);
        assert_int_equal(memory_of(b.engine).external_bytes, 3 * MR_REF_BYTES);
        if (saved != 0) {
            save(&b, scan, next_page(scan, 9), "12");
            assert_int_equal(changes_of(&b).kept, 0);
            assert_int_equal(next_page(scan, 9)->count, 0);
        }
        end(&b, scan, saved != 0);
        assert_int_equal(dropped(&b), 1);
        assert_int_equal(memory_of(b.engine).external_bytes, 2 * MR_REF_BYTES);
        assert_int_equal(changes_of(&b).rows, saved != 0 ? 1 : 2);
        assert_int_equal(changes_of(&b).removed, 1);
        close_bench(&b);
    }
}

/* Though a host should save pages whole, and once. */
static void a_copy_may_be_written_again(void **state) {
    (void)state;
    bench b = open_with_refs();
    assert_int_equal(put(&b, 1), MR_OK);
    assert_int_equal(put(&b, 2), MR_OK);
    const mr_scan scan = begin(&b);
    assert_int_equal(put(&b, 3), MR_OK); /* 1 goes. */
    assert_int_equal(put(&b, 4), MR_OK); /* And 2. */
    assert_int_equal(next_page(scan, 9)->count, 2);
    const uint32_t offsets[3] = {0, 1, 2};
    const uint32_t segment = changes_of(&b).next;
    uint8_t out[512];
    for (uint32_t i = 0; i < 3; i++) { /* The second one alone, then both. */
        uint32_t upto = 0;
        uint32_t size = 0;
        assert_int_equal(mr_save(scan, i == 0, (const uint8_t *)"12", offsets, out, sizeof out,
                                 segment + i, &upto, &size),
                         MR_OK);
        assert_int_equal(changes_of(&b).kept, i == 0);
        assert_int_equal(next_page(scan, 9)->count, i == 0 ? 2 : 0);
    }
    end(&b, scan, true);
    assert_int_equal(dropped(&b), 2);
    close_bench(&b);
}

/* What holds nothing may lie anywhere. */
static void a_copy_of_small_fields_goes_as_others_do(void **state) {
    (void)state;
    const uint64_t record[1] = {0x0101};
    const mr_operator_spec bools = {
        .kind = MR_CUSTOM,
        .count = 2,
        .kinds = {MR_BOOL, MR_BOOL},
        .flags = MR_TRACK | MR_EVICT,
        .rows_max = 1,
    };
    bench b = open_bench(&bools);
    mr_scan scan = 0;
    for (uint32_t number = 1; number <= 2; number++) {
        begin_input(&b, 0);
        add_key(&b, number);
        (void)find_input(&b);
        assert_int_equal(mr_row_create(b.op, 0, (const uint8_t *)record), MR_OK);
        if (number == 1) scan = begin(&b);
    }
    assert_int_equal(changes_of(&b).kept, 1);
    end(&b, scan, false);
    close_bench(&b);
}

static void a_row_that_is_only_looked_at_is_written_in_its_turn_too(void **state) {
    (void)state;
    bench b = open_with_refs();
    assert_int_equal(put(&b, 1), MR_OK);
    assert_int_equal(put(&b, 2), MR_OK);
    const mr_scan scan = begin(&b);
    begin_input(&b, 0);
    add_key(&b, 2);
    (void)find_input(&b);
    save(&b, scan, next_page(scan, 9), "212");
    assert_int_equal(next_page(scan, 9)->count, 0);
    end(&b, scan, true);
    assert_int_equal(changes_of(&b).rows, 0);
    close_bench(&b);
}

/* The copy's memory, its string: whatever is refused, the row goes; only the checkpoint ends. */
static void a_copy_that_there_is_no_memory_for_spoils_the_checkpoint_alone(void **state) {
    (void)state;
    for (uint32_t nth = 1; nth <= 2; nth++) {
        bench b = open_with_refs();
        assert_int_equal(put(&b, 1), MR_OK);
        assert_int_equal(put(&b, 2), MR_OK);
        const mr_scan scan = begin(&b);
        begin_input(&b, 0);
        add_key(&b, 1);
        uint32_t found = 0;
        mr_heap_fail_after(nth, false);
        assert_int_equal(mr_find(b.op, b.in, &found), MR_OK);
        mr_heap_fail_after(0, false);
        assert_int_equal(mr_row_remove(b.op, 0), MR_OK);
        uint32_t page = 0;
        assert_int_equal(mr_scan_next(scan, 9, &page), MR_ERR_MEMORY);
        assert_int_equal(mr_changes_end(b.op, 1), MR_ERR_ARGUMENT);
        end(&b, scan, false);
        assert_int_equal(dropped(&b), 1);
        assert_int_equal(changes_of(&b).rows, 1);
        const mr_scan again = begin(&b); /* All rows are new: no tombstones. */
        save(&b, again, next_page(again, 9), "2");
        assert_int_equal(next_page(again, 9)->count, 0);
        end(&b, again, true);
        close_bench(&b);
    }
}

/* The first that there is no memory for is the event's string, then a buffer of the host's. */
static void copies_are_given_back_for_what_there_is_no_memory_for(void **state) {
    (void)state;
    bench b = open_with_refs();
    assert_int_equal(put(&b, 1), MR_OK);
    assert_int_equal(put(&b, 2), MR_OK);
    mr_scan scan = begin(&b);
    assert_int_equal(put(&b, 3), MR_OK); /* 1 goes. */
    mr_heap_fail_after(1, false);
    assert_int_equal(put(&b, 4), MR_OK); /* And 2, without a copy. */
    mr_heap_fail_after(0, false);
    assert_int_equal(changes_of(&b).kept, 0);
    assert_int_equal(memory_of(b.engine).external_bytes, 2 * MR_REF_BYTES);
    uint32_t out = 0;
    assert_int_equal(mr_scan_next(scan, 9, &out), MR_ERR_MEMORY);
    end(&b, scan, false);

    scan = begin(&b);
    assert_int_equal(put(&b, 5), MR_OK); /* 3 goes. */
    assert_int_equal(next_page(scan, 9)->count, 2);
    uint32_t buffer = 0;
    mr_heap_fail_after(1, false);
    assert_int_equal(mr_alloc(b.engine, 64, &buffer), MR_OK);
    mr_heap_fail_after(0, false);
    const uint32_t offsets[NUMBERS] = {0};
    uint8_t *block = mr_at(buffer);
    uint32_t size = 0;
    assert_int_equal(mr_save(scan, 0, block, offsets, block, 64, changes_of(&b).next, &out, &size),
                     MR_ERR_MEMORY);
    assert_int_equal(mr_free(b.engine, buffer, 64), MR_OK);
    end(&b, scan, false);
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_has_the_values_of_its_row_until_it_is_written),
        cmocka_unit_test(a_copy_may_be_written_again),
        cmocka_unit_test(a_copy_of_small_fields_goes_as_others_do),
        cmocka_unit_test(a_row_that_is_only_looked_at_is_written_in_its_turn_too),
        cmocka_unit_test(a_copy_that_there_is_no_memory_for_spoils_the_checkpoint_alone),
        cmocka_unit_test(copies_are_given_back_for_what_there_is_no_memory_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
