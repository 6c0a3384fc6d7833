/**
 * Tables for a terminal, of at most so many columns.
 *
 *     key    value
 *     "ada"  {"sum":42}
 */
import widthOf from "fast-string-truncated-width"
import { printable } from "./plain.ts"

/** No column is cut to less than this. */
const widthMin = 8

const gap = "  "

/**
 * The lines of a table. `aligns` has an `l` or an `r` for each column; what does not fit is cut,
 * the widest column first.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  aligns: string,
  columns: number,
): string {
  const cells = rows.map((row) => row.map(printable))
  const widths = head.map((name, i) =>
    cells.reduce((most, row) => Math.max(most, widthOf(row[i] ?? "").width), name.length),
  )
  const total = () => widths.reduce((sum, width) => sum + width + gap.length, -gap.length)
  while (total() > columns) {
    const most = Math.max(...widths)
    if (most <= widthMin) break
    widths[widths.indexOf(most)] = most - 1
  }
  const lineOf = (row: readonly string[]) =>
    row
      .map((cell, i) => padded(cell, widths[i] as number, aligns[i] === "r"))
      .join(gap)
      .trimEnd()
  const rule = widths.map((width) => "─".repeat(width)).join(gap)
  return [lineOf(head), rule, ...cells.map(lineOf)].join("\n")
}

/** Text of this width: cut, or with spaces before or behind it. */
function padded(text: string, width: number, right: boolean): string {
  const { truncated, index, width: has } = widthOf(text, { limit: width, ellipsis: "…" })
  const shown = truncated ? `${text.slice(0, index)}…` : text
  const spaces = " ".repeat(Math.max(width - has - (truncated ? 1 : 0), 0))
  return right ? spaces + shown : shown + spaces
}
