/* entries.c -- rows that a host finds by a key of its own, and the entries of one key.
 *
 *   key of an entry   tuple of two (js/state/key_bytes.ts): the key that owns it, its own
 *                     [6][2] [u16 size][owner's key] [u16 size][map key, index, timer's name]
 *
 *   owners  hash of the owner's key -> first entry
 *           first <-> entry <-> entry <-> last <-> first    a ring, in the order of births
 *
 * Elements of a list, entries of a map and timers are rows like any other: each has its own
 * ttl, use and place in what is saved. The ring finds the entries of a key without looking
 * at others, adds one and takes one out in O(1), however many there are. It is never saved:
 * births say how to hang it again.
 *
 * Where entries are timed, their own key is [6][2] [u16 9][3][f64 time] [u16 9][3][f64 number],
 * the numbers of one time counting up from 0. A key has a ring for each stretch of time, in the
 * order of both: so what is near a time is found without looking at all that its key has, in
 * whatever order it came. An entry's place in its ring is looked for from both ends. Where the
 * operator says so, an entry with the number MR_ALONE is in no ring: it is found by its key only,
 * and the hash of that is its owner's.
 *
 * A host that changes several rows or none makes and writes first, which may be refused, and
 * removes last, which cannot be. So that what it will remove makes room meanwhile, such
 * entries are told to leave: they count toward no limit, and are still there. */
#include "bucket.h"

#include "bytes.h"
#include "error.h"

enum {
    TUPLE = 6,        /* A key's first byte; js/state/key_bytes.ts. */
    HEAD_BYTES = 2,   /* The tag, and how many elements. */
    SIZE_BYTES = 2,   /* Before each element. */
    NUMBER = 3,       /* The tag of a number, */
    NUMBER_BYTES = 9, /* which has 8 bytes more. */
    OWN_BYTES = HEAD_BYTES + 2 * (SIZE_BYTES + NUMBER_BYTES),
    LEAVES = 1,       /* In mr_ring.before: addresses are even. */
    LOOKS_MAX = 4096, /* Rows that a page looks at. */
};

/* ---- keys ---- */

_Static_assert(HEAD_BYTES + 2 * SIZE_BYTES + OWN_BYTES == MR_TIMED_KEY_BYTES, "around an owner");

static void put_size(uint8_t *to, uint32_t size) {
    to[0] = (uint8_t)size;
    to[1] = (uint8_t)(size >> 8);
}

static void put_number(uint8_t *to, double number) {
    put_size(to, NUMBER_BYTES);
    to[SIZE_BYTES] = NUMBER;
    memcpy(to + SIZE_BYTES + 1, &number, sizeof number);
}

void mr_timed_key_write(uint8_t *to, const uint8_t *owner, uint32_t owner_bytes, double time_ms,
                        double number) {
    to[0] = TUPLE;
    to[1] = 2;
    put_size(to + HEAD_BYTES, owner_bytes);
    if (owner != to + HEAD_BYTES + SIZE_BYTES) {
        mr_copy_bytes(to + HEAD_BYTES + SIZE_BYTES, owner, owner_bytes);
    }
    uint8_t *own = to + HEAD_BYTES + SIZE_BYTES + owner_bytes;
    put_size(own, OWN_BYTES);
    own[SIZE_BYTES] = TUPLE;
    own[SIZE_BYTES + 1] = 2;
    put_number(own + SIZE_BYTES + HEAD_BYTES, time_ms + 0.0); /* Not -0, which no key is. */
    put_number(own + SIZE_BYTES + HEAD_BYTES + SIZE_BYTES + NUMBER_BYTES, number);
}

static bool is_number(const uint8_t *at) {
    return mr_u16_at(at) == NUMBER_BYTES && at[SIZE_BYTES] == NUMBER;
}

/* Is the own key at the end of these bytes a time and a number? */
static bool is_timed(const uint8_t *key, uint32_t key_bytes) {
    const uint8_t *end = key + key_bytes;
    const uint8_t *own = end - OWN_BYTES;
    if (mr_u16_at(key + HEAD_BYTES) + (uint32_t)MR_TIMED_KEY_BYTES != key_bytes) return false;
    if (own[0] != TUPLE || own[1] != 2 || !is_number(own + HEAD_BYTES)) return false;
    const uint8_t *number = own + HEAD_BYTES + SIZE_BYTES + NUMBER_BYTES;
    const double time_ms = mr_timed_key_time(key, key_bytes);
    return is_number(number) && time_ms >= -8.64e15 && time_ms <= 8.64e15;
}

