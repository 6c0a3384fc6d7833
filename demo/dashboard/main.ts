/**
 * The page of the dashboard. It asks the worker some ten times a second for what there is to see,
 * and draws that; whatever takes time is done there.
 *
 *     ?flights=60000   replay the first of them only
 *     ?name=other      state under another name
 */
import { Client } from "./client.ts"
import { byId, write } from "./dom.ts"
import { files } from "./files.ts"
import { digits } from "./format.ts"
import { hubs } from "./shown.ts"
import type { FlightMap, View } from "./messages.ts"
import { controls } from "./panels/controls.ts"
import { figuresPanel } from "./panels/figures.ts"
import { linesPanel } from "./panels/lines.ts"
import { listsPanel } from "./panels/lists.ts"
import { mapPanel } from "./panels/map.ts"
import { newsPanel } from "./panels/news.ts"
import { ratesPanel } from "./panels/rates.ts"
import { tablePanel } from "./panels/state_table.ts"
import { theme } from "./panels/theme.ts"
import { timePanel } from "./panels/time.ts"
import { whyDialog } from "./panels/why.ts"
import { asked, forget, remember, remembered } from "./page.ts"

/** How often there is something else to see, at most, ms. */
const everyMs = 100

function say(text: string, failed = false): void {
  const status = byId("status", HTMLElement)
  write(status, text)
  status.classList.toggle("failed", failed)
}

addEventListener("error", ({ message }) => say(message, true))
addEventListener("unhandledrejection", ({ reason }) => say(String(reason), true))
const { name, flights } = asked()

/** What became of the worker before this one, until the view says where it goes on. */
let before: string | undefined
const client = new Client({
  ended() {
    before = undefined
    say("All flights have come")
  },
  failed: (error) => say(error instanceof Error ? error.message : String(error), true),
})

const panels = {
  time: timePanel(),
  figures: figuresPanel(),
  map: mapPanel(),
  lines: linesPanel(hubs),
  rates: ratesPanel(),
  lists: listsPanel(),
  news: newsPanel(),
}
let map: FlightMap | undefined
/** Ends the rest between two looks. */
let wake = () => undefined as void
const table = tablePanel({
  changed: () => wake(),
  why: (key) => void why(key),
})
const showWhy = whyDialog()
const control = controls(remembered(), {
  pace(setting) {
    remember(setting)
    void client.ask((job) => job.request("pace", setting))
  },
  rule: (minutes) => void client.ask((job) => job.request("rule", minutes)),
  kill: () => void restart("Killed. "),
  again: () => void restart("", () => forget(name)),
})
let shown: View | undefined
theme(() => {
  if (shown !== undefined) draw(shown, performance.now())
  panels.lines.redraw()
  panels.rates.redraw()
})

function start(why: string): Promise<void> {
  before = why
  return client.start({ files, name, flights, pace: control.setting })
}

/** End the worker hard, and have another one. */
async function restart(why: string, between = async () => undefined as void): Promise<void> {
  client.kill()
  control.forget()
  say(`${why}Loading the flights …`)
  await between()
  panels.rates.reset()
  await start(why)
}

/** Where the worker went on: once. */
function sayWhere({ checkpoints: { restoredAt } }: View): void {
  if (before === undefined) return
  const anew = before === "" ? "" : "Begun anew"
  const where = restoredAt === undefined ? anew : `Gone on at flight ${digits(restoredAt)}`
  say(before + where)
  before = undefined
}

function draw(view: View, nowMs: number): void {
  panels.time(view)
  panels.figures(view, panels.rates.count(view.flights, nowMs))
  panels.map(view, map)
  panels.lines.draw(view)
  panels.lists(view)
  panels.news(view, nowMs)
  control.drawRule(view.rule)
  sayWhere(view)
}

/** Ask for what there is to see, and draw it: the answers come in tasks of their own. */
async function look(): Promise<void> {
  map ??= await client.ask((job) => job.request("map", undefined))
  const { endMs: linesEndMs } = panels.lines
  const view = await client.ask((job) => job.request("view", { linesEndMs }))
  if (view !== undefined) draw((shown = view), performance.now())
  const query = table.query(performance.now())
  const rows = query && (await client.ask((job) => job.request("table", query)))
  if (rows !== undefined) table.draw(rows)
}

async function why(key: string): Promise<void> {
  const lines = await client.ask((job) => job.request("why", key))
  if (lines !== undefined) showWhy(key, lines)
}

async function watch(): Promise<never> {
  for (;;) {
    const rest = new Promise<void>((resolve) => {
      wake = resolve
      setTimeout(resolve, everyMs)
    })
    await look()
    await rest
    await new Promise(requestAnimationFrame) // Not while nobody sees it.
  }
}

void start("")
void watch()
