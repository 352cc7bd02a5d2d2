import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { type Incoming, StopConsumer, subscribeDiagnostics, WebsocketConsumer } from "millrace";
import { WebsocketCommunicator } from "millrace/testing";
import { InMemoryChannelLayer } from "../../src/layers/in-memory.ts";
import { troubled } from "../support/troubled-layer.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";

noUnhandledRejections();

/** What one handler does: it takes so many turns of the microtask queue, and ends in one way. */
interface Behaviour {
  readonly turns: number;
  readonly ends: "well" | "failing" | "stopping" | "closing";
}

type Step =
  | { readonly kind: "receive" | "news"; readonly behaviour: Behaviour }
  | { readonly kind: "wait"; readonly turns: number };

interface Script {
  readonly concurrency: number;
  readonly newChannel: Behaviour;
  readonly groupAdd: Behaviour;
  readonly closeChannel: Behaviour;
  readonly connect: Behaviour;
  readonly disconnect: Behaviour;
  readonly steps: readonly Step[];
}

const turns = fc.nat({ max: 8 });
const mostlyWell = fc.oneof(
  { weight: 6, arbitrary: fc.constant("well" as const) },
  { weight: 1, arbitrary: fc.constantFrom("failing" as const, "stopping" as const, "closing" as const) },
);
const behaviour: fc.Arbitrary<Behaviour> = fc.record({ turns, ends: mostlyWell });
const layerStep: fc.Arbitrary<Behaviour> = fc.record({
  turns,
  ends: fc.oneof(
    { weight: 9, arbitrary: fc.constant("well" as const) },
    { weight: 1, arbitrary: fc.constant("failing" as const) },
  ),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom("receive" as const, "news" as const), behaviour }),
  fc.record({ kind: fc.constant("wait" as const), turns }),
);
const script: fc.Arbitrary<Script> = fc.record({
  concurrency: fc.integer({ min: 1, max: 3 }),
  newChannel: layerStep,
  groupAdd: layerStep,
  closeChannel: layerStep,
  connect: behaviour,
  disconnect: behaviour,
  steps: fc.array(step, { maxLength: 15 }),
});

async function pass(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await Promise.resolve();
}

async function act({ turns: count, ends }: Behaviour): Promise<void> {
  await pass(count);
  if (ends === "failing") throw new Error("failing");
  if (ends === "stopping") throw new StopConsumer();
}

/** What was seen of a consumer's life. */
interface Life {
  /** Each handler as it begins, with how many others were running. */
  readonly begun: Array<{ readonly name: string; readonly others: number }>;
  /** What reached the consumer before its peer left, in order. */
  readonly arrived: string[];
  /** How many handlers had begun when the end was heard of. */
  begunAtEnd: number | undefined;
  /** Whether a handler failed, stopped or closed the socket, before the peer left by itself. */
  endedEarly: boolean;
  failed: number;
  told: number;
  published: number;
}

