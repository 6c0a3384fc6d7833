/**
 * The map of the United States, and where its airports are on it: drawn flat here, in the worker,
 * so that the page has a path to paint and nothing to compute.
 */
import { csvParse } from "d3-dsv"
import { geoAlbersUsa, geoPath } from "d3-geo"
import { mesh } from "topojson-client"
import type { GeometryCollection, Topology } from "topojson-specification"
import type { FlightMap, MapAirport } from "./messages.ts"

/** Pixels, which the page scales. */
const [width, height] = [960, 560]

/** The map, from the texts of `airports.csv` and `us-10m.json` of vega-datasets. */
export function mapOf(airportsText: string, statesText: string): FlightMap {
  const states = JSON.parse(statesText) as Topology<{ states: GeometryCollection }>
  const borders = mesh(states, states.objects.states)
  const projection = geoAlbersUsa().fitSize([width, height], borders)
  const airports: Record<string, MapAirport> = {}
  for (const { iata, city, latitude, longitude } of csvParse(airportsText)) {
    const point = projection([Number(longitude), Number(latitude)])
    if (iata === undefined || point === null) continue // Beyond the map: Guam, for one.
    airports[iata] = { x: Math.round(point[0]), y: Math.round(point[1]), name: city ?? iata }
  }
  return { width, height, borders: geoPath(projection).digits(1)(borders) ?? "", airports }
}
