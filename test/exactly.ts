/** For tests of types, where the compiler is the test. */

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** `value` has exactly the type that is named: `exactly<string>()(value, true)`. */
export function exactly<A>() {
  return <B>(value: B, same: Same<A, B>): [B, boolean] => [value, same]
}
