/* dirty.c -- see dirty.h. */
#include "row.h"

static mr_age *age_of(const mr_rows *rows, mr_addr row) {
    return mr_row_part(mr_row_at(row), rows->age_at);
}

static void append(mr_rows *rows, mr_row *row) {
    mr_dirty *dirty = &rows->dirty;
    const mr_addr address = mr_addr_of(row);
    row->segment = dirty->next;
    *age_of(rows, address) = (mr_age){.newer = 0, .older = dirty->newest};
    if (dirty->newest != 0) {
        age_of(rows, dirty->newest)->newer = address;
    } else {
        dirty->oldest = address;
    }
    dirty->newest = address;
    if (dirty->first == 0) dirty->first = address;
    if (dirty->fresh == 0) dirty->fresh = address;
    dirty->changed++;
    dirty->changed_now++;
}

static void unlink_age(mr_rows *rows, mr_row *row) {
    mr_dirty *dirty = &rows->dirty;
    const mr_addr address = mr_addr_of(row);
    const mr_age age = *age_of(rows, address);
    *(age.newer != 0 ? &age_of(rows, age.newer)->older : &dirty->newest) = age.older;
    *(age.older != 0 ? &age_of(rows, age.older)->newer : &dirty->oldest) = age.newer;
    if (dirty->first == address) dirty->first = age.newer;
    if (dirty->fresh == address) dirty->fresh = age.newer;
    if (row->segment > dirty->saved) dirty->changed--;
    if (row->segment == dirty->next) dirty->changed_now--;
}

static void add_grave(mr_rows *rows, mr_graves *graves, mr_addr row) {
    age_of(rows, row)->newer = 0;
    *(graves->last != 0 ? &age_of(rows, graves->last)->newer : &graves->first) = row;
    graves->last = row;
    graves->count++;
}

static void free_graves(mr_rows *rows, mr_graves *graves) {
    for (mr_addr row = graves->first; row != 0;) {
        const mr_addr next = age_of(rows, row)->newer;
        mr_row_free(rows, mr_row_at(row));
        row = next;
    }
    *graves = (mr_graves){0};
}

void mr_dirty_open(mr_rows *rows) { rows->dirty.next = 1; }

void mr_dirty_close(mr_rows *rows) {
    free_graves(rows, &rows->dirty.graves);
    free_graves(rows, &rows->dirty.frozen_graves);
}

void mr_dirty_born(mr_rows *rows, mr_row *row) {
    row->segment = 0;
    if (rows->age_at != 0) append(rows, row);
}

void mr_dirty_again(mr_rows *rows, mr_row *row) {
    unlink_age(rows, row);
    append(rows, row);
}

void mr_dirty_gone(mr_rows *rows, mr_row *row) {
    if (row->segment == 0) return;
    unlink_age(rows, row);
    row->segment = 0;
    if (mr_row_birth(row) >= rows->dirty.known_births) return;
    row->segment = MR_GRAVE;
    add_grave(rows, &rows->dirty.graves, mr_addr_of(row));
}

/* ---- checkpoints ---- */

mr_addr mr_dirty_after(const mr_rows *rows, mr_addr row) {
    return row == 0 ? rows->dirty.first : age_of(rows, row)->newer;
}

mr_addr mr_dirty_grave_after(const mr_rows *rows, mr_addr grave) {
    return grave == 0 ? rows->dirty.graves.first : age_of(rows, grave)->newer;
}

bool mr_dirty_rewrite(mr_rows *rows) {
    const mr_addr oldest = rows->dirty.oldest;
    if (oldest == 0 || oldest == rows->dirty.first) return false;
    mr_dirty_again(rows, mr_row_at(oldest));
    return true;
}

void mr_dirty_written(mr_rows *rows, mr_row *row, uint32_t segment) {
    row->segment = segment;
    rows->dirty.next = segment + 1;
}

void mr_dirty_freeze(mr_rows *rows) {
    mr_dirty *dirty = &rows->dirty;
    dirty->settled = dirty->next;
    dirty->next++; /* Also where nothing was written. */
    dirty->known_births = rows->births;
    dirty->fresh = 0;
    dirty->changed_now = 0;
    dirty->frozen_graves = dirty->graves;
    dirty->graves = (mr_graves){0};
}

void mr_dirty_end(mr_rows *rows, bool saved) {
    mr_dirty *dirty = &rows->dirty;
    if (dirty->settled == dirty->saved) return; /* Nothing is frozen. */
    if (saved) {
        mr_rows_evicted_free(rows); /* Their memory may be graves'. */
        dirty->saved = dirty->settled;
        dirty->first = dirty->fresh;
        dirty->changed = dirty->changed_now;
        free_graves(rows, &dirty->frozen_graves);
        return;
    }
    dirty->settled = dirty->saved;
    while (dirty->frozen_graves.first != 0) {
        const mr_addr row = dirty->frozen_graves.first;
        dirty->frozen_graves.first = age_of(rows, row)->newer;
        add_grave(rows, &dirty->graves, row);
    }
    dirty->frozen_graves = (mr_graves){0};
}

void mr_dirty_loaded(mr_rows *rows) {
    const bool unknown = rows->dirty.unknown;
    rows->dirty.unknown = false;
    if (rows->age_at == 0 || unknown) return;
    mr_dirty_end(rows, false); /* One that goes on is given up. */
    mr_dirty_freeze(rows);
    mr_dirty_end(rows, true);
}
