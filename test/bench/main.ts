/**
 * `make bench`: measure everything of PERFORMANCE.md that exists, print a table, and write
 * build/bench.json. `--quick` measures a subset in under a minute, `--only P2,P8` some of it.
 */
import { parseArgs } from "node:util"
import { flights } from "./flights.ts"
import { g11 } from "./g11.ts"
import { type Extent, type Figure, printFigures, say, writeFigures } from "./harness.ts"
import { p10 } from "./p10.ts"
import { p11 } from "./p11.ts"
import { p12 } from "./p12.ts"
import { p13 } from "./p13.ts"
import { p2 } from "./p2.ts"
import { p3 } from "./p3.ts"
import { p4 } from "./p4.ts"
import { p5 } from "./p5.ts"
import { p6 } from "./p6.ts"
import { p7 } from "./p7.ts"
import { p8 } from "./p8.ts"
import { p9 } from "./p9.ts"
import { sketchSuite } from "./sketches.ts"

const suites: Record<string, (extent: Extent) => Figure[] | Promise<Figure[]>> = {
  P2: p2,
  P3: p3,
  P4: p4,
  P5: p5,
  P6: p6,
  P7: p7,
  P8: p8,
  P9: p9,
  P10: p10,
  P11: p11,
  P12: p12,
  P13: p13,
  G11: g11,
  sketches: sketchSuite,
  flights,
}

const { quick, only } = readFlags()
const figures: Figure[] = []
for (const id of only) {
  say(`${id} …`)
  figures.push(...(await suites[id]!({ quick })))
}
printFigures(figures)
writeFigures(figures)

function readFlags() {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string", default: Object.keys(suites).join(",") },
      },
    })
    const only = values.only.split(",")
    const unknown = only.find((id) => !Object.hasOwn(suites, id))
    if (unknown === undefined) return { quick: values.quick, only }
    throw new Error(`--only knows ${Object.keys(suites).join(", ")}, not "${unknown}"`)
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exit(2)
  }
}
