/**
 * What tests of savepoints read them with.
 */
import { Engine } from "../js/engine/engine.ts"
import { loadModule } from "../js/module.ts"
import { SavepointBytes } from "../js/savepoint_bytes.ts"
import { FrameReader } from "../js/savepoint_format.ts"

/** All of a stream. */
export async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

/** What is in a savepoint: its header, and the segments of its states as text. */
export async function contentsOf(savepoint: Uint8Array) {
  const engine = new Engine(await loadModule(), { memoryBytesMax: 1 << 28 })
  try {
    const reader = new FrameReader(new SavepointBytes(savepoint), (each) => engine.checksum(each))
    const header = await reader.header()
    const segments: string[] = []
    for (let next = await reader.segment(); next !== undefined; next = await reader.segment()) {
      segments.push(`${next.state} ${Buffer.from(next.bytes).toString("hex")}`)
    }
    return { header, segments }
  } finally {
    engine.close()
  }
}
