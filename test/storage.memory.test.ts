import { memoryStorage } from "../js/storage/memory.ts"
import { testStorage } from "./contract/storage.ts"

testStorage("memory", memoryStorage, { interleavings: 1000 })
