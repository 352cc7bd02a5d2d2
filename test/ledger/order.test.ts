import { expect, jest, test } from "@jest/globals";
import { RedisServer } from "../support/redis-server.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";
import { disorderIn } from "./order.ts";
import type { LayerKind } from "./room-process.ts";
import { Site, until } from "./site.ts";

noUnhandledRejections();
jest.setTimeout(120_000);

const senders = 8;
const messages = 200;

/** How often the sender changes from one message to the next. */
function turnsIn(heard: readonly string[]): number {
  const names = heard.map((id) => id.split(".")[0]);
  return names.filter((name, at) => at > 0 && name !== names[at - 1]).length;
}

test.each<LayerKind>(["pubsub", "core"])(
  "with 4 processes and 8 senders all members see one and the same order on the %s layer over one Redis",
  async (kind) => {
    await using server = await RedisServer.start();
    const layers = Array.from({ length: 4 }, () => ({ hosts: [server.url] }));
    await using site = await Site.start({ kinds: [kind], layers, rooms: 1, clientsEach: 10 });
    for (let round = 0; round < messages; round++) {
      // Clients stand in the order of their processes, so that each has two of these.
      for (const sender of site.clients.slice(0, senders)) sender.send();
    }
    const heardAll = (): boolean => site.clients.every(({ stay }) => stay?.heard.length === senders * messages);
    await until("all have heard all", heardAll);
    const { stays } = site.account(kind);
    const orders = new Set(stays.map(({ heard }) => heard.join()));
    process.stdout.write(
      `${kind}: ${stays.length} members saw ${orders.size} orders of ${senders * messages} messages\n`,
    );

    expect(disorderIn(kind, stays)).toEqual([]);
    expect(orders.size).toBe(1);
    expect(Math.min(...stays.map(({ heard }) => turnsIn(heard)))).toBeGreaterThan(messages);
    expect(site.troubles()).toEqual([]);
  },
);
