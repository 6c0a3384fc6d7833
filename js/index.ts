/**
 * Millrace: keyed state for streams, in every JavaScript runtime.
 *
 * @packageDocumentation
 */
export { outputTag } from "./tag.ts"
export type { AnyTag, Tag } from "./tag.ts"
export type { ErrorAnswer, ErrorEvent, ErrorOptions } from "./on_error.ts"
export { KeyedStream, Stream, Windowed } from "./keyed.ts"
export { Broadcast, Connected, ConnectedBroadcast } from "./connected.ts"
export { from } from "./from.ts"
export type { EventOf, StreamOf } from "./stream.ts"
export type { AggregateRow, WindowRow } from "./aggregate_types.ts"
export { run } from "./handles.ts"
export type { Job, JobBase, Jobs, Streams } from "./handles.ts"
export { Delivery } from "./sinks/sink.ts"
export type { AtLeastOnceSink, ExactlyOnceSink, NumberedSink } from "./sinks/sink.ts"
export type { Sink, TransactionalSink } from "./sinks/sink.ts"
export { transactionalSink } from "./sinks/transactional.ts"
export type { TransactionalOptions } from "./sinks/transactional.ts"
export { upsertSink } from "./sinks/upsert.ts"
export type { UpsertOptions } from "./sinks/upsert.ts"
export type { JobListeners } from "./listeners.ts"
export type { RestartOptions } from "./restarts.ts"
export type { RunOptions } from "./run.ts"
export type {
  Explanation,
  OperatorExplanation,
  SourceExplanation,
  StateExplanation,
  TimerExplanation,
  WindowExplanation,
} from "./explain.ts"
export type { CheckpointStats, JobStats, OperatorStats, Restored } from "./stats.ts"
export type { MemoryStats } from "./engine/engine.ts"
export type { AggregateOptions } from "./operators/aggregate.ts"
export { Aggregate, count, max, mean, min, stddev, sum, variance } from "./operators/aggregates.ts"
export type { AggregateFieldOptions, SpreadOptions } from "./operators/aggregates.ts"
export {
  argMax,
  argMin,
  collect,
  countDistinct,
  first,
  last,
  ValueAggregate,
} from "./operators/picks.ts"
export { approxDistinct, ewma, quantile, sample, topK } from "./operators/sketches.ts"
export type {
  ApproxDistinctOptions,
  EwmaOptions,
  QuantileOptions,
  Quantiles,
  SampleOptions,
  TopKOptions,
} from "./operators/sketches.ts"
export type { TopValue } from "./sketches/space_saving.ts"
export {
  countWindow,
  globalWindow,
  sessions,
  sliding,
  slidingCount,
  slidingEach,
  tumbling,
} from "./windows/assigner.ts"
export type {
  AlignOptions,
  Assigner,
  AssignWindows,
  CountWindowOptions,
  SessionsOptions,
  WindowRange,
} from "./windows/assigner.ts"
export {
  delta,
  every,
  keepLast,
  onCount,
  onProcessingTime,
  onWatermark,
  purging,
  within,
} from "./windows/trigger.ts"
export type {
  Evictor,
  Trigger,
  TriggerContext,
  TriggerResult,
  TriggerTimers,
  Within,
} from "./windows/trigger.ts"
export type { WindowOptions, WindowResultOptions } from "./operators/window/spec.ts"
export type { CoGroupFunction, CoGroupOptions } from "./operators/window/co_group.ts"
export type { WindowProcessOptions } from "./operators/window/window.ts"
export type { WindowContext } from "./operators/window/emitters.ts"
export type { BufferOptions } from "./operators/buffer.ts"
export type { Emitted, Group, GroupFunction, GroupOptions } from "./operators/group.ts"
export { asOf, interval, windowJoin } from "./operators/join/spec.ts"
export type {
  AsOfOptions,
  AsOfSpec,
  IntervalOptions,
  IntervalSpec,
  JoinSpec,
  JoinType,
  LeftOf,
  RightOf,
  WindowJoinOptions,
  WindowJoinSpec,
} from "./operators/join/spec.ts"
export type { JoinFunction, JoinOptions, StatelessJoinOptions } from "./operators/join/join.ts"
export type { Pair } from "./operators/join/runner.ts"
export type {
  MatchContext,
  PatternFunction,
  PatternOptions,
  StatelessPatternOptions,
  TimedOutMatch,
} from "./operators/pattern/pattern.ts"
export type { PatternVerb } from "./pattern_verb.ts"
export { pattern } from "./patterns/begin.ts"
export type { ListedStep, StepOptions } from "./patterns/begin.ts"
export { and, not, or, where } from "./patterns/condition.ts"
export type {
  Comparable,
  Comparison,
  Condition,
  ConditionOf,
  Judged,
  Matched,
} from "./patterns/condition.ts"
export type { Pattern, PatternFor, Span } from "./patterns/pattern.ts"
export { noSkip, skipPastLastEvent, skipToFirst, skipToLast, skipToNext } from "./patterns/skip.ts"
export type { Skip } from "./patterns/skip.ts"
export type { HoldOptions } from "./operators/latest.ts"
export type { EvictedKey } from "./operators/evictions.ts"
export type { DeduplicateOptions } from "./operators/deduplicate.ts"
export type {
  Session,
  SessionContext,
  SessionEnd,
  SessionFunction,
  SessionOptions,
  SessionSettings,
} from "./operators/session/session.ts"
export type { ThrottleOptions } from "./operators/throttle.ts"
export type { ThrottleAlgorithm } from "./engine/operator.ts"
export type { CountOptions } from "./operators/take.ts"
export type { DistinctOptions } from "./operators/distinct.ts"
export type { TakeWhileOptions } from "./operators/take_while.ts"
export type {
  BroadcastAccessors,
  BroadcastOptions,
  ConnectOptions,
  ReadOnlyAccessors,
} from "./operators/process/connect.ts"
export type {
  Accessors,
  BroadcastContext,
  Context,
  Descriptors,
  Out,
  ProcessFunction,
  ProcessOptions,
  ProcessSettings,
  TimerScope,
} from "./operators/process/process.ts"
export type { FoldOptions } from "./operators/fold.ts"
export type { MapAsyncOptions } from "./operators/map_async.ts"
export type { AsyncContext, TryOptions } from "./operators/tries.ts"
export type { Find, LookupOptions } from "./operators/lookup.ts"
export type { CacheOptions, CacheStats } from "./operators/cache.ts"
export type { FunctionOptions } from "./operators/function_options.ts"
export type { StatefulOptions } from "./operators/map.ts"
export type { OperatorOptions } from "./graph.ts"
export type { FromOptions, Replayable } from "./sources/source.ts"
export type { EventTargetOptions } from "./sources/event_target.ts"
export type { SavepointSource } from "./savepoint_bytes.ts"
export type { StateAccess } from "./state/access.ts"
export { of, StateStorageType, Type } from "./state/config.ts"
export { StateConfigBuilder, StateConfigs, withCustomStorage } from "./state/presets.ts"
export { createStorage } from "./state/create_storage.ts"
export type {
  ChangeValue,
  CreatedStorage,
  CreateStorageOptions,
  StorageStats,
} from "./state/create_storage.ts"
export type { StateConfig, StateConfigTyped, StateConfigValue } from "./state/config.ts"
export {
  aggregatingState,
  Descriptor,
  listState,
  mapState,
  reducingState,
  valueState,
} from "./state/kinds.ts"
export type {
  AggregateSteps,
  AggregatingState,
  ListState,
  MapState,
  ReducingState,
  TypeOf,
  ValueState,
} from "./state/kinds.ts"
export { record, RecordType } from "./state/record.ts"
export type { FieldTypes, RecordSchema } from "./state/record.ts"
export type { StateTrace, TraceOptions } from "./state/trace.ts"
export type { StateView } from "./state/view.ts"
export type { At, KeyAtom, KeyOptions, KeyValue, Path } from "./state/keys.ts"
export { ascending, boundedDisorder, punctuated } from "./time/watermark.ts"
export type { Watermark, WatermarkGenerator } from "./time/watermark.ts"
export { manualClock } from "./time/clock.ts"
export type { Clock, ManualClock } from "./time/clock.ts"
export type { LateStats } from "./time/late.ts"
export type { TimeUnit, TimeValue } from "./time/timestamps.ts"
export type { Duration } from "./duration.ts"
export { memoryStorage } from "./storage/memory.ts"
export type { MemoryStorage } from "./storage/memory.ts"
export { checkCommit } from "./storage/fence.ts"
export type { Commit } from "./storage/fence.ts"
export { checkListing, checkStorageKey } from "./storage/storage.ts"
export type { ListOptions, StateStorage, StorageEntry } from "./storage/storage.ts"
export type { TransactionalStorage, WriteIn } from "./storage/transactional.ts"
export { MillraceError } from "./errors.ts"
export type { ErrorCode } from "./errors.ts"
