/* row.c -- see row.h. */
#include "bucket.h"
#include "bytes.h"
#include "error.h"

static mr_status out_of_memory(const mr_rows *rows) {
    return mr_fail(MR_ERR_MEMORY, "memory.maxBytes", (double)rows->heap->budget_bytes);
}

/* ---- layout ---- */

static uint32_t cell_bytes(uint32_t field) {
    switch (field) {
    case MR_BOOL:
        return 1;
    case MR_STRING:
    case MR_REF:
    case MR_REFS:
        return 4;
    default:
        return 8;
    }
}

/* Widest cells first, so that nothing is lost to padding. */
static mr_status lay_out_record(mr_layout *layout, const mr_rows_spec *spec) {
    MR_ASSERT(spec->field_count <= MR_FIELDS_MAX);
    uint32_t at = 0;
    for (uint32_t width = 8; width > 0; width /= 2) {
        for (uint32_t i = 0; i < spec->field_count; i++) {
            if (spec->fields[i] > MR_REFS)
                return mr_fail(MR_ERR_ARGUMENT, "kinds", spec->fields[i]);
            if (cell_bytes(spec->fields[i]) != width) continue;
            layout->field_kind[i] = spec->fields[i];
            layout->field_at[i] = at;
            at += width;
        }
    }
    layout->field_count = spec->field_count;
    layout->record_bytes = mr_round8(at);
    return MR_OK;
}

/* The optional parts between the head and the key. */
static void lay_out_row(mr_rows *rows, uint32_t flags, bool sided) {
    uint32_t at = (uint32_t)sizeof(mr_row);
    if ((flags & MR_TRACK) != 0) {
        rows->age_at = at;
        at += (uint32_t)sizeof(mr_age);
    }
    if ((flags & MR_EVICT) != 0) {
        rows->lru_at = at;
        rows->layout.evicted_next_at = at + (uint32_t)offsetof(mr_lru, newer);
        rows->layout.evicted_by_at = at + (uint32_t)offsetof(mr_lru, older);
        at += (uint32_t)sizeof(mr_lru);
    }
    if (rows->ttl_ms > 0) {
        rows->wheel_at = at;
        at += (uint32_t)sizeof(mr_wheel_node);
        rows->last_use_at = at;
        at += (uint32_t)sizeof(int64_t);
    }
    if ((flags & MR_TIMERS) != 0) {
        rows->timer_at = at;
        rows->layout.timer_at = at + (uint32_t)offsetof(mr_row_timer, time_ms);
        at += (uint32_t)sizeof(mr_row_timer);
    }
    if ((flags & MR_ENTRIES) != 0) {
        *(sided ? &rows->place_at : &rows->ring_at) = at;
        at += (uint32_t)(sided ? sizeof(mr_place) : sizeof(mr_ring));
    }
    rows->layout.key_at = at;
    rows->layout.key_bytes_at = offsetof(mr_row, key_bytes);
}

static int64_t deadline(const void *owner, const mr_wheel_node *node) {
    const mr_rows *rows = owner;
    const mr_row *row = (const mr_row *)(const void *)((const uint8_t *)node - rows->wheel_at);
    return mr_row_deadline(rows, row);
}

/* Is this a whole number of milliseconds, at least `least`, that times may grow by? */
static bool is_duration(double ms, double least) {
    return ms >= least && ms <= 8.64e15 && (double)(int64_t)ms == ms;
}

