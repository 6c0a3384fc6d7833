/**
 * A job's plan: the nodes behind its outputs, each once, inputs before those that read them.
 *
 * Here operators get their uids: kind and number, counted over the outputs in object order, so the
 * same program names its state the same way every time.
 */
import { MillraceError } from "./errors.ts"
import type { Node } from "./graph.ts"
import type { AnyTag } from "./tag.ts"

/** A node in its place. */
export interface Planned {
  readonly node: Node
  readonly uid: string
  /** What messages call it: its uid, and its name if it has one. */
  readonly label: string
  readonly index: number
  readonly inputs: readonly Planned[]
  /** The sources it hears from, by their index. */
  readonly sources: ReadonlySet<number>
  /** Is there event time? */
  readonly eventTime: boolean
}

export interface Plan {
  readonly nodes: readonly Planned[]
  /** What must be over before a source is read, by the index of the source: parts of concats. */
  readonly awaited: ReadonlyMap<number, readonly Planned[]>
  /** Streams that were asked for, then side outputs. */
  readonly outputs: readonly PlannedOutput[]
}

/** Where results go: all of a node, or, with a tag, what one or more nodes send there. */
export interface PlannedOutput {
  readonly name: string
  readonly tag: AnyTag | undefined
  readonly from: readonly Planned[]
}

/**
 * @throws {MillraceError} `OPTION` when two operators have one uid, when event time and processing
 *   time meet, or when the parts of a concat cannot come one after the other.
 */
export function planOf(outputs: readonly (readonly [name: string, node: Node])[]): Plan {
  const planned = new Map<Node, Planned>()
  const counts = new Map<string, number>()
  const uids = new Set<string>()
  const nodes: Planned[] = []

  const uidOf = (node: Node): string => {
    const count = (counts.get(node.kind) ?? 0) + 1
    counts.set(node.kind, count)
    const uid = node.uid ?? `${node.kind}-${count}`
    if (uids.has(uid)) throw new MillraceError("OPTION", `two operators have the uid ${uid}`)
    uids.add(uid)
    return uid
  }

  const place = (node: Node): void => {
    const inputs = node.inputs.map((input) => planned.get(input) as Planned)
    const uid = uidOf(node)
    const index = nodes.length
    const sources = new Set(inputs.flatMap((input) => [...input.sources]))
    if (node.kind === "source") sources.add(index)
    const name = "name" in node ? node.name : undefined
    const place: Planned = {
      node,
      uid,
      label: name === undefined ? uid : `${uid} (${name})`,
      index,
      inputs,
      sources,
      eventTime: timeOf(node, uid, inputs),
    }
    planned.set(node, place)
    nodes.push(place)
  }

  for (const [, node] of outputs) visit(node, planned, place)
  const streams = outputs.map(([name, node]) => {
    return { name, tag: undefined, from: [planned.get(node) as Planned] }
  })
  return { nodes, awaited: awaitedIn(nodes), outputs: [...streams, ...sidesOf(nodes, streams)] }
}

/** Behind each concat the sources of a part wait for all parts before it. */
function awaitedIn(nodes: readonly Planned[]): Plan["awaited"] {
  const awaited = new Map<number, Planned[]>()
  for (const { node, uid, inputs } of nodes) {
    if (node.kind !== "concat") continue
    const before = new Set<number>()
    inputs.forEach(({ sources }, part) => {
      for (const index of sources) {
        if (before.has(index)) {
          const why = "which ends once: use union, or a source for each"
          throw new MillraceError("OPTION", `${uid} has one source in two parts, ${why}`)
        }
        if (part > 0) awaited.set(index, [...(awaited.get(index) ?? []), ...inputs.slice(0, part)])
      }
      for (const index of sources) before.add(index)
    })
  }
  for (const index of awaited.keys()) refuseCircle(index, awaited, nodes)
  return awaited
}

/** A source that waits for itself, by way of others, would never be read. */
function refuseCircle(of: number, awaited: Plan["awaited"], nodes: readonly Planned[]): void {
  const before = new Set<number>([of])
  for (const index of before) {
    for (const { sources } of awaited.get(index) ?? []) {
      if (sources.has(of)) {
        const message = `${nodes[of]?.uid} waits for itself: two concats have it in another order`
        throw new MillraceError("OPTION", message)
      }
      for (const source of sources) before.add(source)
    }
  }
}

/** An output for each tag that any node sends to. */
function sidesOf(nodes: readonly Planned[], streams: readonly PlannedOutput[]): PlannedOutput[] {
  const senders = new Map<AnyTag, Planned[]>()
  for (const planned of nodes) {
    for (const tag of new Set(planned.node.tags ?? [])) {
      senders.set(tag, [...(senders.get(tag) ?? []), planned])
    }
  }
  const names = new Set(streams.map(({ name }) => name))
  return Array.from(senders, ([tag, from]) => {
    const { name } = tag
    if (names.has(name)) {
      throw new MillraceError("OPTION", `two outputs of the job have the name ${name}`)
    }
    names.add(name)
    return { name, tag, from }
  })
}

/** Depth first without recursion, for chains of any length: inputs in order, then the node. */
function visit(root: Node, seen: ReadonlyMap<Node, unknown>, place: (node: Node) => void): void {
  const stack: { readonly node: Node; next: number }[] = [{ node: root, next: 0 }]
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const input = seen.has(top.node) ? undefined : top.node.inputs[top.next++]
    if (input !== undefined) {
      stack.push({ node: input, next: 0 })
      continue
    }
    if (!seen.has(top.node)) place(top.node)
    stack.pop()
  }
}

function timeOf(node: Node, uid: string, inputs: readonly Planned[]): boolean {
  if (node.kind === "source") return "readTime" in node && node.readTime !== undefined
  const [first] = inputs
  const eventTime = first?.eventTime ?? false
  if (inputs.every((input) => input.eventTime === eventTime)) return eventTime
  const hint = "give every source a time, or none"
  throw new MillraceError("OPTION", `${uid} joins event time with processing time: ${hint}`)
}
