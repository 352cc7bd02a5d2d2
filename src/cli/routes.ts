import { toApplication } from "../protocol/application.ts";
import { describeRoutes, type RouteDescription } from "../protocol/description.ts";
import type { CommandValues } from "./commands.ts";
import { columns } from "./columns.ts";
import { loadModule } from "./load-module.ts";
import { printable, type Terminal } from "./terminal.ts";

/** `millrace routes <module>`: prints the table of routes. Settles with the exit code. */
export async function printRoutes(module: string, flags: CommandValues<"routes">, terminal: Terminal): Promise<number> {
  const { application } = await loadModule(module);
  const routes = describeRoutes(toApplication(application));
  if (flags.json === true) terminal.print(JSON.stringify(routes.map(plainRoute), undefined, 2));
  else terminal.print(columns([["PROTOCOL", "PATTERN", "TARGET"], ...routes.map(routeCells)]).join("\n"));
  return 0;
}

/** A route as a row of a table; a star where everything matches. */
export function routeCells({ protocol, pattern, target }: RouteDescription): string[] {
  return [protocol ?? "*", pattern === "" ? "*" : pattern, target].map(printable);
}

/** A route without what only programs in this process can use. */
function plainRoute({ protocol, pattern, target }: RouteDescription): Record<string, string | null> {
  return { protocol: protocol ?? null, pattern, target };
}
