import type { Application } from "../protocol/application.ts";
import type { ChannelLayers } from "../protocol/channel-layers.ts";
import { describedBy } from "../protocol/description.ts";
import { MillraceError } from "../protocol/errors.ts";
import { takesWholePath } from "../protocol/path-taking.ts";
import { didYouMean } from "../protocol/suggestion.ts";

/** What a hook of the application's life is given. */
export interface LifespanContext {
  readonly layers: ChannelLayers;
}

/** What runs at the ends of an application's life. */
export interface LifespanHooks {
  /** Before anything is served. When it fails, nothing is. */
  readonly startup?: (context: LifespanContext) => void | Promise<void>;
  /** After everything was served. */
  readonly shutdown?: (context: LifespanContext) => void | Promise<void>;
}

const events: ReadonlyMap<string, keyof LifespanHooks> = new Map([
  ["lifespan.startup", "startup"],
  ["lifespan.shutdown", "shutdown"],
]);

/**
 * An application for the protocol `lifespan`. Its events are handled when their hook has ended, and
 * fail when it does.
 *
 * @throws MillraceError `ERR_INVALID_OPTION` for an unknown hook and for something that is no
 *   function.
 * @example
 * ```ts
 * ProtocolTypeRouter({ websocket, lifespan: lifespan({ startup: () => database.connect() }) });
 * ```
 */
export function lifespan(hooks: LifespanHooks): Application {
  checkHooks(hooks);
  const application: Application = ({ scope, layers }) => {
    if (scope.type !== "lifespan") {
      throw new MillraceError("ERR_WRONG_PROTOCOL", { happened: "lifespan() serves lifespan", got: scope.type });
    }
    return async ({ type }) => {
      const hook = events.get(type);
      if (hook === undefined) throw unknownEvent(type);
      await hooks[hook]?.({ layers });
    };
  };
  const names = Object.keys(hooks).join(", ");
  return describedBy(takesWholePath(application), () => [{ protocol: "lifespan", pattern: "", target: names }]);
}

function checkHooks(hooks: unknown): void {
  const names = [...events.values()];
  const wanted = `{ ${names.join(", ")} }, each a function`;
  if (typeof hooks !== "object" || hooks === null) {
    throw new MillraceError("ERR_INVALID_OPTION", { happened: "lifespan takes hooks", got: hooks, wanted });
  }
  for (const [name, hook] of Object.entries(hooks)) {
    if (!names.some((known) => known === name)) {
      const happened = `lifespan has no hook ${name}${didYouMean(name, names)}`;
      throw new MillraceError("ERR_INVALID_OPTION", { happened, wanted });
    }
    if (typeof hook === "function") continue;
    throw new MillraceError("ERR_INVALID_OPTION", { happened: `The hook ${name} can't be called`, got: hook, wanted });
  }
}

function unknownEvent(type: string): MillraceError {
  return new MillraceError("ERR_INVALID_EVENT", {
    happened: "An application's life has no such event",
    got: type,
    wanted: [...events.keys()].join(" or "),
  });
}
