/** A dialog that says why a key is as it is, at the moment when it was asked. */
import { byId, make } from "../dom.ts"
import type { WhyLine } from "../messages.ts"

export function whyDialog() {
  const dialog = byId("why", HTMLDialogElement)
  const title = byId("why-title", HTMLElement)
  const body = byId("why-lines", HTMLElement)
  byId("why-close", HTMLButtonElement).onclick = () => dialog.close()

  return (key: string, lines: readonly WhyLine[]): void => {
    title.textContent = `What is kept of ${key}`
    const rows = lines.map(({ operator, watermark, keeps }) => {
      const kept = make("td", {}, ...keeps.map((text) => make("div", {}, text)))
      return make("tr", {}, make("td", {}, operator), kept, make("td", {}, watermark))
    })
    body.replaceChildren(...rows)
    dialog.showModal()
  }
}
