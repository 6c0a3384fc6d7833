/* alloc_test.c -- the allocator against its own books and a naive model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memory_native.h"
#include "random.h"

#define MIB (UINT64_C(1) << 20)

enum { PAGE = MR_PAGE_BYTES };

static mr_heap opened(uint64_t budget_bytes) {
    mr_heap heap;
    assert_int_equal(mr_heap_open(&heap, budget_bytes), MR_OK);
    return heap;
}

static void close_empty(mr_heap *heap) {
    assert_int_equal(heap->live_bytes, 0);
    assert_int_equal(heap->reserved_bytes, 0);
    mr_heap_close(heap);
}

static bool same_heap(const mr_heap *a, const mr_heap *b) { return memcmp(a, b, sizeof *a) == 0; }

static void every_size_fits_its_class_and_wastes_little(void **state) {
    (void)state;
    uint32_t last = 0;
    for (uint32_t bytes = 1; bytes <= MR_SMALL_BYTES_MAX; bytes++) {
        uint32_t size = mr_heap_size_of(bytes);
        assert_true(size >= bytes && size % 8 == 0 && size >= last);
        assert_true(size - bytes < 8 || size - bytes <= bytes / 2 + 8);
        assert_int_equal(mr_heap_size_of(size), size);
        last = size;
    }
    assert_int_equal(mr_heap_size_of(256), 256);
    assert_int_equal(mr_heap_size_of(257), 320);
    assert_int_equal(mr_heap_size_of(4096), 4096);
    assert_int_equal(mr_heap_size_of(4097), 4672);
    assert_int_equal(mr_heap_size_of(10912), 10912);
    assert_int_equal(mr_heap_size_of(MR_SMALL_BYTES_MAX), MR_SMALL_BYTES_MAX);
    assert_int_equal(mr_heap_size_of(MR_SMALL_BYTES_MAX + 1), PAGE);
    assert_int_equal(mr_heap_size_of(PAGE), PAGE);
    assert_int_equal(mr_heap_size_of(PAGE + 1), 2 * PAGE);
}

typedef struct object {
    mr_addr address;
    uint32_t bytes;
    uint8_t fill;
} object;

static void check_and_free(mr_heap *heap, object *o) {
    const uint8_t *at = mr_at(o->address);
    for (uint32_t i = 0; i < o->bytes; i += o->bytes > 64 ? 61 : 1)
        assert_int_equal(at[i], o->fill);
    assert_int_equal(at[o->bytes - 1], o->fill);
    mr_heap_free(heap, o->address, o->bytes);
    *o = (object){0};
}

static uint32_t random_size(uint64_t *seed) {
    switch (random_below(seed, 8)) {
    case 0:
        return 1 + random_below(seed, 3 * PAGE);
    case 1:
        return 1 + random_below(seed, MR_SMALL_BYTES_MAX);
    default:
        return 1 + random_below(seed, 300);
    }
}

static void objects_never_overlap_and_the_books_are_exact(void **state) {
    (void)state;
    enum { OBJECTS = 2000, STEPS = 100000 };
    static object objects[OBJECTS];
    uint64_t seed = 1;
    mr_heap heap = opened(256 * MIB);
    uint64_t live = 0;
    for (uint32_t step = 0; step < STEPS; step++) {
        object *o = &objects[random_below(&seed, OBJECTS)];
        if (o->address != 0) {
            live -= mr_heap_size_of(o->bytes);
            check_and_free(&heap, o);
        } else {
            *o = (object){.bytes = random_size(&seed), .fill = (uint8_t)random_next(&seed)};
            o->address = mr_heap_alloc(&heap, o->bytes);
            assert_true(o->address != 0 && o->address % 8 == 0);
            memset(mr_at(o->address), o->fill, o->bytes);
            live += mr_heap_size_of(o->bytes);
        }
        assert_int_equal(heap.live_bytes, live);
        assert_true(heap.reserved_bytes >= live && heap.reserved_bytes % PAGE == 0);
    }
    for (uint32_t i = 0; i < OBJECTS; i++) {
        if (objects[i].address != 0) check_and_free(&heap, &objects[i]);
    }
    close_empty(&heap);
}

static void zeroed_memory_is_zero_even_where_it_was_used(void **state) {
    (void)state;
    mr_heap heap = opened(MIB);
    const uint32_t sizes[] = {1, 100, 5000, PAGE, 3 * PAGE};
    for (uint32_t i = 0; i < 5; i++) {
        mr_addr used = mr_heap_alloc(&heap, sizes[i]);
        memset(mr_at(used), 0xAA, sizes[i]);
        mr_heap_free(&heap, used, sizes[i]);
        mr_addr again = mr_heap_alloc_zeroed(&heap, sizes[i]);
        const uint8_t *at = mr_at(again);
        for (uint32_t j = 0; j < sizes[i]; j++)
            assert_int_equal(at[j], 0);
        mr_heap_free(&heap, again, sizes[i]);
    }
    mr_heap_free(&heap, 0, 8);
    close_empty(&heap);
}

static void a_page_is_given_back_with_its_last_object(void **state) {
    (void)state;
    enum { SLOTS = MR_PAGE_BODY_BYTES / 1024 };
    mr_heap heap = opened(MIB);
    mr_addr full[SLOTS];
    for (uint32_t i = 0; i < SLOTS; i++)
        full[i] = mr_heap_alloc(&heap, 1024);
    assert_int_equal(heap.reserved_bytes, PAGE);
    for (uint32_t i = 0; i < 10; i++) { /* On the edge of the page. */
        mr_addr next = mr_heap_alloc(&heap, 1024);
        assert_int_equal(heap.reserved_bytes, 2 * PAGE);
        mr_heap_free(&heap, next, 1024);
        assert_int_equal(heap.reserved_bytes, PAGE);
    }
    for (uint32_t i = 0; i < SLOTS; i++)
        mr_heap_free(&heap, full[i], 1024);
    close_empty(&heap);
}

