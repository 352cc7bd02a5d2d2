import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import {
  type Channel,
  type Diagnostics,
  type DiagnosticsName,
  InMemoryChannelLayer,
  type LayerMessage,
  subscribeDiagnostics,
} from "millrace";
import type { LocalChannel } from "../../src/layers/local-channel.ts";

let layer: InMemoryChannelLayer;

beforeEach(() => {
  layer = new InMemoryChannelLayer();
});

afterEach(async () => {
  await layer.close();
  jest.useRealTimers();
});

interface Member {
  readonly channel: Channel;
  readonly got: unknown[];
}

/** A new channel that keeps the numbers of its messages, in some groups. */
async function member(
  groups: readonly string[] = [],
  handle: (message: LayerMessage) => void = () => {},
): Promise<Member> {
  const got: unknown[] = [];
  const channel = layer.newChannel((message) => {
    got.push(message["number"]);
    handle(message);
  });
  for (const group of groups) await layer.groupAdd(group, channel.name);
  return { channel, got };
}

function numbered(number: number): LayerMessage {
  return { type: "test.message", number };
}

/** What a diagnostics channel carries, until it is disposed of. */
function listen<Name extends DiagnosticsName>(name: Name): Disposable & { readonly heard: Array<Diagnostics[Name]> } {
  const heard: Array<Diagnostics[Name]> = [];
  return { ...subscribeDiagnostics(name, (payload) => heard.push(payload)), heard };
}

const never = (): Promise<void> => new Promise(() => {});

const nothing = { channels: 0, groups: 0, members: 0, waiting: 0 };

/** Lets everything happen that waits for no time and no input. */
function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

describe("the in-memory layer", () => {
  test("makes and receives channels synchronously", () => {
    expect(layer.newChannel(() => {})).not.toBeInstanceOf(Promise);
    expect(layer.subscribe("jobs", () => {})).not.toBeInstanceOf(Promise);
  });

  test("delivers to a process-local channel before send returns", () => {
    const got: LayerMessage[] = [];
    const { name } = layer.newChannel((message) => void got.push(message));
    void layer.send(name, numbered(1));
    void layer.send(name, numbered(2));
    expect(got).toEqual([numbered(1), numbered(2)]);
  });

  test("gives all members one and the same frozen message", async () => {
    const got: LayerMessage[] = [];
    for (let count = 0; count < 2; count++) {
      await layer.groupAdd("room", layer.newChannel((message) => void got.push(message)).name);
    }
    await layer.groupSend("room", numbered(1));
    expect(got[0]).toBe(got[1]);
    expect(Object.isFrozen(got[0])).toBe(true);
  });

  test("gives channels names that tell neither the next one nor another layer's", () => {
    const names = Array.from({ length: 1000 }, () => layer.newChannel(() => {}).name);
    expect(new Set(names).size).toBe(1000);
    expect(names.every((name) => /^specific\.[\w-]{16}![\w-]{16}$/.test(name))).toBe(true);
    const foreign = new InMemoryChannelLayer().newChannel(() => {}).name;
    expect(foreign.split("!")[0]).not.toBe(names[0]?.split("!")[0]);
  });

  test("reports one process for a group with members, and none for one without", async () => {
    const full = layer.newChannel(never);
    await layer.groupAdd("room", full.name);
    expect(await layer.groupSend("room", numbered(1))).toEqual({ processes: 1, delivered: 1, overCapacity: 0 });
    expect(await layer.groupSend("empty", numbered(1))).toEqual({ processes: 0, delivered: 0, overCapacity: 0 });
  });

  test.each(["send", "groupAdd"] as const)(
    "refuses %s for a process-local channel of another layer",
    async (method) => {
      const foreign = new InMemoryChannelLayer().newChannel(() => {}).name;
      const attempt = method === "send" ? layer.send(foreign, numbered(1)) : layer.groupAdd("room", foreign);
      await expect(attempt).rejects.toMatchObject({ code: "ERR_CHANNEL_CLOSED" });
      expect(layer.stats()).toEqual(nothing);
    },
  );

  test("publishes what a full channel did not get", async () => {
    await using small = new InMemoryChannelLayer({ capacity: 1 });
    const { name } = small.newChannel(never);
    using published = listen("millrace:layer:over-capacity");
    await small.send(name, numbered(1));
    await expect(small.send(name, numbered(2))).rejects.toMatchObject({
      code: "ERR_CHANNEL_FULL",
      message: expect.stringContaining(name),
    });
    expect(published.heard).toEqual([{ layer: "memory", target: name, type: "test.message", members: 1 }]);
  });

  test("counts a message as handled when its subscriber failed", async () => {
    await using small = new InMemoryChannelLayer({ capacity: 1 });
    const { name } = small.newChannel(() => Promise.reject(new Error("rejected")));
    for (const number of [1, 2, 3]) {
      await small.send(name, numbered(number));
      await settled();
    }
    expect(small.stats()).toEqual({ ...nothing, channels: 1 });
  });

  test("ends with `await using`", async () => {
    const ended = await (async () => {
      await using inner = new InMemoryChannelLayer();
      inner.newChannel(() => {});
      return inner;
    })();
    expect(ended.stats()).toEqual(nothing);
    expect(() => ended.newChannel(() => {})).toThrow(expect.objectContaining({ code: "ERR_LAYER_CLOSED" }));
  });
});

