/**
 * Constructors of the rows that operators emit, one for each list of names.
 *
 * A literal has room for the properties that it names; what a function makes, for all that its
 * objects came to have. It is as plain an object as any, and its constructor outlasts the job, so
 * that what was compiled for one job is of use to the next.
 */

export type Row = Record<string, unknown>

/** What makes rows of some names, which begin with those that it is given. */
export interface Shape<Given extends readonly unknown[]> {
  readonly Made: new (...given: Given) => Row
  /** One of its rows: a shape that no object has is forgotten, and the code compiled for it. */
  last: Row | undefined
}

const shapes = new Map<string, unknown>()

/** How many are known; those of a program with more live as long as their jobs. */
const shapesMax = 64

/** The shape of rows of these names, made by what is given. */
export function shapeOf<Given extends readonly unknown[]>(
  names: readonly string[],
  constructor: () => (this: Row, ...given: Given) => void,
): Shape<Given> {
  const name = JSON.stringify(names)
  const known = shapes.get(name)
  if (known !== undefined) return known as Shape<Given>
  const Made = constructor()
  Made.prototype = Object.prototype
  const shape = { Made: Made as unknown as Shape<Given>["Made"], last: undefined }
  if (shapes.size < shapesMax) shapes.set(name, shape)
  return shape
}