mr_status mr_rows_open(mr_rows *rows, mr_heap *heap, mr_refs *refs, uint64_t hash_seed,
                       const mr_rows_spec *spec) {
    const bool lingers = (spec->flags & MR_LINGER) != 0;
    if (!is_duration(spec->ttl_ms, 0)) return mr_fail(MR_ERR_ARGUMENT, "ttl_ms", spec->ttl_ms);
    if (lingers && !is_duration(spec->cleanup_ms, 1)) {
        return mr_fail(MR_ERR_ARGUMENT, "cleanup_ms", spec->cleanup_ms);
    }
    memset(rows, 0, sizeof *rows);
    rows->heap = heap;
    rows->refs = refs;
    rows->hash_key = mr_hash_key_of(hash_seed);
    rows->ttl_ms = (int64_t)spec->ttl_ms;
    rows->cleanup_ms = lingers ? (int64_t)spec->cleanup_ms : 0;
    rows->passed_ms = INT64_MIN;
    rows->rows_max = spec->rows_max;
    rows->bytes_max = spec->bytes_max;
    rows->keep_evicted = (spec->flags & MR_KEEP_EVICTED) != 0;
    rows->touch_reads = (spec->flags & MR_TOUCH_READS) != 0;
    MR_TRY(lay_out_record(&rows->layout, spec));
    lay_out_row(rows, spec->flags, spec->sided);
    if (rows->age_at != 0) mr_dirty_open(rows);
    mr_table_open(&rows->table, heap);
    mr_table_open(&rows->owners, heap);
    mr_status status = MR_OK;
    if (rows->ttl_ms > 0) {
        status = mr_wheel_open(&rows->wheel, heap, deadline, rows, false);
        mr_rows_tell_wheel(rows, &rows->wheel, rows->wheel_at);
    }
    if (status == MR_OK && rows->timer_at != 0) status = mr_rows_timers_open(rows);
    if (status == MR_OK) return MR_OK;
    mr_wheel_close(&rows->wheel);
    return out_of_memory(rows);
}

/* ---- what a row holds ---- */

uint32_t mr_row_bytes(const mr_rows *rows, uint32_t key_bytes) {
    return mr_round8(rows->layout.key_at + key_bytes) + rows->layout.record_bytes;
}

/* What counts of them. */
static uint32_t counted_bytes(const mr_rows *rows, uint32_t key_bytes) {
    const uint32_t age_bytes = rows->age_at != 0 ? (uint32_t)sizeof(mr_age) : 0;
    return mr_heap_size_of(mr_row_bytes(rows, key_bytes) - age_bytes);
}

void mr_row_free(mr_rows *rows, mr_row *row) {
    const mr_addr memory = mr_addr_of(mr_row_record(rows, row));
    mr_heap_free(rows->heap, memory, mr_row_bytes(rows, row->key_bytes));
}

/* Bytes that hang off a record: strings, and what its refs count. */
static uint64_t held_bytes(const mr_rows *rows, const uint8_t *record) {
    const mr_layout *layout = &rows->layout;
    uint64_t held = 0;
    for (uint32_t i = 0; i < layout->field_count; i++) {
        if (!mr_is_held(layout->field_kind[i])) continue;
        const uint32_t cell = *(const uint32_t *)(const void *)(record + layout->field_at[i]);
        if (cell != 0) held += mr_cell_bytes(layout->field_kind[i], cell);
    }
    return held;
}

uint64_t mr_row_weight(const mr_rows *rows, mr_row *row) {
    return counted_bytes(rows, row->key_bytes) + held_bytes(rows, mr_row_record(rows, row));
}

/* Free the strings and drop the refs of a record. */
static void empty_record(mr_rows *rows, mr_row *row) {
    const mr_layout *layout = &rows->layout;
    uint8_t *record = mr_row_record(rows, row);
    for (uint32_t i = 0; i < layout->field_count; i++) {
        if (!mr_is_held(layout->field_kind[i])) continue;
        const uint32_t cell = *(uint32_t *)(void *)(record + layout->field_at[i]);
        if (cell != 0) mr_rows_cell_release(rows, layout->field_kind[i], cell);
    }
}

/* Let the memory of a removed row go, unless it is a grave. */
static void bury(mr_rows *rows, mr_row *row) {
    if (row->segment != MR_GRAVE) mr_row_free(rows, row);
}

/* ---- removing ---- */

