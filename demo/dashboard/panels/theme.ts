/** Light or dark: as the system has it, until the switch is pressed; that is remembered. */
import { byId } from "../dom.ts"

const stored = "theme"

export function theme(changed: () => void): void {
  const root = document.documentElement
  const button = byId("theme", HTMLButtonElement)
  const system = matchMedia("(prefers-color-scheme: dark)")

  function show(): void {
    const dark = (localStorage.getItem(stored) ?? (system.matches ? "dark" : "light")) === "dark"
    root.dataset["theme"] = dark ? "dark" : "light"
    button.ariaPressed = String(dark)
    changed()
  }

  system.onchange = show
  button.onclick = () => {
    localStorage.setItem(stored, root.dataset["theme"] === "dark" ? "light" : "dark")
    show()
  }
  show()
}
