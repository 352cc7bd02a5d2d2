import type { DirectEndpoint, Endpoint } from "./endpoint.ts";
import type { ConnectionSettings } from "./options.ts";
import { Sentinels } from "./sentinels.ts";

/** Knows where to connect to: to a server as it is written, or to whom the sentinels name. */
export class Locator {
  /** Those who decide which server it is, where somebody does. */
  readonly sentinels: Sentinels | undefined;
  readonly #locate: () => DirectEndpoint | Promise<DirectEndpoint>;

  constructor(endpoint: Endpoint, settings: ConnectionSettings) {
    if (endpoint.kind === "sentinel") {
      const sentinels = new Sentinels(endpoint, settings);
      this.sentinels = sentinels;
      this.#locate = () => sentinels.findMaster();
    } else {
      this.sentinels = undefined;
      this.#locate = () => endpoint;
    }
  }

  /** Where to connect to now. Rejects when nobody can tell. */
  locate(): DirectEndpoint | Promise<DirectEndpoint> {
    return this.#locate();
  }

  close(): void {
    this.sentinels?.close();
  }
}
