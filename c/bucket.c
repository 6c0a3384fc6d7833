/* bucket.c -- see bucket.h. */
#include "bucket.h"

#include "bytes.h"

enum {
    TUPLE = 6,        /* A key's first byte; js/state/key_bytes.ts. */
    OWNER_AT = 4,     /* Of what is entered under, in the key of a row; */
    OWNER_AROUND = 7, /* which has so many bytes beside the key of the event: */
    SIDE_TAG = 1,     /* false, of side 0; true follows. */
};
_Static_assert(MR_BUCKET_KEY_AT == 2 * OWNER_AT, "a head before the owner, and one in it");
_Static_assert(MR_BUCKET_KEY_AROUND == OWNER_AROUND + MR_TIMED_KEY_BYTES, "around the owner");

/* ---- keys ---- */

void mr_bucket_key_write(uint8_t *to, const mr_bucket_event *event) {
    const uint32_t key_bytes = event->name.key_bytes;
    uint8_t *owner = to + OWNER_AT;
    owner[0] = TUPLE;
    owner[1] = 2;
    owner[2] = (uint8_t)key_bytes;
    owner[3] = (uint8_t)(key_bytes >> 8);
    mr_copy_bytes(to + MR_BUCKET_KEY_AT, event->name.key, key_bytes);
    uint8_t *end = to + MR_BUCKET_KEY_AT + key_bytes;
    end[0] = 1;
    end[1] = 0;
    end[2] = (uint8_t)(SIDE_TAG + event->side);
    mr_timed_key_write(to, owner, key_bytes + OWNER_AROUND, event->time_ms, event->number);
}

bool mr_bucket_key_valid(const uint8_t *key) {
    uint32_t bytes;
    const uint8_t *owner = mr_owner_key(key, &bytes);
    if (bytes <= OWNER_AROUND || owner[0] != TUPLE || owner[1] != 2) return false;
    if (mr_u16_at(owner + 2) != bytes - OWNER_AROUND || mr_u16_at(owner + bytes - 3) != 1) {
        return false;
    }
    return owner[bytes - 1] == SIDE_TAG || owner[bytes - 1] == SIDE_TAG + 1;
}

static uint32_t side_in(const uint8_t *key) {
    return key[MR_BUCKET_KEY_AT + mr_u16_at(key + MR_BUCKET_KEY_AT - 2) + 2] - (uint32_t)SIDE_TAG;
}

uint32_t mr_place_side(const mr_rows *rows, mr_row *row) { return side_in(mr_row_key(rows, row)); }

const uint8_t *mr_place_key(const mr_rows *rows, mr_row *row, uint32_t *key_bytes_out) {
    const uint8_t *key = mr_row_key(rows, row) + MR_BUCKET_KEY_AT;
    *key_bytes_out = mr_u16_at(key - 2);
    return key;
}

/* The bucket that a row with this key belongs to, by its hash. */
static mr_bucket_name name_by(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes,
                              uint32_t hash) {
    return (mr_bucket_name){
        .stretch = mr_bucket_stretch(rows, mr_timed_key_time(key, key_bytes)),
        .key = key + MR_BUCKET_KEY_AT,
        .key_bytes = mr_u16_at(key + MR_BUCKET_KEY_AT - 2),
        .hash = hash,
    };
}

static mr_bucket_name name_of(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes) {
    mr_bucket_name name = name_by(rows, key, key_bytes, 0);
    name.hash = mr_bucket_hash(rows, mr_hash32(rows, name.key, name.key_bytes), name.stretch);
    return name;
}

uint32_t mr_key_hash(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes) {
    if (rows->place_at == 0) return mr_entry_hash(rows, key, key_bytes);
    return name_of(rows, key, key_bytes).hash;
}

uint32_t mr_row_hash(const mr_rows *rows, mr_row *row) {
    if (rows->place_at == 0) return mr_entry_hash(rows, mr_row_key(rows, row), row->key_bytes);
    return mr_bucket_at(mr_place_of(rows, mr_addr_of(row))->bucket)->hash;
}

/* ---- looking ---- */

static bool is_named(const mr_rows *rows, mr_addr address, const mr_bucket_name *name) {
    const mr_bucket *bucket = mr_bucket_at(address);
    if (bucket->stretch != name->stretch) return false;
    uint32_t bytes;
    mr_row *row = mr_row_at(bucket->first[bucket->first[0] == 0]);
    const uint8_t *key = mr_place_key(rows, row, &bytes);
    return bytes == name->key_bytes && mr_same_bytes(key, name->key, bytes);
}

mr_addr mr_bucket_find(const mr_rows *rows, const mr_bucket_name *name) {
    mr_table_cursor cursor;
    mr_addr at = mr_table_first(&rows->table, name->hash, &cursor);
    while (at != 0 && !is_named(rows, at, name))
        at = mr_table_next(&rows->table, name->hash, &cursor);
    return at;
}

