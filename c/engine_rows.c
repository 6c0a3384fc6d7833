/* engine_rows.c -- the exports about single rows, for operators whose function is the host's.
 *
 * The host finds rows by the keys of a chunk, or by one key, looks at their records in
 * memory, and says what it did with them. */
#include "exports.h"

/* ---- rows, for operators with a user function ---- */

mr_status mr_find(mr_operator handle, mr_batch in_handle, uint32_t *found_out) {
    GET_OPERATOR(op, handle);
    GET_BATCH_OF(op, in, in_handle);
    MR_TRY(mr_batch_check(in));
    MR_TRY(mr_rows_find(&op->rows, &in->columns));
    op->found_in = in_handle;
    if (op->kind->found != NULL) op->kind->found(op);
    mr_operator_follow(op, &in->columns);
    *found_out = mr_addr_of(&op->rows.find.found);
    return MR_OK;
}

/* Has the last find a row `index`, in a batch that is still as it was? Then that is reached, as a
 * checkpoint may have begun since. */
static mr_status check_index(mr_operator_data *op, uint32_t index) {
    const mr_find_data *find = &op->rows.find;
    if (index >= find->found.size) return mr_fail(MR_ERR_ARGUMENT, "index", index);
    GET_BATCH(in, op->found_in);
    if (in->columns.size != find->found.size) {
        return mr_fail(MR_ERR_ARGUMENT, "size", in->columns.size);
    }
    if (op->rows.dirty.cut == 0) return MR_OK;
    const mr_addr row = mr_find_again(&op->rows, index);
    if (row != 0) mr_row_reach(&op->rows, mr_row_at(row));
    return MR_OK;
}

#define GET_FOUND(name, handle, index) \
    GET_OPERATOR(name, handle);        \
    MR_TRY(check_index(name, index))

mr_status mr_row_look(mr_operator handle, uint32_t index, double time_ms, uint32_t *row_out) {
    GET_FOUND(op, handle, index);
    mr_addr row = mr_find_again(&op->rows, index);
    bool visible = row != 0 && !mr_row_expired(&op->rows, mr_row_at(row), time_ms);
    *row_out = visible ? row : 0;
    return MR_OK;
}

mr_status mr_row_enter(mr_operator handle, uint32_t index) {
    GET_FOUND(op, handle, index);
    (void)mr_rows_enter(&op->rows, index);
    return MR_OK;
}

mr_status mr_row_create(mr_operator handle, uint32_t index, const uint8_t *record) {
    GET_FOUND(op, handle, index);
    if (op->rows.ring_at != 0) return mr_fail(MR_ERR_ARGUMENT, "flags", op->spec.flags);
    if (mr_find_again(&op->rows, index) != 0) return mr_fail(MR_ERR_ARGUMENT, "index", index);
    if (op->kind->advance != NULL) return mr_fail(MR_ERR_ARGUMENT, "operator", op->spec.kind);
    mr_row *row;
    return mr_rows_create(&op->rows, index, record, &row);
}

mr_status mr_row_touch(mr_operator handle, uint32_t index, uint32_t written) {
    GET_FOUND(op, handle, index);
    mr_addr row = mr_find_again(&op->rows, index);
    if (row != 0) mr_rows_touch(&op->rows, mr_row_at(row), index, written != 0);
    return MR_OK;
}

mr_status mr_row_remove(mr_operator handle, uint32_t index) {
    GET_FOUND(op, handle, index);
    mr_addr row = mr_find_again(&op->rows, index);
    if (row != 0) mr_rows_remove(&op->rows, mr_row_at(row));
    return MR_OK;
}

/* ---- sessions ---- */

int32_t mr_session_event(mr_operator handle, uint32_t index, uint32_t takes) {
    GET_FOUND(op, handle, index);
    return mr_session_take(op, index, takes != 0);
}

/* ---- rows by key ---- */

/* A key that this state may have, in `name`. */
#define GET_KEYED(name, op, key_, size_)               \
    MR_TRY(check_key(op, key_, size_));                \
    const mr_keyed name = {                            \
        .key = (key_),                                 \
        .key_bytes = (size_),                          \
        .hash = mr_key_hash(&(op)->rows, key_, size_), \
    }

static mr_status check_key(const mr_operator_data *op, const uint8_t *key, uint32_t key_bytes) {
    const bool sized = key_bytes > 0 && key_bytes <= MR_KEY_BYTES_MAX;
    if (!sized) return mr_fail(MR_ERR_ARGUMENT, "key_bytes", key_bytes);
    if (mr_row_key_valid(&op->rows, key, key_bytes)) return MR_OK;
    return mr_fail(MR_ERR_ARGUMENT, "key", key_bytes);
}

