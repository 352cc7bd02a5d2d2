import { mkdirSync, writeFileSync } from "node:fs";
import { describeMachine } from "./machine.ts";

/** Writes what a benchmark found to `bench/results/<name>.json`, with what it was measured on. */
export function writeResults(name: string, results: object): void {
  const folder = new URL("../results/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  const content = { date: new Date().toISOString(), machine: describeMachine(), ...results };
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(content, undefined, 2)}\n`);
  console.log(`\nWritten to bench/results/${name}.json`);
}
