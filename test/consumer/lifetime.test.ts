import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { ChannelLayers, type Incoming, StopConsumer, WebsocketConsumer } from "millrace";
import { WebsocketCommunicator } from "millrace/testing";
import type { InMemoryChannelLayer } from "../../src/layers/in-memory.ts";
import { type Gate, gate } from "../support/gate.ts";
import { heard } from "../support/heard.ts";
import { memoryLayers } from "../support/memory.ts";
import { RecordingConnection, websocketScope } from "../support/recording-connection.ts";
import { type Trouble, troubled } from "../support/troubled-layer.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";

noUnhandledRejections();
const newLayer = memoryLayers();
const errors = heard("millrace:application:error");
const abandoned = heard("millrace:consumer:abandoned");
const layerErrors = heard("millrace:layer:error");

afterEach(() => {
  jest.useRealTimers();
});

/** A consumer that writes down what happens to it. */
class Logging extends WebsocketConsumer {
  static log: string[] = [];
  override groups = ["room"];

  override async connect(): Promise<void> {
    Logging.log.push("connect");
    await this.channelLayer.groupAdd("by.hand", this.channelName);
    this.accept();
  }

  override receive(text: string): void | Promise<void> {
    Logging.log.push(`receive ${text}`);
  }

  room_news(event: { text: string }): void | Promise<void> {
    Logging.log.push(`news ${event.text}`);
  }

  override disconnect(code: number): void | Promise<void> {
    Logging.log.push(`disconnect ${code}`);
  }

  override onError(error: Error, event: Incoming): void | Promise<void> {
    Logging.log.push(`onError ${error.message} in ${String(event.type)}`);
  }
}

beforeEach(() => {
  Logging.log = [];
});

function open(consumer: typeof Logging, layer: InMemoryChannelLayer = newLayer(), trouble: Trouble = {}) {
  return new WebsocketCommunicator(consumer, "/", { layers: { default: troubled(layer, trouble) } });
}

