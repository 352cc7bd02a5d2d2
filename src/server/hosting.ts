import type { Application } from "../protocol/application.ts";
import type { ChannelLayers } from "../protocol/channel-layers.ts";
import type { CheckedOptions } from "./options.ts";
import type { ScopeSettings } from "./request-scope.ts";
import type { Sessions } from "./sessions.ts";
import type { Upgrader } from "./upgrader.ts";

/** What all that one server serves has in common. */
export interface Hosting {
  readonly application: Application;
  readonly layers: ChannelLayers;
  readonly options: CheckedOptions;
  readonly scopes: ScopeSettings;
  readonly sessions: Sessions;
  readonly upgrader: Upgrader;
}