describe("deliveries do not nest", () => {
  test("so all see one order when a member answers at once", async () => {
    const first = await member(["room"]);
    const answering = await member(["room"], ({ number }) => {
      if (number === 1) void layer.groupSend("room", numbered(2));
    });
    const last = await member(["room"]);
    await layer.groupSend("room", numbered(1));
    expect([first.got, answering.got, last.got]).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
  });

  test("so a send to one channel keeps its place among group messages", async () => {
    const last: Member[] = [];
    await member(["room"], ({ number }) => {
      if (number === 1) void layer.send(last[0]?.channel.name ?? "", numbered(2));
    });
    last.push(await member(["room"]));
    await layer.groupSend("room", numbered(1));
    expect(last[0]?.got).toEqual([1, 2]);
  });

  test("so 100,000 answers to answers do not exhaust the stack", async () => {
    const answering = await member(["room"], ({ number }) => {
      const next = numbered(Number(number) + 1);
      if (Number(number) < 100_000)
        void (Number(number) % 2 === 0 ? layer.groupSend("room", next) : layer.send(name, next));
    });
    const { name } = answering.channel;
    await layer.send(name, numbered(1));
    expect(answering.got).toHaveLength(100_000);
    expect(answering.got.every((number, index) => number === index + 1)).toBe(true);
  });

  test("and each send settles when it was handed over", async () => {
    const settledInOrder: unknown[] = [];
    const { channel } = await member([], ({ number }) => {
      if (number === 1) void layer.send(channel.name, numbered(2)).then(() => settledInOrder.push(2));
    });
    await layer.send(channel.name, numbered(1));
    await settled();
    expect(settledInOrder).toEqual([2]);
  });

  test("and a failure is told to the one who sent, in a delivery too", async () => {
    await using small = new InMemoryChannelLayer({ capacity: 1 });
    const full = small.newChannel(never);
    await small.send(full.name, numbered(0));
    const outcomes: Array<Promise<unknown>> = [];
    const { name } = small.newChannel(() => {
      outcomes.push(small.send(full.name, numbered(1)), small.groupSend("room", numbered(1)));
    });
    await small.groupAdd("room", full.name);
    await small.send(name, numbered(1));
    expect(await Promise.allSettled(outcomes)).toMatchObject([
      { status: "rejected", reason: { code: "ERR_CHANNEL_FULL" } },
      { status: "fulfilled", value: { processes: 1, delivered: 0, overCapacity: 1 } },
    ]);
  });

  test("and at most 100,000 sends wait for the one that runs", async () => {
    const outcomes: Array<Promise<unknown>> = [];
    const target = await member(["room"]);
    const { name } = layer.newChannel(() => {
      for (let number = 0; number < 100_000; number++) void layer.send(target.channel.name, numbered(number));
      outcomes.push(layer.send(target.channel.name, numbered(-1)), layer.groupSend("room", numbered(-1)));
    });
    await layer.send(name, numbered(0));
    expect(await Promise.allSettled(outcomes)).toMatchObject([
      { status: "rejected", reason: { code: "ERR_CHANNEL_FULL" } },
      { status: "fulfilled", value: { processes: 1, delivered: 0, overCapacity: 1 } },
    ]);
    expect(target.got).toHaveLength(100_000);
    expect(target.got.at(-1)).toBe(99_999);
  });

  test("and what waits when the layer is closed is refused", async () => {
    const outcomes: Array<Promise<unknown>> = [];
    const target = await member(["room"]);
    const { name } = layer.newChannel(() => {
      outcomes.push(layer.send(target.channel.name, numbered(1)), layer.groupSend("room", numbered(1)), layer.close());
    });
    await layer.send(name, numbered(0));
    expect(await Promise.allSettled(outcomes)).toMatchObject([
      { status: "rejected", reason: { code: "ERR_LAYER_CLOSED" } },
      { status: "rejected", reason: { code: "ERR_LAYER_CLOSED" } },
      { status: "fulfilled" },
    ]);
    expect(target.got).toEqual([]);
  });
});

