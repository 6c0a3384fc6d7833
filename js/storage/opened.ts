/**
 * What a driver holds from its first call until close(), such as a lock or a connection.
 *
 *     closed -- a call --> opening -> open, calls go on -- close() --> calls end, let go -> closed
 *
 * A call after close() opens again, once the closing is done; when opening failed, the next call
 * tries again.
 */

/** Something that the first call opens. */
export interface OpenedByUse<Open> {
  /** Run one call with it open; close() waits for it. */
  using<Result>(use: (open: Open) => Promise<Result>): Promise<Result>
  /** Let go, after what is still going on. */
  close(): Promise<void>
}

export function openedByUse<Open>(
  open: () => Promise<Open>,
  release: (open: Open) => Promise<void>,
): OpenedByUse<Open> {
  let opening: Promise<Open> | undefined
  let closing: Promise<void> = Promise.resolve()
  const busy = new Set<Promise<unknown>>()

  function opened(): Promise<Open> {
    if (opening !== undefined) return opening
    const mine = closing.then(open)
    mine.catch(() => {
      if (opening === mine) opening = undefined
    })
    return (opening = mine)
  }

  function using<Result>(use: (open: Open) => Promise<Result>): Promise<Result> {
    const result = opened().then(use)
    const done = () => void busy.delete(result)
    busy.add(result)
    result.then(done, done)
    return result
  }

  async function close(): Promise<void> {
    const mine = opening
    if (mine === undefined) return closing
    opening = undefined
    const released = Promise.allSettled([...busy]).then(async () => {
      const held = await mine.catch(() => undefined) // Never opened: nothing to release.
      if (held !== undefined) await release(held)
    })
    closing = released.catch(() => undefined)
    return released
  }

  return { using, close }
}