/** Lets everything run that waits for nothing but its turn. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe("a handler that fails", () => {
  const failure = new Error("broken");
  const ways: Array<[string, () => void | Promise<void>]> = [
    [
      "at once",
      () => {
        throw failure;
      },
    ],
    ["later", () => Promise.reject(failure)],
    ["by a thenable of its own", () => thenable({}, { value: reject })],
    ["by a function that is a thenable", () => thenable(() => {}, { value: reject })],
    ["by what looks at its outcome", () => thenable({}, { get: fail })],
  ];

  /** What `await` takes for a promise. */
  function thenable(value: object, how: PropertyDescriptor): Promise<void> {
    // oxlint-disable-next-line unicorn/no-thenable -- It is to be one.
    return Object.defineProperty(value, "then", how) as Promise<void>;
  }

  function reject(_: unknown, rejected: (error: Error) => void): void {
    rejected(failure);
  }

  function fail(): never {
    throw failure;
  }

  test.each(ways)(
    "%s, for the client's message: onError, 1011, disconnect, and every group is left",
    async (_, fail) => {
      const layer = newLayer();
      class Failing extends Logging {
        override receive(): void | Promise<void> {
          return fail();
        }
      }
      const communicator = open(Failing, layer);
      await communicator.connect();
      expect(layer.stats().members).toBe(2);
      await communicator.send("x");
      await expect(communicator.receiveClose()).rejects.toBe(failure);
      expect(await communicator.receiveClose()).toMatchObject({ code: 1011 });
      await communicator.disconnect();

      expect(Logging.log).toEqual(["connect", "onError broken in websocket.receive", "disconnect 1011"]);
      expect(errors).toEqual([
        { scope: communicator.scope, error: failure, event: "websocket.receive", consumer: "Failing" },
      ]);
      expect(layer.stats().members).toBe(0);
    },
  );

  test.each(ways)("%s, for a layer's message: the same, and the sender is not told", async (_, fail) => {
    const layer = newLayer();
    class Failing extends Logging {
      override room_news(): void | Promise<void> {
        return fail();
      }
    }
    const communicator = open(Failing, layer);
    const other = open(Logging, layer);
    await communicator.connect();
    await other.connect();
    await layer.groupSend<Logging>("room", { type: "room.news", text: "x" });
    expect(await communicator.receiveClose()).toMatchObject({ code: 1011 });
    await communicator.disconnect();

    await other.disconnect();

    expect(Logging.log.toSorted()).toEqual([
      "connect",
      "connect",
      "disconnect 1000",
      "disconnect 1011",
      "news x",
      "onError broken in room.news",
    ]);
    expect(errors).toHaveLength(1);
    expect(layerErrors).toEqual([]);
  });

  test.each(ways)(
    "%s, in connect: refused with 500, and disconnect follows because connect was entered",
    async (_, fail) => {
      class Failing extends Logging {
        override connect(): Promise<void> {
          Logging.log.push("connect");
          return Promise.resolve(fail());
        }
      }
      const communicator = open(Failing);
      await expect(communicator.connect()).rejects.toBe(failure);
      expect(await communicator.connect()).toMatchObject({ accepted: false, status: 500 });
      await communicator.disconnect();

      expect(Logging.log).toEqual(["connect", "onError broken in websocket.connect", "disconnect 1011"]);
      expect(errors).toHaveLength(1);
    },
  );

  test.each(ways)("%s, in disconnect: told once, and every group is left all the same", async (_, fail) => {
    class Failing extends Logging {
      override disconnect(): void | Promise<void> {
        Logging.log.push("disconnect");
        return fail();
      }
    }
    const communicator = open(Failing);
    await communicator.connect();
    await expect(communicator.disconnect()).rejects.toBe(failure);

    expect(Logging.log).toEqual(["connect", "disconnect", "onError broken in websocket.disconnect"]);
    expect(errors).toHaveLength(1);
    expect(await communicator.receiveNothing(10)).toBe(true);
  });

  test.each(ways)("%s, in receive and in disconnect: each is told once", async (_, fail) => {
    class Failing extends Logging {
      override receive(): void {
        throw new Error("first");
      }

      override disconnect(): void | Promise<void> {
        return fail();
      }
    }
    const communicator = open(Failing);
    await communicator.connect();
    await communicator.send("x");
    await expect(communicator.disconnect()).rejects.toThrow();

    expect(Logging.log).toEqual([
      "connect",
      "onError first in websocket.receive",
      "onError broken in websocket.disconnect",
    ]);
    expect(errors.map(({ error }) => error.message)).toEqual(["first", "broken"]);
  });

  test.each(ways)("whose onError fails %s: both are published, and the end is the same", async (_, fail) => {
    class Failing extends Logging {
      override receive(): void {
        throw new Error("first");
      }

      override onError(): void | Promise<void> {
        Logging.log.push("onError");
        return fail();
      }
    }
    const communicator = open(Failing);
    await communicator.connect();
    await communicator.send("x");
    await expect(communicator.receiveClose()).rejects.toThrow("first");
    expect(await communicator.receiveClose()).toMatchObject({ code: 1011 });
    await communicator.disconnect();

    expect(Logging.log).toEqual(["connect", "onError", "disconnect 1011"]);
    expect(errors.map(({ error }) => error.message).toSorted()).toEqual(["broken", "first"]);
  });

  test("lets onError close with a code of its own", async () => {
    class Failing extends Logging {
      override receive(): void {
        throw failure;
      }

      override onError(): void {
        this.close(4500, "sorry");
      }
    }
    const communicator = open(Failing);
    await communicator.connect();
    await communicator.send("x");
    await expect(communicator.receiveClose()).rejects.toBe(failure);

    expect(await communicator.receiveClose()).toEqual({ code: 4500, reason: "sorry" });
    await communicator.disconnect();
  });

  test.each([["a string"], [undefined], [{ reason: 1 }]])(
    "by throwing %p is told as an error with that as its cause",
    async (thrown) => {
      const told: Error[] = [];
      class Failing extends Logging {
        override receive(): Promise<void> {
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- this is what is tried
          return Promise.reject(thrown);
        }

        override onError(error: Error): void {
          told.push(error);
        }
      }
      const communicator = open(Failing);
      await communicator.connect();
      await communicator.send("x");
      await expect(communicator.receiveClose()).rejects.toMatchObject({ code: "ERR_THROWN_VALUE", cause: thrown });
      await communicator.disconnect();

      expect(told).toHaveLength(1);
      expect(errors[0]?.error).toBe(told[0]);
    },
  );

  test("drops what waited behind it, and what comes after", async () => {
    const held = gate();
    const layer = newLayer();
    class Failing extends Logging {
      override async receive(text: string): Promise<void> {
        Logging.log.push(text);
        await held.promise;
        throw failure;
      }
    }
    const communicator = open(Failing, layer);
    await communicator.connect();
    await communicator.send("one");
    await communicator.send("two");
    await layer.groupSend<Logging>("room", { type: "room.news", text: "three" });
    held.open();
    await expect(communicator.wait()).rejects.toBe(failure);
    await communicator.send("four");
    await communicator.disconnect();

    expect(Logging.log).toEqual(["connect", "one", "onError broken in websocket.receive", "disconnect 1011"]);
  });

  test("while the peer is gone already: disconnect gets the code that the peer left with", async () => {
    const held = gate();
    class Failing extends Logging {
      override async receive(): Promise<void> {
        await held.promise;
        throw failure;
      }
    }
    const communicator = open(Failing);
    await communicator.connect();
    await communicator.send("x");
    const gone = communicator.disconnect(1001);
    await turn();
    held.open();
    await expect(gone).rejects.toBe(failure);

    expect(Logging.log).toEqual(["connect", "onError broken in websocket.receive", "disconnect 1001"]);
  });
});

