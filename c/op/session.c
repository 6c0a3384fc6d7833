/* session.c -- events of a key that come without a long pause; the function is the host's.
 *
 *   row      the open session of a key that ends first
 *            record  its start, the time of its last event, how many it has; the user's state
 *            timer   when it is over; the host takes it
 *   others   the sessions that are open beside it, which only events out of order make. They are
 *            the host's, who also puts an event in its place that is not near the row's session,
 *            or may be near several
 *
 *                 start        last
 *   session         [------------]
 *   near it   [~~~~~[------------]~~~~~]         ~~~~~ the gap; MR_EXCLUSIVE: without its end
 *
 * The host looks which way an event goes, calls the user's function and then takes the event: one
 * whose function fails has never been. */
#include "../error.h"
#include "../operator.h"

static const uint8_t session_fields[] = {MR_F64, MR_F64, MR_F64, MR_REF, MR_REF};

static MR_COLD mr_status fields(const mr_operator_spec *spec, uint8_t *fields_out,
                                uint32_t *count_out) {
    if ((spec->flags & MR_TIMERS) == 0) return mr_fail(MR_ERR_ARGUMENT, "flags", spec->flags);
    if (spec->ttl_ms != 0) return mr_fail(MR_ERR_ARGUMENT, "ttl_ms", spec->ttl_ms);
    if (!(spec->size > 0)) return mr_fail(MR_ERR_ARGUMENT, "size", spec->size);
    if (spec->count != sizeof session_fields ||
        memcmp(spec->kinds, session_fields, sizeof session_fields) != 0) {
        return mr_fail(MR_ERR_ARGUMENT, "count", spec->count);
    }
    memcpy(fields_out, session_fields, sizeof session_fields);
    *count_out = sizeof session_fields;
    return MR_OK;
}

/* That is how row.c lays these fields out. */
static mr_session *session_of(const mr_operator_data *op, mr_row *row) {
    return (mr_session *)(void *)mr_row_record(&op->rows, row);
}

static bool is_exclusive(const mr_operator_data *op) {
    return (op->spec.flags & MR_EXCLUSIVE) != 0;
}

static MR_COLD void open(mr_operator_data *op) { op->rows.has_ways = true; }

static bool is_near(const mr_operator_data *op, const mr_session *s, double time_ms) {
    const double from_ms = s->start_ms - op->spec.size;
    const double upto_ms = s->last_ms + op->spec.size;
    if (is_exclusive(op)) return time_ms > from_ms && time_ms < upto_ms;
    return time_ms >= from_ms && time_ms <= upto_ms;
}

/* From this whole millisecond on a session is over. */
static double over_at(const mr_operator_data *op, double last_ms) {
    const double end_ms = last_ms + op->spec.size;
    return is_exclusive(op) ? __builtin_ceil(end_ms) : __builtin_floor(end_ms) + 1;
}

/* Is the session that would be an event's over already? */
static bool is_late(const mr_operator_data *op, const mr_columns *in, uint32_t index,
                    double last_ms) {
    if (!mr_batch_has(in, MR_HAS_TIME)) return false;
    const double watermark_ms = mr_row_watermark(in, index);
    const double own_ms = mr_row_own_watermark(in, index);
    const double passed_ms = own_ms > watermark_ms ? own_ms : watermark_ms;
    return last_ms < passed_ms && over_at(op, last_ms) <= passed_ms; /* It began before its end. */
}

/* What becomes of an event whose key has this row, or none. */
static mr_session_way way_of(mr_operator_data *op, uint32_t index, double time_ms, mr_row *row) {
    double last_ms = time_ms;
    if (row != NULL) {
        const mr_session *s = session_of(op, row);
        if (s->others != 0 || !is_near(op, s, time_ms)) return MR_SESSION_APART;
        if (s->last_ms > last_ms) last_ms = s->last_ms;
    }
    if (is_late(op, op->rows.find.in, index, last_ms)) return MR_SESSION_LATE;
    return row == NULL ? MR_SESSION_BEGINS : MR_SESSION_JOINS;
}

/* Look at what events will: at a row's record, and where its timer hangs if it is moved. Here
 * their cache misses overlap. */
static void look_ahead(mr_operator_data *op) {
    const mr_rows *rows = &op->rows;
    const uint32_t *found = mr_u32s(rows->find.found.rows);
    for (uint32_t i = 0; i < rows->find.found.size; i++) {
        if (found[i] == 0) continue;
        mr_row *row = mr_row_at(found[i]);
        mr_touch(session_of(op, row)); /* Its end is read with the row's head. */
        const mr_wheel_node *node = mr_row_part(row, rows->timer_at);
        if (node->next == 0) continue;
        mr_touch(mr_at(node->next));
        mr_touch(mr_at(node->before));
    }
}

/* Tell the ways of the events that find their keys' rows as they are now. */
static void found(mr_operator_data *op) {
    mr_rows *rows = &op->rows;
    uint32_t *ways = mr_u32s(rows->find.found.ways);
    look_ahead(op);
    for (uint32_t i = 0; i < rows->find.found.size; i++) {
        const bool first = mr_find_first(rows, i);
        const mr_addr row = mr_found_row(rows, i);
        const double time_ms = mr_row_time(rows->find.in, i);
        ways[i] = row != 0 && first ? way_of(op, i, time_ms, mr_row_at(row)) : MR_SESSION_ASK;
    }
}

static void set_timer(mr_operator_data *op, mr_row *row, double last_ms) {
    mr_rows_timer_set(&op->rows, row, mr_time_of(over_at(op, last_ms)));
}

/* A row that was made for an event is its session. */
static void begin(mr_operator_data *op, mr_row *row, double time_ms) {
    mr_session *s = session_of(op, row);
    s->start_ms = time_ms;
    s->last_ms = time_ms;
    s->count = 1;
    set_timer(op, row, time_ms);
}

static void join(mr_operator_data *op, mr_row *row, double time_ms) {
    mr_session *s = session_of(op, row);
    mr_row_changed(&op->rows, row);
    s->count++;
    if (time_ms < s->start_ms) s->start_ms = time_ms;
    if (time_ms <= s->last_ms) return;
    s->last_ms = time_ms;
    set_timer(op, row, time_ms);
}

int32_t mr_session_take(mr_operator_data *op, uint32_t index, bool takes) {
    if (op->kind != &mr_kind_session) return mr_fail(MR_ERR_ARGUMENT, "operator", op->spec.kind);
    const double time_ms = mr_row_time(op->rows.find.in, index);
    mr_row *row = mr_rows_visit(&op->rows, index);
    const mr_session_way way = way_of(op, index, time_ms, row);
    if (!takes || way > MR_SESSION_BEGINS) return (int32_t)way;
    if (way == MR_SESSION_BEGINS) {
        MR_TRY(mr_rows_create(&op->rows, index, NULL, &row));
        begin(op, row, time_ms);
    } else {
        join(op, row, time_ms);
    }
    return (int32_t)way;
}

const mr_operator_kind mr_kind_session = {
    .name = "session",
    .flags = MR_EXCLUSIVE,
    .fields = fields,
    .open = open,
    .found = found,
};