static void a_page_of_one_class_serves_another_when_it_is_free(void **state) {
    (void)state;
    mr_heap heap = opened(PAGE);
    for (uint32_t bytes = 8; bytes <= PAGE; bytes += 1000) {
        mr_addr address = mr_heap_alloc(&heap, bytes);
        assert_true(address != 0);
        mr_heap_free(&heap, address, bytes);
    }
    close_empty(&heap);
}

static void pages_in_the_middle_of_an_open_list_can_leave_it(void **state) {
    (void)state;
    enum { PER_PAGE = 2, PAGES = 9, BYTES = MR_SMALL_BYTES_MAX };
    mr_heap heap = opened(MIB);
    mr_addr slots[PAGES * PER_PAGE];
    for (uint32_t i = 0; i < PAGES * PER_PAGE; i++)
        slots[i] = mr_heap_alloc(&heap, BYTES);
    for (uint32_t i = 0; i < PAGES; i++)
        mr_heap_free(&heap, slots[2 * i], BYTES);
    const uint32_t order[PAGES] = {4, 8, 0, 2, 6, 1, 7, 3, 5}; /* Middle, ends, the rest. */
    for (uint32_t i = 0; i < PAGES; i++) {
        mr_heap_free(&heap, slots[2 * order[i] + 1], BYTES);
        assert_int_equal(heap.reserved_bytes, (PAGES - 1 - i) * PAGE);
    }
    close_empty(&heap);
}

static void the_budget_counts_whole_pages_and_what_the_host_holds(void **state) {
    (void)state;
    mr_heap heap = opened(3 * PAGE + 100);
    mr_addr small = mr_heap_alloc(&heap, 8);
    mr_addr large = mr_heap_alloc(&heap, 2 * PAGE);
    assert_true(small != 0 && large != 0);
    mr_heap before = heap;
    assert_int_equal(mr_heap_alloc(&heap, 16), 0);
    assert_int_equal(mr_heap_alloc(&heap, PAGE), 0);
    assert_int_equal(mr_heap_alloc_zeroed(&heap, UINT32_MAX), 0);
    assert_true(same_heap(&heap, &before));

    mr_heap_free(&heap, large, 2 * PAGE);
    heap.external_bytes = PAGE + 101;
    assert_int_equal(mr_heap_alloc(&heap, PAGE), 0);
    heap.external_bytes = PAGE + 100;
    large = mr_heap_alloc(&heap, PAGE);
    assert_true(large != 0);
    mr_heap_free(&heap, large, PAGE);
    mr_heap_free(&heap, small, 8);
    close_empty(&heap);
}

