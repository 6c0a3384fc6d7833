/* basic.h -- aggregates of numbers: count, sum, mean, min, max, variance, stddev.
 *
 * An aggregate is a few f64 cells that values are added to, and that are merged with the
 * cells of other values, in any order:
 *
 *   count  [n]                    mean  [sum][lost][n]
 *   sum    [sum][lost]            min   [least]         max  [greatest]
 *   variance, stddev  [n][mean][sum of squared distances from the mean]
 *
 * A sum carries what rounding lost (Neumaier 1974), so that a million small numbers
 * beside a large one are not forgotten. A variance is Welford's (1962), merged as Chan,
 * Golub and LeVeque (1979) do. The least and greatest of nothing are NaN, which no value
 * is: callers leave NaN and nulls out. So are the mean of nothing and a variance of too
 * little.
 *
 * Cells are plain bytes to rows, checkpoints and slices of windows. The functions for one
 * kind are inline, so that a loop over a column has no switch in it; mr_basic_* take those of
 * several aggregates, one behind another. */
#ifndef MR_BASIC_H
#define MR_BASIC_H

#include "../batch.h"

enum { MR_BASIC_CELLS_MAX = 3, MR_BASIC_KINDS = MR_STDDEV_POPULATION + 1 };

/* How many cells an aggregate of each kind has. */
extern const uint8_t mr_basic_cells[MR_BASIC_KINDS];

double mr_basic_result(uint32_t kind, const double *cells);

/* How many cells `count` aggregates have together. */
uint32_t mr_basic_cells_of(const uint8_t *kinds, uint32_t count);

/* Are a spec's aggregates such as there are? MR_ERR_ARGUMENT; MR_ERR_LIMIT: too many cells. */
mr_status mr_basic_check(const mr_operator_spec *spec);

/* Cells that have seen nothing. */
void mr_basic_begin(const uint8_t *kinds, uint32_t count, double *cells);

/* Into the one the other's values. */
void mr_basic_merge(const uint8_t *kinds, uint32_t count, double *into, const double *from);

/* Write the results of a spec's aggregates to columns from `column` on, in the row that comes. */
void mr_basic_write(const mr_operator_spec *spec, const double *cells, mr_columns *out,
                    uint32_t column);

static inline bool mr_is_finite(double value) { return value - value == 0; }

static inline void mr_add_count(double *cells, double value) {
    (void)value;
    cells[0] += 1;
}

static inline void mr_add_sum(double *cells, double value) {
    const double sum = cells[0] + value;
    if (mr_is_finite(sum)) {
        const bool sum_larger = __builtin_fabs(cells[0]) >= __builtin_fabs(value);
        cells[1] += sum_larger ? (cells[0] - sum) + value : (value - sum) + cells[0];
    }
    cells[0] = sum;
}

static inline void mr_add_mean(double *cells, double value) {
    mr_add_sum(cells, value);
    cells[2] += 1;
}

static inline void mr_add_min(double *cells, double value) {
    if (!(value >= cells[0])) cells[0] = value;
}

static inline void mr_add_max(double *cells, double value) {
    if (!(value <= cells[0])) cells[0] = value;
}

static inline void mr_add_variance(double *cells, double value) {
    cells[0] += 1;
    const double distance = value - cells[1];
    cells[1] += distance / cells[0];
    cells[2] += distance * (value - cells[1]);
}

/* Add a value that is not NaN to the cells of an aggregate of any kind. */
static inline void mr_basic_add(uint32_t kind, double *cells, double value) {
    switch (kind) {
    case MR_COUNT:
        mr_add_count(cells, value);
        return;
    case MR_SUM:
        mr_add_sum(cells, value);
        return;
    case MR_MEAN:
        mr_add_mean(cells, value);
        return;
    case MR_MIN:
        mr_add_min(cells, value);
        return;
    case MR_MAX:
        mr_add_max(cells, value);
        return;
    default:
        mr_add_variance(cells, value);
    }
}

#endif
