/** What the plots have in common: axes without boxes, the theme's colours, their size. */
import uPlot from "uplot"
import "uplot/dist/uPlot.min.css"
import { colour } from "../dom.ts"

const font = "12px system-ui, sans-serif"

/**
 * An axis with hairlines; `label` writes its values, which are multiples of one of `steps`, by
 * default of a round number.
 */
export function axis(
  label: (value: number) => string,
  size: number,
  steps?: readonly number[],
): uPlot.Axis {
  return {
    font,
    size,
    stroke: () => colour("quiet"),
    grid: { stroke: () => colour("line"), width: 1 },
    ticks: { show: false },
    ...(steps && { incrs: [...steps] }),
    values: (_, values) => values.map(label),
  }
}

/** A plot that fills its element, also when that gets another size; the cursor is a thin line. */
export function plotIn(
  element: HTMLElement,
  options: Omit<uPlot.Options, "width" | "height">,
  data: uPlot.AlignedData,
): uPlot {
  const size = () => ({ width: element.clientWidth, height: element.clientHeight })
  const plot = new uPlot({ ...options, ...size(), legend: { show: false } }, data, element)
  new ResizeObserver(() => plot.setSize(size())).observe(element)
  return plot
}
