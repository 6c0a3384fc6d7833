/** Runs the program at every request, with its state in memory. */
import { program } from "./program.ts"

const worker = { fetch: async () => Response.json(await program()) }

export { worker as default }
