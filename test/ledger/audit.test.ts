import { describe, expect, test } from "@jest/globals";
import { type Account, drawUp, type Row } from "./ledger.ts";
import { circleIn, disorderIn } from "./order.ts";
import type { Sent, Stay } from "./room-client.ts";

function stay(client: string, change: Partial<Stay> = {}): Stay {
  const since = { joined: 0, left: Infinity, killed: false };
  return { client, room: "room", process: 0, ...since, heard: ["a.0", "b.0"], told: [], ...change };
}

function sent(id: string, from: number, change: Partial<Sent> = {}): Sent {
  return { id, room: "room", sender: id, from, to: from + 5, outcome: "reported", ...change };
}

function row(change: Partial<Account>, reports = true): Row | undefined {
  const phases = [{ fault: "fault", from: 100, to: 900 }];
  const account = { phases, sent: [sent("a.0", 200), sent("b.0", 300)], stays: [stay("a"), stay("b")] };
  return drawUp({ ...account, ...change }, reports)[0];
}

const deaf = stay("b", { heard: ["b.0"] });

describe("the ledger", () => {
  test("has each message once for each member", () => {
    expect(row({})).toMatchObject({ sent: 2, due: 4, delivered: 4, duplicates: 0, unexplained: 0 });
  });

  test("finds a message that is missing, that came twice, and that came though it was refused", () => {
    expect(row({ stays: [stay("a"), deaf] })).toMatchObject({ delivered: 3, unexplained: 1 });
    expect(row({ stays: [stay("a", { heard: ["a.0", "b.0", "a.0"] })] })).toMatchObject({
      delivered: 2,
      duplicates: 1,
    });
    const again = stay("a", { joined: 500, heard: ["b.0"] });
    expect(row({ stays: [stay("a", { left: 400 }), again] })).toMatchObject({ due: 2, duplicates: 1 });
    expect(row({ sent: [sent("a.0", 200, { outcome: "refused" })] })).toMatchObject({ unexplained: 2 });
  });

  test("explains what is missing by what its sender or its member was told, unless that does not count", () => {
    const stays = [stay("a"), deaf];
    for (const outcome of ["refused", "unknown"] as const) {
      const unheard = [stay("a", { heard: [] }), deaf];
      expect(row({ sent: [sent("a.0", 200, { outcome })], stays: unheard })).toMatchObject({
        [outcome]: 2,
        unexplained: 0,
      });
    }
    const told = [stay("a"), { ...deaf, told: [{ since: 204, until: 250 }] }];
    expect(row({ stays: told })).toMatchObject({ told: 1, unexplained: 0, gap: 46 });
    expect(row({ stays: told }, false)).toMatchObject({ told: 0, unexplained: 1 });
    const elsewhere = [stay("a"), { ...deaf, told: [{ since: 206, until: 250 }] }];
    expect(row({ stays: elsewhere })).toMatchObject({ told: 0, unexplained: 1 });
    expect(row({ stays: [stay("a"), { ...deaf, killed: true }] })).toMatchObject({ killed: 1, unexplained: 0 });
    expect(row({ sent: [sent("a.0", 200, { outcome: "unanswered" })], stays })).toMatchObject({ killed: 1 });
  });

  test("asks nothing of those who came later or had left", () => {
    const stays = [stay("a", { joined: 250, heard: ["b.0"] }), stay("b", { left: 250, heard: ["a.0"] })];
    expect(row({ stays })).toMatchObject({ due: 2, delivered: 2, unexplained: 0 });
  });
});

describe("the order", () => {
  test("is one where all sequences can be laid on one line", () => {
    expect(
      circleIn([
        ["a", "b", "d"],
        ["b", "c", "d"],
        ["a", "d"],
      ]),
    ).toEqual([]);
    expect(
      circleIn([
        ["a", "b"],
        ["b", "c"],
        ["c", "a"],
      ]),
    ).toEqual(["a", "b", "c"]);
  });

  test("is of all members on pub/sub, of a process on core, and of a sender on both", () => {
    const stays = [stay("a"), stay("b", { process: 1, heard: ["b.0", "a.0"] })];
    expect(disorderIn("pubsub", stays)).toEqual(["a.0", "b.0"]);
    expect(disorderIn("core", stays)).toEqual([]);
    expect(disorderIn("core", [stay("a", { heard: ["a.0", "a.2", "a.1", "b.0"] })])).toEqual(["a.1"]);
  });
});
