/** Runs the program with its state in files: in Node, Deno and Bun. */
import { fileStorage } from "millrace/storage/file"
import { program } from "./program.ts"

void program(fileStorage("state")).then((result) => console.log(JSON.stringify(result)))