/* Take a row out of all that knows it. */
static void unlink_row(mr_rows *rows, mr_row *row) {
    mr_row_reach(rows, row);
    uint32_t hash = mr_row_hash(rows, row);
    mr_rows_leave_table(rows, row, hash);
    mr_find_removed(rows, row, hash);
    if (rows->ttl_ms > 0) mr_wheel_remove(&rows->wheel, mr_row_part(row, rows->wheel_at));
    if (rows->lru_at != 0) mr_lru_remove(rows, row);
    if (rows->timer_at != 0) mr_rows_timer_drop(rows, row);
    if (rows->ring_at != 0) mr_ring_remove(rows, row);
    rows->bytes -= counted_bytes(rows, row->key_bytes);
    rows->changes++;
    mr_dirty_gone(rows, row);
}

void mr_rows_remove(mr_rows *rows, mr_row *row) {
    unlink_row(rows, row);
    empty_record(rows, row);
    bury(rows, row);
}

/* ---- evicted rows that the host wants to see ---- */

static mr_lru *lru_of(const mr_rows *rows, mr_addr row) {
    return (mr_lru *)mr_row_part(mr_row_at(row), rows->lru_at);
}

static MR_COLD void keep_evicted(mr_rows *rows, mr_row *row, uint32_t by) {
    mr_addr *first = &rows->find.found.evicted;
    unlink_row(rows, row);
    rows->bytes -= held_bytes(rows, mr_row_record(rows, row));
    *lru_of(rows, mr_addr_of(row)) = (mr_lru){.newer = 0, .older = by};
    *(*first == 0 ? first : &lru_of(rows, rows->evicted_last)->newer) = mr_addr_of(row);
    rows->evicted_last = mr_addr_of(row);
}

void mr_rows_evicted_free(mr_rows *rows) {
    mr_addr next = rows->find.found.evicted;
    rows->find.found.evicted = 0;
    while (next != 0) {
        mr_row *row = mr_row_at(next);
        next = lru_of(rows, next)->newer;
        rows->bytes += held_bytes(rows, mr_row_record(rows, row)); /* It goes once more. */
        empty_record(rows, row);
        bury(rows, row);
    }
}

/* Remove one row whose slot of the wheel has come, or hang it later, if it was used since. */
static bool expire_one(mr_rows *rows, int64_t time_ms, uint32_t *steps) {
    mr_wheel_node *node = mr_wheel_first(&rows->wheel, time_ms, steps);
    if (node == NULL) return false;
    mr_row *row = (mr_row *)(void *)((uint8_t *)node - rows->wheel_at);
    if (mr_row_expired(rows, row, (double)time_ms)) {
        mr_rows_remove(rows, row);
        rows->expired++;
    } else {
        mr_wheel_remove(&rows->wheel, node);
        mr_wheel_add(&rows->wheel, node);
    }
    return true;
}

mr_status mr_rows_expire(mr_rows *rows, double time_ms, uint32_t steps) {
    if (rows->ttl_ms == 0) return MR_OK;
    const int64_t time = mr_time_of(time_ms);
    while (expire_one(rows, time, &steps)) {
    }
    return steps == 0 ? MR_MORE : MR_OK;
}

/* ---- limits ---- */

static bool over_rows(const mr_rows *rows, uint32_t more) {
    return rows->rows_max != 0 && rows->size - rows->leaving + more > rows->rows_max;
}

static bool over_bytes(const mr_rows *rows, uint64_t more) {
    return rows->bytes_max != 0 && rows->bytes - rows->leaving_bytes + more > rows->bytes_max;
}

static bool over_limit(const mr_rows *rows, uint32_t more_rows, uint64_t more_bytes) {
    return over_rows(rows, more_rows) || over_bytes(rows, more_bytes);
}

/* Make room with rows whose ttl is over at `time_ms`: they count toward nothing. */
static void expire_for(mr_rows *rows, uint32_t more_rows, uint64_t more_bytes, int64_t time_ms) {
    uint32_t steps = UINT32_MAX;
    if (rows->ttl_ms == 0) return;
    while (over_limit(rows, more_rows, more_bytes) && expire_one(rows, time_ms, &steps)) {
    }
}

