/** The few things that panels do with elements. */

/** The element of the page with this id, which is of this kind. Throws if there is none. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const element = document.getElementById(id)
  if (element instanceof kind) return element
  throw new Error(`the page has no ${kind.name} #${id}`)
}

export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  set: Partial<HTMLElementTagNameMap[Tag]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = Object.assign(document.createElement(tag), set)
  element.append(...children)
  return element
}

/** Write a text, if it is another one: what is as it was needs no layout. */
export function write(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** A colour of style/base.css, as it is in the theme of now. */
export const colour = (name: string) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()

/** A canvas with as many pixels as the screen has there; drawn in those of CSS. */
export function pencil(canvas: HTMLCanvasElement): {
  readonly context: CanvasRenderingContext2D
  readonly width: number
  readonly height: number
} {
  const { clientWidth: width, clientHeight: height } = canvas
  const scale = devicePixelRatio
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)]
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide
    canvas.height = high
  }
  const context = canvas.getContext("2d")
  if (context === null) throw new Error("this browser does not draw")
  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.clearRect(0, 0, width, height)
  return { context, width, height }
}
