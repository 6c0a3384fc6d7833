/**
 * The order in which flights arrive: that of the file, a little out of order, the same at each run.
 *
 *     rows      0 1 2 3 4 5 6 7 8 9 ...
 *     arrival   0 2 1 3 5 4 6 9 8 ... 7      most by a few rows, one in 256 by up to 1,800
 *
 * Rows change places inside of blocks alone, so reading may start at any block.
 */

/** Rows that change places among each other, which is some twelve hours of flights. */
export const blockSize = 8192

/** How many rows most of them may fall behind. */
const jitterRows = 16

/** One in so many falls behind by far more, and is late for its hour. */
const straggling = 256
const straggleRows = { min: 300, max: 1800 }

/** For each turn of a block that begins with `firstRow`, the row of the block whose turn it is. */
export function arrivalOrder(firstRow: number, count: number): Uint16Array {
  const turns = new Float64Array(count)
  for (let row = 0; row < count; row++) {
    turns[row] = (row + behind(firstRow + row)) * blockSize + row // Rows with one turn: in order.
  }
  turns.sort()
  return Uint16Array.from(turns, (turn) => turn % blockSize)
}

/** How many rows later than its own turn a row comes. */
function behind(row: number): number {
  const chance = scatter(row)
  if (chance % straggling !== 0) return (chance >>> 8) % jitterRows
  return straggleRows.min + ((chance >>> 8) % (straggleRows.max - straggleRows.min))
}

/** A number whose bits say nothing of the row's, as at the end of MurmurHash3. */
function scatter(row: number): number {
  let bits = Math.imul(row ^ (row >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
