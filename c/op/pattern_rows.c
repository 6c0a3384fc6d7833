/* pattern_rows.c -- rows of a pattern: events that wait, and the matches of a key; pattern.c. */
#include "../bytes.h"
#include "../error.h"
#include "pattern.h"

enum {
    EVENT_FIELD = 0,
    BITS_FIELD = 2,
    LINE = 64,          /* Of a cache; no blob of matches is shorter than two; */
    TOUCHED = 6 * LINE, /* so much of a blob of matches, most of which are no longer. */
};

uint32_t *mr_event_cell(const mr_operator_data *op, mr_row *row) {
    const uint32_t at = op->rows.layout.field_at[EVENT_FIELD];
    return (uint32_t *)(void *)(mr_row_record(&op->rows, row) + at);
}

double mr_event_bits(const mr_operator_data *op, mr_row *row) {
    return *(const double *)(const void *)(mr_row_record(&op->rows, row) +
                                           op->rows.layout.field_at[BITS_FIELD]);
}

mr_keyed mr_pattern_key(const mr_operator_data *op, const uint8_t *owner, uint32_t owner_bytes,
                        double time_ms, double number) {
    uint8_t *key = mr_at(op->pattern.key.at);
    const uint32_t bytes = owner_bytes + MR_TIMED_KEY_BYTES;
    mr_timed_key_write(key, owner, owner_bytes, time_ms, number);
    return (mr_keyed){key, bytes, mr_entry_hash(&op->rows, key, bytes)};
}

/* ---- the matches of a key ---- */

static void touch_row(const mr_rows *rows, mr_row *row) {
    mr_touch(mr_row_record(rows, row));
    mr_touch(mr_row_key(rows, row));
}

static mr_matches *touch_matches(const mr_operator_data *op, mr_row *row) {
    mr_matches *m = mr_matches_of(op, row);
    const uint8_t *at = (const uint8_t *)m;
    if (m == NULL) return NULL;
    mr_touch(at);
    mr_touch(at + LINE);
    mr_touch(at + 2 * LINE - 1);
    return m;
}

static void touch_rest(const mr_matches *m) {
    const uint8_t *at = (const uint8_t *)m;
    const uint32_t bytes = m == NULL ? 0 : mr_min_u32(m->size, TOUCHED);
    for (uint32_t i = 2 * LINE; i < bytes; i += LINE)
        mr_touch(at + i);
}

/* Where its refs go when they are let go of. */
static void touch_refs(const mr_refs *refs, mr_matches *m) {
    for (uint32_t event = 1; event <= m->events; event++) {
        const uint32_t cell = *mr_taken_cell(m, event);
        if (cell < refs->capacity) mr_touch((const uint8_t *)mr_at(refs->next) + cell * 4);
    }
}

void mr_matches_touch(const mr_operator_data *op, const mr_addr *found, uint32_t count,
                      bool ending) {
    mr_matches *matches[MR_PATTERN_AHEAD];
    for (uint32_t i = 0; i < count; i++)
        matches[i] = touch_matches(op, found[i] == 0 ? NULL : mr_row_at(found[i]));
    for (uint32_t i = 0; i < count; i++)
        touch_rest(matches[i]);
    for (uint32_t i = 0; ending && i < count; i++)
        touch_refs(op->rows.refs, matches[i]);
}

/* What was looked for ahead may not be there any more, or be there now: a bit tells. */
static uint64_t made_bit(uint32_t hash) { return UINT64_C(1) << (hash % 64); }
static uint64_t gone_bit(mr_addr row) { return UINT64_C(1) << (row / 8 % 64); }

static bool is_as_found(const mr_operator_data *op, const mr_pattern_event *event) {
    const mr_pattern_data *d = &op->pattern;
    if (!event->looked) return false;
    if (event->found == 0) return (d->made & made_bit(event->hash)) == 0;
    return (d->gone & gone_bit(event->found)) == 0;
}

