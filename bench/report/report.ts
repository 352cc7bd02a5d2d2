import { updateDocs } from "./docs.ts";
import { drawPlots } from "./plots.ts";
import { readResults } from "./results.ts";
import { docsTables } from "./tables.ts";

/** Prints the tables of what the last runs found, puts them into docs/performance.md, and draws the plots there. */
export function report(): void {
  const results = readResults();
  const tables = docsTables(results);
  for (const [name, table] of Object.entries(tables)) console.log(`\n## ${name}\n\n${table}`);
  updateDocs(tables);
  console.log(`\nPut into docs/performance.md, with ${drawPlots(results).join(", ")}`);
}