describe("a group message goes to those who are members at the moment of the call", () => {
  test("so who joins while it is delivered gets the next one", async () => {
    const late = await member();
    await member(["room"], () => void layer.groupAdd("room", late.channel.name));
    await layer.groupSend("room", numbered(1));
    expect(late.got).toEqual([]);
    await layer.groupSend("room", numbered(2));
    expect(late.got).toEqual([2]);
  });

  test("so who is discarded while it is delivered still gets it, and not the next one", async () => {
    const discarded: Member[] = [];
    await member(["room"], () => void layer.groupDiscard("room", discarded[0]?.channel.name ?? ""));
    discarded.push(await member(["room"]));
    const after = await member(["room"]);
    await layer.groupSend("room", numbered(1));
    await layer.groupSend("room", numbered(2));
    expect([discarded[0]?.got, after.got]).toEqual([[1], [1, 2]]);
  });

  test("though it was sent during another delivery", async () => {
    const joins = await member();
    const goes = await member(["room"]);
    await member(["start"], () => {
      void layer.groupSend("room", numbered(1));
      void layer.groupDiscard("room", goes.channel.name);
      void layer.groupAdd("room", joins.channel.name);
    });
    await layer.groupSend("start", numbered(0));
    expect([goes.got, joins.got]).toEqual([[1], []]);
  });

  test("but a channel that was closed meanwhile gets nothing, and is not counted", async () => {
    const closed: Member[] = [];
    await member(["room"], () => void closed[0]?.channel.close());
    closed.push(await member(["room"]));
    const after = await member(["room"]);
    expect(await layer.groupSend("room", numbered(1))).toEqual({ processes: 1, delivered: 2, overCapacity: 0 });
    expect([closed[0]?.got, after.got]).toEqual([[], [1]]);
  });

  test("and a send to a channel that was closed meanwhile is refused", async () => {
    const outcomes: Array<Promise<unknown>> = [];
    const target = await member();
    const { name } = layer.newChannel(() => {
      outcomes.push(layer.send(target.channel.name, numbered(1)));
      void target.channel.close();
    });
    await layer.send(name, numbered(0));
    expect(await Promise.allSettled(outcomes)).toMatchObject([{ reason: { code: "ERR_CHANNEL_CLOSED" } }]);
    expect(target.got).toEqual([]);
  });
});

