/**
 * A storage whose values are encrypted, over any other one.
 *
 *     value = 1 (format) · salt (32 random bytes) · ciphertext · tag (16 bytes)
 *
 *     data key = HKDF-SHA-256(key, salt, "millrace storage 1")       RFC 5869
 *     ciphertext, tag = AES-256-GCM(data key, nonce 0, value, name)  NIST SP 800-38D
 *
 * Each value has a data key of its own, which encrypts nothing else: so the nonce may be fixed, and
 * no count of values wears the user's key out. The name (the storage key) is associated data: a
 * value that was moved to another name does not open.
 *
 * What this does not hide: names, lengths, and when something was written. What it does not notice:
 * that somebody put back an older value of the same name, or removed one.
 */
import { MillraceError, typeName } from "../errors.ts"
import { checkStorageKey } from "./storage.ts"
import type { StateStorage, StorageEntry } from "./storage.ts"
import type { TransactionalStorage, WriteIn } from "./transactional.ts"

const format = 1
const saltBytes = 32
const tagBytes = 16
const keyBytes = 32
const headBytes = 1 + saltBytes
const info = new TextEncoder().encode("millrace storage 1")
const iv = new Uint8Array(12)

/**
 * Encrypt what a storage keeps: AES-256-GCM, with a fresh key for each value.
 *
 * `key` is 32 secret random bytes, or a `CryptoKey` for HKDF that may derive keys. Whoever loses it
 * has lost the state. A storage in use cannot be given another key: begin anew from a savepoint, or
 * keep both and copy. There is no `update`, as encryption takes its time. What a sink writes into
 * the store of a {@link TransactionalStorage} is the sink's, and is not encrypted.
 *
 * @example
 * ```ts
 * const key = crypto.getRandomValues(new Uint8Array(32)) // Once; then from where you keep secrets.
 * const job = await run(stream, { storage: encrypted(fileStorage("./state"), key) })
 * ```
 * @throws {MillraceError} `OPTION` when the key is none; `UNSUPPORTED` without WebCrypto, as in
 *   pages without https. Its methods: what those of `storage` do, and `CORRUPT` when a value was
 *   damaged, belongs to another name, or was encrypted with another key.
 */
export function encrypted<Transaction>(
  storage: TransactionalStorage<Transaction>,
  key: CryptoKey | Uint8Array,
): TransactionalStorage<Transaction>
export function encrypted(storage: StateStorage, key: CryptoKey | Uint8Array): StateStorage
export function encrypted(storage: StateStorage, key: CryptoKey | Uint8Array): StateStorage {
  const { seal, open } = sealer(key)
  const sealAll = (entries: readonly StorageEntry[]) => Promise.all(entries.map(seal))
  const exists = storage.exists?.bind(storage)
  const clear = storage.clear?.bind(storage)
  const getMany = storage.getMany?.bind(storage)
  const setMany = storage.setMany?.bind(storage)
  const { transactional, commit } = storage as Partial<TransactionalStorage<unknown>>
  const close = storage.close?.bind(storage)

  return {
    async get(name) {
      return open(name, await storage.get(name))
    },
    async set(name, value) {
      checkStorageKey(name)
      const [, sealed] = await seal([name, value])
      await storage.set(name, sealed)
    },
    delete: (name) => storage.delete(name),
    list: (prefix, options) => storage.list(prefix, options),
    ...(exists && { exists }),
    ...(clear && { clear }),
    ...(close && { close }),
    ...(getMany && {
      async getMany(names) {
        const values = await getMany(names)
        return Promise.all(names.map((name, i) => open(name, values[i])))
      },
    }),
    ...(setMany && {
      setMany: async (entries) => setMany(await sealAll(entries)),
    }),
    ...(commit && {
      ...(transactional && { transactional }),
      async commit(segments, manifest, owner, write?: WriteIn<unknown>) {
        const [last, ...others] = await sealAll([manifest, ...segments])
        await commit.call(storage, others, last as StorageEntry, owner, write)
      },
    }),
  }
}

/** What encrypts a value for its name, and decrypts it. */
function sealer(given: CryptoKey | Uint8Array) {
  const subtle = webCrypto()
  const importing = baseKey(subtle, given)
  importing.catch(() => undefined) // Told to who uses it.

  async function dataKey(salt: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
    const how = { name: "HKDF", hash: "SHA-256", salt, info }
    const what = { name: "AES-GCM", length: 256 }
    return subtle.deriveKey(how, await importing, what, false, ["encrypt", "decrypt"])
  }

  async function seal([name, value]: StorageEntry): Promise<StorageEntry> {
    const copy = value.slice() // The caller may change it meanwhile.
    const salt = crypto.getRandomValues(new Uint8Array(saltBytes))
    const sealed = await subtle.encrypt(cipher(name), await dataKey(salt), copy)
    const bytes = new Uint8Array(headBytes + sealed.byteLength)
    bytes[0] = format
    bytes.set(salt, 1)
    bytes.set(new Uint8Array(sealed), headBytes)
    return [name, bytes]
  }

  async function open(name: string, given: Uint8Array | undefined) {
    if (given === undefined) return undefined
    if (!(given instanceof Uint8Array)) throw corrupt(name, `it is ${typeName(given)}`)
    const bytes = Uint8Array.from(given)
    if (bytes.length < headBytes + tagBytes) throw corrupt(name, "it is too short")
    if (bytes[0] !== format) throw corrupt(name, "its format is not known")
    const key = await dataKey(bytes.slice(1, headBytes))
    try {
      return new Uint8Array(await subtle.decrypt(cipher(name), key, bytes.subarray(headBytes)))
    } catch (cause) {
      const why = "it was damaged, is of another name, or was encrypted with another key"
      throw corrupt(name, why, cause)
    }
  }

  return { seal, open }
}

const cipher = (name: string) => {
  return { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(name), tagLength: 128 }
}

const corrupt = (name: string, why: string, cause?: unknown) =>
  new MillraceError("CORRUPT", `${name} cannot be decrypted: ${why}`, { cause })

function webCrypto(): SubtleCrypto {
  const { subtle } = (globalThis as { readonly crypto?: Partial<Crypto> }).crypto ?? {}
  if (subtle !== undefined) return subtle
  throw new MillraceError("UNSUPPORTED", "encrypted needs WebCrypto: a page needs https for it")
}

/** The user's key, from which data keys are derived. */
function baseKey(subtle: SubtleCrypto, given: CryptoKey | Uint8Array): Promise<CryptoKey> {
  if (given instanceof Uint8Array && given.length === keyBytes) {
    return subtle.importKey("raw", Uint8Array.from(given), "HKDF", false, ["deriveKey"])
  }
  const { algorithm, usages } = (given ?? {}) as Partial<CryptoKey>
  const derives = algorithm?.name === "HKDF" && usages?.includes("deriveKey")
  if (derives === true) return Promise.resolve(given as CryptoKey)
  const wanted = `${keyBytes} bytes, or a CryptoKey for HKDF with the usage deriveKey`
  throw new MillraceError("OPTION", `encrypted takes as its key ${wanted}`)
}