/* Make room for input row `by` with the least recently used rows, but not with `keep`. */
static void evict_for(mr_rows *rows, uint32_t by, uint32_t more_rows, uint64_t more_bytes,
                      const mr_row *keep) {
    while (over_limit(rows, more_rows, more_bytes)) {
        if (rows->oldest == 0 || mr_row_at(rows->oldest) == keep) return;
        mr_row *row = mr_row_at(rows->oldest);
        if (mr_row_leaves(rows, row)) { /* It was to go in any case. */
            mr_rows_remove(rows, row);
            continue;
        }
        if (rows->keep_evicted) {
            keep_evicted(rows, row, by);
        } else {
            mr_rows_remove(rows, row);
        }
        rows->evicted++;
    }
}

mr_status mr_rows_check_bytes(const mr_rows *rows, uint64_t bytes, uint64_t held) {
    const bool evicts = rows->lru_at != 0;
    if (!over_bytes(rows, bytes) || (evicts && bytes + held <= rows->bytes_max)) return MR_OK;
    return mr_fail(MR_ERR_LIMIT, "state.maxBytes", (double)rows->bytes_max);
}

/* Is there room for a row of `bytes` that brings `held` more, counted already? */
static mr_status check_limits(const mr_rows *rows, uint64_t bytes, uint64_t held) {
    if (rows->lru_at == 0 && over_rows(rows, 1)) {
        return mr_fail(MR_ERR_LIMIT, "state.maxSize", (double)rows->rows_max);
    }
    return mr_rows_check_bytes(rows, bytes, held);
}

mr_status mr_rows_check_room(const mr_rows *rows, uint32_t key_bytes, uint64_t held) {
    return check_limits(rows, counted_bytes(rows, key_bytes) + held, 0);
}

/* ---- making and using ---- */

static void set_birth(mr_row *row, uint64_t birth) {
    row->birth_low = (uint32_t)birth;
    row->birth_high = (uint16_t)(birth >> 32);
}

static void set_use(mr_rows *rows, mr_row *row, uint64_t use) {
    mr_lru *lru = mr_row_part(row, rows->lru_at);
    lru->use_low = (uint32_t)use;
    lru->use_high = (uint32_t)(use >> 32);
}

static void set_last_use(const mr_rows *rows, mr_row *row, int64_t time_ms) {
    memcpy(mr_row_part(row, rows->last_use_at), &time_ms, sizeof time_ms);
}

/* Nothing that the row makes room for can be where it will be. */
static bool place_known(const mr_rows *rows, const mr_row_parts *parts) {
    return parts->event != NULL && rows->lru_at == 0;
}

/* Memory for a row and room for it in the tables. */
static mr_status prepare(mr_rows *rows, uint32_t hash, const mr_row_parts *parts,
                         mr_row **row_out) {
    const uint32_t key_bytes = parts->key_bytes;
    const bool rings = mr_entry_rings(rows, parts->key, key_bytes);
    const uint32_t owner = rings ? mr_ring_hash(rows, parts->key, key_bytes) : 0;
    const bool stands = place_known(rows, parts) && parts->event->place.bucket != 0;
    if (!stands && !mr_rows_reserve_table(rows, hash)) return out_of_memory(rows);
    if (rings && mr_table_reserve(&rows->owners, owner) != MR_OK) return out_of_memory(rows);
    const mr_addr memory = mr_heap_alloc(rows->heap, mr_row_bytes(rows, key_bytes));
    if (memory == 0) return out_of_memory(rows);
    *row_out = mr_row_at(memory + rows->layout.record_bytes);
    return MR_OK;
}

/* Write all but the key of a row, whose timer does not hang; its record is cleared. */
static void set_parts(mr_rows *rows, mr_row *row, const mr_row_parts *parts) {
    set_birth(row, parts->birth);
    mr_clear_words(mr_row_record(rows, row), rows->layout.record_bytes);
    if (rows->ttl_ms > 0) {
        set_last_use(rows, row, parts->last_use_ms);
        mr_wheel_add(&rows->wheel, mr_row_part(row, rows->wheel_at));
    }
    if (rows->lru_at != 0) set_use(rows, row, parts->use);
    if (rows->timer_at != 0) {
        mr_row_timer *timer = mr_row_part(row, rows->timer_at);
        timer->node = (mr_wheel_node){0};
        memcpy(timer->time_ms, &parts->timer_ms, sizeof parts->timer_ms);
        memcpy(timer->registered, &parts->timer_registered, sizeof parts->timer_registered);
    }
    rows->changes++;
}