static bool is_alone(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes) {
    return rows->has_alone && key_bytes > MR_TIMED_KEY_BYTES &&
           mr_timed_key_number(key, key_bytes) == MR_ALONE;
}

uint32_t mr_entry_hash(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes) {
    if (!is_alone(rows, key, key_bytes)) return mr_hash32(rows, key, key_bytes);
    return mr_hash32(rows, key + HEAD_BYTES + SIZE_BYTES, key_bytes - MR_TIMED_KEY_BYTES);
}

bool mr_entry_rings(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes) {
    return rows->ring_at != 0 && !is_alone(rows, key, key_bytes);
}

static bool is_entry_key(const uint8_t *key, uint32_t key_bytes) {
    const uint32_t sizes = HEAD_BYTES + 2 * SIZE_BYTES;
    if (key_bytes < sizes || key[0] != TUPLE || key[1] != 2) return false;
    const uint32_t owner = mr_u16_at(key + HEAD_BYTES);
    if (owner == 0 || sizes + owner >= key_bytes) return false;
    return mr_u16_at(key + HEAD_BYTES + SIZE_BYTES + owner) == key_bytes - sizes - owner;
}

const uint8_t *mr_owner_key(const uint8_t *key, uint32_t *key_bytes_out) {
    *key_bytes_out = mr_u16_at(key + HEAD_BYTES);
    return key + HEAD_BYTES + SIZE_BYTES;
}

bool mr_row_key_valid(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes) {
    if (rows->place_at != 0) {
        return is_entry_key(key, key_bytes) && is_timed(key, key_bytes) && mr_bucket_key_valid(key);
    }
    if (rows->ring_at == 0) return true;
    if (!is_entry_key(key, key_bytes)) return false;
    if (rows->stretch_ms == 0) return true;
    if (!is_timed(key, key_bytes)) return false;
    return mr_timed_key_number(key, key_bytes) >= 0 || is_alone(rows, key, key_bytes);
}

double mr_entry_number(const mr_rows *rows, mr_row *row) {
    return mr_timed_key_number(mr_row_key(rows, row), row->key_bytes);
}

double mr_entry_time(const mr_rows *rows, mr_row *row) {
    return mr_timed_key_time(mr_row_key(rows, row), row->key_bytes);
}

/* ---- the ring ---- */

static mr_ring *ring_of(const mr_rows *rows, mr_addr row) {
    return mr_row_part(mr_row_at(row), rows->ring_at);
}

static mr_addr next_of(const mr_rows *rows, mr_addr row) { return ring_of(rows, row)->next; }

static mr_addr before_of(const mr_rows *rows, mr_addr row) {
    return ring_of(rows, row)->before & ~(mr_addr)LEAVES;
}

static void set_before(const mr_rows *rows, mr_addr row, mr_addr before) {
    mr_ring *ring = ring_of(rows, row);
    ring->before = before | (ring->before & LEAVES);
}

static void link_rows(const mr_rows *rows, mr_addr before, mr_addr next) {
    ring_of(rows, before)->next = next;
    set_before(rows, next, before);
}

/* A ring: whose it is, and the stretch of time, 0 where entries are not timed. */
typedef struct ring_name {
    const uint8_t *key;
    uint32_t key_bytes;
    uint32_t hash;
    double stretch;
} ring_name;

double mr_stretch_of(const mr_rows *rows, double time_ms) {
    return __builtin_floor(time_ms / rows->stretch_ms) + 0.0; /* Never -0. */
}

uint32_t mr_stretch_hash(const mr_rows *rows, uint32_t owner_hash, double stretch) {
    return owner_hash ^ mr_hash32(rows, (const uint8_t *)&stretch, sizeof stretch);
}

static ring_name name_of(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes) {
    ring_name name = {0};
    name.key = mr_owner_key(key, &name.key_bytes);
    name.hash = mr_hash32(rows, name.key, name.key_bytes);
    if (rows->stretch_ms == 0) return name;
    name.stretch = mr_stretch_of(rows, mr_timed_key_time(key, key_bytes));
    name.hash = mr_stretch_hash(rows, name.hash, name.stretch);
    return name;
}

static ring_name name_of_row(const mr_rows *rows, mr_row *row) {
    return name_of(rows, mr_row_key(rows, row), row->key_bytes);
}

uint32_t mr_ring_hash(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes) {
    return name_of(rows, key, key_bytes).hash;
}

