/** A page that calls the methods of storages for a test that runs elsewhere; bytes are texts. */
import { indexedDbStorage } from "./dist/storage-indexeddb.mjs"

const storages = new Map()

globalThis.callStorage = async (name, method, args) => {
  if (!storages.has(name)) storages.set(name, indexedDbStorage(name))
  if (method === "set") args[1] = bytesOf(args[1])
  if (method === "commit") {
    const [segments, manifest, owner] = args
    const entryOf = ([key, text]) => [key, bytesOf(text)]
    args = [segments.map(entryOf), entryOf(manifest), owner]
  }
  try {
    const value = await storages.get(name)[method](...args)
    return { value: value instanceof Uint8Array ? btoa(textOf(value)) : value }
  } catch ({ code, message }) {
    return { code, message }
  }
}

const bytesOf = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0))

/** A character for each byte, in parts that a call can take. */
function textOf(bytes) {
  const parts = []
  for (let at = 0; at < bytes.length; at += 8192) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)))
  }
  return parts.join("")
}