/* Fill a prepared row and put it where rows are found. */
static void enrol(mr_rows *rows, mr_row *row, uint32_t hash, const mr_row_parts *parts) {
    row->key_bytes = (uint16_t)parts->key_bytes;
    if (parts->event != NULL) {
        mr_bucket_key_write(mr_row_key(rows, row), parts->event);
    } else {
        mr_copy_bytes(mr_row_key(rows, row), parts->key, parts->key_bytes);
    }
    set_parts(rows, row, parts);
    mr_rows_enter_table(rows, row, hash, place_known(rows, parts) ? parts->event : NULL);
    mr_find_made(rows, hash);
    if (rows->lru_at != 0) mr_lru_add(rows, row);
    if (rows->ring_at != 0) mr_ring_add(rows, row);
    rows->bytes += counted_bytes(rows, parts->key_bytes);
    mr_dirty_born(rows, row);
}

/* A row becomes what is loaded; its places in orders are put back at the end of that. */
static MR_COLD void replace(mr_rows *rows, mr_row *row, const mr_row_parts *parts) {
    if (rows->ring_at != 0) mr_row_leave(rows, row, false);
    empty_record(rows, row);
    if (rows->ttl_ms > 0) mr_wheel_remove(&rows->wheel, mr_row_part(row, rows->wheel_at));
    if (rows->timer_at != 0) mr_rows_timer_drop(rows, row);
    set_parts(rows, row, parts);
    if (row->segment != 0) mr_dirty_again(rows, row);
}

/* Make a row, whose record brings `held` bytes, counted already. */
static mr_status make(mr_rows *rows, uint32_t hash, const mr_row_parts *parts, uint64_t held,
                      const mr_moment *moment, mr_row **row_out) {
    const uint32_t bytes = counted_bytes(rows, parts->key_bytes);
    if (rows->ttl_ms > 0) expire_for(rows, 1, bytes, mr_time_of(moment->passed_ms));
    MR_TRY(check_limits(rows, bytes, held));
    MR_TRY(prepare(rows, hash, parts, row_out));
    if (rows->lru_at != 0) evict_for(rows, moment->by, 1, bytes, NULL);
    enrol(rows, *row_out, hash, parts);
    rows->births++;
    rows->uses++;
    return MR_OK;
}

/* The parts of a new row whose key is borrowed. */
static mr_row_parts new_parts(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes,
                              double use_ms) {
    return (mr_row_parts){
        .key = key,
        .key_bytes = key_bytes,
        .birth = rows->births,
        .use = rows->uses,
        .last_use_ms = rows->ttl_ms > 0 ? mr_time_of(use_ms) : 0,
    };
}

/* What a record that the host made brings with it. */
typedef struct brought {
    uint32_t refs;
    uint64_t bytes;
} brought;

/* Weigh a record. A host's ref cell is 0 or a number, and a blob of refs it has none. */
static mr_status weigh(const mr_rows *rows, const uint8_t *record, brought *out) {
    const mr_layout *layout = &rows->layout;
    *out = (brought){0};
    for (uint32_t i = 0; i < layout->field_count; i++) {
        const uint32_t kind = layout->field_kind[i];
        if (!mr_is_held(kind)) continue;
        const uint32_t cell = *(const uint32_t *)(const void *)(record + layout->field_at[i]);
        if (cell == 0) continue;
        if (kind == MR_REFS || (kind == MR_REF && cell >= rows->refs->capacity)) {
            return mr_fail(MR_ERR_ARGUMENT, "number", cell);
        }
        out->refs += kind == MR_REF;
        out->bytes += mr_cell_bytes(kind, cell);
    }
    return MR_OK;
}

