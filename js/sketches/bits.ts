/**
 * The bits of a float64, and powers of two made of them: exact on every host, as Math.log, exp and
 * pow are not. Typed arrays are little-endian on every host we know.
 */
const f64 = new Float64Array(1)
const u32 = new Uint32Array(f64.buffer)

/** The exponent of a number above 0: it is `2^e · m` with 1 ≤ m < 2; 1024 of Infinity. */
export function exponentOf(value: number): number {
  f64[0] = value
  const exponent = (u32[1] as number) >>> 20
  if (exponent > 0) return exponent - 1023
  f64[0] = value * 0x40000000000000 // A denormal: 2^54 times as much is none.
  return ((u32[1] as number) >>> 20) - 1023 - 54
}

/** The `m` of {@link exponentOf}, of the number that it was last asked for. */
export function mantissa(): number {
  u32[1] = ((u32[1] as number) & 0xfffff) | 0x3ff00000
  return f64[0] as number
}

/** `value · 2^exponent`, rounded once where it is denormal; Infinity, or 0, beyond the range. */
export function scaled(value: number, exponent: number): number {
  if (exponent > 1023) return scaled(value * powerOfTwo(1023), Math.min(exponent - 1023, 1023))
  if (exponent < -1022) {
    const rest = exponent + 1022
    return rest < -60 ? 0 : value * powerOfTwo(-1022) * powerOfTwo(rest)
  }
  return value * powerOfTwo(exponent)
}

/** 2^exponent, from -1022 to 1023. */
function powerOfTwo(exponent: number): number {
  u32[0] = 0
  u32[1] = (exponent + 1023) << 20
  return f64[0] as number
}
