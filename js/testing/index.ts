/**
 * Millrace for tests: scripts of events, watermarks, clock ticks and crashes, in virtual time; and
 * the contract of storages.
 *
 * @packageDocumentation
 */
export { clock, crash, end, event, watermark } from "./script.ts"
export type { Step } from "./script.ts"
export { play, playAll, playEverywhere } from "./play.ts"
export type { Make, Played, PlayOptions } from "./play.ts"
export { storageContract } from "./storage_contract.ts"
export type { ContractCheck, NextStorage, StorageContractOptions } from "./storage_contract.ts"
