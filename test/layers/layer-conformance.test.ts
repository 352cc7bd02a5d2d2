import { describe, expect, test } from "@jest/globals";
import {
  type Channel,
  type ChannelLayerOptions,
  type GroupSendReport,
  InMemoryChannelLayer,
  isMillraceError,
  type MessageFor,
  type Subscriber,
} from "millrace";
import { layerConformance } from "millrace/testing";

class LosesMessages extends InMemoryChannelLayer {
  override send(): Promise<void> {
    return Promise.resolve();
  }
}

class DeliversTwice extends InMemoryChannelLayer {
  override async groupSend<C>(group: string, message: MessageFor<C>): Promise<GroupSendReport> {
    await super.groupSend<C>(group, message);
    return super.groupSend<C>(group, message);
  }
}

class Overtakes extends InMemoryChannelLayer {
  #slow = false;

  override async send<C>(channel: string, message: MessageFor<C>): Promise<void> {
    this.#slow = !this.#slow;
    if (this.#slow) await new Promise((resolve) => void setImmediate(resolve));
    return super.send<C>(channel, message);
  }
}

class HandsOutItsOwn extends InMemoryChannelLayer {
  override newChannel(subscriber: Subscriber, prefix?: string): Channel {
    return super.newChannel((message, expiresAt) => subscriber({ ...message }, expiresAt), prefix);
  }
}

class WaitsForHandlers extends InMemoryChannelLayer {
  #handled: void | Promise<void> = undefined;

