/** Runs the program with its state in IndexedDB, and shows what it gave, or its error. */
import { indexedDbStorage } from "millrace/storage/indexeddb"
import { program } from "./program.ts"

const shown = document.createElement("output")
void program(indexedDbStorage("state"))
  .then((result) => JSON.stringify(result), String)
  .then((text) => {
    shown.textContent = text
    document.body.append(shown)
  })
