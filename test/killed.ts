/**
 * A job that is killed: from some call on, of all that it works with, nothing comes back.
 */

/** Gives an object whose methods of these names are calls that a job may die in. */
export type Dying = <T extends object>(of: T, names: readonly string[]) => T

/** Run until the given call, counted from 1, before or after which all stops; false: it ended. */
export async function untilKilled(
  run: (dying: Dying) => Promise<void>,
  call: number,
  after: boolean,
): Promise<boolean> {
  let calls = 0
  const dead = new Promise<never>(() => undefined)
  let kill: () => void = () => undefined
  const killed = new Promise<true>((resolve) => (kill = () => resolve(true)))
  const dying: Dying = (of, names) =>
    new Proxy(of, {
      get(from, name) {
        const method: unknown = Reflect.get(from, name, from)
        if (typeof method !== "function" || !names.includes(String(name))) return method
        return async (...given: unknown[]): Promise<unknown> => {
          const last = ++calls === call
          if (calls > call || (last && !after)) return (kill(), dead)
          const result: unknown = await Reflect.apply(method, from, given)
          return last ? (kill(), dead) : result
        }
      },
    })
  return Promise.race([run(dying).then(() => false), killed])
}

/** Before and after every call; gives how often it was killed. */
export async function killedEverywhere(
  once: (call: number, after: boolean) => Promise<boolean>,
): Promise<number> {
  let kills = 0
  for (const after of [false, true]) {
    for (let call = 1; await once(call, after); call++) kills++
  }
  return kills
}