/* The first entry of a ring; 0: there is none. */
static mr_addr first_of(const mr_rows *rows, const ring_name *name) {
    mr_table_cursor cursor;
    mr_addr at = mr_table_first(&rows->owners, name->hash, &cursor);
    for (; at != 0; at = mr_table_next(&rows->owners, name->hash, &cursor)) {
        mr_row *row = mr_row_at(at);
        uint32_t bytes;
        const uint8_t *owner = mr_owner_key(mr_row_key(rows, row), &bytes);
        if (bytes != name->key_bytes || !mr_same_bytes(owner, name->key, bytes)) continue;
        if (rows->stretch_ms == 0) return at;
        if (mr_stretch_of(rows, mr_entry_time(rows, row)) == name->stretch) return at;
    }
    return 0;
}

/* The first entry of a key that is not timed. */
static mr_addr first_of_key(const mr_rows *rows, const uint8_t *key, uint32_t key_bytes) {
    const ring_name name = {key, key_bytes, mr_hash32(rows, key, key_bytes), 0};
    return first_of(rows, &name);
}

static bool is_later(const mr_rows *rows, mr_addr row, double time_ms, double number) {
    const double other_ms = mr_entry_time(rows, mr_row_at(row));
    if (other_ms != time_ms) return other_ms > time_ms;
    return mr_entry_number(rows, mr_row_at(row)) > number;
}

/* The first entry of a ring that is later; 0: none is. Before `low` none is, from `high` on all. */
static mr_addr first_later(const mr_rows *rows, mr_addr first, double time_ms, double number) {
    mr_addr low = first;
    mr_addr high = 0;
    for (mr_addr last = before_of(rows, first);; last = before_of(rows, last)) {
        if (!is_later(rows, last, time_ms, number)) return high;
        high = last;
        if (is_later(rows, low, time_ms, number)) return low;
        low = next_of(rows, low);
    }
}

mr_addr mr_ring_first(const mr_rows *rows, uint32_t hash, const uint8_t *key, uint32_t key_bytes,
                      double stretch) {
    return first_of(rows, &(ring_name){key, key_bytes, hash, stretch});
}

double mr_ring_number(const mr_rows *rows, mr_addr first, double time_ms) {
    if (first == 0) return 0;
    const mr_addr later = first_later(rows, first, time_ms, __builtin_inf());
    if (later == first) return 0;
    mr_row *before = mr_row_at(before_of(rows, later == 0 ? first : later));
    return mr_entry_time(rows, before) == time_ms ? mr_entry_number(rows, before) + 1 : 0;
}

void mr_ring_add(mr_rows *rows, mr_row *row) {
    const mr_addr address = mr_addr_of(row);
    if (is_alone(rows, mr_row_key(rows, row), row->key_bytes)) {
        *ring_of(rows, address) = (mr_ring){0};
        return;
    }
    const ring_name name = name_of_row(rows, row);
    const mr_addr first = first_of(rows, &name);
    *ring_of(rows, address) = (mr_ring){.next = address, .before = address};
    if (first == 0) {
        mr_table_insert(&rows->owners, name.hash, address);
        return;
    }
    mr_addr later = 0;
    if (rows->stretch_ms > 0) {
        later = first_later(rows, first, mr_entry_time(rows, row), mr_entry_number(rows, row));
    }
    const mr_addr next = later == 0 ? first : later;
    link_rows(rows, before_of(rows, next), address);
    link_rows(rows, address, next);
    if (later == first) mr_table_replace(&rows->owners, name.hash, first, address);
}

void mr_ring_remove(mr_rows *rows, mr_row *row) {
    if (is_alone(rows, mr_row_key(rows, row), row->key_bytes)) return;
    const ring_name name = name_of_row(rows, row);
    const mr_addr address = mr_addr_of(row);
    const mr_addr next = next_of(rows, address);
    mr_row_leave(rows, row, false);
    if (next == address) {
        mr_table_remove(&rows->owners, name.hash, address);
        return;
    }
    const bool first = first_of(rows, &name) == address;
    link_rows(rows, before_of(rows, address), next);
    if (first) mr_table_replace(&rows->owners, name.hash, address, next);
}

void mr_ring_rehang(mr_rows *rows, mr_row *row) {
    const ring_name name = name_of_row(rows, row);
    const mr_addr first = first_of(rows, &name);
    const mr_addr address = mr_addr_of(row);
    if (first == address) { /* A ring that begins with the next ends with this one. */
        mr_table_replace(&rows->owners, name.hash, address, next_of(rows, address));
        return;
    }
    link_rows(rows, before_of(rows, address), next_of(rows, address));
    link_rows(rows, before_of(rows, first), address);
    link_rows(rows, address, first);
}

