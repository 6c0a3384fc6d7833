/**
 * Adds up what the test runners reported under build/test and prints one line,
 * "N passed, N failed, N skipped". A unit that died without a report counts as failed.
 */
import { readdirSync, readFileSync } from "node:fs"

const folder = new URL("../build/test/", import.meta.url)
const sum = { passed: 0, failed: 0, skipped: 0 }
let reports = []
try {
  reports = readdirSync(folder)
} catch {
  // Nothing was run.
}

for (const name of reports) {
  const text = readFileSync(new URL(name, folder), "utf8")
  if (name.endsWith(".json")) {
    const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(text)
    const broken = testResults.filter(
      ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
    )
    sum.passed += numPassedTests
    sum.failed += numFailedTests + broken.length
    sum.skipped += numPendingTests
  } else {
    for (const unit of text.split(/^== /m).slice(1)) {
      const line = (word) => new RegExp(`^\\[\\s+${word} \\] \\S+$`, "gm")
      const count = (word) => (unit.match(line(word)) ?? []).length
      const ended = /^\[=+\] \d+ test\(s\) run\.$/m.test(unit)
      sum.passed += count("OK")
      sum.failed += count("FAILED") + (ended ? 0 : 1)
      sum.skipped += count("SKIPPED")
    }
  }
}
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