static void closing_gives_back_what_is_still_in_use(void **state) {
    (void)state;
    mr_heap kept = opened(MIB);
    mr_addr address = mr_heap_alloc(&kept, 8);
    for (uint32_t round = 0; round < 50; round++) {
        mr_heap heap = opened(64 * MIB);
        while (mr_heap_alloc(&heap, 1 + heap.live_bytes % 100000) != 0) {
        }
        mr_heap_close(&heap);
        assert_int_equal(heap.id, 0);
        mr_heap_close(&heap); /* Closed: does nothing. */
    }
    uint32_t end = mr_host_grow(1);
    assert_true(end < 64 * 16 * 2); /* Fifty rounds took the same pages. */
    mr_heap_free(&kept, address, 8);
    close_empty(&kept);
}

static void heaps_are_limited_and_ids_return(void **state) {
    (void)state;
    static mr_heap heaps[MR_HEAPS_MAX];
    for (uint32_t i = 0; i < MR_HEAPS_MAX; i++)
        heaps[i] = opened(MIB);
    mr_heap more;
    assert_int_equal(mr_heap_open(&more, MIB), MR_ERR_LIMIT);
    mr_heap_close(&heaps[7]);
    assert_int_equal(mr_heap_open(&heaps[7], MIB), MR_OK);
    for (uint32_t i = 0; i < MR_HEAPS_MAX; i++)
        close_empty(&heaps[i]);
}

static void a_host_that_refuses_changes_nothing(void **state) {
    (void)state;
    mr_heap heap = opened(UINT64_MAX / 2);
    mr_host_limit(3); /* Less than a usual step: just what is needed is asked for then. */
    uint32_t count = 0;
    mr_addr last = 0;
    for (mr_addr next; (next = mr_heap_alloc(&heap, PAGE)) != 0; count++) {
        if (last != 0) *(mr_addr *)mr_at(next) = last;
        last = next;
    }
    assert_true(count >= 3);
    mr_heap before = heap;
    assert_int_equal(mr_heap_alloc(&heap, 8), 0);
    assert_int_equal(mr_heap_alloc(&heap, 8 * PAGE), 0);
    assert_true(same_heap(&heap, &before));

    mr_host_limit(UINT32_MAX);
    mr_addr address = mr_heap_alloc(&heap, 8);
    assert_true(address != 0);
    mr_heap_close(&heap);
}

static void a_host_that_has_less_gives_half_of_it_at_least(void **state) {
    (void)state;
    mr_heap heap = opened(UINT64_MAX / 2);
    mr_host_limit(1000); /* Less than what is asked for at first. */
    const uint32_t end = mr_host_grow(0);
    while (mr_host_grow(0) == end)
        assert_true(mr_heap_alloc(&heap, PAGE) != 0);
    assert_true(mr_host_grow(0) - end >= 500);
    mr_host_limit(UINT32_MAX);
    mr_heap_close(&heap);
}

static void memory_that_others_grew_is_never_ours(void **state) {
    (void)state;
    mr_heap heap = opened(1024 * MIB);
    while (mr_heap_alloc(&heap, PAGE) != 0 && heap.reserved_bytes < 100 * MIB) {
    }
    mr_host_take(5);
    uint32_t first = mr_host_grow(0); /* What the others have ends here. */
    for (uint32_t i = 0; i < 100; i++) {
        mr_addr address = mr_heap_alloc(&heap, 40 * PAGE);
        assert_true(address != 0);
        assert_true(address / PAGE >= first || address / PAGE + 40 <= first - 5);
    }
    mr_heap_close(&heap);
}

static void an_allocation_can_be_made_to_fail(void **state) {
    (void)state;
    mr_heap heap = opened(MIB);
    mr_heap_fail_after(2, false);
    mr_addr first = mr_heap_alloc(&heap, 8);
    assert_true(first != 0);
    assert_int_equal(mr_heap_alloc(&heap, 8), 0);
    mr_addr third = mr_heap_alloc(&heap, 8);
    assert_true(third != 0);
    mr_heap_fail_after(1, true);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(mr_heap_alloc(&heap, 8), 0);
    mr_heap_fail_after(0, false);
    mr_heap_free(&heap, first, 8);
    mr_heap_free(&heap, third, 8);
    close_empty(&heap);
}

