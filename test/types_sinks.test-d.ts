/** What users write of sinks must compile, and what is wrong must not; `tsc` is the test. */
import { from, memoryStorage, run, transactionalSink } from "../js/index.ts"
import type { StateStorage, TransactionalSink, TransactionalStorage } from "../js/index.ts"
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

// @ts-expect-error there are no such fields
from(rows).to(transactionalSink(storage, (results: readonly { name: string }[]) => void results))
// @ts-expect-error it has no transactions
transactionalSink(plain, () => undefined)
// @ts-expect-error it is no option
transactionalSink(storage, () => undefined, { rows: 1 })
