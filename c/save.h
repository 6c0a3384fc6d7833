/* save.h -- rows as bytes: what a checkpoint writes and a restore reads.
 *
 *   block   "MRSB" u16 version  u8 parts  u8 fields  u32 entries  u32 bytes  u8 kind x fields
 *           then the entries
 *   entry   u8 what  u8 group  u16 key bytes  then of a tombstone the key, of a row
 *           u64 birth  [i64 last use]  [u64 use]
 *           [u64 timer's registration  i64 its time; both 0: no timer]
 *           key, then the fields in order
 *   field   f64 | i64 | u8 | u32 size + UTF-8 | i64 milliseconds | u32 size + CBOR
 *
 * A segment is blocks one after another. Entries are logical and little-endian: no
 * address, no hash of this process. The group (of MR_KEY_GROUPS) is the fixed hash of
 * the key.
 *
 * A checkpoint writes what changed since the last one; a restore reads the segments of the
 * chain in order, and an entry replaces an earlier one of its key, a tombstone removes it:
 *
 *   segments  [a b c d]  [b -c e] [b f a] [e d]     d did not change then: it was the oldest
 *             ^ of no use from then on: all that it holds was written again, or went
 *
 * So that the chain stays short, each checkpoint that writes anything writes as many old rows
 * again as changed or went, those first that were written longest ago, and at least one in 256
 * of those that stand. Of n rows a chain then has at most 2 n entries and its first segment,
 * and segments of 257 checkpoints. Proof: say k rows were written before the last of the first
 * segment and are elsewhere by now. The other n - k stand in the chain once, where they were
 * written then; of the k, at most k were rewritten, once each, because what is rewritten is
 * always older; and no more than were rewritten can have changed or gone meanwhile.
 *
 * What is saved is the cut, and rows change while it is written (dirty.h). The segment that the
 * cut has such a row in stays for this checkpoint; in the next one the row is among those that
 * changed. So a chain has the segments of which the proof speaks, those of this checkpoint, and
 * for one checkpoint more those that were of use when it began.
 *
 * As rows go, n itself shrinks: a checkpoint that might leave more than 3 n entries and the
 * first segment writes all rows. The host decides that, which keeps the chain: js/chain.ts. */
#ifndef MR_SAVE_H
#define MR_SAVE_H

#include "scan.h"

enum { MR_KEY_GROUPS = 128 };

/* The encoded refs of a page, and where to write. */
typedef struct mr_save_to {
    const uint8_t *ref_bytes;
    const uint32_t *ref_offsets;
    uint8_t *out;
    uint32_t room;
    uint32_t segment;
} mr_save_to;

/* Write rows [from, count) of the scan's page as one block; millrace.h, mr_save. */
mr_status mr_save_rows(const mr_scan_data *scan, uint32_t from, const mr_save_to *to,
                       uint32_t *upto_out, uint32_t *size_out);

/* Add the rows of all blocks in the bytes. Rows without a saved last use get `time_ms`,
 * those without a saved timer get none; timers for a state that has none are refused.
 * MR_ERR_CORRUPT: some rows are in. */
mr_status mr_load_rows(mr_rows *rows, const uint8_t *bytes, uint32_t size, double time_ms);

/* Put the least recently used order back after all loads, hang timers, and order entries. */
mr_status mr_load_finish(mr_rows *rows);

#endif
