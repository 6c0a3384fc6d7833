/** A small job whose results tests of sinks know: running totals by user. */
import { from } from "millrace"

export const events = Array.from({ length: 40 }, (_, n) => ({ user: `u${n % 3}`, n }))

export const totals = () =>
  from(events)
    .keyBy("user")
    .map(
      ({ user, n }, state) => {
        const total = state.get() + n
        state.set(total)
        return `${user} ${total}`
      },
      { uid: "totals", state: { value: () => 0 } },
    )

export const expected = await totals().toArray()