/* Count what a record that the host made brings with it. On a refusal nothing is. */
static mr_status take_record(mr_rows *rows, const uint8_t *record, brought *out) {
    MR_TRY(weigh(rows, record, out));
    MR_TRY(mr_refs_take(rows->heap, out->refs));
    rows->bytes += (uint64_t)out->refs * MR_REF_BYTES;
    return MR_OK;
}

/* A row that was to be made, with `status`, has its record; or what that brought is given back. */
static mr_status give_record(mr_rows *rows, mr_status status, const brought *brought,
                             mr_row *const *row, const uint8_t *record) {
    if (status == MR_OK) {
        mr_copy_bytes(mr_row_record(rows, *row), record, rows->layout.record_bytes);
    } else {
        rows->bytes -= (uint64_t)brought->refs * MR_REF_BYTES;
        rows->heap->external_bytes -= (uint64_t)brought->refs * MR_REF_BYTES;
    }
    return status;
}

/* Make a row of these parts, and of a record, or with it cleared: NULL. */
static mr_status make_with(mr_rows *rows, uint32_t hash, const mr_row_parts *parts,
                           const mr_moment *moment, const uint8_t *record, mr_row **row_out) {
    brought brought;
    if (record == NULL) return make(rows, hash, parts, 0, moment, row_out);
    MR_TRY(take_record(rows, record, &brought));
    const mr_status status = make(rows, hash, parts, brought.bytes, moment, row_out);
    return give_record(rows, status, &brought, row_out, record);
}

mr_status mr_rows_create(mr_rows *rows, uint32_t index, const uint8_t *record, mr_row **row_out) {
    const mr_columns *in = rows->find.in;
    const uint32_t *offsets = mr_u32s(in->key_offsets);
    const uint8_t *key = (const uint8_t *)mr_at(in->keys) + offsets[index];
    const mr_moment moment = {mr_row_time(in, index), mr_row_watermark(in, index), index};
    const mr_row_parts parts =
        new_parts(rows, key, offsets[index + 1] - offsets[index], moment.time_ms);
    MR_TRY(make_with(rows, mr_find_hash(rows, index), &parts, &moment, record, row_out));
    mr_u32s(rows->find.found.rows)[index] = mr_addr_of(*row_out);
    return MR_OK;
}

mr_status mr_rows_make(mr_rows *rows, const mr_keyed *keyed, const mr_moment *moment,
                       const uint8_t *record, mr_row **row_out) {
    const mr_row_parts parts = new_parts(rows, keyed->key, keyed->key_bytes, moment->time_ms);
    return make_with(rows, keyed->hash, &parts, moment, record, row_out);
}

mr_status mr_rows_make_event(mr_rows *rows, const mr_bucket_event *event, const mr_moment *moment,
                             const uint8_t *record, mr_row **row_out) {
    const uint32_t key_bytes = event->name.key_bytes + MR_BUCKET_KEY_AROUND;
    mr_row_parts parts = new_parts(rows, NULL, key_bytes, moment->time_ms);
    parts.event = event;
    return make_with(rows, event->name.hash, &parts, moment, record, row_out);
}

mr_status mr_rows_blob_new(mr_rows *rows, const uint8_t *bytes, uint32_t size, mr_addr *blob_out) {
    *blob_out = 0;
    if (size == 0) return MR_OK;
    const uint32_t blob_bytes = mr_heap_size_of(size + (uint32_t)sizeof(uint32_t));
    if (rows->lru_at == 0) expire_for(rows, 0, blob_bytes, rows->passed_ms);
    MR_TRY(mr_rows_check_bytes(rows, blob_bytes, 0));
    *blob_out = mr_blob_make(rows->heap, bytes, size);
    if (*blob_out == 0) return out_of_memory(rows);
    rows->bytes += blob_bytes;
    return MR_OK;
}

