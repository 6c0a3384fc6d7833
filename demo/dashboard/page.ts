/** What the page is asked for by its address, and what it remembers over a reload. */
import type { PaceSetting } from "./messages.ts"
import { speeds } from "./panels/controls.ts"

/** All flights of the file, and more. */
const flightsMax = 3_000_000

/** The query of the address. Throws for what cannot be meant. */
export function asked(): { readonly name: string; readonly flights: number } {
  const query = new URLSearchParams(location.search)
  const flights = Number(query.get("flights") ?? flightsMax)
  if (!Number.isInteger(flights) || flights < 1) throw new Error("flights must be a whole number")
  return { name: query.get("name") ?? "flights", flights }
}

const stored = "pace"

/** The pace before the reload. */
export function remembered(): PaceSetting {
  const [speed = "", paused] = sessionStorage.getItem(stored)?.split(" ") ?? []
  const known = speeds.find((each) => String(each) === speed)
  return { speed: known ?? 3600, paused: paused === "paused" }
}

export function remember({ speed, paused }: PaceSetting): void {
  sessionStorage.setItem(stored, `${speed} ${paused ? "paused" : "running"}`)
}

/** Remove the database that has the state. */
export function forget(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(`millrace/${name}`)
    request.onsuccess = () => resolve()
    request.onerror = () => reject(new Error("the state cannot be removed"))
  })
}
