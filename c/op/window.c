/* window.c -- aggregates per key and window, whole: events in, windows out.
 *
 * A row per key holds all its windows (window_slices.c, window_session.c, window_count.c)
 * and has one timer: when its next window is due, or may be forgotten.
 *
 *   wheel --- rows due at t, sorted by the first event of their window ---> results
 *
 * Windows go out in the order of (time when due, first event), whatever the hash, the chunk
 * or a restart: the number of a first event counts up and is saved with the window. The rows
 * of one time are taken off the wheel into runs, sorted, and fired one by one, in bounded
 * steps: a call that is MR_MORE leaves the rest to the next one. Their timers stay set
 * meanwhile, so a checkpoint loses nothing; if anything else happens to the rows, the rest
 * is hung back (stop).
 *
 * An event is applied after all that is due by the watermark before it. It is too late where
 * its source's own watermark has passed all of its windows and late_ms; then it is counted
 * and no more.
 *
 *   MR_FINAL       a window fires at its end + late_ms, once
 *   else           it fires at its end, and stays for late_ms, in which every late event
 *                  fires it again at once
 *   MR_EMIT_EACH   every event fires its windows
 *
 * Revisions count how often a window was fired. */
#include "window.h"

enum { FIRE_STEPS = 8192, LOOK_AHEAD = 16 };

static const mr_window_assigner *const assigners[] = {
    [MR_ALIGNED] = &mr_window_aligned,
    [MR_SESSIONS] = &mr_window_sessions,
    [MR_COUNTED] = &mr_window_counted,
    [MR_COUNTED_EACH] = &mr_window_counted,
};

static const mr_window_assigner *assigner_of(const mr_operator_data *op) {
    return assigners[op->spec.assigner];
}

/* ---- opening ---- */

static mr_status check_whole(double value, double least, const char *name) {
    const bool whole = value >= least && value <= 8.64e15 && (double)(int64_t)value == value;
    return whole ? MR_OK : mr_fail(MR_ERR_ARGUMENT, name, value);
}

/* Do windows end by counting, without timers? */
static bool counts(const mr_operator_spec *spec) { return spec->assigner >= MR_COUNTED; }

static bool has_revisions(const mr_operator_spec *spec) {
    const bool often = spec->late_ms > 0 && (spec->flags & MR_FINAL) == 0;
    return often || (spec->flags & MR_EMIT_EACH) != 0;
}

/* Windows of time have timers; what only some windows have, others refuse. */
static bool check_flags(const mr_operator_spec *spec) {
    static const uint32_t time = MR_TIMERS | MR_EMIT_EACH | MR_FINAL;
    static const uint32_t fit[] = {
        [MR_ALIGNED] = time,
        [MR_SESSIONS] = time | MR_EXCLUSIVE,
        [MR_COUNTED] = MR_PARTIAL,
        [MR_COUNTED_EACH] = 0,
    };
    const uint32_t flags = spec->flags & (time | MR_EXCLUSIVE | MR_PARTIAL);
    const uint32_t both = MR_EMIT_EACH | MR_FINAL;
    const bool timed = counts(spec) || (flags & MR_TIMERS) != 0;
    return (flags & ~fit[spec->assigner]) == 0 && timed && (flags & both) != both;
}

static mr_status check_windows(const mr_operator_spec *spec) {
    if (spec->assigner >= sizeof assigners / sizeof assigners[0]) {
        return mr_fail(MR_ERR_ARGUMENT, "assigner", spec->assigner);
    }
    MR_TRY(check_whole(spec->size, 1, "size"));
    MR_TRY(check_whole(spec->offset_ms, -8.64e15, "offset_ms"));
    MR_TRY(check_whole(spec->late_ms, 0, "late_ms"));
    if (spec->ttl_ms != 0) return mr_fail(MR_ERR_ARGUMENT, "ttl_ms", spec->ttl_ms);
    if (!check_flags(spec)) return mr_fail(MR_ERR_ARGUMENT, "flags", spec->flags);
    if (counts(spec) && spec->late_ms != 0) {
        return mr_fail(MR_ERR_ARGUMENT, "late_ms", spec->late_ms);
    }
    if (spec->assigner == MR_SESSIONS) return MR_OK;
    MR_TRY(check_whole(spec->slide, 1, "slide"));
    if (spec->assigner != MR_ALIGNED) return MR_OK;
    if (spec->slide > spec->size) return mr_fail(MR_ERR_ARGUMENT, "slide", spec->slide);
    if (has_revisions(spec) && spec->size / spec->slide > MR_RESULT_ROWS_MAX - 1) {
        return mr_fail(MR_ERR_LIMIT, "windows of an event", MR_RESULT_ROWS_MAX - 1);
    }
    return MR_OK;
}

