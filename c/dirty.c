/* dirty.c -- see dirty.h. */
#include "row.h"

static mr_age *age_of(const mr_rows *rows, mr_addr row) {
    return mr_row_part(mr_row_at(row), rows->age_at);
}

/* ---- the list ---- */

/* Put a row before another one, or at the new end (0), among those that changed. */
static void insert(mr_rows *rows, mr_row *row, mr_addr before, uint32_t number) {
    mr_dirty *dirty = &rows->dirty;
    const mr_addr address = mr_addr_of(row);
    const mr_addr older = before != 0 ? age_of(rows, before)->older : dirty->newest;
    row->segment = number;
    *age_of(rows, address) = (mr_age){.newer = before, .older = older};
    *(older != 0 ? &age_of(rows, older)->newer : &dirty->oldest) = address;
    *(before != 0 ? &age_of(rows, before)->older : &dirty->newest) = address;
    if (dirty->first == before) dirty->first = address;
    dirty->changed++;
}

static void append(mr_rows *rows, mr_row *row) {
    mr_dirty *dirty = &rows->dirty;
    const mr_addr address = mr_addr_of(row);
    insert(rows, row, 0, dirty->mark);
    if (dirty->turn == 0) dirty->turn = address;
    if (dirty->fresh == 0) dirty->fresh = address;
    dirty->changed_now++;
}

static void unlink_age(mr_rows *rows, mr_row *row) {
    mr_dirty *dirty = &rows->dirty;
    const mr_addr address = mr_addr_of(row);
    const mr_age age = *age_of(rows, address);
    *(age.newer != 0 ? &age_of(rows, age.newer)->older : &dirty->newest) = age.older;
    *(age.older != 0 ? &age_of(rows, age.older)->newer : &dirty->oldest) = age.newer;
    if (dirty->first == address) dirty->first = age.newer;
    if (dirty->turn == address) dirty->turn = age.newer;
    if (dirty->fresh == address) dirty->fresh = age.newer;
    if (row->segment > dirty->saved) dirty->changed--;
    if (row->segment == dirty->mark) dirty->changed_now--;
}

/* A row is written, or will be as it is now. */
static void settle(mr_rows *rows, mr_row *row, uint32_t segment) {
    unlink_age(rows, row);
    insert(rows, row, rows->dirty.turn, segment);
}

/* ---- chains ---- */

static void chain_add(mr_rows *rows, mr_chain *chain, mr_addr row) {
    age_of(rows, row)->newer = 0;
    *(chain->last != 0 ? &age_of(rows, chain->last)->newer : &chain->first) = row;
    chain->last = row;
    chain->count++;
}

/* Take the first one off, which there is. */
static mr_addr chain_take(mr_rows *rows, mr_chain *chain) {
    const mr_addr row = chain->first;
    chain->first = age_of(rows, row)->newer;
    if (chain->first == 0) chain->last = 0;
    return row;
}

static void free_graves(mr_rows *rows, mr_chain *graves) {
    while (graves->first != 0)
        mr_row_free(rows, mr_row_at(chain_take(rows, graves)));
    graves->count = 0;
}

static void free_kept(mr_rows *rows) {
    while (rows->dirty.kept.first != 0)
        mr_kept_free(rows, mr_row_at(chain_take(rows, &rows->dirty.kept)));
    rows->dirty.kept.count = 0;
}

/* Tear the checkpoint for memory. */
static bool give_back(mr_lender *lender) {
    const size_t at = offsetof(mr_rows, dirty) + offsetof(mr_dirty, lender);
    mr_rows *rows = (mr_rows *)(void *)((uint8_t *)lender - at);
    if (rows->dirty.kept.first == 0) return false;
    rows->dirty.torn = true;
    free_kept(rows);
    return true;
}

void mr_dirty_open(mr_rows *rows) {
    rows->dirty.lender.give_back = give_back;
    rows->dirty.next = 1;
    rows->dirty.mark = MR_MARKS;
}

void mr_dirty_close(mr_rows *rows) {
    if (rows->dirty.cut != 0) mr_heap_unlend(rows->heap, &rows->dirty.lender);
    free_kept(rows);
    free_graves(rows, &rows->dirty.graves);
    free_graves(rows, &rows->dirty.frozen_graves);
}

/* ---- rows come, change and go ---- */

/* Of rows that are pending no more, and stand where they stood. */
static uint32_t copied_mark(const mr_dirty *dirty) { return dirty->cut + 1; }

static bool is_pending(const mr_dirty *dirty, const mr_row *row) {
    const uint32_t number = row->segment;
    if (number <= dirty->clean || number > dirty->cut) return false;
    return number < dirty->begun || number >= MR_MARKS; /* Else it is written. */
}

void mr_dirty_keep(mr_rows *rows, mr_row *row) {
    mr_dirty *dirty = &rows->dirty;
    if (!is_pending(dirty, row)) return;
    const mr_addr copy = dirty->torn ? 0 : mr_kept_copy(rows, row);
    if (row->segment > dirty->saved) {
        row->segment = copied_mark(dirty); /* Mostly it changes now, and moves once. */
    } else {
        settle(rows, row, dirty->next); /* The copy's segment, or one before. */
    }
    if (copy == 0) {
        dirty->torn = true;
    } else {
        chain_add(rows, &dirty->kept, copy);
    }
}

/* A row will not be any more what a checkpoint that goes on has of it. */
static void leave_cut(mr_dirty *dirty, const mr_row *row) {
    if (dirty->cut == 0) return;
    MR_ASSERT(!is_pending(dirty, row));
    const bool copied = row->segment == copied_mark(dirty);
    const uint32_t segment = copied ? dirty->begun : row->segment;
    if (segment < dirty->floor) dirty->floor = segment;
}