mr_status mr_ring_last(mr_rows *rows, const uint8_t *key, uint32_t key_bytes, double passed_ms,
                       mr_addr *row) {
    const mr_addr first = first_of_key(rows, key, key_bytes);
    mr_addr last = *row != 0 ? *row : first == 0 ? 0 : before_of(rows, first);
    for (uint32_t looks = 0; last != 0; looks++) {
        *row = last;
        if (!mr_row_expired(rows, mr_row_at(last), passed_ms)) {
            mr_row_reach(rows, mr_row_at(last));
            return MR_OK;
        }
        if (looks == LOOKS_MAX) return MR_MORE;
        last = last == first ? 0 : before_of(rows, last);
    }
    *row = 0;
    return MR_OK;
}

/* Rows may have come and gone since the last page, its last row as well: then the ring is gone
 * through once more, past those whose birth says that they were given. */
mr_status mr_ring_page(mr_rows *rows, const uint8_t *key, uint32_t key_bytes, mr_entries *page) {
    const mr_addr first = first_of_key(rows, key, key_bytes);
    mr_addr row = first;
    if (first != 0 && page->row != 0 && page->changes == (double)rows->changes) {
        row = next_of(rows, page->row);
        if (row == first) row = 0;
    }
    page->count = 0;
    page->changes = (double)rows->changes;
    for (uint32_t looks = 0; row != 0; looks++) {
        if (page->count == MR_ENTRIES_PAGE || looks == LOOKS_MAX) return MR_MORE;
        const double birth = (double)mr_row_birth(mr_row_at(row));
        page->row = row;
        if (birth >= page->birth) {
            page->birth = birth + 1;
            const bool gone = mr_row_expired(rows, mr_row_at(row), page->clock_ms);
            if (!gone) {
                mr_row_reach(rows, mr_row_at(row));
                page->rows[page->count++] = row;
            }
        }
        row = next_of(rows, row);
        if (row == first) row = 0;
    }
    return MR_OK;
}

/* ---- leaving ---- */

bool mr_row_leaves(const mr_rows *rows, mr_row *row) {
    return rows->ring_at != 0 && (ring_of(rows, mr_addr_of(row))->before & LEAVES) != 0;
}

void mr_row_leave(mr_rows *rows, mr_row *row, bool leaves) {
    if (mr_row_leaves(rows, row) == leaves) return;
    ring_of(rows, mr_addr_of(row))->before ^= LEAVES;
    const uint64_t weight = mr_row_weight(rows, row);
    rows->leaving += leaves ? 1u : UINT32_MAX; /* Or one fewer. */
    rows->leaving_bytes += leaves ? weight : (uint64_t)0 - weight;
}

mr_status mr_ring_drop(mr_rows *rows, const uint8_t *key, uint32_t key_bytes, uint32_t steps) {
    mr_addr row = first_of_key(rows, key, key_bytes);
    for (; row != 0 && mr_row_leaves(rows, mr_row_at(row)); steps--) {
        if (steps == 0) return MR_MORE;
        const mr_addr next = next_of(rows, row);
        mr_rows_remove(rows, mr_row_at(row));
        row = next == row ? 0 : next;
    }
    return MR_OK;
}

/* ---- rows by key ---- */

static mr_row *row_of(const mr_rows *rows, const mr_keyed *keyed) {
    const mr_addr row = mr_rows_lookup(rows, keyed->hash, keyed->key, keyed->key_bytes);
    return row == 0 ? NULL : mr_row_at(row);
}

mr_row *mr_keyed_look(const mr_rows *rows, const mr_keyed *keyed, double clock_ms) {
    mr_row *row = row_of(rows, keyed);
    return row != NULL && mr_row_expired(rows, row, clock_ms) ? NULL : row;
}

mr_status mr_keyed_make(mr_rows *rows, const mr_keyed *keyed, const mr_moment *moment,
                        const uint8_t *record, mr_row **row_out) {
    mr_row *standing = row_of(rows, keyed);
    if (standing != NULL) {
        const bool later = moment->time_ms > moment->passed_ms;
        const double clock_ms = later ? moment->time_ms : moment->passed_ms;
        if (!mr_row_expired(rows, standing, clock_ms)) return mr_fail(MR_ERR_ARGUMENT, "key", 0);
        mr_rows_remove(rows, standing);
        rows->expired++;
    }
    return mr_rows_make(rows, keyed, moment, record, row_out);
}