mr_status mr_key_look(mr_operator handle, const uint8_t *key, uint32_t key_bytes, double clock_ms,
                      uint32_t *row_out) {
    GET_OPERATOR(op, handle);
    GET_KEYED(keyed, op, key, key_bytes);
    mr_row *row = mr_keyed_look(&op->rows, &keyed, clock_ms);
    if (row != NULL) mr_row_reach(&op->rows, row);
    *row_out = row == NULL ? 0 : mr_addr_of(row);
    return MR_OK;
}

mr_status mr_key_make(mr_operator handle, const uint8_t *key, uint32_t key_bytes, double time_ms,
                      double passed_ms, const uint8_t *record, uint32_t *row_out) {
    GET_OPERATOR(op, handle);
    GET_KEYED(keyed, op, key, key_bytes);
    if (op->kind->advance != NULL) return mr_fail(MR_ERR_ARGUMENT, "operator", op->spec.kind);
    const mr_moment moment = {.time_ms = time_ms, .passed_ms = passed_ms};
    mr_row *row;
    MR_TRY(mr_keyed_make(&op->rows, &keyed, &moment, record, &row));
    *row_out = mr_addr_of(row);
    return MR_OK;
}

/* ---- rows by address, their entries, and their timers ---- */

enum {
    TIMER_STEPS = 4096, /* Of mr_timer_peek and mr_timer_take. */
    DROP_STEPS = 4096,  /* Of mr_entries_drop. */
};

#define GET_ROW(name, row_name, handle, address)                   \
    GET_OPERATOR(name, handle);                                    \
    if ((address) == 0) return mr_fail(MR_ERR_ARGUMENT, "row", 0); \
    mr_row *row_name = mr_row_at(address)

static mr_status check_timers(const mr_operator_data *op) {
    if (op->rows.timer_at != 0) return MR_OK;
    return mr_fail(MR_ERR_ARGUMENT, "flags", op->spec.flags);
}

/* Timers that an operator sets for itself are nobody else's to move. */
MR_INLINE mr_status check_host_timers(const mr_operator_data *op) {
    if (op->kind->advance != NULL) return mr_fail(MR_ERR_ARGUMENT, "operator", op->spec.kind);
    return check_timers(op);
}

mr_status mr_row_drop(mr_operator handle, uint32_t address) {
    GET_ROW(op, row, handle, address);
    mr_rows_remove(&op->rows, row);
    return MR_OK;
}

mr_status mr_row_changes(mr_operator handle, uint32_t address) {
    GET_ROW(op, row, handle, address);
    mr_row_reach(&op->rows, row);
    mr_row_changed(&op->rows, row);
    return MR_OK;
}

MR_COLD mr_status mr_aggregate_merge(mr_operator handle, uint32_t into, uint32_t from) {
    GET_ROW(op, row, handle, into);
    if (from == 0) return mr_fail(MR_ERR_ARGUMENT, "row", 0);
    if (op->kind->merge == NULL) return mr_fail(MR_ERR_ARGUMENT, "operator", op->spec.kind);
    op->kind->merge(op, row, mr_row_at(from));
    return MR_OK;
}

mr_status mr_ref_put(mr_operator handle, uint32_t address, uint32_t field, uint32_t number) {
    GET_ROW(op, row, handle, address);
    return mr_rows_ref_put(&op->rows, row, field, number);
}

mr_status mr_row_use(mr_operator handle, uint32_t address, double time_ms, double passed_ms,
                     uint32_t written) {
    GET_ROW(op, row, handle, address);
    const mr_moment moment = {.time_ms = time_ms, .passed_ms = passed_ms};
    mr_rows_use(&op->rows, row, &moment, written != 0);
    return MR_OK;
}

static mr_status check_entries(const mr_operator_data *op) {
    if (op->rows.ring_at != 0) return MR_OK;
    return mr_fail(MR_ERR_ARGUMENT, "flags", op->spec.flags);
}

mr_status mr_entry_leave(mr_operator handle, uint32_t address, uint32_t leaves) {
    GET_ROW(op, row, handle, address);
    MR_TRY(check_entries(op));
    mr_row_leave(&op->rows, row, leaves != 0);
    return MR_OK;
}