void mr_dirty_born(mr_rows *rows, mr_row *row) {
    row->segment = 0;
    if (rows->age_at != 0) append(rows, row);
}

void mr_dirty_again(mr_rows *rows, mr_row *row) {
    if (row->segment == 0 || row->segment == MR_GRAVE) return;
    leave_cut(&rows->dirty, row);
    unlink_age(rows, row);
    append(rows, row);
}

void mr_dirty_gone(mr_rows *rows, mr_row *row) {
    if (row->segment == 0) return;
    leave_cut(&rows->dirty, row);
    unlink_age(rows, row);
    row->segment = 0;
    if (mr_row_birth(row) >= rows->dirty.known_births) return;
    row->segment = MR_GRAVE;
    chain_add(rows, &rows->dirty.graves, mr_addr_of(row));
}

/* ---- checkpoints ---- */

void mr_dirty_begin(mr_rows *rows, bool all) {
    mr_dirty *dirty = &rows->dirty;
    MR_ASSERT(!dirty->saving && dirty->mark < MR_KEPT_WRITTEN - 2);
    mr_rows_evicted_free(rows); /* Their memory may be graves' of the cut; who wanted has looked. */
    mr_heap_lend(rows->heap, &dirty->lender);
    dirty->checkpoints++;
    dirty->saving = true;
    dirty->torn = false;
    dirty->cut = dirty->mark;
    dirty->mark += 2;
    dirty->clean = all ? 0 : dirty->saved;
    dirty->begun = dirty->next;
    dirty->floor = UINT32_MAX;
    dirty->known_births = rows->births;
    dirty->turn = dirty->first;
    dirty->fresh = 0;
    dirty->changed_now = 0;
    dirty->frozen_graves = dirty->graves;
    dirty->graves = (mr_chain){0};
}

mr_addr mr_dirty_next(const mr_rows *rows, mr_dirty_sort sort, mr_addr row) {
    const mr_dirty *dirty = &rows->dirty;
    const mr_addr from[] = {
        [MR_DIRTY_KEPT] = dirty->kept.first,
        [MR_DIRTY_GRAVES] = dirty->frozen_graves.first,
        [MR_DIRTY_PENDING] = dirty->turn,
        [MR_DIRTY_OLD] = dirty->oldest,
    };
    const mr_addr upto[] = {[MR_DIRTY_PENDING] = dirty->fresh, [MR_DIRTY_OLD] = dirty->first};
    const mr_addr next = row == 0 ? from[sort] : age_of(rows, row)->newer;
    return next == upto[sort] ? 0 : next;
}

void mr_dirty_written(mr_rows *rows, mr_row *row, uint32_t segment) {
    rows->dirty.next = segment;
    if (row->segment == segment || row->segment == MR_KEPT_WRITTEN) return; /* Once more. */
    if (row->segment == MR_KEPT) {
        row->segment = MR_KEPT_WRITTEN;
        rows->dirty.kept.count--;
    } else {
        settle(rows, row, segment);
    }
}

void mr_dirty_swept(mr_rows *rows) {
    mr_chain *kept = &rows->dirty.kept;
    while (kept->first != 0 && mr_row_at(kept->first)->segment == MR_KEPT_WRITTEN)
        mr_kept_free(rows, mr_row_at(chain_take(rows, kept)));
}

void mr_dirty_done(mr_rows *rows) {
    mr_dirty *dirty = &rows->dirty;
    if (dirty->cut == 0) return;
    mr_heap_unlend(rows->heap, &dirty->lender);
    dirty->cut = 0;
    dirty->next++; /* Also where nothing was written. */
}

void mr_dirty_end(mr_rows *rows, bool saved) {
    mr_dirty *dirty = &rows->dirty;
    if (!dirty->saving) return;
    dirty->saving = false;
    free_kept(rows);
    mr_dirty_done(rows);
    if (saved) {
        dirty->saved = dirty->next - 1;
        dirty->first = dirty->fresh;
        dirty->changed = dirty->changed_now;
        free_graves(rows, &dirty->frozen_graves);
        return;
    }
    while (dirty->frozen_graves.first != 0)
        chain_add(rows, &dirty->graves, chain_take(rows, &dirty->frozen_graves));
    dirty->frozen_graves = (mr_chain){0};
}

/* ---- loading ---- */

void mr_dirty_load(mr_rows *rows, uint32_t segment) {
    mr_dirty_end(rows, false); /* One that goes on is given up. */
    if (rows->age_at == 0 || rows->dirty.unknown) return;
    if (rows->dirty.mark >= MR_MARKS && rows->dirty.oldest != 0) rows->dirty.marked = true;
    rows->dirty.next = segment;
    rows->dirty.mark = segment;
}

void mr_dirty_loaded(mr_rows *rows) {
    mr_dirty *dirty = &rows->dirty;
    const bool unknown = dirty->unknown;
    dirty->unknown = false;
    if (rows->age_at == 0 || unknown) return;
    mr_dirty_end(rows, false);
    if (dirty->marked || dirty->mark >= MR_MARKS) { /* Rows stood before. */
        for (mr_addr row = dirty->oldest; row != 0; row = age_of(rows, row)->newer) {
            if (mr_row_at(row)->segment >= MR_MARKS) mr_row_at(row)->segment = dirty->next;
        }
    }
    dirty->marked = false;
    dirty->mark = MR_MARKS;
    mr_dirty_begin(rows, false);
    mr_dirty_end(rows, true);
}
