import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { type Channel, type GroupSendReport, InMemoryChannelLayer, isMillraceError, type LayerMessage } from "millrace";

const capacity = 2;
const groups = ["red", "green"] as const;
const names = ["jobs", "mail"] as const;

type Group = (typeof groups)[number];
type Name = (typeof names)[number];

/** One call of the layer, or a receiver that is done. Channels are counted in the order in which they were made. */
type Step =
  | { readonly do: "open"; readonly prompt: boolean }
  | { readonly do: "close" | "settle" | "send"; readonly channel: number }
  | { readonly do: "add" | "discard"; readonly group: Group; readonly channel: number }
  | { readonly do: "addName" | "discardName"; readonly group: Group; readonly name: Name }
  | { readonly do: "groupSend"; readonly group: Group }
  | { readonly do: "subscribe" | "unsubscribe" | "settleName" | "sendName"; readonly name: Name }
  | { readonly do: "flush" };

const channel = fc.nat({ max: 5 });
const group = fc.constantFrom(...groups);
const name = fc.constantFrom(...names);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("open" as const), prompt: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom("settle" as const, "send" as const), channel }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("close" as const), channel }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("add" as const), group, channel }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("discard" as const), group, channel }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("addName" as const, "discardName" as const), group, name }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant("groupSend" as const), group }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("subscribe" as const, "unsubscribe" as const), name }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom("settleName" as const, "sendName" as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("flush" as const) }) },
);

interface ModelChannel {
  readonly prompt: boolean;
  readonly got: number[];
  unsettled: number;
  open: boolean;
}

interface ModelQueue {
  readonly waiting: number[];
  readonly got: number[];
  received: boolean;
  busy: boolean;
}

/** What a layer ought to do, by the plainest means: lists, and nothing that is clever. */
class Model {
  readonly channels: ModelChannel[] = [];
  readonly queues: Record<Name, ModelQueue> = { jobs: emptyQueue(), mail: emptyQueue() };
  members: Array<{ readonly group: Group; readonly member: number | Name }> = [];

  send(index: number, number: number): string {
    const target = this.channels[index];
    if (target?.open !== true) return "ERR_CHANNEL_CLOSED";
    if (target.unsettled >= capacity) return "ERR_CHANNEL_FULL";
    target.got.push(number);
    if (!target.prompt) target.unsettled++;
    return "sent";
  }

  sendName(queueName: Name, number: number): string {
    const queue = this.queues[queueName];
    if (queue.waiting.length >= capacity) return "ERR_CHANNEL_FULL";
    queue.waiting.push(number);
    this.handOver(queueName);
    return "sent";
  }

  groupSend(groupName: Group, number: number): GroupSendReport {
    const outcomes = this.members
      .filter((membership) => membership.group === groupName)
      .map(({ member }) => (typeof member === "number" ? this.send(member, number) : this.sendName(member, number)));
    const delivered = outcomes.filter((outcome) => outcome === "sent").length;
    return { processes: outcomes.length > 0 ? 1 : 0, delivered, overCapacity: outcomes.length - delivered };
  }

  add(groupName: Group, member: number | Name): string {
    if (typeof member === "number" && this.channels[member]?.open !== true) return "ERR_CHANNEL_CLOSED";
    this.discard(groupName, member);
    this.members.push({ group: groupName, member });
    return "sent";
  }

  discard(groupName: Group | undefined, member: number | Name): void {
    this.members = this.members.filter(
      (membership) => membership.member !== member || (groupName !== undefined && membership.group !== groupName),
    );
  }

  handOver(queueName: Name): void {
    const queue = this.queues[queueName];
    if (!queue.received || queue.busy) return;
    const next = queue.waiting.shift();
    if (next === undefined) return;
    queue.got.push(next);
    queue.busy = true;
  }

  stats(): unknown {
    const queues = Object.values(this.queues);
    const open = this.channels.filter((target) => target.open);
    return {
      channels: open.length + queues.filter((queue) => queue.received || queue.waiting.length > 0).length,
      groups: new Set(this.members.map((membership) => membership.group)).size,
      members: this.members.length,
      waiting:
        open.reduce((sum, target) => sum + target.unsettled, 0) +
        queues.reduce((sum, queue) => sum + queue.waiting.length + (queue.received && queue.busy ? 1 : 0), 0),
    };
  }
}

function emptyQueue(): ModelQueue {
  return { waiting: [], got: [], received: false, busy: false };
}

/** A receiver that keeps numbers, and holds what it has until it is told to let go. */
class Receiver {
  readonly got: unknown[] = [];
  readonly held: Array<() => void> = [];
  readonly prompt: boolean;

  constructor(prompt: boolean) {
    this.prompt = prompt;
  }

