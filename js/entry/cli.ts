#!/usr/bin/env node
/**
 * The command line: `npx millrace inspect …`; see command.ts. The package brings the module.
 */
import "millrace"
import { runCommand } from "./command.ts"

const { stdout, stderr } = process

const done = runCommand(process.argv.slice(2), {
  columns: stdout.isTTY ? stdout.columns : undefined,
  print: (text) => void stdout.write(text),
  complain: (text) => void stderr.write(text),
})
// With `await` here the bundler would make one file more of the module inside the code.
void done.then((code) => (process.exitCode = code))
