/** The worker on this machine, until Ctrl-C; what it keeps is in build/edge. */
import { fileURLToPath } from "node:url"
import { startEdge } from "./workerd.ts"

const folder = fileURLToPath(new URL("../../build/edge", import.meta.url))
const miniflare = startEdge({ folder, port: Number(process.env["PORT"] ?? 8787) })
const { origin } = await miniflare.ready
console.log(`${origin}: try, more than once,

    curl -i -X POST '${origin}/acme/limited?client=ada'
    curl -i -X POST -H 'webhook-id: 1' ${origin}/acme/webhook
    curl ${origin}/acme/counters

Ctrl-C ends it, hard; what was answered is there when it is started again.`)

process.once("SIGINT", () => void miniflare.dispose().then(() => process.exit()))