mr_status mr_entry_last(mr_operator handle, const uint8_t *key, uint32_t key_bytes,
                        double passed_ms, uint32_t *row) {
    GET_OPERATOR(op, handle);
    MR_TRY(check_entries(op));
    return mr_ring_last(&op->rows, key, key_bytes, passed_ms, row);
}

mr_status mr_entries_next(mr_operator handle, const uint8_t *key, uint32_t key_bytes,
                          mr_entries *page) {
    GET_OPERATOR(op, handle);
    MR_TRY(check_entries(op));
    return mr_ring_page(&op->rows, key, key_bytes, page);
}

mr_status mr_entries_drop(mr_operator handle, const uint8_t *key, uint32_t key_bytes) {
    GET_OPERATOR(op, handle);
    MR_TRY(check_entries(op));
    return mr_ring_drop(&op->rows, key, key_bytes, DROP_STEPS);
}

mr_status mr_evicted_free(mr_operator handle) {
    GET_OPERATOR(op, handle);
    mr_rows_evicted_free(&op->rows);
    return MR_OK;
}

mr_status mr_row_carry(mr_operator handle, mr_operator from_handle, uint32_t address,
                       const uint8_t *record, uint32_t *row_out) {
    GET_ROW(from, old, from_handle, address);
    GET_OPERATOR(op, handle);
    const bool alike = (op->rows.ring_at != 0) == (from->rows.ring_at != 0) &&
                       (op->rows.place_at != 0) == (from->rows.place_at != 0);
    if (op->rows.heap != from->rows.heap || !alike || op == from) {
        return mr_fail(MR_ERR_ARGUMENT, "operator", op->spec.kind);
    }
    mr_row *row;
    MR_TRY(mr_rows_carry(&op->rows, &from->rows, old, record, &row));
    op->rows.dirty.unknown = true;
    *row_out = mr_addr_of(row);
    return MR_OK;
}

mr_status mr_timer_set(mr_operator handle, uint32_t address, double time_ms) {
    GET_ROW(op, row, handle, address);
    MR_TRY(check_host_timers(op));
    mr_rows_timer_set(&op->rows, row, mr_time_of(__builtin_ceil(time_ms)));
    return MR_OK;
}

mr_status mr_timer_clear(mr_operator handle, uint32_t address) {
    GET_ROW(op, row, handle, address);
    MR_TRY(check_host_timers(op));
    mr_rows_timer_clear(&op->rows, row);
    return MR_OK;
}

/* The row whose timer is due goes to `row_out`, or NULL. */
static mr_status next_timer(mr_operator_data *op, double upto_ms, mr_row **row_out,
                            mr_due *due_out) {
    uint32_t steps = TIMER_STEPS;
    mr_row *row = mr_rows_timer_due(&op->rows, upto_ms, &steps);
    *row_out = row;
    if (row == NULL) {
        *due_out = (mr_due){.time_ms = mr_rows_timer_next(&op->rows)};
        return steps == 0 ? MR_MORE : MR_OK;
    }
    const mr_row_timer *timer = mr_row_part(row, op->rows.timer_at);
    *due_out = (mr_due){.time_ms = (double)mr_row_timer_ms(timer), .row = mr_addr_of(row)};
    return MR_OK;
}

mr_status mr_timer_peek(mr_operator handle, double upto_ms, mr_due *due_out) {
    GET_OPERATOR(op, handle);
    mr_row *row;
    MR_TRY(check_timers(op));
    return next_timer(op, upto_ms, &row, due_out);
}

mr_status mr_timer_take(mr_operator handle, double upto_ms, mr_due *due_out) {
    GET_OPERATOR(op, handle);
    mr_row *row;
    MR_TRY(check_host_timers(op));
    MR_TRY(next_timer(op, upto_ms, &row, due_out));
    if (row != NULL) mr_rows_timer_take(&op->rows, row);
    return MR_OK;
}

/* ---- strings ---- */

mr_status mr_blob_new(mr_operator handle, const uint8_t *bytes, uint32_t size, uint32_t *blob_out) {
    GET_OPERATOR(op, handle);
    if (size > MR_STRING_BYTES_MAX) {
        return mr_fail(MR_ERR_LIMIT, "string bytes", MR_STRING_BYTES_MAX);
    }
    return mr_rows_blob_new(&op->rows, bytes, size, blob_out);
}

mr_status mr_blob_free(mr_operator handle, uint32_t blob) {
    GET_OPERATOR(op, handle);
    mr_rows_blob_release(&op->rows, blob);
    return MR_OK;
}
