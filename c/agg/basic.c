/* basic.c -- see basic.h. */
#include "basic.h"

#include "../error.h"

const uint8_t mr_basic_cells[MR_BASIC_KINDS] = {
    [MR_COUNT] = 1,
    [MR_SUM] = 2,
    [MR_MEAN] = 3,
    [MR_MIN] = 1,
    [MR_MAX] = 1,
    [MR_VARIANCE] = 3,
    [MR_STDDEV] = 3,
    [MR_VARIANCE_POPULATION] = 3,
    [MR_STDDEV_POPULATION] = 3,
};

uint32_t mr_basic_cells_of(const uint8_t *kinds, uint32_t count) {
    uint32_t cells = 0;
    for (uint32_t i = 0; i < count; i++)
        cells += mr_basic_cells[kinds[i]];
    return cells;
}

mr_status mr_basic_check(const mr_operator_spec *spec) {
    for (uint32_t i = 0; i < spec->count; i++) {
        if (spec->kinds[i] >= MR_BASIC_KINDS) {
            return mr_fail(MR_ERR_ARGUMENT, "kinds", spec->kinds[i]);
        }
        if (spec->columns[i] >= MR_COLUMNS_MAX) {
            return mr_fail(MR_ERR_ARGUMENT, "columns", spec->columns[i]);
        }
    }
    const uint32_t cells = mr_basic_cells_of(spec->kinds, spec->count);
    if (cells <= MR_FIELDS_MAX) return MR_OK;
    return mr_fail(MR_ERR_LIMIT, "aggregate fields", MR_FIELDS_MAX);
}

void mr_basic_begin(const uint8_t *kinds, uint32_t count, double *cells) {
    for (uint32_t i = 0; i < count; i++) {
        const double nothing = kinds[i] == MR_MIN || kinds[i] == MR_MAX ? __builtin_nan("") : 0;
        for (uint32_t left = mr_basic_cells[kinds[i]]; left > 0; left--)
            *cells++ = nothing;
    }
}

static void merge_sum(double *into, const double *from) {
    mr_add_sum(into, from[0]);
    into[1] += from[1];
}

static void merge_variance(double *into, const double *from) {
    const double count = into[0] + from[0];
    if (from[0] == 0) return;
    const double distance = from[1] - into[1];
    into[2] += from[2] + distance * distance * (into[0] * from[0] / count);
    into[1] += distance * (from[0] / count);
    into[0] = count;
}

static void merge(uint32_t kind, double *into, const double *from) {
    switch (kind) {
    case MR_COUNT:
        into[0] += from[0];
        return;
    case MR_SUM:
        merge_sum(into, from);
        return;
    case MR_MEAN:
        merge_sum(into, from);
        into[2] += from[2];
        return;
    case MR_MIN:
        if (from[0] == from[0]) mr_add_min(into, from[0]);
        return;
    case MR_MAX:
        if (from[0] == from[0]) mr_add_max(into, from[0]);
        return;
    default:
        merge_variance(into, from);
    }
}

void mr_basic_merge(const uint8_t *kinds, uint32_t count, double *into, const double *from) {
    for (uint32_t i = 0; i < count; i++) {
        merge(kinds[i], into, from);
        into += mr_basic_cells[kinds[i]];
        from += mr_basic_cells[kinds[i]];
    }
}

static double sum_of(const double *cells) {
    return mr_is_finite(cells[0]) ? cells[0] + cells[1] : cells[0];
}

/* Of less than two values there is no sample variance, of none no other. */
static double variance_of(const double *cells, bool sample) {
    const double by = sample ? cells[0] - 1 : cells[0];
    return by > 0 ? cells[2] / by : __builtin_nan("");
}

double mr_basic_result(uint32_t kind, const double *cells) {
    switch (kind) {
    case MR_SUM:
        return sum_of(cells);
    case MR_MEAN:
        return sum_of(cells) / cells[2];
    case MR_VARIANCE:
        return variance_of(cells, true);
    case MR_STDDEV:
        return __builtin_sqrt(variance_of(cells, true));
    case MR_VARIANCE_POPULATION:
        return variance_of(cells, false);
    case MR_STDDEV_POPULATION:
        return __builtin_sqrt(variance_of(cells, false));
    default:
        return cells[0];
    }
}

void mr_basic_write(const mr_operator_spec *spec, const double *cells, mr_columns *out,
                    uint32_t column) {
    for (uint32_t i = 0; i < spec->count; cells += mr_basic_cells[spec->kinds[i]], i++)
        mr_f64s(out->columns[column + i])[out->size] = mr_basic_result(spec->kinds[i], cells);
}
