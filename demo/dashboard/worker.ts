/** The worker of the dashboard: the flights, the job, its storage; and answers to the page. */
import { indexedDbStorage } from "millrace/storage/indexeddb"
import { serveJob } from "millrace/worker"
import { openFlights } from "../flights/rows.ts"
import { mapOf } from "./map.ts"
import type { Input, PaceSetting, TableQuery, ViewQuery } from "./messages.ts"
import { Pace } from "./pace.ts"
import { Replay } from "./replay.ts"

let replay: Replay
let files: Input["files"]

const load = async (url: string) => (await fetch(url)).arrayBuffer()
const read = async (url: string) => (await fetch(url)).text()

export const served = serveJob(
  async (input: Input, { signal }) => {
    files = input.files
    replay = await Replay.open({
      file: await openFlights(await load(files.flights)),
      flights: input.flights,
      storage: indexedDbStorage(input.name),
      pace: new Pace(input.pace.speed, input.pace.paused),
      signal,
    })
    return replay.job
  },
  {
    requests: {
      view: (query: ViewQuery) => replay.view(query),
      table: (query: TableQuery) => replay.table(query),
      why: (key: string) => replay.why(key),
      pace: (setting: PaceSetting) => replay.setPace(setting),
      rule: (minutes: number) => replay.changeRule(minutes),
      map: async () => mapOf(await read(files.airports), await read(files.states)),
    },
  },
)
