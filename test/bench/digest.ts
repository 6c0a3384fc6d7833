/**
 * A number that two programs agree on if all their results are equal, in order: FNV-1a over 32-bit
 * words. peers/rs2/src/digest.rs is the same in Rust.
 */
export class OrderedDigest {
  value = 2_166_136_261

  text(text: string): void {
    for (let at = 0; at < text.length; at++) this.#word(text.charCodeAt(at))
    this.#word(0)
  }

  /** Of a multiple of a half, which all numbers of these workloads are. */
  number(number: number): void {
    const doubled = number * 2
    this.#word(doubled % 2 ** 32)
    this.#word(Math.floor(doubled / 2 ** 32))
  }

  #word(word: number): void {
    this.value = Math.imul(this.value ^ word, 16_777_619) >>> 0
  }
}
