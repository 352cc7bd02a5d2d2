import { describe, expect, test } from "@jest/globals";
import { closeCodes, diagnosticsNames, errorCodes } from "millrace";
import { type Command, commands, commonFlags, type Flag } from "../../src/cli/commands.ts";
import { tableUnder, quoted } from "./blocks.ts";
import { membersOf, unionOf } from "./source.ts";

describe("docs/reference/errors.md", () => {
  test("lists each code with its sentence, and no other, in the order of the code", () => {
    const rows = tableUnder("docs/reference/errors.md", "Codes");
    expect(rows.map(([code, when]) => [quoted(code)[0], when])).toEqual(Object.entries(errorCodes));
    for (const [, , remedy] of rows) expect(remedy).toMatch(/\.$/);
  });
});

describe("docs/reference/close-codes.md", () => {
  test("lists each close code with its name, its reason and whether to come back", () => {
    expect(tableUnder("docs/reference/close-codes.md", "Codes")).toEqual(
      Object.values(closeCodes).map(({ code, name, when, comeBack }) => [String(code), name, when, comeBack]),
    );
  });
});

describe("docs/reference/diagnostics.md", () => {
  const rows = tableUnder("docs/reference/diagnostics.md", "Channels");

  test("lists each channel, and no other", () => {
    expect(rows.map(([name]) => quoted(name)[0])).toEqual(diagnosticsNames);
  });

  test("names the fields of each payload", () => {
    const payloads = membersOf("src/protocol/diagnostics.ts", "Diagnostics").map(({ name, type }) => [
      name,
      [...type.replaceAll(/\/\*\*.*?\*\//g, "").matchAll(/readonly (\w+)/g)].map(([, field]) => field),
    ]);
    expect(rows.map(([name, , payload]) => [quoted(name)[0], quoted(payload)])).toEqual(payloads);
  });
});

describe("docs/reference/events-and-scopes.md", () => {
  const document = "docs/reference/events-and-scopes.md";
  const events = "src/protocol/events.ts";
  const scopes = "src/protocol/scope.ts";

  test.each([
    ["Incoming events", ["WebsocketIncoming", "HttpIncoming", "LifespanIncoming"]],
    ["Outgoing events", ["WebsocketOutgoing", "HttpOutgoing"]],
  ])("%s are those of the code, each with its fields", (heading, unions) => {
    const known = unions
      .flatMap((union) => unionOf(events, union))
      .map((name) => {
        const [type, ...fields] = membersOf(events, name);
        return [type?.type.slice(1, -1), fields.map((field) => field.name)];
      });
    expect(tableUnder(document, heading).map(([type, fields]) => [quoted(type)[0], quoted(fields)])).toEqual(known);
  });

  test("the fields of scopes are those of the code", () => {
    const shared = membersOf(scopes, "RequestScope").filter(({ comment }) => !comment.includes("@internal"));
    const websocket = membersOf(scopes, "WebsocketScope").map(({ name }) => name);
    const http = membersOf(scopes, "HttpScope").map(({ name }) => name);
    const known = new Map(shared.map(({ name }) => [name, "both"]));
    for (const name of websocket) known.set(name, http.includes(name) ? "both" : "websocket");
    for (const name of http) known.set(name, websocket.includes(name) ? "both" : "http");
    const rows = tableUnder(document, "Scopes of sockets and requests");
    expect(new Map(rows.map(([name, protocol]) => [quoted(name)[0], protocol]))).toEqual(known);
    expect(rows).toHaveLength(known.size);
  });

  test("so are those of the scopes without a request", () => {
    const known = ["ChannelScope", "LifespanScope"].map((name) => {
      const members = membersOf(scopes, name);
      return [members[0]?.type.slice(1, -1), members.map((member) => member.name)];
    });
    const rows = tableUnder(document, "Other scopes");
    expect(rows.map(([protocol, fields]) => [quoted(protocol)[0], quoted(fields)])).toEqual(known);
  });
});

describe("docs/reference/cli.md", () => {
  const document = "docs/reference/cli.md";

  function flagRows(flags: readonly Flag[]): string[][] {
    return flags.map((flag) => {
      const value = flag.placeholder === undefined ? "" : ` ${flag.placeholder}`;
      const short = flag.short === undefined ? "" : `, \`-${flag.short}\``;
      return [`\`--${flag.name}${value}\`${short}`, flag.summary];
    });
  }

  test("lists the commands", () => {
    expect(tableUnder(document, "Commands")).toEqual(
      Object.entries(commands).map(([name, { summary }]) => [`\`${name}\``, summary]),
    );
  });

  test("lists the flags that every command takes", () => {
    expect(tableUnder(document, "Flags of every command")).toEqual(flagRows(commonFlags));
  });

  test.each(Object.entries<Command>(commands))("lists the flags of %s, with their defaults", (name, { flags }) => {
    const rows = tableUnder(document, `Flags of \`${name}\``);
    expect(rows.map(([flag, summary]) => [flag, summary])).toEqual(flagRows(flags));
    const defaults = flags.map(({ initial, environment }) => [initial, environment].filter(Boolean));
    expect(rows.map(([, , initial]) => quoted(initial))).toEqual(defaults);
  });
});