static void touch_row(const mr_rows *rows, mr_addr address) {
    if (address == 0) return;
    mr_row *row = mr_row_at(address);
    mr_touch(mr_row_record(rows, row));
    mr_touch(mr_row_key(rows, row) + MR_BUCKET_KEY_AROUND); /* The bytes of most keys end there. */
}

void mr_buckets_ahead(const mr_rows *rows, const mr_bucket_name *names, uint32_t count,
                      mr_addr *buckets_out) {
    uint32_t hashes[MR_AHEAD_MAX];
    MR_ASSERT(count <= MR_AHEAD_MAX);
    for (uint32_t i = 0; i < count; i++)
        hashes[i] = names[i].hash;
    mr_table_first_all(&rows->table, hashes, count, buckets_out);
    for (uint32_t i = 0; i < count; i++) {
        if (buckets_out[i] != 0) mr_touch(mr_at(buckets_out[i]));
    }
    for (uint32_t i = 0; i < count; i++) {
        if (buckets_out[i] == 0) continue;
        const mr_bucket *bucket = mr_bucket_at(buckets_out[i]);
        for (uint32_t side = 0; side < 2; side++) {
            touch_row(rows, bucket->first[side]);
            touch_row(rows, bucket->last[side]);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (buckets_out[i] == 0 || is_named(rows, buckets_out[i], &names[i])) continue;
        buckets_out[i] = mr_bucket_find(rows, &names[i]);
    }
}

void mr_places_ahead(const mr_rows *rows, const mr_addr *leaving, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        mr_touch(mr_at(mr_place_of(rows, leaving[i])->bucket));
    for (uint32_t i = 0; i < count; i++) {
        const mr_place *place = mr_place_of(rows, leaving[i]);
        if (place->next != 0) mr_touch(mr_place_of(rows, place->next));
        if (place->before != 0) mr_touch(mr_place_of(rows, place->before));
        const uint32_t hash = mr_bucket_at(place->bucket)->hash;
        const volatile mr_addr home = mr_table_home(&rows->table, hash);
        (void)home;
    }
}

/* ---- places ---- */

static double time_of(const mr_rows *rows, mr_addr row) {
    return mr_timed_key_time(mr_row_key(rows, mr_row_at(row)), mr_row_at(row)->key_bytes);
}

static double number_of(const mr_rows *rows, mr_addr row) {
    return mr_timed_key_number(mr_row_key(rows, mr_row_at(row)), mr_row_at(row)->key_bytes);
}

static bool is_later(const mr_rows *rows, mr_addr row, double time_ms, double number) {
    const double other_ms = time_of(rows, row);
    return other_ms != time_ms ? other_ms > time_ms : number_of(rows, row) > number;
}

/* The last event of a side that is not later; 0: there is none. Before `low` none is later, behind
 * `last` all are. */
static mr_addr last_until(const mr_rows *rows, const mr_bucket *bucket, uint32_t side,
                          double time_ms, double number) {
    mr_addr low = bucket->first[side];
    for (mr_addr last = bucket->last[side]; last != 0;) {
        if (!is_later(rows, last, time_ms, number)) return last;
        if (is_later(rows, low, time_ms, number)) return mr_place_of(rows, low)->before;
        last = mr_place_of(rows, last)->before;
        low = mr_place_of(rows, low)->next;
    }
    return 0;
}

mr_addr mr_bucket_last(const mr_rows *rows, mr_addr bucket, uint32_t side, double time_ms) {
    return last_until(rows, mr_bucket_at(bucket), side, time_ms, __builtin_inf());
}

void mr_place_behind(const mr_rows *rows, mr_addr bucket, mr_bucket_event *event) {
    const mr_addr before =
        bucket == 0 ? 0 : mr_bucket_last(rows, bucket, event->side, event->time_ms);
    const bool same = before != 0 && time_of(rows, before) == event->time_ms;
    event->place = (mr_place){.before = before, .bucket = bucket};
    event->number = same ? number_of(rows, before) + 1 : 0;
}

mr_addr mr_place_find(const mr_rows *rows, uint32_t hash, const uint8_t *key, uint32_t key_bytes) {
    const mr_bucket_name name = name_by(rows, key, key_bytes, hash);
    const mr_addr bucket = mr_bucket_find(rows, &name);
    if (bucket == 0) return 0;
    const double time_ms = mr_timed_key_time(key, key_bytes);
    const double number = mr_timed_key_number(key, key_bytes);
    const mr_addr last = last_until(rows, mr_bucket_at(bucket), side_in(key), time_ms, number);
    if (last == 0 || time_of(rows, last) != time_ms) return 0;
    return number_of(rows, last) == number ? last : 0;
}

/* ---- coming and going ---- */

bool mr_rows_reserve_table(mr_rows *rows, uint32_t hash) {
    const uint64_t bytes = rows->table.bytes;
    if (mr_table_reserve(&rows->table, hash) != MR_OK) return false;
    if (rows->table.bytes != bytes) rows->changes++;
    if (rows->place_at == 0 || rows->spare_bucket != 0) return true;
    rows->spare_bucket = mr_heap_alloc(rows->heap, sizeof(mr_bucket));
    return rows->spare_bucket != 0;
}

static void drop_bucket(mr_rows *rows, mr_addr bucket) {
    mr_table_remove(&rows->table, mr_bucket_at(bucket)->hash, bucket);
    if (rows->spare_bucket == 0) {
        rows->spare_bucket = bucket;
    } else {
        mr_heap_free(rows->heap, bucket, sizeof(mr_bucket));
    }
}

static mr_addr make_bucket(mr_rows *rows, const mr_bucket_name *name) {
    const mr_addr made = rows->spare_bucket;
    rows->spare_bucket = 0;
    *mr_bucket_at(made) = (mr_bucket){.stretch = name->stretch, .hash = name->hash};
    mr_table_insert(&rows->table, name->hash, made);
    return made;
}

/* The place of a row. */
static mr_place find_place(const mr_rows *rows, mr_row *row, const mr_bucket_name *name) {
    const mr_addr bucket = mr_bucket_find(rows, name);
    const mr_addr at = mr_addr_of(row);
    if (bucket == 0) return (mr_place){0};
    const mr_addr before = last_until(rows, mr_bucket_at(bucket), mr_place_side(rows, row),
                                      time_of(rows, at), number_of(rows, at));
    return (mr_place){.before = before, .bucket = bucket};
}

/* Put a row there. */
static void link_row(const mr_rows *rows, mr_row *row, mr_place place) {
    mr_bucket *bucket = mr_bucket_at(place.bucket);
    const uint32_t side = mr_place_side(rows, row);
    const mr_addr at = mr_addr_of(row);
    mr_addr *next =
        place.before == 0 ? &bucket->first[side] : &mr_place_of(rows, place.before)->next;
    place.next = *next;
    *next = at;
    *(place.next == 0 ? &bucket->last[side] : &mr_place_of(rows, place.next)->before) = at;
    *mr_place_of(rows, at) = place;
}

void mr_rows_enter_table(mr_rows *rows, mr_row *row, uint32_t hash, const mr_bucket_event *known) {
    rows->size++;
    if (rows->place_at == 0) {
        mr_table_insert(&rows->table, hash, mr_addr_of(row));
        return;
    }
    mr_bucket_name name;
    mr_place place;
    if (known != NULL) {
        name = known->name;
        place = known->place;
    } else {
        name = name_by(rows, mr_row_key(rows, row), row->key_bytes, hash);
        place = find_place(rows, row, &name);
    }
    if (place.bucket == 0) place.bucket = make_bucket(rows, &name);
    link_row(rows, row, place);
}

void mr_rows_leave_table(mr_rows *rows, mr_row *row, uint32_t hash) {
    rows->size--;
    if (rows->place_at == 0) {
        mr_table_remove(&rows->table, hash, mr_addr_of(row));
        return;
    }
    const mr_addr at = mr_addr_of(row);
    const mr_place place = *mr_place_of(rows, at);
    mr_bucket *bucket = mr_bucket_at(place.bucket);
    const uint32_t side = bucket->first[1] == at || bucket->last[1] == at; /* If it is at an end. */
    *(place.before == 0 ? &bucket->first[side] : &mr_place_of(rows, place.before)->next) =
        place.next;
    *(place.next == 0 ? &bucket->last[side] : &mr_place_of(rows, place.next)->before) =
        place.before;
    if (bucket->first[0] == 0 && bucket->first[1] == 0) drop_bucket(rows, place.bucket);
}

/* ---- all of them ---- */

/* The first event of a bucket, or the one behind a row. */
static mr_addr first_in(mr_addr bucket) {
    const mr_bucket *in = mr_bucket_at(bucket);
    return in->first[0] != 0 ? in->first[0] : in->first[1];
}

static mr_addr behind(const mr_rows *rows, mr_addr row) {
    const mr_place *place = mr_place_of(rows, row);
    if (place->next != 0 || mr_place_side(rows, mr_row_at(row)) == 1) return place->next;
    return mr_bucket_at(place->bucket)->first[1];
}

uint32_t mr_rows_walk(const mr_rows *rows, mr_rows_cursor *cursor, mr_addr *found, uint32_t max) {
    if (rows->place_at == 0) return mr_table_walk(&rows->table, &cursor->table, found, max);
    uint32_t count = 0;
    while (count < max) {
        if (cursor->row == 0) {
            mr_addr bucket;
            if (mr_table_walk(&rows->table, &cursor->table, &bucket, 1) == 0) break;
            cursor->row = first_in(bucket);
        }
        found[count++] = cursor->row;
        cursor->row = behind(rows, cursor->row);
    }
    return count;
}

void mr_rows_close_table(mr_rows *rows) {
    mr_table_cursor cursor = {0};
    mr_addr bucket;
    while (rows->place_at != 0 && mr_table_walk(&rows->table, &cursor, &bucket, 1) > 0)
        mr_heap_free(rows->heap, bucket, sizeof(mr_bucket));
    mr_heap_free(rows->heap, rows->spare_bucket, sizeof(mr_bucket));
    mr_table_close(&rows->table);
}
