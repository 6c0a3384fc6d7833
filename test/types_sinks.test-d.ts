/** What users write of sinks must compile, and what is wrong must not; `tsc` is the test. */
import { from, memoryStorage, run, transactionalSink } from "../js/index.ts"
import type {
  NumberedSink,
  StateStorage,
  TransactionalSink,
  TransactionalStorage,
} from "../js/index.ts"
import { durableObjectStorage } from "../js/storage/durable_object.ts"
import type { DurableObjectState, DurableObjectValues } from "../js/storage/durable_object.ts"
import { encrypted } from "../js/storage/encrypted.ts"
import { indexedDbStorage } from "../js/storage/indexeddb.ts"
import { sqliteStorage } from "../js/storage/sqlite.ts"
import type { SqliteDatabase } from "../js/storage/sqlite.ts"
import { exactly } from "./exactly.ts"

interface Row {
  key: string
  total: number
}
interface Transaction {
  put(row: Row): void
}
declare const rows: Row[]
declare const storage: TransactionalStorage<Transaction>
declare const plain: StateStorage

/** The rows of the stream, and the transaction of the storage. */
export const delivery = from(rows).to(
  transactionalSink(storage, (results, transaction) => {
    exactly<readonly Row[]>()(results, true)
    exactly<Transaction>()(transaction, true)
    for (const row of results) transaction.put(row)
  }),
)
export const job = run(delivery, { storage })

export const sink: TransactionalSink<Row> = transactionalSink(memoryStorage(), (results) => {
  exactly<readonly Row[]>()(results, true)
})

/** For less than a row, too. */
export const keys = from(rows).to(
  transactionalSink(storage, (results: readonly { key: string }[]) => void results.length),
)

// ---- what the drivers hand to a sink ----

declare const db: SqliteDatabase & { readonly name: string }
declare const state: DurableObjectState
declare const key: Uint8Array
const inSqlite = sqliteStorage(db)
transactionalSink(inSqlite, (_, given) => void exactly<typeof db>()(given, true))
transactionalSink(encrypted(inSqlite, key), (_, given) => void exactly<typeof db>()(given, true))
transactionalSink(indexedDbStorage("shop"), (_, given) => {
  exactly<IDBTransaction>()(given, true)
})
transactionalSink(durableObjectStorage(state), async (_, given) => {
  exactly<DurableObjectValues>()(given, true)
  await given.put({})
})
// @ts-expect-error it has no transactions
transactionalSink(encrypted(plain, key), () => undefined)

// ---- what is wrong ----

// @ts-expect-error there are no such fields
from(rows).to(transactionalSink(storage, (results: readonly { name: string }[]) => void results))
// @ts-expect-error it has no transactions
transactionalSink(plain, () => undefined)
// @ts-expect-error it is no option
transactionalSink(storage, () => undefined, { rows: 1 })

/** With numbers; it is told what the rows are. */
export const numbered = from(rows).to({
  delivery: "at-least-once",
  writeNumbered(results, first) {
    exactly<readonly Row[]>()(results, true)
    exactly<number>()(first, true)
  },
})
export const numberedSink: NumberedSink<Row> = {
  delivery: "at-least-once",
  writeNumbered: (results, first) => void (results.length + first),
  flush: () => undefined,
}
// @ts-expect-error: there must be one of `write` and `writeNumbered`.
export const neither = from(rows).to({ delivery: "at-least-once" })
