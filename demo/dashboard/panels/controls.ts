/** The buttons: pause, speed, the rule, the theme; and the keys that do the same. */
import { byId, make, write } from "../dom.ts"
import { digits, minutes } from "../format.ts"
import type { PaceSetting } from "../messages.ts"

/** What may be chosen, times real time; Infinity: as fast as it goes. */
export const speeds = [1, 60, 600, 3600, 10_000, Infinity] as const

export interface ControlEvents {
  pace(setting: PaceSetting): void
  rule(minutes: number): void
  kill(): void
  again(): void
}

export function controls(setting: PaceSetting, events: ControlEvents) {
  let { speed, paused } = setting
  const pause = byId("pause", HTMLButtonElement)
  const rule = byId("rule", HTMLInputElement)
  const now = byId("rule-now", HTMLOutputElement)
  const choices = speeds.map((each) => choice(each, () => change(each, paused)))
  /** What was asked for, until it is so. */
  let wanted: number | undefined

  function change(toSpeed: number, toPaused: boolean): void {
    speed = toSpeed
    paused = toPaused
    show()
    events.pace({ speed, paused })
  }

  function show(): void {
    write(pause, paused ? "Go on" : "Pause")
    for (const [at, input] of choices.entries()) input.checked = speeds[at] === speed
  }

  pause.onclick = () => change(speed, !paused)
  byId("kill", HTMLButtonElement).onclick = () => events.kill()
  byId("again", HTMLButtonElement).onclick = () => events.again()
  rule.oninput = () => write(now, minutes(rule.valueAsNumber))
  rule.onchange = () => {
    wanted = rule.valueAsNumber
    events.rule(wanted)
  }
  onKeys({
    " ": () => pause.click(),
    k: () => events.kill(),
    "/": () => byId("table-filter", HTMLInputElement).focus(),
    t: () => byId("theme", HTMLButtonElement).click(),
    ...Object.fromEntries(speeds.map((each, at) => [String(at + 1), () => change(each, paused)])),
  })
  show()

  return {
    get setting(): PaceSetting {
      return { speed, paused }
    },
    /** What was on its way to a worker that was killed is lost. */
    forget(): void {
      wanted = undefined
    },
    /** The rule as it is in the stream; not while another one is on its way, or being chosen. */
    drawRule(is: number): void {
      if (is === wanted) wanted = undefined
      if (wanted !== undefined || document.activeElement === rule) return
      rule.valueAsNumber = is
      write(now, minutes(is))
    },
  }
}

function choice(speed: number, choose: () => void): HTMLInputElement {
  const input = make("input", { type: "radio", name: "speed", value: String(speed) })
  input.onchange = choose
  const text = speed === Infinity ? "Max" : `× ${digits(speed)}`
  byId("speeds", HTMLElement).append(make("label", {}, input, make("span", {}, text)))
  return input
}

/** Keys act unless somebody types, or is on a control that they press. */
function onKeys(acts: Readonly<Record<string, () => void>>): void {
  addEventListener("keydown", (event) => {
    const { key, target, ctrlKey, altKey, metaKey } = event
    const typing = target instanceof HTMLInputElement && target.type === "search"
    const pressing =
      key === " " && (target instanceof HTMLButtonElement || target instanceof HTMLSelectElement)
    const act = Object.hasOwn(acts, key) ? acts[key] : undefined
    if (act === undefined || typing || pressing || ctrlKey || altKey || metaKey) return
    event.preventDefault()
    act()
  })
}
