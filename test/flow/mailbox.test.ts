import { afterEach, describe, expect, jest, test } from "@jest/globals";
import * as fc from "fast-check";
import { Mailbox } from "../../src/flow/mailbox.ts";
import { gate } from "../support/gate.ts";

/** Pushes, and gives a promise whatever comes back. */
function push<E>(mailbox: Mailbox<E>, event: E, expiresAt?: number): Promise<void> {
  return Promise.resolve(mailbox.push(event, expiresAt));
}

afterEach(() => {
  jest.useRealTimers();
});

describe("pushing into a mailbox", () => {
  test("handles an event before it returns, when nothing is being handled, and needs no promise", () => {
    const handled: string[] = [];
    const mailbox = new Mailbox<string>((event) => void handled.push(event));

    expect(mailbox.push("one")).toBeUndefined();
    expect(handled).toEqual(["one"]);
    expect(mailbox.idle).toBe(true);
  });

  test("settles when that event is handled, and not when another one is", async () => {
    const gates = { first: gate(), second: gate() };
    const mailbox = new Mailbox<"first" | "second">((event) => gates[event].promise);
    const settled: string[] = [];
    const first = push(mailbox, "first").then(() => settled.push("first"));
    const second = push(mailbox, "second").then(() => settled.push("second"));

    gates.first.open();
    await first;
    expect(settled).toEqual(["first"]);
    gates.second.open();
    await second;
    expect(settled).toEqual(["first", "second"]);
  });

  test("rejects when the handler of that event failed, at once or later, and goes on with the next", async () => {
    const failure = new Error("refused");
    const handled: string[] = [];
    const mailbox = new Mailbox<string>((event) => {
      handled.push(event);
      if (event === "throws") throw failure;
      return event === "rejects" ? Promise.reject(failure) : Promise.resolve();
    });
    const outcomes = await Promise.allSettled(
      ["throws", "rejects", "handled", "throws", "handled"].map((event) => push(mailbox, event)),
    );

    expect(outcomes.map(({ status }) => status)).toEqual([
      "rejected",
      "rejected",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    expect(outcomes[1]).toEqual({ status: "rejected", reason: failure });
    expect(handled).toEqual(["throws", "rejects", "handled", "throws", "handled"]);
  });

  test("handles one event at a time, in the order of the calls", async () => {
    const log: string[] = [];
    const mailbox = new Mailbox<number>(async (event) => {
      log.push(`${event} begins`);
      await Promise.resolve();
      log.push(`${event} ends`);
    });
    await Promise.all([push(mailbox, 1), push(mailbox, 2), push(mailbox, 3)]);

    expect(log).toEqual(["1 begins", "1 ends", "2 begins", "2 ends", "3 begins", "3 ends"]);
  });

  test("does not enter a handler again that pushes into its own mailbox", async () => {
    const log: string[] = [];
    const mailbox: Mailbox<string> = new Mailbox((event) => {
      log.push(`${event} begins`);
      if (event === "outer") void mailbox.push("inner");
      log.push(`${event} ends`);
    });

    expect(mailbox.push("outer")).toBeUndefined();
    expect(log).toEqual(["outer begins", "outer ends", "inner begins", "inner ends"]);
  });

  test("handles 300,000 events that waited behind a slow one without deepening the stack, in good time", async () => {
    const slow = gate();
    let deepest = 0;
    let depth = 0;
    let handled = 0;
    const mailbox = new Mailbox<"slow" | "quick">((event) => {
      if (event === "slow") return slow.promise;
      deepest = Math.max(deepest, ++depth);
      handled++;
      depth--;
      return undefined;
    });
    const pushes = [push(mailbox, "slow")];
    for (let count = 0; count < 300_000; count++) pushes.push(push(mailbox, "quick"));
    expect(mailbox.waiting).toBe(300_000);

    const before = performance.now();
    slow.open();
    await Promise.all(pushes);

    expect(handled).toBe(300_000);
    expect(deepest).toBe(1);
    expect(mailbox.idle).toBe(true);
    // Moving all that wait for each that leaves would take a minute.
    expect(performance.now() - before).toBeLessThan(20_000);
  });

  test("takes a chain of 100,000 events, each pushed by the handler before it", () => {
    let handled = 0;
    const mailbox: Mailbox<number> = new Mailbox((left) => {
      handled++;
      if (left > 0) void mailbox.push(left - 1);
    });
    void mailbox.push(100_000);

    expect(handled).toBe(100_001);
  });
});

describe("clearing a mailbox", () => {
  test("drops what waits, settles those who pushed it and gives it back", async () => {
    const slow = gate();
    const handled: string[] = [];
    const mailbox = new Mailbox<string>((event) => {
      handled.push(event);
      return slow.promise;
    });
    const running = push(mailbox, "running");
    const waiting = [push(mailbox, "dropped"), push(mailbox, "dropped too")];

    expect(mailbox.clear()).toEqual(["dropped", "dropped too"]);
    await Promise.all(waiting);
    expect(mailbox.idle).toBe(false);
    slow.open();
    await running;

    expect(handled).toEqual(["running"]);
    expect(mailbox.clear()).toEqual([]);
  });

  test("may be done by a handler whose turn came among others, and what is pushed then is handled", async () => {
    const slow = gate();
    const handled: string[] = [];
    const mailbox: Mailbox<string> = new Mailbox((event) => {
      handled.push(event);
      if (event === "slow") return slow.promise;
      if (event === "clears") {
        mailbox.clear();
        void mailbox.push("pushed after");
      }
      return undefined;
    });
    const pushes = ["slow", "clears", "dropped"].map((event) => push(mailbox, event));
    slow.open();
    await Promise.all(pushes);

    expect(handled).toEqual(["slow", "clears", "pushed after"]);
    expect(mailbox.idle).toBe(true);
  });
});

describe("an event with an age", () => {
  function mailboxBehind(slow: Promise<void>, onExpired: (event: string) => void): Mailbox<string> {
    return new Mailbox((event) => (event === "slow" ? slow : undefined), onExpired);
  }

  test("is dropped, told and settled when it is too old in its turn", async () => {
    jest.useFakeTimers({ now: 1000 });
    const slow = gate();
    const expired: string[] = [];
    const mailbox = mailboxBehind(slow.promise, (event) => expired.push(event));
    const pushes = [push(mailbox, "slow"), push(mailbox, "old", 2000), push(mailbox, "young", 2001)];
    jest.setSystemTime(2000);
    slow.open();
    await Promise.all(pushes);

    expect(expired).toEqual(["old"]);
  });

  test("is handled however old, when nothing is before it", () => {
    const handled: string[] = [];
    const mailbox = new Mailbox<string>((event) => void handled.push(event));
    void mailbox.push("late", 0);

    expect(handled).toEqual(["late"]);
  });

  test("holds up nobody when the one that is told of it fails", async () => {
    const slow = gate();
    const failure = new Error("the listener failed");
    const mailbox = mailboxBehind(slow.promise, () => {
      throw failure;
    });
    const pushes = [push(mailbox, "slow"), push(mailbox, "old", 0), push(mailbox, "next")];
    slow.open();

    expect(await Promise.allSettled(pushes)).toEqual([
      { status: "fulfilled", value: undefined },
      { status: "rejected", reason: failure },
      { status: "fulfilled", value: undefined },
    ]);
    expect(mailbox.push("after")).toBeUndefined();
  });
});

describe("a mailbox with a concurrency of more than 1", () => {
  test("handles as many at once, begun in the order of the calls", async () => {
    const gates = [gate(), gate(), gate()];
    const begun: number[] = [];
    const mailbox = new Mailbox<number>((event) => {
      begun.push(event);
      return gates[event]?.promise;
    });
    mailbox.concurrency = 2;
    const pushes = [push(mailbox, 0), push(mailbox, 1), push(mailbox, 2)];
    expect(begun).toEqual([0, 1]);

    gates[1]?.open();
    await pushes[1];
    expect(begun).toEqual([0, 1, 2]);
    for (const { open } of gates) open();
    await Promise.all(pushes);
    expect(mailbox.idle).toBe(true);
  });

  test("begins with what waits as soon as the limit is raised", async () => {
    const gates = [gate(), gate()];
    const begun: number[] = [];
    const mailbox = new Mailbox<number>((event) => {
      begun.push(event);
      return gates[event]?.promise;
    });
    const pushes = [push(mailbox, 0), push(mailbox, 1)];
    expect(begun).toEqual([0]);

    mailbox.concurrency = 2;
    expect(begun).toEqual([0, 1]);
    for (const { open } of gates) open();
    await Promise.all(pushes);
  });

  test("lets nothing that a handler pushes overtake what waits", async () => {
    const slow = gate();
    const begun: string[] = [];
    const mailbox: Mailbox<string> = new Mailbox((event) => {
      begun.push(event);
      if (event === "pushes") void mailbox.push("pushed");
      return event === "slow" ? slow.promise : undefined;
    });
    const pushes = ["slow", "pushes", "waits"].map((event) => push(mailbox, event));
    mailbox.concurrency = 3;
    slow.open();
    await Promise.all(pushes);

    expect(begun).toEqual(["slow", "pushes", "waits", "pushed"]);
  });

  test("lets the next event wait for all others once the limit is 1 again", async () => {
    const gates = [gate(), gate()];
    const log: string[] = [];
    const mailbox = new Mailbox<number>(async (event) => {
      await gates[event]?.promise;
      log.push(`${event} ends`);
    });
    mailbox.concurrency = 2;
    const pushes = [push(mailbox, 0), push(mailbox, 1)];
    mailbox.concurrency = 1;
    pushes.push(push(mailbox, 2));

    gates[1]?.open();
    await pushes[1];
    gates[0]?.open();
    await Promise.all(pushes);
    expect(log).toEqual(["1 ends", "0 ends", "2 ends"]);
  });
});

describe("any mixture of handlers and pushes", () => {
  /** What the handler of an event does, and what it pushes while it does so. */
  interface Script {
    readonly ends: "at once" | "later" | "much later" | "by throwing" | "by rejecting";
    readonly pushes: readonly Script[];
  }

  const ends = fc.constantFrom<Script["ends"]>("at once", "later", "much later", "by throwing", "by rejecting");
  function scriptOf(depth: number): fc.Arbitrary<Script> {
    const pushes = depth === 0 ? fc.constant([]) : fc.array(scriptOf(depth - 1), { maxLength: 3 });
    return fc.record({ ends, pushes });
  }
  const script = scriptOf(3);

  /** Pushes everything, and reports what was seen. */
  async function play(scripts: readonly Script[], limit: number, raisedAfter = 0) {
    const arrived: Script[] = [];
    const begun: Script[] = [];
    const outcomes = new Map<Script, string[]>();
    const settling: Array<Promise<void>> = [];
    let running = 0;
    let most = 0;

    const mailbox: Mailbox<Script> = new Mailbox((event) => {
      begun.push(event);
      most = Math.max(most, ++running);
      for (const next of event.pushes) arrive(next);
      return finish(event);
    });
    function finish({ ends: how }: Script): void | Promise<void> {
      if (how === "at once") return void running--;
      if (how === "by throwing") {
        running--;
        throw new Error(how);
      }
      return leave(how);
    }

    async function leave(how: Script["ends"]): Promise<void> {
      for (let turns = how === "much later" ? 5 : 1; turns > 0; turns--) await Promise.resolve();
      running--;
      if (how === "by rejecting") throw new Error(how);
    }

    function arrive(event: Script): void {
      arrived.push(event);
      const seen: string[] = [];
      outcomes.set(event, seen);
      const settled = mailbox.push(event);
      if (settled === undefined) return void seen.push(begun.includes(event) ? "handled" : "forgotten");
      settling.push(
        settled.then(
          () => void seen.push("handled"),
          (error: unknown) => void seen.push((error as Error).message),
        ),
      );
    }

    for (const [index, next] of scripts.entries()) {
      if (index === raisedAfter) mailbox.concurrency = limit;
      arrive(next);
      if (next.pushes.length > 1) await Promise.resolve();
    }
    for (let seen = 0; seen < settling.length; seen++) await settling[seen];
    return { arrived, begun, outcomes, most, mailbox };
  }

  test("handles in order of arrival, never two at once, and settles each push once and rightly", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(script, { maxLength: 12 }), async (scripts) => {
        const { arrived, begun, outcomes, most, mailbox } = await play(scripts, 1);

        expect(begun).toEqual(arrived);
        expect(most).toBeLessThanOrEqual(1);
        for (const [event, seen] of outcomes) {
          expect(seen).toEqual([event.ends.startsWith("by ") ? event.ends : "handled"]);
        }
        expect(mailbox.idle).toBe(true);
      }),
    );
  });

  test("begins in order of arrival and stays within the limit, when several may run at once from some moment on", async () => {
    const limit = fc.integer({ min: 2, max: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(script, { maxLength: 12 }), limit, fc.nat({ max: 6 }), async (scripts, most, after) => {
        const seen = await play(scripts, most, after);

        expect(seen.begun).toEqual(seen.arrived);
        expect(seen.most).toBeLessThanOrEqual(most);
        expect([...seen.outcomes.values()].every((outcomes) => outcomes.length === 1)).toBe(true);
      }),
    );
  });
});