mr_row *mr_matches_find(const mr_operator_data *op, const mr_pattern_event *event) {
    const mr_rows *rows = &op->rows;
    if (is_as_found(op, event)) return event->found == 0 ? NULL : mr_row_at(event->found);
    mr_table_cursor cursor;
    mr_addr at = mr_table_first(&rows->table, event->hash, &cursor);
    for (; at != 0; at = mr_table_next(&rows->table, event->hash, &cursor)) {
        uint32_t bytes;
        mr_row *row = mr_row_at(at);
        const uint8_t *owner = mr_owner_key(mr_row_key(rows, row), &bytes);
        const bool same = bytes == event->owner_bytes && mr_same_bytes(owner, event->owner, bytes);
        if (same && mr_is_matches(rows, row)) return row;
    }
    return NULL;
}

void mr_matches_made(mr_operator_data *op, uint32_t hash) { op->pattern.made |= made_bit(hash); }

void mr_matches_remove(mr_operator_data *op, mr_row *row) {
    op->pattern.gone |= gone_bit(mr_addr_of(row));
    mr_rows_remove(&op->rows, row);
}

void mr_matches_find_all(mr_operator_data *op, mr_pattern_event *events, uint32_t count) {
    const mr_rows *rows = &op->rows;
    uint32_t hashes[MR_PATTERN_AHEAD];
    mr_addr found[MR_PATTERN_AHEAD];
    for (uint32_t i = 0; i < count; i++)
        hashes[i] = events[i].hash;
    mr_table_first_all(&rows->table, hashes, count, found);
    for (uint32_t i = 0; i < count; i++) {
        if (found[i] != 0) touch_row(rows, mr_row_at(found[i]));
    }
    for (uint32_t i = 0; i < count; i++) {
        mr_row *row = found[i] == 0 ? NULL : mr_matches_find(op, &events[i]);
        found[i] = row == NULL ? 0 : mr_addr_of(row);
        events[i].found = found[i];
        events[i].looked = true;
    }
    mr_matches_touch(op, found, count, false);
    op->pattern.made = 0;
    op->pattern.gone = 0;
}

/* ---- events that wait ---- */

/* Which number an event has among those of its key and time that wait. */
static double number_of(const mr_operator_data *op, const mr_pattern_event *event) {
    const mr_rows *rows = &op->rows;
    const double stretch = mr_stretch_of(rows, event->time_ms);
    const uint32_t hash =
        mr_stretch_hash(rows, mr_hash32(rows, event->owner, event->owner_bytes), stretch);
    const mr_addr first = mr_ring_first(rows, hash, event->owner, event->owner_bytes, stretch);
    return mr_ring_number(rows, first, event->time_ms);
}

mr_status mr_event_make(mr_operator_data *op, const mr_pattern_event *event, mr_row **row_out) {
    const mr_moment moment = {event->time_ms, event->time_ms, 0};
    const double bits = event->bits;
    uint8_t record[16] = {0};
    const mr_keyed keyed =
        mr_pattern_key(op, event->owner, event->owner_bytes, event->time_ms, number_of(op, event));
    memcpy(record + op->rows.layout.field_at[EVENT_FIELD], &event->cell, sizeof event->cell);
    memcpy(record + op->rows.layout.field_at[BITS_FIELD], &bits, sizeof bits);
    return mr_rows_make(&op->rows, &keyed, &moment, record, row_out);
}

/* ---- all of them ---- */

MR_COLD mr_status mr_pattern_check_rows(mr_operator_data *op) {
    if (!op->pattern.unchecked) return MR_OK;
    const mr_rows *rows = &op->rows;
    mr_addr found[64];
    mr_table_cursor cursor = {0};
    uint32_t count;
    while ((count = mr_table_walk(&rows->table, &cursor, found, 64)) > 0) {
        for (uint32_t i = 0; i < count; i++) {
            mr_row *row = mr_row_at(found[i]);
            mr_matches *m = mr_matches_of(op, row);
            const bool sound = mr_is_matches(rows, row)
                                   ? m != NULL && mr_matches_check(mr_pattern_of(op), m)
                                   : m == NULL && *mr_event_cell(op, row) != 0 &&
                                         mr_is_u32(mr_event_bits(op, row)) &&
                                         mr_is_u32(mr_entry_number(rows, row));
            if (!sound) return mr_fail(MR_ERR_CORRUPT, "partial matches", found[i]);
        }
    }
    op->pattern.unchecked = false;
    return MR_OK;
}