describe("connect comes first and disconnect last", () => {
  test("messages that come while connect runs wait for its end, and disconnect for all of them", async () => {
    const held = gate();
    const layer = newLayer();
    class Slow extends Logging {
      override async connect(): Promise<void> {
        Logging.log.push("connect begins");
        await held.promise;
        this.accept();
        Logging.log.push("connect ends");
      }
    }
    const communicator = open(Slow, layer);
    await communicator.sendInput({ type: "websocket.connect" });
    await turn();
    await layer.groupSend<Logging>("room", { type: "room.news", text: "early" });
    await communicator.send("hasty");
    const gone = communicator.disconnect();
    await turn();
    expect(Logging.log).toEqual(["connect begins"]);
    held.open();
    await gone;

    expect(Logging.log).toEqual(["connect begins", "connect ends", "news early", "receive hasty", "disconnect 1000"]);
  });

  test("socket events and layer messages are handled in one order of arrival, one at a time", async () => {
    const layer = newLayer();
    let running = 0;
    class Slow extends Logging {
      override async receive(text: string): Promise<void> {
        expect(++running).toBe(1);
        await turn();
        Logging.log.push(text);
        running--;
      }

      override room_news(event: { text: string }): Promise<void> {
        return this.receive(event.text);
      }
    }
    const communicator = open(Slow, layer);
    await communicator.connect();
    for (const text of ["a", "b", "c"]) {
      await communicator.send(`socket ${text}`);
      await layer.groupSend<Logging>("room", { type: "room.news", text: `layer ${text}` });
    }
    await communicator.disconnect();

    expect(Logging.log.slice(1, -1)).toEqual(["socket a", "layer a", "socket b", "layer b", "socket c", "layer c"]);
  });

  test("what comes after the end is dropped", async () => {
    const connection = new RecordingConnection(websocketScope("/"));
    class Plain extends Logging {
      override groups = [];

      override connect(): Promise<void> {
        this.accept();
        return Promise.resolve();
      }
    }
    const receive = await Plain.asApplication()(connection);
    await receive({ type: "websocket.connect" });
    await receive({ type: "websocket.disconnect", code: 1000, reason: "" });
    expect(receive({ type: "websocket.receive", text: "late" })).toBeUndefined();
    expect(receive({ type: "websocket.disconnect", code: 1000, reason: "" })).toBeUndefined();
    expect(receive({ type: "websocket.connect" })).toBeUndefined();

    expect(Logging.log).toEqual(["disconnect 1000"]);
  });

  test("the last event settles at the consumer's end, when its groups are left", async () => {
    const closing = gate();
    let settled = false;
    const communicator = open(Logging, newLayer(), { closeChannel: () => closing.promise });
    await communicator.connect();
    const gone = communicator.disconnect().then(() => (settled = true));
    await turn();
    expect(Logging.log).toEqual(["connect", "disconnect 1000"]);
    expect(settled).toBe(false);
    closing.open();
    await gone;
  });

  test("a peer that leaves without having been connected is heard of by nobody", async () => {
    const communicator = open(Logging);
    await communicator.disconnect();

    expect(Logging.log).toEqual([]);
  });
});

