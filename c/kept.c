/* kept.c -- rows as they were at the cut of a checkpoint; dirty.h.
 *
 *   row   [ 7 ][blob] [head][parts][key]        changes, or goes
 *   copy  [ 7 ][blob'] [head][parts][key]       is written, then freed
 *
 * A copy is in no structure and counts toward no limit of the state. Its strings, and values
 * that are still encoded, are its own; a live value has one number for both, until both have let
 * go of it (ref.h). As the value itself is one, too, the host must have written the copy before
 * it hands the value out or puts another one in its place. */
#include "row.h"

static uint32_t *cell_at(const mr_rows *rows, mr_row *row, uint32_t field) {
    return (uint32_t *)(void *)(mr_row_record(rows, row) + rows->layout.field_at[field]);
}

static void free_refs(mr_rows *rows, mr_addr blob, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        mr_ref_release(rows->refs, rows->heap, mr_cells(blob)[i]);
    mr_blob_release(rows->heap, blob);
}

/* Let go of what the first fields hold, and of the row. */
static void free_fields(mr_rows *rows, mr_row *row, uint32_t fields) {
    for (uint32_t i = 0; i < fields; i++) {
        const uint32_t kind = rows->layout.field_kind[i];
        if (!mr_is_held(kind)) continue;
        const uint32_t cell = *cell_at(rows, row, i);
        if (kind == MR_STRING) mr_blob_release(rows->heap, cell);
        if (kind == MR_REF) mr_ref_release(rows->refs, rows->heap, cell);
        if (kind == MR_REFS && cell != 0) free_refs(rows, cell, mr_cells_count(cell));
    }
    mr_row_free(rows, row);
}

static mr_addr copy_blob(mr_rows *rows, mr_addr blob) {
    return mr_blob_make(rows->heap, mr_blob_bytes(blob), mr_blob_size(blob));
}

/* What the copy of a cell that holds something holds; 0: there is no memory. */
static uint32_t copy_ref(mr_rows *rows, uint32_t cell) {
    if ((cell & MR_REF_ENCODED) == 0) {
        mr_ref_share(rows->refs, cell);
        return cell;
    }
    const mr_addr copy = copy_blob(rows, mr_ref_blob(cell));
    return copy == 0 ? 0 : mr_ref_of_blob(copy);
}

static mr_addr copy_refs(mr_rows *rows, mr_addr blob) {
    const mr_addr copy = copy_blob(rows, blob);
    if (copy == 0) return 0;
    uint32_t *cells = mr_cells(copy);
    for (uint32_t i = 0; i < mr_cells_count(copy); i++) {
        if (cells[i] == 0) continue;
        cells[i] = copy_ref(rows, cells[i]);
        if (cells[i] != 0) continue;
        free_refs(rows, copy, i);
        return 0;
    }
    return copy;
}

static uint32_t copy_cell(mr_rows *rows, uint32_t kind, uint32_t cell) {
    if (kind == MR_REF) return copy_ref(rows, cell);
    return kind == MR_REFS ? copy_refs(rows, cell) : copy_blob(rows, cell);
}

/* Rows are small: memory.copy is a call of the host's, which takes longer than this. */
static void copy_words(uint64_t *to, const uint64_t *from, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        to[i] = from[i];
        __asm__ volatile("" ::: "memory"); /* Else it is made one. */
    }
}

mr_addr mr_kept_copy(mr_rows *rows, mr_row *row) {
    const uint32_t bytes = mr_row_bytes(rows, row->key_bytes);
    const mr_addr memory = mr_heap_alloc(rows->heap, bytes);
    if (memory == 0) return 0;
    mr_row *made = mr_row_at(memory + rows->layout.record_bytes);
    copy_words(mr_at(memory), (const uint64_t *)(const void *)mr_row_record(rows, row), bytes / 8);
    made->segment = MR_KEPT;
    for (uint32_t i = 0; i < rows->layout.field_count; i++) {
        const uint32_t kind = rows->layout.field_kind[i];
        uint32_t *cell = cell_at(rows, made, i);
        if (!mr_is_held(kind) || *cell == 0) continue;
        *cell = copy_cell(rows, kind, *cell);
        if (*cell != 0) continue;
        free_fields(rows, made, i);
        return 0;
    }
    return mr_addr_of(made);
}

void mr_kept_free(mr_rows *rows, mr_row *copy) {
    free_fields(rows, copy, rows->layout.field_count);
}
