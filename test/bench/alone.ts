/**
 * One case of a suite in a process of its own: nothing that ran before has shaped its heap or the
 * code that V8 compiled.
 *
 *     node --expose-gc --import tsx test/bench/alone.ts '{"suite":"p11","given":{…}}'
 *
 * Prints what the suite's `alone` makes of `given`, as JSON.
 */
interface Suite {
  alone: (given: unknown) => Promise<unknown>
}

const { suite, given } = JSON.parse(process.argv[2]!) as { suite: string; given: unknown }
const { alone } = (await import(`./${suite}.ts`)) as Suite
console.log(JSON.stringify(await alone(given)))
