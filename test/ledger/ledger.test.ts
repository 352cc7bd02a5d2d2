import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, jest, test } from "@jest/globals";
import { startSentinelSet } from "../support/redis-sentinel.ts";
import { disposeAll, RedisServer } from "../support/redis-server.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";
import { drawUp, sumOf, tableOf } from "./ledger.ts";
import { disorderIn } from "./order.ts";
import type { LayerKind } from "./room-process.ts";
import { Site } from "./site.ts";

noUnhandledRejections();
jest.setTimeout(180_000);

const processes = [0, 1, 2, 3];
const kinds: readonly LayerKind[] = ["pubsub", "core"];

/** What was found of a site, once it is told which ledger to print. */
function examine(site: Site, kind: LayerKind, title: string) {
  const account = site.account(kind);
  const rows = drawUp(account);
  process.stdout.write(tableOf(`${kind}, ${title}`, rows));
  return {
    duplicates: sumOf(rows, "duplicates"),
    unexplained: sumOf(rows, "unexplained"),
    disorder: disorderIn(kind, account.stays),
    troubles: site.troubles(),
  };
}

const allIsWell = { duplicates: 0, unexplained: 0, disorder: [], troubles: [] };

describe("the loss ledger adds up", () => {
  test.each<LayerKind>(["pubsub", "core"])(
    "over a killed process, a Redis that restarts, one that is frozen, and cut connections, on the %s layer",
    async (kind) => {
      await using server = await RedisServer.start();
      const ways = await Promise.all(processes.map(() => TcpProxy.start(server.port)));
      await using allWays = { ways, [Symbol.asyncDispose]: () => disposeAll(ways) };
      const layers = ways.map(({ url }) => ({ hosts: [url] }));
      await using site = await Site.start({ kinds: [kind], layers, rooms: 10, clientsEach: 5 });
      const [first, second] = allWays.ways as [TcpProxy, TcpProxy];

      await site.during("kill -9 a process", () => site.replace(3));

      await site.during("restart Redis", async () => {
        const since = Date.now();
        // One process comes back later than the others, so that it must miss what they send.
        first.refuse();
        await server.restart();
        await site.recovered(since, [1, 2, 3]);
        await pause(500);
        first.heal();
        await site.recovered(since);
      });

      await site.during("freeze Redis", async () => {
        server.freeze();
        await pause(10_000);
        const since = Date.now();
        server.thaw();
        await site.recovered(since);
      });

      await site.during("cut connections", async () => {
        const since = Date.now();
        second.refuse();
        second.cut();
        await pause(500);
        second.heal();
        await site.recovered(since, [1]);
        const again = Date.now();
        for (const way of ways) way.cut();
        await site.recovered(again);
      });

      expect(examine(site, kind, "one Redis")).toEqual(allIsWell);
      const rows = drawUp(site.account(kind), false);
      const unexplained = new Map(rows.map((row) => [row.fault, row.unexplained]));
      expect(unexplained.get("restart Redis")).toBeGreaterThan(0);
      if (kind === "pubsub") expect(unexplained.get("cut connections")).toBeGreaterThan(0);
    },
  );

  test("over failovers by Sentinel, on both layers", async () => {
    await using set = await startSentinelSet();
    const layers = processes.map(() => ({ hosts: [set.host] }));
    await using site = await Site.start({ kinds, layers, rooms: 5, clientsEach: 5 });

    await site.during("failover", async () => {
      const since = Date.now();
      await set.failover();
      await site.recovered(since);
    });
    const first = await set.master();
    await site.during("kill -9 the master", async () => {
      const since = Date.now();
      await set.failover((master) => master.kill());
      await site.recovered(since);
    });
    await first.start();
    await site.during("tear the net", async () => {
      const since = Date.now();
      // Clients reach it for as long as they like.
      await set.failover((master) => set.tear(master));
      await site.recovered(since);
    });

    for (const kind of kinds) expect(examine(site, kind, "Sentinel")).toEqual(allIsWell);
  });
});
