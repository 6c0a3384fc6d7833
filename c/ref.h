/* ref.h -- numbers of values that live on the host's side.
 *
 * The host gives each live value a number and puts it into a cell of a row. When a
 * row goes, its numbers are chained through next[], so that letting go never
 * allocates and never calls the host:
 *
 *   dropped -> 7 -> 3 -> 12 -> 0        next[7] = 3, next[3] = 12, next[12] = 0
 *
 * A restored value is bytes in a blob until the host first asks for it; its cell
 * has the top bit set and holds the blob's address / 8.
 *
 * The copy of a row for a checkpoint (kept.c) shares the numbers of the row: next[] then has
 * MR_REF_SHARED + how many copies there are, and who is the last to let go drops the number.
 *
 * A blob may end with cells, as many as its second word says:
 *
 *   [u32 size][u32 count][anything ...][cell][cell]...      a field of kind MR_REFS
 *
 * Invariant: external_bytes of the heap = MR_REF_BYTES x numbers that cells hold. */
#ifndef MR_REF_H
#define MR_REF_H

#include "alloc.h"

#define MR_REF_ENCODED 0x80000000u /* In a cell. */
#define MR_REF_SHARED 0x80000000u  /* In next[]: no number has it. */

/* Make numbers below `capacity` usable. MR_ERR_MEMORY: nothing changed. */
mr_status mr_refs_grow(mr_refs *refs, mr_heap *heap, uint32_t capacity);

/* So many more cells hold a number. MR_ERR_MEMORY when the estimate exceeds the budget. */
mr_status mr_refs_take(mr_heap *heap, uint32_t count);

/* The cell of a copy holds `number`, too. */
void mr_ref_share(mr_refs *refs, uint32_t number);

/* A cell that held `number` is gone. */
void mr_ref_drop(mr_refs *refs, mr_heap *heap, uint32_t number);

/* What a cell holds is let go of: a number, or encoded bytes, or nothing. */
void mr_ref_release(mr_refs *refs, mr_heap *heap, uint32_t cell);

/* A blob: u32 size, then the bytes, or zeros for NULL. 0 when there is no memory. */
mr_addr mr_blob_make(mr_heap *heap, const uint8_t *bytes, uint32_t size);
void mr_blob_release(mr_heap *heap, mr_addr blob);

static inline uint32_t mr_blob_size(mr_addr blob) { return *(const uint32_t *)mr_at(blob); }
static inline const uint8_t *mr_blob_bytes(mr_addr blob) {
    return (const uint8_t *)mr_at(blob) + sizeof(uint32_t);
}

/* The cells of a blob of refs, of which there is one. */
static inline uint32_t mr_cells_count(mr_addr blob) { return ((const uint32_t *)mr_at(blob))[1]; }
static inline uint32_t *mr_cells(mr_addr blob) {
    const uint32_t words = 1 + mr_blob_size(blob) / (uint32_t)sizeof(uint32_t);
    return (uint32_t *)mr_at(blob) + words - mr_cells_count(blob);
}

static inline mr_addr mr_ref_blob(uint32_t cell) { return (cell & ~MR_REF_ENCODED) << 3; }
static inline uint32_t mr_ref_of_blob(mr_addr blob) { return MR_REF_ENCODED | (blob >> 3); }

#endif
