/**
 * What `sqlite.test.ts` runs in a Node that has node:sqlite:
 *
 *     sqlite.mjs contract <folder>          the contract of storages; prints what does not pass
 *     sqlite.mjs lines <database> [call]    a job to its end, or killed in a call of the database;
 *                                           prints how many calls there were, and its lines
 */
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { from, run, transactionalSink } from "millrace"
import { sqliteStorage } from "millrace/storage/sqlite"
import { storageContract } from "millrace/testing"

const [, , what, place, callToDieIn] = process.argv

async function contract() {
  const databases = new WeakMap()
  let made = 0
  const open = (path) => {
    const db = new DatabaseSync(path)
    db.exec("PRAGMA synchronous = OFF") // No power is lost here.
    const storage = sqliteStorage(db)
    databases.set(storage, { db, path })
    return storage
  }
  const make = () => open(join(place, `${made++}.db`))
  const again = (storage) => {
    const { db, path } = databases.get(storage)
    db.close()
    return open(path)
  }
  const failing = () => {
    const storage = make()
    databases.get(storage).db.close()
    return storage
  }
  const failed = []
  const checks = storageContract(make, { reopen: again, crash: again, failing })
  for (const { name, run } of checks) {
    await run().catch(({ message }) => failed.push(`${name}: ${message}`))
  }
  return { passed: checks.length - failed.length, failed }
}

let calls = 0

/** The same database, and the end of this process before a call that writes. */
function dying(db) {
  const told = (call) => (given) => {
    if (++calls === Number(callToDieIn)) process.kill(process.pid, "SIGKILL")
    return call(given)
  }
  const run = (statement) => told((given) => statement.run(...given))
  return {
    exec: told((sql) => db.exec(sql)),
    prepare(sql) {
      const statement = db.prepare(sql)
      const runs = run(statement)
      return {
        get: (...given) => statement.get(...given),
        all: (...given) => statement.all(...given),
        run: (...given) => runs(given),
      }
    },
  }
}

async function lines() {
  const db = new DatabaseSync(place)
  db.exec("CREATE TABLE IF NOT EXISTS lines (id INTEGER PRIMARY KEY, line TEXT)")
  const storage = sqliteStorage(dying(db))
  const numbers = from(Array.from({ length: 40 }, (_, n) => n))
  const sums = numbers
    .keyBy((n) => n % 3)
    .fold(
      () => 0,
      (sum, n) => sum + n,
      { uid: "sums" },
    )
  const sink = transactionalSink(storage, (results, transaction) => {
    const insert = transaction.prepare("INSERT INTO lines (line) VALUES (?)")
    for (const sum of results) insert.run(String(sum))
  })
  let ms = 0
  const clock = { now: () => ms++ } // Time goes on by being looked at.
  const options = { storage, chunkSize: 4, checkpoint: { interval: 8 }, clock }
  const job = await run(sums.to(sink), options)
  await job.finished()
  await job.close()
  const rows = db.prepare("SELECT line FROM lines ORDER BY id").all()
  return { calls, lines: rows.map(({ line }) => line) }
}

console.log(JSON.stringify(await (what === "contract" ? contract() : lines())))