describe("with a concurrency of more than 1", () => {
  class Concurrent extends Logging {
    static override readonly concurrency = 3;
    static held = gate();

    override async connect(): Promise<void> {
      Logging.log.push("connect begins");
      await turn();
      this.accept();
      Logging.log.push("connect ends");
    }

    override async receive(text: string): Promise<void> {
      Logging.log.push(`${text} begins`);
      await Concurrent.held.promise;
      Logging.log.push(`${text} ends`);
    }
  }

  beforeEach(() => {
    Concurrent.held = gate();
  });

  test("connect is alone at first, so many run at once, and disconnect is alone at last", async () => {
    const communicator = open(Concurrent);
    await communicator.sendInput({ type: "websocket.connect" });
    for (const text of ["a", "b", "c", "d"]) await communicator.send(text);
    await communicator.receiveOutput();
    await turn();
    expect(Logging.log).toEqual(["connect begins", "connect ends", "a begins", "b begins", "c begins"]);
    const gone = communicator.disconnect();
    await turn();
    expect(Logging.log).toHaveLength(5);
    Concurrent.held.open();
    await gone;

    expect(Logging.log.slice(5, -1).toSorted()).toEqual(["a ends", "b ends", "c ends", "d begins", "d ends"]);
    expect(Logging.log.at(-1)).toBe("disconnect 1000");
  });

  test("disconnect waits for the others when one of them fails, which the client is told at once", async () => {
    class Failing extends Concurrent {
      override room_news(): void {
        throw new Error("broken");
      }
    }
    const layer = newLayer();
    const communicator = open(Failing, layer);
    await communicator.connect();
    await communicator.send("a");
    await layer.groupSend<Logging>("room", { type: "room.news", text: "" });
    expect(await communicator.receiveClose()).toMatchObject({ code: 1011 });
    await turn();
    expect(Logging.log.at(-1)).toBe("onError broken in room.news");
    Concurrent.held.open();
    await communicator.disconnect();

    expect(Logging.log.slice(-2)).toEqual(["a ends", "disconnect 1011"]);
  });

  test("several that fail are told once each, and the consumer ends once", async () => {
    class Failing extends Concurrent {
      override async receive(text: string): Promise<void> {
        await Concurrent.held.promise;
        throw new Error(text);
      }
    }
    const communicator = open(Failing);
    await communicator.connect();
    await communicator.send("a");
    await communicator.send("b");
    Concurrent.held.open();
    await expect(communicator.wait()).rejects.toThrow("a");
    await expect(communicator.disconnect()).rejects.toThrow("b");

    expect(Logging.log.slice(2)).toEqual([
      "onError a in websocket.receive",
      "onError b in websocket.receive",
      "disconnect 1011",
    ]);
  });
});

