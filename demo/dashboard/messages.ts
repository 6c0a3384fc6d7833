/**
 * What the page asks of the worker, and what it gets: small plain data, some ten times a second.
 */
import type { Alert, ClosedHour, Line, Recent } from "./job.ts"
import type { Departure } from "./source.ts"

/** What the worker starts with. */
export interface Input {
  /** Where the flights are, and the map: addresses of files. */
  readonly files: Readonly<Record<"flights" | "airports" | "states", string>>
  /** The name of the database that keeps the state. */
  readonly name: string
  /** So many flights are replayed. */
  readonly flights: number
  readonly pace: PaceSetting
}

/** How fast the flights come. */
export interface PaceSetting {
  /** Event time by the clock's; Infinity: as fast as it goes. */
  readonly speed: number
  readonly paused: boolean
}

export interface ViewQuery {
  /** The end of the lines that the page has, ms since 1970: they come when there are others. */
  readonly linesEndMs: number
}

/** What there is to see at one moment. All figures of flights are of the state. */
export interface View {
  /** Flights that the state has, and how many there will be. */
  readonly flights: number
  readonly flightsMax: number
  /** How far the flights have come, ms since 1970. */
  readonly timeMs: number
  readonly pace: PaceSetting
  /** How late is severe, minutes: as it is in the stream. */
  readonly rule: number
  readonly airports: readonly AirportView[]
  readonly top: readonly RouteView[]
  readonly closed: Recent<ClosedHour>
  readonly late: Recent<Departure>
  readonly alerts: Recent<Alert>
  /** By airport; undefined: as before. */
  readonly lines: Readonly<Record<string, Line>> | undefined
  /** Of the engine, and of live objects by estimate. */
  readonly memoryBytes: number
  readonly checkpoints: CheckpointView
}

/** An airport: its code, flights so far, and how late they were, minutes. */
export type AirportView = readonly [code: string, flights: number, mean: number]

export interface RouteView {
  readonly route: string
  readonly flights: number
  readonly mean: number
}

export interface CheckpointView {
  readonly completed: number
  /** How long the last one took, ms, and what was written for it. */
  readonly lastMs: number
  readonly lastBytes: number
  /** How many flights had come at the last one. */
  readonly at: number | undefined
  /** How many had come at the one that this run goes on from. */
  readonly restoredAt: number | undefined
}

/** So many rows of a state are seen at once. */
export const pageRows = 12

export interface TableQuery {
  /** Which state: `routes`, `severe/rule` … */
  readonly state: string
  /** Rows that have this text in one of their cells. */
  readonly filter: string
  readonly sort: { readonly column: string; readonly descending: boolean } | undefined
  /** From 0; one that is not there is the last. */
  readonly page: number
}

export type Cell = string | number

export interface TablePage {
  readonly state: string
  readonly columns: readonly string[]
  /** Which of them have numbers. */
  readonly numbers: readonly boolean[]
  /** Are the keys texts, so that each can be explained? */
  readonly explains: boolean
  readonly rows: readonly (readonly Cell[])[]
  readonly page: number
  readonly pages: number
  /** Rows that the filter leaves, and all. */
  readonly found: number
  readonly total: number
}

/** What an operator has of a key, in words. */
export interface WhyLine {
  readonly operator: string
  /** How far event time has come there. */
  readonly watermark: string
  readonly keeps: readonly string[]
}

/** The map: its size, the states' borders as an SVG path, and where airports are. */
export interface FlightMap {
  readonly width: number
  readonly height: number
  readonly borders: string
  readonly airports: Readonly<Record<string, MapAirport>>
}

export interface MapAirport {
  readonly x: number
  readonly y: number
  readonly name: string
}
