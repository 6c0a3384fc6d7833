/// <reference types="vite/client" />
/** The addresses of files that the worker loads: Vite serves them from where they are installed. */
import airports from "../../node_modules/vega-datasets/data/airports.csv?url"
import flights from "../../node_modules/vega-datasets/data/flights-3m.parquet?url"
import states from "../../node_modules/vega-datasets/data/us-10m.json?url"

export const files = { airports, flights, states }