static MR_COLD mr_status fields(const mr_operator_spec *spec, uint8_t *fields_out,
                                uint32_t *count_out) {
    MR_TRY(check_windows(spec));
    MR_TRY(mr_basic_check(spec));
    if (spec->count > MR_COLUMNS_MAX - MR_WINDOW_COLUMNS) {
        return mr_fail(MR_ERR_LIMIT, "aggregates of a window", MR_COLUMNS_MAX - MR_WINDOW_COLUMNS);
    }
    fields_out[MR_WINDOW_BLOB] = MR_STRING;
    fields_out[MR_WINDOW_REVISIONS] = MR_STRING;
    *count_out = has_revisions(spec) && spec->assigner != MR_SESSIONS ? 2 : 1;
    return MR_OK;
}

static MR_COLD void open(mr_operator_data *op) {
    const mr_operator_spec *spec = &op->spec;
    const bool final = (spec->flags & MR_FINAL) != 0;
    const int64_t late_ms = (int64_t)spec->late_ms;
    mr_window_data *w = &op->window;
    op->rows.shrinks = !counts(spec);
    *w = (mr_window_data){
        .size = (int64_t)spec->size,
        .slide = (int64_t)spec->slide,
        .late_ms = late_ms,
        .start = 2 * MR_WINDOW_MS_LAST,
        .next_ms = -__builtin_inf(),
        .wait_ms = final ? late_ms : 0,
        .keep_ms = final ? 0 : late_ms,
        .due = {.heap = op->rows.heap},
    };
    memcpy(w->kinds, spec->kinds, spec->count);
    w->kinds[spec->count] = MR_MIN;
    w->kinds[spec->count + 1] = MR_MAX;
    const bool stacked = spec->assigner != MR_SESSIONS && w->slide < w->size;
    w->shape = mr_slice_shape_of(w->kinds, spec->count + (counts(spec) ? 2 : 0), stacked);
    if (spec->assigner == MR_SESSIONS) return;
    const bool each = spec->assigner == MR_COUNTED_EACH; /* Windows end at multiples of slide. */
    w->cut = w->size % w->slide;
    w->offset = mr_window_rest(each ? -w->size : (int64_t)spec->offset_ms, w->slide);
}

/* ---- events ---- */

void mr_window_add(mr_operator_data *op, const mr_columns *in, uint32_t i, double *cells,
                   double *also) {
    const mr_operator_spec *spec = &op->spec;
    uint32_t at = 1;
    for (uint32_t a = 0, kind; a < spec->count; at += mr_basic_cells[kind], a++) {
        kind = spec->kinds[a];
        double value = 0;
        if (kind != MR_COUNT) {
            if (!mr_column_valid(in, spec->columns[a], i)) continue;
            value = mr_f64s(in->columns[spec->columns[a]])[i];
        }
        if (value != value) {
            op->nans++;
            continue;
        }
        mr_basic_add(kind, cells + at, value);
        if (also != NULL) mr_basic_add(kind, also + at, value);
    }
}

mr_status mr_window_begin(mr_operator_data *op, uint32_t i, mr_addr blob, mr_addr revisions,
                          mr_row **row_out) {
    const mr_status status = mr_rows_create(&op->rows, i, NULL, row_out);
    if (status != MR_OK) {
        mr_rows_blob_release(&op->rows, blob);
        mr_rows_blob_release(&op->rows, revisions);
        return status;
    }
    *mr_window_cell(op, *row_out, MR_WINDOW_BLOB) = blob;
    if (mr_window_revised(op)) *mr_window_cell(op, *row_out, MR_WINDOW_REVISIONS) = revisions;
    return MR_OK;
}

/* ---- results ---- */

mr_status mr_window_room(const mr_batch_data *results, uint32_t count, uint32_t key_bytes) {
    const mr_columns *out = &results->columns;
    const uint64_t keys =
        mr_u32s(out->key_offsets)[out->size] + (uint64_t)count * (key_bytes > 0 ? key_bytes : 1);
    const uint32_t rows_max = mr_min_u32(out->rows_max, MR_RESULT_ROWS_MAX);
    if (out->size + count <= rows_max && keys <= MR_RESULT_BYTES_MAX) return MR_OK;
    if (out->size > 0) return MR_MORE;
    return mr_fail(MR_ERR_LIMIT, "results of an event", count);
}

