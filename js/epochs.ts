/**
 * The names of a job's manifests, and of the claims between them, in the order of their keys:
 *
 *   000000000007                the manifest of epoch 7
 *   000000000007-000000000003   owner 3 goes on from what was there; the value is empty
 *   000000000008                its first manifest
 *
 * A job claims its owner's number before it does anything else. A claim is committed as a manifest
 * is, so a storage with a fence lets one through of all that have found the same; from then on
 * nobody with a lower number can commit. What must stay true: the newest claim is never removed, so
 * no number comes twice.
 */

const digits = 12
/** Of a manifest, a claim, a segment: the epoch, and whose it is where the name says so. */
const pattern = /\/(\d{12})(?:-(\d{12})|-(\d+)-\d+)?$/

/** An epoch, or the number of an owner, in a name. */
export function numberName(number: number): string {
  return String(number).padStart(digits, "0")
}

/** The name of the claim of an owner who found everything up to an epoch. */
export function claimName(epoch: number, owner: number): string {
  return `${numberName(epoch)}-${numberName(owner)}`
}

/** What the keys of manifests and claims tell. */
export interface Epochs {
  /** Of the manifests, newest first. */
  readonly epochs: readonly number[]
  /** The last epoch that is in any name; 0: there is none. */
  readonly last: number
  /** The newest owner with a claim; 0: there is none. */
  readonly owner: number
}

export function readEpochs(keys: readonly string[]): Epochs {
  const found = keys.flatMap((key) => numbersIn(key) ?? [])
  const epochs = found.filter(({ owner }) => owner === undefined).map(({ epoch }) => epoch)
  return {
    epochs: epochs.sort((a, b) => b - a),
    last: Math.max(0, ...found.map(({ epoch }) => epoch)),
    owner: Math.max(0, ...found.map(({ owner }) => owner ?? 0)),
  }
}

/** Is a manifest, claim or segment of somebody who came after this owner and its epoch? */
export function isLater(key: string, epoch: number, owner: number): boolean {
  const numbers = numbersIn(key)
  if (numbers === undefined) return false
  return numbers.owner === undefined ? numbers.epoch > epoch : numbers.owner > owner
}

function numbersIn(key: string): { epoch: number; owner: number | undefined } | undefined {
  const [, epoch, claimant, writer] = pattern.exec(key) ?? []
  const owner = claimant ?? writer
  if (epoch === undefined) return undefined
  return { epoch: Number(epoch), owner: owner === undefined ? undefined : Number(owner) }
}