describe("a named channel", () => {
  test("keeps the order of three messages", async () => {
    const got: unknown[] = [];
    for (const number of [1, 2, 3]) await layer.send("jobs", numbered(number));
    layer.subscribe("jobs", ({ number }) => void got.push(number));
    await settled();
    expect(got).toEqual([1, 2, 3]);
  });

  test("is kept while messages wait, and forgotten when the last was received", async () => {
    await layer.send("jobs", numbered(1));
    await layer.send("jobs", numbered(2));
    const channel = layer.subscribe("jobs", () => {});
    expect(layer.stats()).toEqual({ ...nothing, channels: 1, waiting: 2 });
    await settled();
    expect(layer.stats()).toEqual({ ...nothing, channels: 1 });
    await channel.close();
    expect(layer.stats()).toEqual(nothing);
  });

  test("goes on for a receiver that waited while another emptied and left it", async () => {
    const got: unknown[] = [];
    const leaving = layer.subscribe("jobs", () => void leaving.close());
    layer.subscribe("jobs", ({ number }) => void got.push(number));
    for (const number of [1, 2, 3]) await layer.send("jobs", numbered(number));
    expect(got).toEqual([2, 3]);
  });

  test("goes on for one who comes after it was forgotten", async () => {
    const got: unknown[] = [];
    const leaving: Channel = layer.subscribe("jobs", () => {
      void leaving.close();
      layer.subscribe("jobs", ({ number }) => void got.push(number));
    });
    for (const number of [1, 2, 3]) await layer.send("jobs", numbered(number));
    await settled();
    expect(got).toEqual([2, 3]);
    expect(layer.stats()).toEqual({ ...nothing, channels: 1 });
  });

  test("is handed to whoever subscribes after subscribe has returned", async () => {
    await layer.send("jobs", numbered(1));
    const names: string[] = [];
    const channel: Channel = layer.subscribe("jobs", () => void names.push(channel.name));
    await settled();
    expect(names).toEqual(["jobs"]);
  });

  test("gives each receiver its turn", async () => {
    const turns: string[] = [];
    for (const name of ["a", "b", "c"]) layer.subscribe("jobs", () => void turns.push(name));
    for (let number = 0; number < 6; number++) await layer.send("jobs", numbered(number));
    expect(turns.join("")).toBe("abcabc");
  });

  test("gives a receiver the next message when it has settled the last, and others go on meanwhile", async () => {
    const release: Array<() => void> = [];
    const slow: unknown[] = [];
    const quick: unknown[] = [];
    layer.subscribe("jobs", ({ number }) => {
      slow.push(number);
      return new Promise((resolve) => void release.push(resolve));
    });
    layer.subscribe("jobs", ({ number }) => void quick.push(number));
    for (let number = 0; number < 4; number++) await layer.send("jobs", numbered(number));
    expect([slow, quick]).toEqual([[0], [1, 2, 3]]);
    release[0]?.();
    await settled();
    for (let number = 4; number < 6; number++) await layer.send("jobs", numbered(number));
    expect([slow, quick]).toEqual([
      [0, 5],
      [1, 2, 3, 4],
    ]);
  });

  test("gives nothing more to a receiver that ends while it has a message in hand", async () => {
    const release: Array<() => void> = [];
    const got: unknown[] = [];
    const ending = layer.subscribe("jobs", ({ number }) => {
      got.push(number);
      return new Promise((resolve) => void release.push(resolve));
    });
    layer.subscribe("jobs", never);
    for (const number of [1, 2, 3]) await layer.send("jobs", numbered(number));
    await ending.close();
    release[0]?.();
    await settled();
    expect(got).toEqual([1]);
    expect(layer.stats()).toEqual({ ...nothing, channels: 1, waiting: 2 });
  });

  test("goes on after a receiver threw or rejected", async () => {
    const got: unknown[] = [];
    using published = listen("millrace:layer:error");
    layer.subscribe("jobs", ({ number }) => {
      got.push(number);
      if (number === 1) throw new Error("threw");
      if (number === 2) return Promise.reject(new Error("rejected"));
      return undefined;
    });
    for (const number of [1, 2, 3]) await layer.send("jobs", numbered(number));
    await settled();
    expect(got).toEqual([1, 2, 3]);
    expect(published.heard.map(({ error }) => error.message)).toEqual(["threw", "rejected"]);
  });

  test("counts what waits against its capacity, not what a receiver has in hand", async () => {
    await using small = new InMemoryChannelLayer({ capacity: 2 });
    small.subscribe("jobs", never);
    for (const number of [1, 2, 3]) await small.send("jobs", numbered(number));
    await expect(small.send("jobs", numbered(4))).rejects.toMatchObject({ code: "ERR_CHANNEL_FULL" });
    expect(small.stats()).toEqual({ ...nothing, channels: 1, waiting: 3 });
  });
});