/* Begin a result with a key and a time; the caller fills the value columns and counts it. */
static void begin_result(mr_batch_data *results, const void *key, uint32_t key_bytes,
                         uint32_t position, double due_ms) {
    mr_columns *out = &results->columns;
    mr_results_key(results, key, key_bytes, position);
    mr_f64s(out->time_ms)[out->size] = due_ms;
    out->present |= MR_HAS_TIME;
}

static double *result_cell(const mr_columns *out, uint32_t column) {
    return mr_f64s(out->columns[column]) + out->size;
}

void mr_window_emit(mr_operator_data *op, mr_row *row, uint32_t position,
                    const mr_window_result *result, mr_batch_data *results) {
    mr_columns *out = &results->columns;
    begin_result(results, mr_row_key(&op->rows, row), row->key_bytes, position, result->due_ms);
    *result_cell(out, MR_WINDOW_START) = (double)result->start;
    *result_cell(out, MR_WINDOW_END) = (double)result->end;
    *result_cell(out, MR_WINDOW_REVISION) = result->revision;
    mr_basic_write(&op->spec, result->cells + 1, out, MR_WINDOW_COLUMNS);
    out->size++;
}

void mr_window_late(mr_operator_data *op, uint32_t i, mr_batch_data *results) {
    static const uint8_t null_key = 0;
    op->late++;
    begin_result(results, &null_key, 1, i, -__builtin_inf());
    *result_cell(&results->columns, MR_WINDOW_START) = __builtin_nan("");
    results->columns.size++;
}

/* ---- firing ---- */

/* Hang back what was taken off the wheel. Rows may have come and gone: those that are there
 * are asked. */
static MR_COLD void hang_back(mr_operator_data *op) {
    mr_window_data *w = &op->window;
    mr_runs_close(&w->due);
    w->next_ms = -__builtin_inf();
    if (!w->firing) return;
    w->firing = false;
    mr_addr found[64];
    mr_table_cursor cursor = {0};
    uint32_t count;
    while ((count = mr_table_walk(&op->rows.table, &cursor, found, 64)) > 0) {
        for (uint32_t i = 0; i < count; i++) {
            const mr_row_timer *timer = mr_row_part(mr_row_at(found[i]), op->rows.timer_at);
            if (mr_row_timer_registered(timer) == 0 || timer->node.before != 0) continue;
            mr_rows_timer_rehang(&op->rows, mr_row_at(found[i]));
        }
    }
}

static MR_COLD void stop(mr_operator_data *op) {
    hang_back(op);
    op->window.unchecked = true;
}

/* Look at all rows after some were loaded. */
static MR_COLD mr_status check_rows(mr_operator_data *op) {
    if (!op->window.unchecked) return MR_OK;
    mr_addr found[64];
    mr_table_cursor cursor = {0};
    uint32_t count;
    while ((count = mr_table_walk(&op->rows.table, &cursor, found, 64)) > 0) {
        for (uint32_t i = 0; i < count; i++) {
            mr_row *row = mr_row_at(found[i]);
            const bool sound = !mr_window_revised(op) ||
                               mr_revisions_check(*mr_window_cell(op, row, MR_WINDOW_REVISIONS));
            if (sound && assigner_of(op)->check(op, row, &op->window.firsts)) continue;
            return mr_fail(MR_ERR_CORRUPT, "windows", found[i]);
        }
    }
    op->window.unchecked = false;
    return MR_OK;
}

static int64_t timer_of(const mr_operator_data *op, mr_row *row) {
    return mr_row_timer_ms(mr_row_part(row, op->rows.timer_at));
}

/* Take the rows whose timer is first, and not after `upto_ms`, off the wheel and sort them.
 * MR_MORE when the steps are used up. */
static mr_status gather(mr_operator_data *op, double upto_ms, uint32_t *steps,
                        mr_batch_data *results) {
    mr_window_data *w = &op->window;
    for (;;) {
        const double most_ms = w->firing ? (double)w->due_ms : upto_ms;
        mr_row *row = mr_rows_timer_due(&op->rows, most_ms, steps);
        if (row == NULL) break;
        if (!w->firing) {
            w->firing = true;
            w->due_ms = timer_of(op, row);
        }
        w->changes = op->rows.changes;
        uint64_t first;
        if (assigner_of(op)->due(op, row, w->due_ms, &first)) {
            MR_TRY(mr_runs_add(&w->due, first, mr_addr_of(row)));
            mr_rows_timer_unhang(&op->rows, row);
        } else {
            MR_TRY(assigner_of(op)->fire(op, row, w->due_ms, results));
        }
        w->changes = op->rows.changes;
    }
    if (*steps == 0) return MR_MORE;
    return w->firing ? mr_runs_merge(&w->due) : MR_OK;
}