void mr_rows_close(mr_rows *rows) {
    mr_rows_evicted_free(rows);
    mr_addr found[64];
    mr_rows_cursor cursor = {0};
    uint32_t count;
    while ((count = mr_rows_walk(rows, &cursor, found, 64)) > 0) {
        for (uint32_t i = 0; i < count; i++) {
            mr_row *row = mr_row_at(found[i]);
            empty_record(rows, row);
            mr_row_free(rows, row);
        }
    }
    mr_dirty_close(rows);
    mr_rows_close_table(rows);
    mr_table_close(&rows->owners);
    mr_wheel_close(&rows->wheel);
    mr_rows_timers_close(rows);
    mr_find_close(rows);
}

mr_row *mr_rows_enter(mr_rows *rows, uint32_t index) {
    mr_row *row = mr_rows_visit(rows, index);
    if (row == NULL) return NULL;
    if (!mr_row_expired(rows, row, mr_row_clock(rows->find.in, index))) return row;
    mr_rows_remove(rows, row);
    rows->expired++;
    return NULL;
}

/* The last use never moves back. */
static bool move_last_use(mr_rows *rows, mr_row *row, double use_ms) {
    if (rows->ttl_ms == 0) return false;
    const int64_t time_ms = mr_time_of(use_ms);
    if (time_ms <= mr_row_last_use(rows, row)) return false;
    set_last_use(rows, row, time_ms);
    return true;
}

void mr_rows_use(mr_rows *rows, mr_row *row, const mr_moment *moment, bool written) {
    if (rows->lru_at != 0) {
        set_use(rows, row, rows->uses++);
        if (rows->newest != mr_addr_of(row)) {
            mr_lru_remove(rows, row);
            mr_lru_add(rows, row);
        }
    }
    const bool moved = (written || rows->touch_reads) && move_last_use(rows, row, moment->time_ms);
    if (written || moved || rows->lru_at != 0) mr_row_changed(rows, row);
    if (!written) return;
    if (rows->lru_at == 0 || !over_limit(rows, 0, 0)) return;
    const int64_t passed_ms = mr_time_of(moment->passed_ms);
    if (!mr_row_expired(rows, row, (double)passed_ms)) expire_for(rows, 0, 0, passed_ms);
    evict_for(rows, moment->by, 0, 0, row);
}

void mr_rows_touch_at(mr_rows *rows, mr_row *row, uint32_t index, bool written, double use_ms) {
    const mr_moment moment = {use_ms, mr_row_watermark(rows->find.in, index), index};
    mr_rows_use(rows, row, &moment, written);
}

mr_status mr_rows_restore(mr_rows *rows, const mr_row_parts *parts, uint32_t hash, mr_addr standing,
                          mr_row **row_out) {
    if (standing != 0) {
        *row_out = mr_row_at(standing);
        replace(rows, *row_out, parts);
    } else {
        MR_TRY(prepare(rows, hash, parts, row_out));
        enrol(rows, *row_out, hash, parts);
    }
    if (parts->birth >= rows->births) rows->births = parts->birth + 1;
    if (parts->use >= rows->uses) rows->uses = parts->use + 1;
    if (parts->timer_registered > rows->timers_set) rows->timers_set = parts->timer_registered;
    rows->timers_loaded = rows->timers_set;
    return MR_OK;
}

MR_COLD mr_status mr_rows_carry(mr_rows *rows, const mr_rows *from, mr_row *row,
                                const uint8_t *record, mr_row **row_out) {
    const mr_row_parts parts = {
        .key = mr_row_key(from, row),
        .key_bytes = row->key_bytes,
        .birth = mr_row_birth(row),
        .use = from->lru_at != 0 ? mr_row_use_number(from, row) : mr_row_birth(row),
        .last_use_ms = from->ttl_ms > 0 ? mr_row_last_use(from, row) : 0,
    };
    const uint32_t hash = mr_key_hash(rows, parts.key, parts.key_bytes);
    const mr_addr standing = mr_rows_lookup(rows, hash, parts.key, parts.key_bytes);
    brought brought;
    MR_TRY(take_record(rows, record, &brought));
    const mr_status status = mr_rows_restore(rows, &parts, hash, standing, row_out);
    return give_record(rows, status, &brought, row_out, record);
}
