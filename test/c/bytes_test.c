/* bytes_test.c -- fields come back as they were put, and short bytes are noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../c/bytes.h"

static void put_all(mr_writer *writer) {
    mr_put_u8(writer, 0xA1);
    mr_put_u16(writer, 0xB1B2);
    mr_put_u32(writer, 0xC1C2C3C4u);
    mr_put_u64(writer, 0xD1D2D3D4D5D6D7D8u);
    mr_put_f64(writer, -1.5);
    mr_put_bytes(writer, (const uint8_t *)"xyz", 3);
    mr_put_bytes(writer, NULL, 0);
}

static const uint8_t all[] = {0xA1, 0xB2, 0xB1, 0xC4, 0xC3, 0xC2, 0xC1, 0xD8, 0xD7,
                              0xD6, 0xD5, 0xD4, 0xD3, 0xD2, 0xD1, 0,    0,    0,
                              0,    0,    0,    0xF8, 0xBF, 'x',  'y',  'z'};

static void fields_are_little_endian_and_packed(void **state) {
    (void)state;
    uint8_t bytes[sizeof all];
    mr_writer writer = {.bytes = bytes, .room = sizeof bytes};
    put_all(&writer);
    assert_false(writer.full);
    assert_int_equal(writer.size, sizeof all);
    assert_memory_equal(bytes, all, sizeof all);
}

static void fields_come_back_as_they_were_put(void **state) {
    (void)state;
    mr_reader reader = {.bytes = all, .size = sizeof all};
    assert_int_equal(mr_get_u8(&reader), 0xA1);
    assert_int_equal(mr_get_u16(&reader), 0xB1B2);
    assert_int_equal(mr_get_u32(&reader), 0xC1C2C3C4u);
    assert_int_equal(mr_u64_at(mr_get_bytes(&reader, 8)), 0xD1D2D3D4D5D6D7D8u);
    assert_true(mr_f64_at(mr_get_bytes(&reader, 8)) == -1.5);
    assert_memory_equal(mr_get_bytes(&reader, 3), "xyz", 3);
    assert_non_null(mr_get_bytes(&reader, 0));
    assert_false(reader.bad);
    assert_int_equal(reader.at, reader.size);
}

static void a_writer_without_room_keeps_what_fitted_and_takes_no_more(void **state) {
    (void)state;
    const uint32_t whole[] = {0, 1, 3, 7, 15, 23, 26}; /* Sizes after each put. */
    for (uint32_t room = 0; room < sizeof all; room++) {
        uint8_t bytes[sizeof all];
        memset(bytes, 0xEE, sizeof bytes);
        mr_writer writer = {.bytes = bytes, .room = room};
        put_all(&writer);
        assert_true(writer.full);
        uint32_t fitted = 0;
        for (uint32_t i = 0; i < 7 && whole[i] <= room; i++)
            fitted = whole[i];
        assert_int_equal(writer.size, fitted);
        assert_memory_equal(bytes, all, fitted);
        for (uint32_t i = fitted; i < sizeof all; i++)
            assert_int_equal(bytes[i], 0xEE);
    }
}

static void a_reader_past_the_end_gives_zeros_from_then_on(void **state) {
    (void)state;
    const uint8_t bytes[] = {1, 2, 3};
    mr_reader reader = {.bytes = bytes, .size = sizeof bytes};
    assert_int_equal(mr_get_u32(&reader), 0);
    assert_true(reader.bad);
    assert_int_equal(mr_get_u8(&reader), 0);
    assert_int_equal(mr_get_u16(&reader), 0);
    assert_null(mr_get_bytes(&reader, 1));
    assert_null(mr_get_bytes(&reader, 0));
    assert_int_equal(reader.at, 0);
}

static void a_size_near_4_gib_is_past_the_end(void **state) {
    (void)state;
    const uint8_t bytes[] = {1, 2, 3};
    mr_reader reader = {.bytes = bytes, .size = sizeof bytes, .at = 2};
    assert_null(mr_get_bytes(&reader, UINT32_MAX));
    assert_true(reader.bad);
    uint8_t room[3];
    mr_writer writer = {.bytes = room, .size = 2, .room = sizeof room};
    mr_put_bytes(&writer, bytes, UINT32_MAX);
    assert_true(writer.full);
    assert_int_equal(writer.size, 2);
}

static void no_bytes_at_all_can_be_read(void **state) {
    (void)state;
    mr_reader reader = {0};
    assert_non_null(mr_get_bytes(&reader, 0));
    assert_false(reader.bad);
    assert_int_equal(mr_get_u8(&reader), 0);
    assert_true(reader.bad);
}

static void every_nan_becomes_the_canonical_one(void **state) {
    (void)state;
    const uint64_t canonical = 0x7FF8000000000000u;
    const uint64_t nans[] = {canonical, 0xFFF8000000000000u, 0x7FF0000000000001u, UINT64_MAX};
    for (uint32_t i = 0; i < 4; i++) {
        uint8_t bytes[8];
        double value;
        memcpy(&value, &nans[i], sizeof value);
        mr_writer writer = {.bytes = bytes, .room = sizeof bytes};
        mr_put_f64(&writer, value);
        assert_memory_equal(bytes, &canonical, sizeof canonical);

        memcpy(bytes, &nans[i], sizeof bytes); /* As if somebody else had written it. */
        value = mr_f64_at(bytes);
        assert_memory_equal(&value, &canonical, sizeof canonical);
    }
}

static void minus_zero_and_the_infinities_stay_what_they_are(void **state) {
    (void)state;
    const double values[] = {-0.0, 0.0, __builtin_inf(), -__builtin_inf(), 5e-324};
    for (uint32_t i = 0; i < 5; i++) {
        uint8_t bytes[8];
        mr_writer writer = {.bytes = bytes, .room = sizeof bytes};
        mr_put_f64(&writer, values[i]);
        const double back = mr_f64_at(bytes);
        assert_memory_equal(&back, &values[i], sizeof back);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_little_endian_and_packed),
        cmocka_unit_test(fields_come_back_as_they_were_put),
        cmocka_unit_test(a_writer_without_room_keeps_what_fitted_and_takes_no_more),
        cmocka_unit_test(a_reader_past_the_end_gives_zeros_from_then_on),
        cmocka_unit_test(a_size_near_4_gib_is_past_the_end),
        cmocka_unit_test(no_bytes_at_all_can_be_read),
        cmocka_unit_test(every_nan_becomes_the_canonical_one),
        cmocka_unit_test(minus_zero_and_the_infinities_stay_what_they_are),
    };
    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
