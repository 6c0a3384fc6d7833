/* basic_test.c -- what aggregates of numbers give, and that they merge. */
#include "../../c/agg/basic.h"
#include "harness.h"

static void put(bench *b, uint32_t key, double value) {
    const uint32_t row = add_key(b, key);
    mr_f64s(b->input->columns[0])[row] = value;
}

static void every_kind_merges_in_any_order_with_anything_also_nothing(void **state) {
    (void)state;
    const double values[] = {3, -7.5, 1e16, 1, -1e16, 0.25, 8, 8, 2};
    for (uint8_t kind = 0; kind < MR_BASIC_KINDS; kind++) {
        for (uint32_t cut = 0; cut <= 9; cut++) {
            double all[MR_BASIC_CELLS_MAX] = {0};
            double parts[2][MR_BASIC_CELLS_MAX] = {{0}};
            mr_basic_begin(&kind, 1, all);
            for (uint32_t part = 0; part < 2; part++)
                mr_basic_begin(&kind, 1, parts[part]);
            for (uint32_t i = 0; i < 9; i++) {
                mr_basic_add(kind, all, values[i]);
                mr_basic_add(kind, parts[i >= cut], values[i]);
            }
            double other[MR_BASIC_CELLS_MAX];
            memcpy(other, parts[1], sizeof other);
            mr_basic_merge(&kind, 1, other, parts[0]);
            mr_basic_merge(&kind, 1, parts[0], parts[1]);
            const double is = mr_basic_result(kind, parts[0]);
            const double near = __builtin_fabs(mr_basic_result(kind, all)) * 1e-14;
            assert_float_equal(is, mr_basic_result(kind, all), near);
            assert_float_equal(mr_basic_result(kind, other), is, near);
        }
    }
}

static void rows_merge_as_if_one_key_had_had_all_values(void **state) {
    (void)state;
    const mr_operator_spec spec = {
        .kind = MR_AGGREGATE,
        .count = 7,
        .kinds = {MR_COUNT, MR_SUM, MR_MEAN, MR_MIN, MR_MAX, MR_VARIANCE, MR_STDDEV_POPULATION},
    };
    bench b = open_bench(&spec);
    const double values[] = {2, 4, 4, 4, 5, 5, 7, 9};
    begin_input(&b, 0);
    for (uint32_t i = 0; i < 8; i++)
        put(&b, i < 3 ? 1 : 2, values[i]);
    put(&b, 3, __builtin_nan("")); /* Counts as a row, and has no values. */
    uint32_t upto = 0;
    assert_int_equal(mr_operator_push(b.op, b.in, 0, &upto, b.out), MR_OK);
    mr_scan scan = 0;
    assert_int_equal(mr_scan_open(b.op, 0, &scan), MR_OK);
    const uint32_t *rows = mr_u32s(next_page(scan, 10)->rows);
    assert_int_equal(mr_aggregate_merge(b.op, rows[0], rows[1]), MR_OK);
    assert_int_equal(mr_aggregate_merge(b.op, rows[2], rows[0]), MR_OK);
    assert_int_equal(mr_operator_results(b.op, rows, 3, b.out), MR_OK);
    const double expected[] = {8, 40, 5, 2, 9, 32.0 / 7, 2};
    for (uint32_t c = 0; c < 7; c++) {
        const double *column = mr_f64s(b.results->columns[c]);
        assert_float_equal(column[0], expected[c], 1e-12);
        assert_float_equal(column[2], expected[c] + (c == 0), 1e-12);
    }
    assert_int_equal(mr_aggregate_merge(b.op, rows[0], 0), MR_ERR_ARGUMENT);
    assert_int_equal(mr_aggregate_merge(b.op, 0, rows[0]), MR_ERR_ARGUMENT);
    assert_int_equal(mr_scan_close(scan), MR_OK);
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_merges_in_any_order_with_anything_also_nothing),
        cmocka_unit_test(rows_merge_as_if_one_key_had_had_all_values),
    };
    return cmocka_run_group_tests_name("basic", tests, NULL, NULL);
}