  override newChannel(subscriber: Subscriber, prefix?: string): Channel {
    return super.newChannel((message, expiresAt) => (this.#handled = subscriber(message, expiresAt)), prefix);
  }

  override async send<C>(channel: string, message: MessageFor<C>): Promise<void> {
    await super.send<C>(channel, message);
    await this.#handled;
  }
}

class Nests extends InMemoryChannelLayer {
  readonly #subscribers: Subscriber[] = [];

  override newChannel(subscriber: Subscriber, prefix?: string): Channel {
    this.#subscribers.push(subscriber);
    return super.newChannel(subscriber, prefix);
  }

  override groupSend<C>(_group: string, message: MessageFor<C>): Promise<GroupSendReport> {
    for (const subscriber of this.#subscribers) void subscriber({ ...message, type: "test.message" }, Infinity);
    return Promise.resolve({ processes: 1, delivered: this.#subscribers.length, overCapacity: 0 });
  }
}

class SwallowsRefusals extends InMemoryChannelLayer {
  override async send<C>(channel: string, message: MessageFor<C>): Promise<void> {
    try {
      await super.send<C>(channel, message);
    } catch (error) {
      if (!isMillraceError(error)) throw error;
    }
  }
}

class KeepsMembers extends InMemoryChannelLayer {
  override groupDiscard(): Promise<void> {
    return Promise.resolve();
  }
}

class KeepsClosedChannels extends InMemoryChannelLayer {
  override newChannel(subscriber: Subscriber, prefix?: string): Channel {
    const { name } = super.newChannel(subscriber, prefix);
    return { name, close: () => {} };
  }
}

class NeverExpires extends InMemoryChannelLayer {
  constructor({ expiry: _expiry, ...others }: ChannelLayerOptions) {
    super(others);
  }
}

class KeepsAll extends InMemoryChannelLayer {
  override flush(): Promise<void> {
    return Promise.resolve();
  }
}

class GoesOn extends InMemoryChannelLayer {
  override close(): Promise<void> {
    return Promise.resolve();
  }
}

class ForgetsPython extends InMemoryChannelLayer {
  override group_add(): Promise<void> {
    return Promise.resolve();
  }
}

class HasNoBound extends InMemoryChannelLayer {
  constructor(options: ChannelLayerOptions) {
    super({ ...options, capacity: 1_000_000, channelCapacity: {} });
  }
}

const defects: ReadonlyArray<[new (options: ChannelLayerOptions) => InMemoryChannelLayer, ...RegExp[]]> = [
  [LosesMessages, /receives what is sent to its name/, /carries integers$/, /a chain of answers/],
  [DeliversTwice, /every member of a group gets its messages, once/, /added twice/],
  [Overtakes, /new channel gets the messages of one sender in the order/, /named channel gets .* in the order/],
  [HandsOutItsOwn, /frozen to its depths/],
  [WaitsForHandlers, /sending never waits/, /gets each message at once/],
  [Nests, /an answer that is sent during a delivery/, /throws or rejects disturbs neither/, /nobody else does/],
  [
    SwallowsRefusals,
    /can't travel is refused/,
    /invalid channel name/,
    /capacity, and then send/,
    /channel that was closed/,
  ],
  [KeepsMembers, /discarded gets nothing more/, /invalid group name/, /group_add, group_discard/],
  [KeepsClosedChannels, /leaves all of its groups/, /channel that was closed/],
  [NeverExpires, /longer than expiry/, /until its expiry/, /expires on one channel/],
  [KeepsAll, /flush empties all groups/, /flush drops what waits/],
  [GoesOn, /after close everything/],
  [ForgetsPython, /the names that Python gives/, /after close everything/],
  [HasNoBound, /first pattern/, /as many messages as its capacity/, /full member of a group/, /counts the full ones/],
];

describe("the conformance suite finds a layer that", () => {
  for (const [Layer, ...cases] of defects) {
    test(Layer.name.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase(), async () => {
      const suite = layerConformance({ make: (options) => new Layer(options), timeout: 150 });
      const found = cases.map((words) => suite.filter(({ name }) => words.test(name)));
      expect(found.map((matching) => matching.length)).toEqual(cases.map(() => 1));
      const outcomes = await Promise.allSettled(found.flat().map(({ run }) => run()));
      const passed = found.flat().filter((_case, index) => outcomes[index]?.status === "fulfilled");
      expect(passed.map(({ name }) => name)).toEqual([]);
    });
  }
});

describe("the conformance suite", () => {
  const make = (options: ChannelLayerOptions): InMemoryChannelLayer => new InMemoryChannelLayer(options);

  test("names each promise once", () => {
    const names = layerConformance({ make }).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test("says in a case's name why a layer does not make that promise, and tries it no more", async () => {
    const reason = "the medium keeps nothing";
    let made = 0;
    const suite = layerConformance({
      make: (options) => {
        made++;
        return make(options);
      },
      without: { waiting: reason },
    });
    const left = suite.filter(({ without }) => without !== undefined);
    expect(left.length).toBeGreaterThan(5);
    expect(left.every(({ name, without }) => without === reason && name.includes(`not promised: ${reason}`))).toBe(
      true,
    );
    await Promise.all(left.map(({ run }) => run()));
    expect(made).toBe(0);
  });

  test("closes the layers of a case, whether it passes or not", async () => {
    const layers: InMemoryChannelLayer[] = [];
    const suite = layerConformance({
      make: (options) => {
        const layer = new LosesMessages(options);
        layers.push(layer);
        return layer;
      },
      timeout: 20,
    });
    await Promise.allSettled(suite.slice(0, 12).map(({ run }) => run()));
    expect(layers.length).toBeGreaterThan(5);
    for (const layer of layers) await expect(layer.flush()).rejects.toMatchObject({ code: "ERR_LAYER_CLOSED" });
  });

  test.each<[without: Record<string, string>, says: RegExp]>([
    [{ wating: "a slip" }, /"wating" is no promise.*did you mean "waiting"\?.*sharing/],
    [{ waiting: " " }, /"waiting" without a reason/],
  ])("refuses to leave out %j", (without, says) => {
    expect(() => layerConformance({ make, without })).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_OPTION", message: expect.stringMatching(says) }),
    );
  });
});
