import { toApplication } from "../protocol/application.ts";
import { describeRoutes, type RouteDescription } from "../protocol/description.ts";
import { toError } from "../protocol/errors.ts";
import { handlersOf } from "../consumer/handlers.ts";
import { counted } from "./columns.ts";
import { loadModule } from "./load-module.ts";
import { printable, type Terminal } from "./terminal.ts";
import { shortPath } from "./user-frame.ts";

/**
 * `millrace check <module>`: loads it and looks at every consumer that its routes tell of. Prints
 * what is wrong, a line each. Settles with the exit code.
 */
export async function checkModule(module: string, terminal: Terminal, errors: Terminal): Promise<number> {
  const { file, application } = await loadModule(module);
  const routes = describeRoutes(toApplication(application));
  const { consumers, handlers, faults } = inspect(routes);
  for (const fault of faults) errors.print(printable(fault));
  if (faults.length > 0) return 1;
  terminal.print(
    `${shortPath(file)} is OK: ${counted(routes.length, "route")}, ${counted(consumers, "consumer")}, ${counted(handlers, "handler")}.`,
  );
  return 0;
}

interface Inspection {
  readonly consumers: number;
  readonly handlers: number;
  readonly faults: readonly string[];
}

function inspect(routes: readonly RouteDescription[]): Inspection {
  // A consumer behind several routes is looked at once.
  const consumers = new Set(routes.flatMap(({ consumer }) => (consumer === undefined ? [] : [consumer])));
  let handlers = 0;
  const faults: string[] = [];
  for (const consumer of consumers) {
    try {
      handlers += handlersOf(consumer).size;
    } catch (thrown) {
      faults.push(toError(thrown).message);
    }
  }
  return { consumers: consumers.size, handlers, faults };
}
