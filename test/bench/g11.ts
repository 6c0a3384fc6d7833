/**
 * G11 of RELIABILITY.md: 100,000 keys that collide under a zero seed, beside random ones.
 *
 * The first word of a short key is hashed by the product of its two halves, a secret added to each
 * (c/hash.h). Who knows the secret chooses the first half so that its factor is 0, and all keys
 * collide, whatever the rest is; so these keys do under the seed 0. An engine has its own seed.
 */
import { noLimits } from "../../js/state/config.ts"
import { random } from "./data.ts"
import { chunkSize, fillKeyBytes, openTotals, stopwatch } from "./direct.ts"
import { type Extent, type Figure, median, rounded } from "./harness.ts"

const keys = 100_000
const keyBytes = 16

/** The first half that makes 0 with the secret of seed 0, which SplitMix64 gives first. */
const factor = Number(BigInt.asUintN(32, -0xe220a8397b1dcdafn))

/** Measure G11. */
export function g11({ quick }: Extent): Figure[] {
  const chosen: number[] = []
  const other: number[] = []
  for (let round = 0; round < (quick ? 3 : 9); round++) {
    chosen.push(pushAll(putChosen))
    other.push(pushAll(putRandom()))
  }
  const [ours, control] = [median(chosen), median(other)]
  const detail = { chosenNs: rounded(ours), randomNs: rounded(control) }
  const goals = { must: 3, aim: 1.2, better: "lower", control: "random keys" } as const
  return [
    { id: "G11", case: "keys that collide", figure: ours / control, unit: "x", ...goals, detail },
  ]
}

/** Writes a key of its own for each number. */
type PutKey = (bytes: Uint8Array, at: number, number: number) => void

const putChosen: PutKey = (bytes, at, number) => {
  bytes.fill(0, at, at + keyBytes)
  for (let byte = 0; byte < 4; byte++) {
    bytes[at + byte] = factor >>> (8 * byte)
    bytes[at + 4 + byte] = number >>> (8 * byte)
  }
}

function putRandom(): PutKey {
  const next = random(1)
  return (bytes, at) => {
    for (let byte = at; byte < at + keyBytes; byte++) bytes[byte] = next() * 256
  }
}

/** Nanoseconds of a key whose row is made, in C. */
function pushAll(put: PutKey): number {
  const operator = openTotals(noLimits)
  const { engine, handle, input, results } = operator
  const { wasm, scratch, views } = engine
  let ms = 0
  for (let from = 0; from < keys; from += chunkSize) {
    fillKeyBytes(operator, keyBytes, (bytes, at, row) => put(bytes, at, from + row))
    const busy = stopwatch()
    wasm.mr_operator_push(handle, input.handle, 0, scratch, results.handle)
    ms += busy()
    views.follow()
  }
  const { rows } = operator.stats()
  if (rows < keys) throw new Error(`${rows} rows of ${keys} keys`)
  engine.close()
  return (ms * 1e6) / rows
}