describe("what grows old", () => {
  let expired: ReturnType<typeof listen<"millrace:message:expired">>;

  beforeEach(() => {
    jest.useFakeTimers();
    expired = listen("millrace:message:expired");
  });

  afterEach(() => expired[Symbol.dispose]());

  const seconds = (count: number): void => void jest.advanceTimersByTime(count * 1000);

  test("is a message that nobody received, and nothing of it is left", async () => {
    await layer.send("jobs", numbered(1));
    seconds(59.9);
    expect(layer.stats()).toMatchObject({ channels: 1, waiting: 1 });
    seconds(0.1);
    expect(expired.heard).toEqual([{ channel: "jobs", type: "test.message" }]);
    expect(layer.stats()).toEqual(nothing);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("is each message by itself", async () => {
    const got: unknown[] = [];
    await layer.send("jobs", numbered(1));
    seconds(30);
    await layer.send("jobs", numbered(2));
    seconds(40);
    expect(expired.heard).toHaveLength(1);
    layer.subscribe("jobs", ({ number }) => void got.push(number));
    await Promise.resolve();
    expect(got).toEqual([2]);
  });

  test("is a message behind a receiver that takes its time", async () => {
    const release: Array<() => void> = [];
    const got: unknown[] = [];
    layer.subscribe("jobs", ({ number }) => {
      got.push(number);
      return new Promise((resolve) => void release.push(resolve));
    });
    await layer.send("jobs", numbered(1));
    await layer.send("jobs", numbered(2));
    seconds(61);
    await layer.send("jobs", numbered(3));
    release[0]?.();
    await jest.advanceTimersByTimeAsync(0);
    expect(got).toEqual([1, 3]);
    expect(expired.heard).toHaveLength(1);
  });

  test("is not received, though no timer has run yet", async () => {
    const got: unknown[] = [];
    await layer.send("jobs", numbered(1));
    jest.setSystemTime(Date.now() + 60_000);
    layer.subscribe("jobs", ({ number }) => void got.push(number));
    await layer.send("jobs", numbered(2));
    expect(got).toEqual([2]);
    expect(expired.heard).toHaveLength(1);
  });

  test("makes room on a channel that was full", async () => {
    layer = new InMemoryChannelLayer({ capacity: 1, expiry: 0.5 });
    await layer.send("jobs", numbered(1));
    // The clock goes on, and no timer has run yet.
    jest.setSystemTime(Date.now() + 600);
    await expect(layer.send("jobs", numbered(2))).resolves.toBeUndefined();
    expect(expired.heard).toHaveLength(1);
  });

  test("is a message of one channel; those of another that is read are received", async () => {
    const got: unknown[] = [];
    layer.subscribe("read", ({ number }) => void got.push(number));
    for (const channel of ["read", "unread"]) await layer.send(channel, numbered(1));
    seconds(61);
    for (const channel of ["read", "unread"]) await layer.send(channel, numbered(2));
    expect(got).toEqual([1, 2]);
    expect(expired.heard).toEqual([{ channel: "unread", type: "test.message" }]);
  });

  test("is swept by one timer, however many channels wait", async () => {
    for (let number = 0; number < 50; number++) {
      await layer.send(`jobs.${number}`, numbered(number));
      seconds(0.01);
    }
    let sweeps = 0;
    for (; jest.getTimerCount() > 0; sweeps++) {
      expect(jest.getTimerCount()).toBe(1);
      jest.advanceTimersToNextTimer();
    }
    expect(expired.heard).toHaveLength(50);
    expect(sweeps).toBe(2);
    expect(layer.stats()).toEqual(nothing);
  });

  test("is the membership of a named channel, unless it is renewed", async () => {
    await layer.groupAdd("room", "jobs");
    await layer.groupAdd("room", "mail");
    seconds(86_000);
    await layer.groupAdd("room", "jobs");
    seconds(500);
    expect(layer.stats()).toMatchObject({ groups: 1, members: 1 });
    expect(await layer.groupSend("room", numbered(1))).toMatchObject({ delivered: 1 });
    seconds(86_400);
    expect(layer.stats()).toEqual(nothing);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("is not the membership of a channel that lives", async () => {
    const { got } = await member(["room"]);
    seconds(86_400 * 7);
    expect(await layer.groupSend("room", numbered(1))).toMatchObject({ delivered: 1 });
    expect(got).toEqual([1]);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("is not counted as a member, though no timer has run yet", async () => {
    await layer.groupAdd("room", "jobs");
    jest.setSystemTime(Date.now() + 86_400_000);
    expect(await layer.groupSend("room", numbered(1))).toEqual({ processes: 0, delivered: 0, overCapacity: 0 });
    expect(layer.stats()).toEqual(nothing);
  });

  test("may take longer than a timer can wait", async () => {
    const days = 86_400;
    layer = new InMemoryChannelLayer({ groupExpiry: 40 * days });
    await layer.groupAdd("room", "jobs");
    seconds(39 * days);
    expect(layer.stats()).toMatchObject({ members: 1 });
    seconds(2 * days);
    expect(layer.stats()).toEqual(nothing);
  });

  test("leaves no timer behind when the layer is closed or flushed", async () => {
    await layer.send("jobs", numbered(1));
    await layer.groupAdd("room", "jobs");
    await layer.flush();
    expect(jest.getTimerCount()).toBe(0);
    await layer.send("jobs", numbered(1));
    await layer.close();
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe("nothing is left", () => {
  test("of 1,000 members of several groups when their channels are closed", async () => {
    const members: Member[] = [];
    for (let count = 0; count < 1000; count++) members.push(await member(["room", `room.${count % 10}`]));
    expect(layer.stats()).toEqual({ channels: 1000, groups: 11, members: 2000, waiting: 0 });
    for (const { channel } of members) await channel.close();
    expect(layer.stats()).toEqual(nothing);
  });

  test("of the groups that a channel was in and left, or that were flushed", async () => {
    const { channel } = await member(["room", "other"]);
    // A channel of this layer keeps its groups, so that it can leave them; no one else sees them.
    const { groups } = channel as Channel & Pick<LocalChannel, "groups">;
    expect(groups.size).toBe(2);
    await layer.groupDiscard("room", channel.name);
    expect(groups.size).toBe(1);
    await layer.flush();
    expect((channel as Channel & Pick<LocalChannel, "groups">).groups.size).toBe(0);
  });

  test("of a group when its last member is discarded", async () => {
    const { channel } = await member(["room"]);
    await layer.groupAdd("room", "jobs");
    await layer.groupDiscard("room", channel.name);
    await layer.groupDiscard("room", "jobs");
    expect(layer.stats()).toEqual({ ...nothing, channels: 1 });
  });

  test("of a channel that joins a group after it was closed", async () => {
    const { channel } = await member(["room"]);
    await channel.close();
    await expect(layer.groupAdd("room", channel.name)).rejects.toMatchObject({ code: "ERR_CHANNEL_CLOSED" });
    expect(layer.stats()).toEqual(nothing);
  });

  test("of groups after flush, when members leave or join again", async () => {
    const { channel, got } = await member(["room", "other"]);
    await layer.flush();
    expect(layer.stats()).toEqual({ ...nothing, channels: 1 });
    await layer.groupAdd("room", channel.name);
    await layer.groupSend("room", numbered(1));
    expect(got).toEqual([1]);
    await channel.close();
    expect(layer.stats()).toEqual(nothing);
  });

  test("of a layer that was closed, and what ends later changes nothing", async () => {
    const release: Array<() => void> = [];
    const hold = (): Promise<void> => new Promise((resolve) => void release.push(resolve));
    const local = layer.newChannel(hold);
    const named = layer.subscribe("jobs", hold);
    await layer.groupAdd("room", local.name);
    await layer.send(local.name, numbered(1));
    await layer.send("jobs", numbered(1));
    await layer.send("jobs", numbered(2));
    expect(layer.stats()).toEqual({ channels: 2, groups: 1, members: 1, waiting: 3 });
    await layer.close();
    for (const resolve of release) resolve();
    await settled();
    await Promise.all([local.close(), named.close()]);
    expect(release).toHaveLength(2);
    expect(layer.stats()).toEqual(nothing);
  });

  test("that keeps the process alive while messages wait", async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = timers();
    await layer.send("jobs", numbered(1));
    expect(timers()).toBe(before);
  });
});
