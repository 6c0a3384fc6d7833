/**
 * `millrace/testing`: with the module as `millrace` finds it in the runtime at hand.
 */
import "millrace"

export * from "../testing/index.ts"
