import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { hasRole, type SentinelSet, startSentinelSet, until } from "../support/redis-sentinel.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";
import { Listener, makeLink, rejection } from "./support.ts";

noUnhandledRejections();
// Sentinels leave some seconds between two failovers, and more on a busy machine.
jest.setTimeout(60_000);

describe("a master that sentinels know", () => {
  let set: SentinelSet;
  beforeAll(async () => {
    set = await startSentinelSet();
  });
  afterAll(() => set[Symbol.asyncDispose]());

  test("is found, and found again after a failover", async () => {
    await using link = makeLink(set.host);
    await using listener = new Listener(set.host);
    await listener.subscriber.subscribe("a");
    await link.call("PUBLISH", "a", "before");
    await listener.heard(1);
    const commanded = Date.now();
    await set.failover();
    const master = await set.master();
    await listener.recovered();
    await until(async () => ((await master.command("PUBSUB", "CHANNELS")) as string[]).includes("a"));
    await until(async () =>
      link.call("PUBLISH", "a", "after").then(
        (heard) => heard === 1,
        () => false,
      ),
    );
    await listener.heard(2);

    expect(listener.messages.slice(0, 2)).toEqual(["a before", "a after"]);
    expect(listener.gaps[0]?.since).toBeLessThanOrEqual(commanded);
  });

  test("is left when most sentinels name another, though it lives and answers", async () => {
    await using link = makeLink(set.host, { retryDelay: 0.01 });
    await using listener = new Listener(set.host);
    await listener.subscriber.subscribe("a");
    await link.connect();
    const old = await set.master();
    await set.failover();
    const next = await set.master();
    await listener.recovered();
    await until(async () => link.up);
    await link.call("PUBLISH", "a", "on the new one");
    await listener.heard(1);

    expect(await next.command("PUBSUB", "NUMSUB", "a")).toEqual(["a", 1]);
    expect(await old.command("PUBSUB", "NUMSUB", "a")).toEqual(["a", 0]);
  });

  test("is replaced when it is frozen; the gap reaches from before until all have heard of it", async () => {
    await using listener = new Listener(set.host);
    await listener.subscriber.subscribe("a");
    let frozen = 0;
    const old = await set.master();
    await set.failover((master) => {
      frozen = Date.now();
      master.freeze();
    });
    const agreed = Date.now();
    await listener.recovered();
    old.thaw();
    await until(() => hasRole(old, "slave"));

    expect(listener.gaps).toHaveLength(1);
    expect(listener.gaps[0]?.since).toBeLessThanOrEqual(frozen);
    expect(listener.gaps[0]?.until).toBeGreaterThan(agreed);
  });

  test("is found though a sentinel does not answer, and though two are gone", async () => {
    const [first, second, third] = set.sentinels;
    first?.freeze();
    await using link = makeLink(set.host);
    await until(async () =>
      link.connect().then(
        () => true,
        () => false,
      ),
    );
    expect(link.up).toBe(true);
    first?.thaw();
    await first?.stop();
    await second?.stop();
    await using other = makeLink(set.host);
    await other.connect();
    expect(other.up).toBe(true);
    await third?.stop();
    await using last = makeLink(set.host);
    expect(await rejection(last.connect())).toMatchObject({
      code: "ERR_LAYER_UNAVAILABLE",
      message: expect.stringMatching(
        /Can't reach Redis at the master mymaster of the sentinels 127.*no sentinel answers: connect ECONNREFUSED/,
      ),
    });
    expect(link.up).toBe(true);
    for (const sentinel of set.sentinels) await sentinel.start();
  });

  test("of a name that they do not know is told", async () => {
    await using link = makeLink({ ...set.host, name: "nobody" });
    expect(await rejection(link.connect())).toMatchObject({
      code: "ERR_LAYER_UNAVAILABLE",
      message: expect.stringContaining("the sentinels know no master of that name"),
    });
  });
});