/* Has an object, until it is asked for it. */
typedef struct holder {
    mr_lender lender;
    mr_heap *heap;
    mr_addr object;
    uint32_t asked;
} holder;

static bool give_object_back(mr_lender *lender) {
    holder *from = (holder *)(void *)lender;
    from->asked++;
    if (from->object == 0) return false;
    mr_heap_free(from->heap, from->object, PAGE);
    from->object = 0;
    return true;
}

static void lenders_give_back_what_there_is_no_memory_for(void **state) {
    (void)state;
    mr_heap heap = opened(3 * PAGE);
    holder holders[3];
    for (uint32_t i = 0; i < 3; i++) {
        holders[i] = (holder){.lender = {.give_back = give_object_back}, .heap = &heap};
        holders[i].object = mr_heap_alloc(&heap, PAGE);
        mr_heap_lend(&heap, &holders[i].lender);
    }
    mr_heap_unlend(&heap, &holders[0].lender); /* Each of them is not the first to be asked. */
    mr_addr got = mr_heap_alloc(&heap, PAGE);
    assert_true(got != 0);
    assert_int_equal(holders[0].asked, 0);
    assert_int_equal(holders[1].asked, 1);
    assert_int_equal(holders[2].asked, 1);
    assert_int_equal(mr_heap_alloc(&heap, 3 * PAGE), 0); /* All that they had is too little. */
    assert_int_equal(holders[1].asked, 2);

    mr_heap_unlend(&heap, &holders[2].lender);
    mr_heap_unlend(&heap, &holders[1].lender);
    assert_false(mr_heap_give_back(&heap));
    mr_heap_free(&heap, holders[0].object, PAGE);
    mr_heap_free(&heap, got, PAGE);
    close_empty(&heap);
}

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>

static void every_byte_outside_an_object_is_poisoned(void **state) {
    (void)state;
    mr_heap heap = opened(MIB);
    mr_addr address = mr_heap_alloc(&heap, 13);
    const uint8_t *at = mr_at(address);
    for (uint32_t i = 0; i < 32; i++)
        assert_int_equal(__asan_address_is_poisoned(at + i), i >= 13);
    mr_addr other = mr_heap_alloc(&heap, 16);
    mr_heap_free(&heap, address, 13);
    for (uint32_t i = 0; i < 16; i++)
        assert_true(__asan_address_is_poisoned(at + i));
    mr_heap_free(&heap, other, 16);
    assert_true(__asan_address_is_poisoned(mr_at(other)));
    close_empty(&heap);
}
#else
static void every_byte_outside_an_object_is_poisoned(void **state) {
    (void)state;
    skip(); /* Only where AddressSanitizer is. */
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_fits_its_class_and_wastes_little),
        cmocka_unit_test(objects_never_overlap_and_the_books_are_exact),
        cmocka_unit_test(zeroed_memory_is_zero_even_where_it_was_used),
        cmocka_unit_test(a_page_is_given_back_with_its_last_object),
        cmocka_unit_test(a_page_of_one_class_serves_another_when_it_is_free),
        cmocka_unit_test(pages_in_the_middle_of_an_open_list_can_leave_it),
        cmocka_unit_test(the_budget_counts_whole_pages_and_what_the_host_holds),
        cmocka_unit_test(closing_gives_back_what_is_still_in_use),
        cmocka_unit_test(heaps_are_limited_and_ids_return),
        cmocka_unit_test(a_host_that_refuses_changes_nothing),
        cmocka_unit_test(a_host_that_has_less_gives_half_of_it_at_least),
        cmocka_unit_test(memory_that_others_grew_is_never_ours),
        cmocka_unit_test(an_allocation_can_be_made_to_fail),
        cmocka_unit_test(lenders_give_back_what_there_is_no_memory_for),
        cmocka_unit_test(every_byte_outside_an_object_is_poisoned),
    };
    return cmocka_run_group_tests_name("alloc", tests, NULL, NULL);
}
