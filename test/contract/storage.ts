/** The contract of `millrace/testing` as tests; `test/storage.memory.test.ts` is one call of it. */
import { describe, it } from "vitest"
import type { StateStorage } from "../../js/storage/storage.ts"
import { storageContract } from "../../js/testing/index.ts"
import type { StorageContractOptions } from "../../js/testing/index.ts"

/** Run the contract against a driver. `make` returns an empty store. */
export function testStorage(
  name: string,
  make: () => StateStorage | Promise<StateStorage>,
  options?: StorageContractOptions,
): void {
  describe(`storage: ${name}`, () => {
    for (const check of storageContract(make, options)) it(check.name, check.run)
  })
}