  readonly receive = ({ number }: LayerMessage): void | Promise<void> => {
    this.got.push(number);
    return this.prompt ? undefined : new Promise((resolve) => void this.held.push(resolve));
  };
}

/** A layer and its model, driven side by side. */
class Run {
  readonly layer = new InMemoryChannelLayer({ capacity });
  readonly model = new Model();
  readonly #local: Array<{ readonly channel: Channel; readonly receiver: Receiver }> = [];
  readonly #named: Partial<Record<Name, { readonly channel: Channel; readonly receiver: Receiver }>> = {};
  readonly #got: Record<Name, unknown[]> = { jobs: [], mail: [] };
  #number = 0;

  async take(next: Step): Promise<void> {
    const { layer, model } = this;
    switch (next.do) {
      case "open": {
        const receiver = new Receiver(next.prompt);
        this.#local.push({ channel: layer.newChannel(receiver.receive), receiver });
        model.channels.push({ prompt: next.prompt, got: [], unsettled: 0, open: true });
        break;
      }
      case "close": {
        const target = model.channels[next.channel];
        if (target === undefined) break;
        await this.#local[next.channel]?.channel.close();
        target.open = false;
        model.discard(undefined, next.channel);
        break;
      }
      case "settle": {
        const target = model.channels[next.channel];
        if (target === undefined || target.unsettled === 0) break;
        this.#local[next.channel]?.receiver.held.shift()?.();
        target.unsettled--;
        break;
      }
      case "send":
        expect(await outcome(layer.send(this.#nameOf(next.channel), this.#message()))).toBe(
          model.send(next.channel, this.#number),
        );
        break;
      case "add":
        expect(await outcome(layer.groupAdd(next.group, this.#nameOf(next.channel)))).toBe(
          model.add(next.group, next.channel),
        );
        break;
      case "discard":
        await layer.groupDiscard(next.group, this.#nameOf(next.channel));
        model.discard(next.group, next.channel);
        break;
      case "addName":
        await layer.groupAdd(next.group, next.name);
        model.add(next.group, next.name);
        break;
      case "discardName":
        await layer.groupDiscard(next.group, next.name);
        model.discard(next.group, next.name);
        break;
      case "groupSend":
        expect(await layer.groupSend(next.group, this.#message())).toEqual(model.groupSend(next.group, this.#number));
        break;
      case "subscribe": {
        if (this.#named[next.name] !== undefined) break;
        const receiver = new Receiver(false);
        this.#named[next.name] = { channel: layer.subscribe(next.name, receiver.receive), receiver };
        Object.assign(model.queues[next.name], { received: true, busy: false });
        model.handOver(next.name);
        break;
      }
      case "unsubscribe":
        await this.#named[next.name]?.channel.close();
        this.#got[next.name].push(...(this.#named[next.name]?.receiver.got ?? []));
        delete this.#named[next.name];
        model.queues[next.name].received = false;
        break;
      case "settleName":
        this.#named[next.name]?.receiver.held.shift()?.();
        if (!model.queues[next.name].received) break;
        model.queues[next.name].busy = false;
        model.handOver(next.name);
        break;
      case "sendName":
        expect(await outcome(layer.send(next.name, this.#message()))).toBe(model.sendName(next.name, this.#number));
        break;
      case "flush":
        await layer.flush();
        model.members = [];
        for (const queue of Object.values(model.queues)) queue.waiting.length = 0;
        break;
    }
    await new Promise((resolve) => void setImmediate(resolve));
    this.#compare();
  }

  #compare(): void {
    const { layer, model } = this;
    expect(this.#local.map(({ receiver }) => receiver.got)).toEqual(model.channels.map(({ got }) => got));
    for (const queueName of names) {
      const got = [...this.#got[queueName], ...(this.#named[queueName]?.receiver.got ?? [])];
      expect(got).toEqual(model.queues[queueName].got);
    }
    expect(layer.stats()).toEqual(model.stats());
  }

  #nameOf(index: number): string {
    return this.#local[index]?.channel.name ?? "specific.nobody!here";
  }

  #message(): LayerMessage {
    return { type: "test.message", number: ++this.#number };
  }
}

async function outcome(sent: Promise<void>): Promise<string> {
  try {
    await sent;
    return "sent";
  } catch (error) {
    if (isMillraceError(error)) return error.code;
    throw error;
  }
}

describe("the in-memory layer", () => {
  test("does what a plain model of it does, whatever the order of calls", async () => {
    const taken: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
        const run = new Run();
        for (const next of steps) {
          taken[next.do] = (taken[next.do] ?? 0) + 1;
          await run.take(next);
        }
        await run.layer.close();
        expect(run.layer.stats()).toEqual({ channels: 0, groups: 0, members: 0, waiting: 0 });
      }),
      { numRuns: 150 },
    );
    expect(Object.keys(taken)).toHaveLength(14);
  });
});
