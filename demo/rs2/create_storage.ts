/** Storage creation: a configuration makes a storage, to be used beside streams. */
import { createStorage, manualClock, memoryStorage, StateConfigs } from "millrace"
import { withCustomStorage } from "millrace"
import type { CreatedStorage } from "millrace"

const minute = 60_000
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined) =>
  value === undefined ? "nothing" : new TextDecoder().decode(value)

const clock = manualClock()
const config = { ...StateConfigs.session(), maxSize: 3 }
const storage = createStorage(config, { clock })

console.log("Values live for half an hour after the last write")
await storage.set("user/ada", bytes("in Paris"))
clock.advance(29 * minute)
console.log(`  minute 29: ${text(await storage.get("user/ada"))}`)
clock.advance(1 * minute)
console.log(`  minute 30: ${text(await storage.get("user/ada"))}`)

console.log("Of four users, the one who was used longest ago makes room")
for (const user of ["ada", "bob", "carol"]) await storage.set(`user/${user}`, bytes("here"))
await storage.get("user/ada")
await storage.set("user/dora", bytes("here"))
console.log(`  ${(await storage.list("user/")).join(", ")}`)

console.log("An update is atomic: nobody comes between its reading and its writing")
await storage.clear()
await countVisits(storage)

console.log("Whoever has the object shares what it holds")
const shared = storage
await shared.delete("visits")
console.log(`  visits exist: ${await storage.exists("visits")}`)

console.log("What nobody touches is freed too")
await storage.set("user/ada", bytes("here"))
clock.advance(35 * minute)
const { rows, expired, evicted } = storage.stats()
console.log(`  ${rows} rows, ${expired} expired, ${evicted} evicted`)
await storage.close()

console.log("A configuration with a storage of one's own gives the same methods over that")
const own = createStorage(withCustomStorage(StateConfigs.session(), memoryStorage()))
await countVisits(own)
await own.close()

async function countVisits(storage: CreatedStorage): Promise<void> {
  const visit = () =>
    storage.update("visits", (current) => bytes(String(Number(text(current ?? bytes("0"))) + 1)))
  await Promise.all(Array.from({ length: 100 }, visit))
  console.log(`  visits: ${text(await storage.get("visits"))}`)
}