/* Emit all that is due by a watermark, or now. */
static mr_status fire_due(mr_operator_data *op, double upto_ms, uint32_t position, uint32_t *steps,
                          mr_batch_data *results) {
    mr_window_data *w = &op->window;
    if (w->firing && (w->changes != op->rows.changes || !(upto_ms >= (double)w->due_ms)))
        hang_back(op);
    for (;;) {
        if (!w->due.merging) MR_TRY(gather(op, upto_ms, steps, results));
        if (!w->firing) break;
        for (mr_addr at; (at = mr_runs_first(&w->due)) != 0; mr_runs_take(&w->due)) {
            mr_row *row = mr_row_at(at);
            mr_row_reach(&op->rows, row);
            if (mr_window_room(results, 1, row->key_bytes) != MR_OK) return MR_MORE;
            const uint32_t size = results->columns.size;
            const mr_status status = assigner_of(op)->fire(op, row, w->due_ms, results);
            if (results->columns.size > size) mr_u32s(results->columns.position)[size] = position;
            w->changes = op->rows.changes;
            MR_TRY(status);
        }
        w->firing = false;
    }
    w->next_ms = mr_rows_timer_next(&op->rows);
    return MR_OK;
}

static mr_status advance(mr_operator_data *op, double watermark_ms, mr_batch_data *results) {
    uint32_t steps = FIRE_STEPS;
    MR_TRY(check_rows(op));
    if (!counts(&op->spec)) return fire_due(op, watermark_ms, 0, &steps, results);
    return watermark_ms == __builtin_inf() ? assigner_of(op)->finish(op, results) : MR_OK;
}

/* Read the lists of the next input rows, as throttle.c does: the head of each, and where its
 * last element is. What was found may have gone by then, but not before. */
static void look_ahead(const mr_operator_data *op, const mr_columns *in, uint32_t from) {
    const mr_rows *rows = &op->rows;
    const mr_slice_shape *shape = &op->window.shape;
    const uint32_t upto = in->size - from < LOOK_AHEAD ? in->size : from + LOOK_AHEAD;
    mr_addr lists[LOOK_AHEAD];
    uint32_t count = 0;
    for (uint32_t i = from; i < upto; i++) {
        const mr_addr row = mr_found_row(rows, i);
        if (row != 0) lists[count++] = *mr_window_cell(op, mr_row_at(row), MR_WINDOW_BLOB);
    }
    for (uint32_t l = 0; l < count; l++) {
        const mr_slices *list = mr_slices_at(lists[l]);
        const uint64_t last = (uint64_t)list->head + list->count;
        const uint64_t at = sizeof *list + (shape->before + last * shape->stride - 1) * 8;
        if (at >= mr_blob_size(lists[l])) continue;
        (void)*((const volatile uint8_t *)list + at);
    }
}

static mr_status push(mr_operator_data *op, const mr_columns *in, uint32_t from, uint32_t *upto_out,
                      mr_batch_data *results) {
    const bool timed = !counts(&op->spec);
    uint32_t steps = FIRE_STEPS;
    MR_TRY(check_rows(op));
    for (uint32_t i = from; i < in->size; i++) {
        *upto_out = i;
        const double passed_ms = mr_row_watermark(in, i);
        if ((i - from) % LOOK_AHEAD == 0) look_ahead(op, in, i);
        if (timed && (op->window.firing || passed_ms >= op->window.next_ms)) {
            MR_TRY(fire_due(op, passed_ms, i, &steps, results));
        }
        MR_TRY(assigner_of(op)->apply(op, in, i, results));
    }
    *upto_out = in->size;
    return MR_OK;
}

static mr_status result(mr_operator_data *op, mr_row *row, mr_batch_data *results) {
    MR_TRY(check_rows(op));
    return assigner_of(op)->show(op, row, results);
}

const mr_operator_kind mr_kind_window = {
    .name = "window",
    .flags = MR_EMIT_EACH | MR_FINAL | MR_EXCLUSIVE | MR_PARTIAL,
    .columns = MR_WINDOW_COLUMNS,
    .fields = fields,
    .open = open,
    .push = push,
    .result = result,
    .advance = advance,
    .stop = stop,
};