async function live(script: Script): Promise<{ life: Life; layer: InMemoryChannelLayer }> {
  const life: Life = {
    begun: [],
    arrived: [],
    begunAtEnd: undefined,
    endedEarly: false,
    failed: 0,
    told: 0,
    published: 0,
  };
  const layer = new InMemoryChannelLayer();
  let running = 0;

  /** Runs a handler: at once when it takes no turn. */
  function run(name: string, consumer: WebsocketConsumer, { turns: count, ends }: Behaviour): void | Promise<void> {
    life.begun.push({ name, others: running++ });
    const end = (): void => {
      running--;
      if (name !== "disconnect" && ends !== "well") life.endedEarly = true;
      if (ends === "closing") consumer.close(4000);
      if (ends === "well" || ends === "closing") return;
      if (ends === "stopping") {
        // Where others run, one of them may begin another before this is heard of.
        if (script.concurrency === 1 && name !== "disconnect") life.begunAtEnd ??= life.begun.length;
        throw new StopConsumer();
      }
      life.failed++;
      throw new Error(`${name} fails`);
    };
    return count === 0 ? end() : pass(count).then(end);
  }

  class Scripted extends WebsocketConsumer {
    static override readonly concurrency = script.concurrency;
    override groups = ["room"];

    override connect(): void | Promise<void> {
      this.accept();
      return run("connect", this, script.connect);
    }

    override receive(text: string): void | Promise<void> {
      return run(text, this, behaviourOf(text));
    }

    room_news(event: { text: string }): void | Promise<void> {
      return run(event.text, this, behaviourOf(event.text));
    }

    override disconnect(): void | Promise<void> {
      return run("disconnect", this, script.disconnect);
    }

    override onError(_error: Error, event: Incoming): void {
      life.told++;
      if (event.type !== "websocket.disconnect") life.begunAtEnd ??= life.begun.length;
    }
  }

  function behaviourOf(text: string): Behaviour {
    const at = script.steps[Number(text)];
    return at === undefined || at.kind === "wait" ? { turns: 0, ends: "well" } : at.behaviour;
  }

  const listening = subscribeDiagnostics("millrace:application:error", () => life.published++);
  const communicator = new WebsocketCommunicator(Scripted, "/", {
    layers: {
      default: troubled(layer, {
        newChannel: () => act(script.newChannel),
        groupAdd: () => act(script.groupAdd),
        closeChannel: () => act(script.closeChannel),
      }),
    },
  });
  await communicator.sendInput({ type: "websocket.connect" });
  for (const [index, next] of script.steps.entries()) {
    if (next.kind === "wait") {
      await pass(next.turns);
    } else if (next.kind === "receive") {
      life.arrived.push(String(index));
      await communicator.send(String(index));
    } else {
      const { delivered } = await layer.groupSend<Scripted>("room", { type: "room.news", text: String(index) });
      if (delivered === 1) life.arrived.push(String(index));
    }
  }
  await communicator.disconnect().catch(() => {});
  await communicator.wait().catch(() => {});
  // What comes after the end reaches nobody.
  await communicator.send("late");
  await layer.groupSend<Scripted>("room", { type: "room.news", text: "late" });
  listening[Symbol.dispose]();
  return { life, layer };
}

describe("whatever happens to a consumer", () => {
  test("connect comes first and alone, disconnect last and alone and only then, all in order, and nothing is left", async () => {
    const seen = { entered: 0, failed: 0, endedEarly: 0, all: 0 };
    await fc.assert(
      fc.asyncProperty(script, async (lifeScript) => {
        const { life, layer } = await live(lifeScript);
        const names = life.begun.map(({ name }) => name);
        const messages = names.slice(1, -1);

        // Neither, or connect first and disconnect last, each once.
        if (names.length > 0) {
          expect(names[0]).toBe("connect");
          expect(names.at(-1)).toBe("disconnect");
          expect(names.filter((name) => name === "connect" || name === "disconnect")).toHaveLength(2);
          expect(life.begun[1]?.others).toBe(0);
          expect(life.begun.at(-1)?.others).toBe(0);
        }
        for (const { others } of life.begun) expect(others).toBeLessThan(lifeScript.concurrency);

        // In the order of arrival, without a gap, and to the last when nothing ended it early.
        expect(messages).toEqual(life.arrived.slice(0, messages.length));
        if (names.length > 0 && !life.endedEarly) expect(messages).toHaveLength(life.arrived.length);
        if (names.length > 0 && life.begunAtEnd !== undefined) expect(names).toHaveLength(life.begunAtEnd + 1);

        // Each failure is told once, and published once; what a layer refused is a failure, too.
        const refused = names.length === 0 && life.told > 0 ? 1 : 0;
        expect(life.told).toBe(life.failed + refused);
        expect(life.published).toBe(life.told);

        expect(layer.stats()).toEqual({ channels: 0, groups: 0, members: 0, waiting: 0 });
        seen.entered += names.length > 0 ? 1 : 0;
        seen.failed += life.failed > 0 ? 1 : 0;
        seen.endedEarly += life.begunAtEnd === undefined ? 0 : 1;
        seen.all += messages.length > 0 && messages.length === life.arrived.length ? 1 : 0;
      }),
      { numRuns: 500 },
    );

    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
  });
});
