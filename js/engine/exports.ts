/**
 * The module's exports as TypeScript sees them: one line per `MR_API` of c/millrace.h, where the
 * words are. Handles, addresses and sizes are numbers; statuses are 0, positive for "more" and
 * negative for a refusal.
 */
export interface Exports {
  readonly memory: WebAssembly.Memory
  readonly _initialize?: () => void
  mr_engine_open(options: number, engineOut: number): number
  mr_engine_close(engine: number): number
  mr_engine_memory(engine: number, memoryOut: number): number
  mr_alloc(engine: number, bytes: number, addressOut: number): number
  mr_free(engine: number, address: number, bytes: number): number
  mr_error_name(): number
  mr_error_value(): number
  mr_scratch(): number
  mr_checksum(bytes: number, size: number, checksumOut: number): number
  mr_refs_reserve(engine: number, capacity: number, refsOut: number): number
  mr_ref_decoded(op: number, cell: number, number: number): number
  mr_ref_put(op: number, row: number, field: number, number: number): number
  mr_batch_open(engine: number, batchOut: number): number
  mr_batch_close(batch: number): number
  mr_batch_reserve(
    batch: number,
    rows: number,
    keyBytes: number,
    columns: number,
    columnsOut: number,
  ): number
  mr_batch_reserve_keys(batch: number, keyBytes: number): number
  mr_operator_open(engine: number, spec: number, operatorOut: number): number
  mr_operator_close(op: number): number
  mr_operator_layout(op: number, layoutOut: number): number
  mr_operator_stats(op: number, statsOut: number): number
  mr_operator_push(
    op: number,
    batch: number,
    from: number,
    uptoOut: number,
    results: number,
  ): number
  mr_operator_advance(op: number, watermarkMs: number, results: number): number
  mr_operator_expire(op: number, timeMs: number, steps: number): number
  mr_operator_results(op: number, rows: number, count: number, results: number): number
  mr_aggregate_merge(op: number, into: number, from: number): number
  mr_find(op: number, batch: number, foundOut: number): number
  mr_row_look(op: number, index: number, timeMs: number, rowOut: number): number
  mr_row_enter(op: number, index: number): number
  mr_row_create(op: number, index: number, record: number): number
  mr_row_touch(op: number, index: number, written: number): number
  mr_row_remove(op: number, index: number): number
  mr_row_drop(op: number, row: number): number
  mr_session_event(op: number, index: number, takes: number): number
  mr_row_carry(op: number, from: number, row: number, record: number, rowOut: number): number
  mr_key_look(op: number, key: number, keyBytes: number, clockMs: number, rowOut: number): number
  mr_key_make(
    op: number,
    key: number,
    keyBytes: number,
    timeMs: number,
    passedMs: number,
    record: number,
    rowOut: number,
  ): number
  mr_row_use(op: number, row: number, timeMs: number, passedMs: number, written: number): number
  mr_entries_next(op: number, key: number, keyBytes: number, page: number): number
  mr_entry_last(op: number, key: number, keyBytes: number, passedMs: number, row: number): number
  mr_entry_leave(op: number, row: number, leaves: number): number
  mr_entries_drop(op: number, key: number, keyBytes: number): number
  mr_evicted_free(op: number): number
  mr_timer_set(op: number, row: number, timeMs: number): number
  mr_timer_clear(op: number, row: number): number
  mr_timer_peek(op: number, uptoMs: number, dueOut: number): number
  mr_timer_take(op: number, uptoMs: number, dueOut: number): number
  mr_blob_new(op: number, bytes: number, size: number, blobOut: number): number
  mr_blob_free(op: number, blob: number): number
  mr_scan_open(op: number, timeMs: number, scanOut: number): number
  mr_scan_close(scan: number): number
  mr_savepoint_scan(op: number, timeMs: number, scanOut: number): number
  mr_scan_next(scan: number, rowsMax: number, pageOut: number): number
  mr_changes_of(op: number, changesOut: number): number
  mr_changes_scan(op: number, rewrite: number, scanOut: number): number
  mr_changes_end(op: number, saved: number): number
  mr_row_changes(op: number, row: number): number
  mr_save(
    scan: number,
    from: number,
    refBytes: number,
    refOffsets: number,
    out: number,
    room: number,
    segment: number,
    uptoOut: number,
    sizeOut: number,
  ): number
  mr_load(op: number, bytes: number, size: number, timeMs: number, segment: number): number
  mr_load_begin(op: number, rows: number): number
  mr_load_end(op: number): number
}
