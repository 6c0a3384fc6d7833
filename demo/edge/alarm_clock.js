/**
 * A clock for `run` whose timers outlive the object: those for which results wait are one alarm, at
 * the earliest of them, and an alarm wakes an object that was put away.
 *
 * An alarm that is set is never taken off or moved back. It rings early then, which does no more
 * than set the next one; so few are written, however often a job looks what is due next.
 */

/** `storage` is `ctx.storage`; `ring` is for `alarm()`. */
export function alarmClock(storage) {
  const waiting = new Map()
  let alarmMs = Infinity

  function setAlarm() {
    const firstMs = Math.min(...waiting.values())
    if (firstMs >= alarmMs) return
    alarmMs = firstMs
    void storage.setAlarm(firstMs) // It fails with the object: what the object says waits for it.
  }

  return {
    now: () => Date.now(),

    after(ms, wake, awaited) {
      if (!awaited) {
        const timer = setTimeout(wake, ms) // It only frees memory: nobody is woken for that.
        return () => clearTimeout(timer)
      }
      const waiter = () => wake()
      waiting.set(waiter, Date.now() + ms)
      setAlarm()
      return () => void waiting.delete(waiter)
    },

    ring() {
      alarmMs = Infinity
      for (const [waiter, dueMs] of waiting) {
        if (dueMs > Date.now()) continue
        waiting.delete(waiter)
        waiter()
      }
      setAlarm()
    },
  }
}
