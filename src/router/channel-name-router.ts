import type { Application } from "../protocol/application.ts";
import { describedBy } from "../protocol/description.ts";
import { MillraceError } from "../protocol/errors.ts";
import { checkChannelName } from "../protocol/names.ts";
import { NoRoute } from "../protocol/no-route.ts";
import type { ChannelScope } from "../protocol/scope.ts";
import { didYouMean } from "../protocol/suggestion.ts";
import { type Callable, callable } from "./callable.ts";
import { type RouteTarget, rowsBehind, targetOf } from "./target.ts";

/** An application for each background channel, by the channel's name. */
export type ChannelApplications = Readonly<Record<string, RouteTarget<ChannelScope>>>;

/**
 * Dispatches background channels by name. A channel that is not in the map, and a scope that has no
 * channel, end in `ERR_NO_ROUTE`.
 *
 * @throws MillraceError `ERR_INVALID_NAME` for a name that no channel can have, and
 *   `ERR_INVALID_ROUTE` for something that is no application.
 */
export const ChannelNameRouter: Callable<[applications: ChannelApplications], Application> = callable(
  function ChannelNameRouter(applications: ChannelApplications): Application {
    const byName = compile(applications);
    const router: Application = (connection) => {
      const { channel } = connection.scope;
      const application = typeof channel === "string" ? byName.get(channel) : undefined;
      if (application !== undefined) return application(connection);
      throw noChannel(channel, connection.scope.type, [...byName.keys()]);
    };
    return describedBy(router, () =>
      [...byName].flatMap(([pattern, application]) => rowsBehind(application, () => ({ pattern }))),
    );
  },
);

function compile(applications: ChannelApplications): Map<string, Application> {
  if (typeof applications !== "object" || applications === null) {
    throw new MillraceError("ERR_INVALID_ROUTE", {
      happened: "ChannelNameRouter takes an application for each channel",
      got: applications,
      wanted: "{ thumbnails: ThumbnailConsumer }",
    });
  }
  const byName = new Map<string, Application>();
  for (const [name, target] of Object.entries(applications)) {
    checkChannelName(name);
    byName.set(name, targetOf(target, `The channel ${name}`));
  }
  return byName;
}

function noChannel(channel: unknown, protocol: string, names: readonly string[]): NoRoute {
  if (typeof channel !== "string") return new NoRoute(`A ${protocol} scope names no channel`, names);
  return new NoRoute(`No application works off the channel ${channel}`, names, didYouMean(channel, names));
}