describe("a handler that does not end", () => {
  class Stuck extends Logging {
    static held = gate();

    override async receive(text: string): Promise<void> {
      Logging.log.push(text);
      await Stuck.held.promise;
    }
  }

  beforeEach(() => {
    Stuck.held = gate();
  });

  /** A stuck consumer whose peer has left. */
  async function leave(consumer: typeof Logging = Stuck, layer = newLayer()) {
    const communicator = open(consumer, layer);
    await communicator.connect();
    await communicator.send("stuck");
    await communicator.send("behind");
    jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick"] });
    const gone = communicator.disconnect(1001);
    await turn();
    return { communicator, gone, layer };
  }

  test("is waited for while the peer is gone, for a grace of 10 s, and no longer", async () => {
    const { gone, layer } = await leave();
    await jest.advanceTimersByTimeAsync(9_999);
    expect(Logging.log).toEqual(["connect", "stuck"]);
    expect(layer.stats().members).toBe(2);
    await jest.advanceTimersByTimeAsync(1);
    await gone;

    expect(Logging.log).toEqual(["connect", "stuck", "disconnect 1001"]);
    expect(layer.stats()).toEqual({ channels: 0, groups: 0, members: 0, waiting: 0 });
    expect(abandoned).toEqual([{ consumer: "Stuck", event: "websocket.receive", dropped: 1 }]);
    expect(jest.getTimerCount()).toBe(0);
    Stuck.held.open();
  });

  test("and that ends within the grace is not abandoned, what waited is handled, and no timer is left", async () => {
    const { gone } = await leave();
    await jest.advanceTimersByTimeAsync(5_000);
    Stuck.held.open();
    await gone;

    expect(Logging.log).toEqual(["connect", "stuck", "behind", "disconnect 1001"]);
    expect(abandoned).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("may have another grace by its class", async () => {
    class Patient extends Stuck {
      static override readonly grace = 60_000;
    }
    const { gone } = await leave(Patient);
    await jest.advanceTimersByTimeAsync(59_999);
    expect(abandoned).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    await gone;
    expect(abandoned).toHaveLength(1);
    Stuck.held.open();
  });

  test("harms nobody when it fails after it was abandoned: that is published, and no more", async () => {
    const { communicator, gone } = await leave();
    await jest.advanceTimersByTimeAsync(10_000);
    await gone;
    const late = new Error("late");
    Stuck.held.fail(late);
    await expect(communicator.wait()).rejects.toBe(late);

    expect(Logging.log).toEqual(["connect", "stuck", "disconnect 1001"]);
    expect(errors).toMatchObject([{ error: late, event: "websocket.receive" }]);
    expect(await communicator.receiveNothing(10)).toBe(true);
  });

  test("can join no group after it was abandoned, and what it sends goes nowhere", async () => {
    const layer = newLayer();
    const outcomes: unknown[] = [];
    class Late extends Stuck {
      override async receive(): Promise<void> {
        await Stuck.held.promise;
        outcomes.push(this.send("late"));
        outcomes.push(await this.channelLayer.groupAdd("room", this.channelName).catch((error: unknown) => error));
      }
    }
    const { communicator, gone } = await leave(Late, layer);
    await jest.advanceTimersByTimeAsync(10_000);
    await gone;
    Stuck.held.open();
    await communicator.wait();

    expect(outcomes).toEqual([false, expect.objectContaining({ code: "ERR_CHANNEL_CLOSED" })]);
    expect(layer.stats().members).toBe(0);
  });

  test("in disconnect has a grace too, after which its groups are left without it", async () => {
    class NeverGone extends Stuck {
      override async disconnect(): Promise<void> {
        Logging.log.push("disconnect");
        await new Promise(() => {});
      }
    }
    const { gone, layer } = await leave(NeverGone);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(Logging.log).toEqual(["connect", "stuck", "disconnect"]);
    expect(layer.stats().members).toBe(2);
    await jest.advanceTimersByTimeAsync(10_000);
    await gone;

    expect(layer.stats().members).toBe(0);
    expect(abandoned.map(({ event }) => event)).toEqual(["websocket.receive", "websocket.disconnect"]);
    expect(jest.getTimerCount()).toBe(0);
    Stuck.held.open();
  });

  test("in disconnect after a failure has a grace even though the peer has not left", async () => {
    const layer = newLayer();
    const connection = new RecordingConnection(websocketScope("/"), new ChannelLayers({ default: layer }));
    class NeverGone extends Logging {
      override receive(): void {
        throw new Error("broken");
      }

      override async disconnect(): Promise<void> {
        await new Promise(() => {});
      }
    }
    const receive = await NeverGone.asApplication()(connection);
    await receive({ type: "websocket.connect" });
    jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick"] });
    await expect(receive({ type: "websocket.receive", text: "" })).rejects.toThrow("broken");
    expect(layer.stats().members).toBe(2);
    await jest.advanceTimersByTimeAsync(10_000);

    expect(layer.stats().members).toBe(0);
    expect(abandoned).toEqual([{ consumer: "NeverGone", event: "websocket.disconnect", dropped: 0 }]);
  });

  test("among several is named by the oldest event, not by the last that was handled", async () => {
    class Concurrent extends Stuck {
      static override readonly concurrency = 2;

      override room_news(): Promise<void> {
        return turn();
      }
    }
    const layer = newLayer();
    const communicator = open(Concurrent, layer);
    await communicator.connect();
    await communicator.send("stuck");
    await layer.groupSend<Logging>("room", { type: "room.news", text: "" });
    await turn();
    jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick"] });
    const gone = communicator.disconnect();
    await turn();
    await jest.advanceTimersByTimeAsync(10_000);
    await gone;

    expect(abandoned).toEqual([{ consumer: "Concurrent", event: "websocket.receive", dropped: 0 }]);
    Stuck.held.open();
  });
});

describe("a peer that leaves while the consumer opens", () => {
  test.each<[string, (held: Gate) => Trouble]>([
    ["gets its channel", (held) => ({ newChannel: () => held.promise })],
    ["joins its groups", (held) => ({ groupAdd: () => held.promise })],
  ])("and %s: connect is never entered, nor disconnect, and nothing is left", async (_, trouble) => {
    const held = gate();
    const layer = newLayer();
    const communicator = open(Logging, layer, trouble(held));
    await communicator.sendInput({ type: "websocket.connect" });
    const gone = communicator.disconnect();
    await turn();
    held.open();
    await gone;

    expect(Logging.log).toEqual([]);
    expect(layer.stats()).toEqual({ channels: 0, groups: 0, members: 0, waiting: 0 });
  });

  test.each<[string, (held: Gate) => Trouble]>([
    ["gets its channel", (held) => ({ newChannel: () => held.promise })],
    ["joins its groups", (held) => ({ groupAdd: () => held.promise })],
  ])("and %s for longer than the grace: that is published, and what comes late is let go", async (_, trouble) => {
    const held = gate();
    const layer = newLayer();
    const communicator = open(Logging, layer, trouble(held));
    jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick"] });
    await communicator.sendInput({ type: "websocket.connect" });
    const gone = communicator.disconnect();
    await turn();
    await jest.advanceTimersByTimeAsync(10_000);
    await gone;
    expect(abandoned).toEqual([{ consumer: "Logging", event: "websocket.connect", dropped: 0 }]);
    held.open();
    await communicator.wait();

    expect(Logging.log).toEqual([]);
    expect(errors).toEqual([]);
    expect(layer.stats()).toEqual({ channels: 0, groups: 0, members: 0, waiting: 0 });
  });

  test("before a middleware has let it through is heard of by nobody at all", async () => {
    const held = gate();
    const events: Incoming[] = [];
    const communicator = new WebsocketCommunicator(async () => {
      await held.promise;
      return (event) => void events.push(event);
    }, "/");
    const connecting = communicator.sendInput({ type: "websocket.connect" });
    const gone = communicator.disconnect();
    held.open();
    await connecting;
    await gone;

    expect(events).toEqual([]);
  });
});

describe("a consumer whose end has begun", () => {
  test("takes no message any more, so that none of them waits", async () => {
    const held = gate();
    const layer = newLayer();
    class Slow extends Logging {
      override async disconnect(): Promise<void> {
        await held.promise;
      }
    }
    const communicator = open(Slow, layer);
    await communicator.connect();
    const gone = communicator.disconnect();
    await turn();
    await layer.groupSend<Logging>("room", { type: "room.news", text: "late" });
    expect(layer.stats().waiting).toBe(0);
    held.open();
    await gone;

    expect(Logging.log).toEqual(["connect"]);
  });

  test("joins no more of its groups", async () => {
    const held = gate();
    const joined: string[] = [];
    class Joining extends Logging {
      override groups = ["room", "hall"];
    }
    const communicator = open(Joining, newLayer(), {
      groupAdd: (group) => {
        joined.push(group);
        return held.promise;
      },
    });
    await communicator.sendInput({ type: "websocket.connect" });
    const gone = communicator.disconnect();
    await turn();
    held.open();
    await gone;

    expect(joined).toEqual(["room"]);
  });
});

describe("a layer that fails", () => {
  const failure = new Error("no layer");
  const fail = (): Promise<void> => Promise.reject(failure);

  test.each<[string, Trouble]>([
    ["when the channel is made", { newChannel: fail }],
    ["when a group is joined", { groupAdd: fail }],
  ])("%s refuses the socket with 500, connect is never entered, and nothing is left", async (_, trouble) => {
    const communicator = open(Logging, newLayer(), trouble);
    await expect(communicator.connect()).rejects.toBe(failure);
    expect(await communicator.connect()).toMatchObject({ status: 500 });
    await communicator.disconnect();

    expect(Logging.log).toEqual(["onError no layer in websocket.connect"]);
    expect(errors).toHaveLength(1);
  });

  test("when the channel is closed is published, and the end is an end", async () => {
    const communicator = open(Logging, newLayer(), { closeChannel: fail });
    await communicator.connect();
    await communicator.disconnect();

    expect(Logging.log).toEqual(["connect", "disconnect 1000"]);
    expect(layerErrors).toEqual([{ layer: "default", error: failure }]);
  });

  test("to close the channel at all is published after the grace, and the end is an end", async () => {
    const communicator = open(Logging, newLayer(), { closeChannel: () => new Promise(() => {}) });
    await communicator.connect();
    jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick"] });
    const gone = communicator.disconnect();
    await turn();
    await jest.advanceTimersByTimeAsync(10_000);
    await gone;

    expect(layerErrors).toMatchObject([{ layer: "default", error: { code: "ERR_TIMEOUT" } }]);
    expect(abandoned).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe("a consumer that stops", () => {
  test("while others of its handlers run: the client is told, they end, then comes disconnect", async () => {
    const held = gate();
    class Stopping extends Logging {
      static override readonly concurrency = 2;

      override async receive(text: string): Promise<void> {
        if (text === "stop") throw new StopConsumer();
        await held.promise;
        Logging.log.push(text);
      }
    }
    const communicator = open(Stopping);
    await communicator.connect();
    await communicator.send("slow");
    await communicator.send("stop");
    expect(await communicator.receiveClose()).toEqual({ code: 1000, reason: "" });
    held.open();
    await communicator.disconnect();

    expect(Logging.log).toEqual(["connect", "slow", "disconnect 1000"]);
  });

  test("has not failed: onError is not called and nothing is published", async () => {
    class Stopping extends Logging {
      override receive(): Promise<void> {
        return Promise.reject(new StopConsumer());
      }
    }
    const communicator = open(Stopping);
    await communicator.connect();
    await communicator.send("stop");
    await communicator.disconnect();

    expect(Logging.log).toEqual(["connect", "disconnect 1000"]);
    expect(errors).toEqual([]);
  });
});
