/* save.h -- rows as bytes: what a checkpoint writes and a restore reads.
 *
 *   block   "MRSB" u16 version  u8 parts  u8 fields  u32 entries  u32 bytes  u8 kind x fields
 *           then the entries
 *   entry   u8 what  u8 group  u16 key bytes  u64 birth  [i64 last use]  [u64 use]
 *           [u64 timer's registration  i64 its time; both 0: no timer]
 *           key, then the fields in order
 *   field   f64 | i64 | u8 | u32 size + UTF-8 | i64 milliseconds | u32 size + CBOR
 *
 * A segment is blocks one after another. Entries are logical and little-endian: no
 * address, no hash of this process. The group (of MR_KEY_GROUPS) is the fixed hash of
 * the key. An entry replaces an earlier one of the same key, so that a segment of
 * changed rows can follow a full one; `what` leaves room for tombstones. */
#ifndef MR_SAVE_H
#define MR_SAVE_H

#include "scan.h"

enum { MR_KEY_GROUPS = 128 };

/* Write rows [from, count) of the scan's page as one block; millrace.h, mr_save. */
mr_status mr_save_rows(const mr_scan_data *scan, uint32_t from, const uint8_t *ref_bytes,
                       const uint32_t *ref_offsets, uint8_t *out, uint32_t room, uint32_t *upto_out,
                       uint32_t *size_out);

/* Add the rows of all blocks in the bytes. Rows without a saved last use get `time_ms`,
 * those without a saved timer get none; timers for a state that has none are refused.
 * MR_ERR_CORRUPT: some rows are in. */
mr_status mr_load_rows(mr_rows *rows, const uint8_t *bytes, uint32_t size, double time_ms);

/* Put the least recently used order back after all loads, hang timers, and order entries. */
mr_status mr_load_finish(mr_rows *rows);

#endif
