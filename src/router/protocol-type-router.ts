import type { Application } from "../protocol/application.ts";
import { describedBy } from "../protocol/description.ts";
import { MillraceError } from "../protocol/errors.ts";
import { NoRoute } from "../protocol/no-route.ts";
import type { ChannelScope, HttpScope, LifespanScope, Protocol, WebsocketScope } from "../protocol/scope.ts";
import { didYouMean } from "../protocol/suggestion.ts";
import { type Callable, callable } from "./callable.ts";
import { type RouteTarget, rowsBehind, targetOf } from "./target.ts";

/** An application for each protocol that is served. */
export interface ProtocolApplications {
  readonly http?: RouteTarget<HttpScope>;
  readonly websocket?: RouteTarget<WebsocketScope>;
  /** What works off background channels. */
  readonly channel?: RouteTarget<ChannelScope>;
  /** What runs before anything is served and after all was: see `lifespan`. */
  readonly lifespan?: RouteTarget<LifespanScope>;
}

const protocols: readonly Protocol[] = ["http", "websocket", "channel", "lifespan"];

/**
 * Dispatches by protocol. A connection of a protocol that is not in the map ends in `ERR_NO_ROUTE`.
 *
 * @throws MillraceError `ERR_INVALID_ROUTE` for a protocol that does not exist and for something
 *   that is no application.
 */
export const ProtocolTypeRouter: Callable<[applications: ProtocolApplications], Application> = callable(
  function ProtocolTypeRouter(applications: ProtocolApplications): Application {
    const byProtocol = compile(applications);
    const router: Application = (connection) => {
      const { type } = connection.scope;
      const application = byProtocol.get(type);
      if (application !== undefined) return application(connection);
      throw new NoRoute(`No application serves the protocol ${type}`, [...byProtocol.keys()]);
    };
    return describedBy(router, () =>
      [...byProtocol].flatMap(([protocol, application]) =>
        rowsBehind(application, (row) => ({ protocol: row.protocol ?? protocol })),
      ),
    );
  },
);

function compile(applications: ProtocolApplications): Map<Protocol, Application> {
  if (typeof applications !== "object" || applications === null) {
    throw new MillraceError("ERR_INVALID_ROUTE", {
      happened: "ProtocolTypeRouter takes an application for each protocol",
      got: applications,
      wanted: "{ http, websocket, channel, lifespan }, as many as are served",
    });
  }
  const byProtocol = new Map<Protocol, Application>();
  for (const [name, target] of Object.entries<RouteTarget<never>>({ ...applications })) {
    const protocol = protocols.find((known) => known === name);
    if (protocol === undefined) throw unknownProtocol(name);
    byProtocol.set(protocol, targetOf(target, `The protocol ${protocol}`));
  }
  return byProtocol;
}

function unknownProtocol(name: string): MillraceError {
  return new MillraceError("ERR_INVALID_ROUTE", {
    happened: `There is no protocol ${JSON.stringify(name)}${didYouMean(name, protocols)}`,
    wanted: protocols.join(", "),
  });
}
