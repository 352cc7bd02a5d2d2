import { expect, test } from "@jest/globals";
import {
  type Application,
  diagnosticsNames,
  errorCodes,
  HttpConsumer,
  InMemoryChannelLayer,
  JsonWebsocketConsumer,
  path,
  URLRouter,
  WebsocketConsumer,
} from "millrace";
import { ApplicationCommunicator, WebsocketCommunicator } from "millrace/testing";
import { documents, quoted, readDocument, tableUnder } from "./blocks.ts";
import { exportsOf } from "./source.ts";

/** The names of the methods and accessors of a class and those that it extends. */
function namesOn(constructor: { readonly prototype: object }): string[] {
  const names: string[] = [];
  let prototype: object | null = constructor.prototype;
  while (prototype !== null && prototype !== Object.prototype) {
    names.push(...Object.getOwnPropertyNames(prototype));
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return names;
}

/** The names before the parenthesis in a table's first cells: `connect()`. */
function callsIn(document: string, heading: string): string[] {
  return tableUnder(document, heading).flatMap(([calls = ""]) =>
    [...calls.matchAll(/`(\w+)\(/g)].map(([, name = ""]) => name),
  );
}

test("docs/guides/channel-layers.md lists the calls of a layer", () => {
  const layer = namesOn(InMemoryChannelLayer);
  const listed = callsIn("docs/guides/channel-layers.md", "Calls");
  expect(listed.filter((name) => !layer.includes(name))).toEqual([]);
  for (const name of ["send", "groupAdd", "groupDiscard", "groupSend"]) expect(listed).toContain(name);
});

test("docs/guides/testing.md lists the calls of a websocket's communicator", () => {
  const own = Object.getOwnPropertyNames(WebsocketCommunicator.prototype);
  const known = own.filter((name) => !["constructor", "takeOutput"].includes(name));
  expect(new Set(callsIn("docs/guides/testing.md", "The calls"))).toEqual(new Set([...known, "receiveNothing"]));
});

test.each([
  ["README.md", "From Django Channels to Millrace"],
  ["docs/guides/from-django-channels.md", "Names"],
])("%s, in its table of names, names only what there is", (document, heading) => {
  const ours = tableUnder(document, heading).flatMap(([, cell]) => quoted(cell));
  const exported = ["src/index.ts", "src/server.ts", "src/testing.ts"].flatMap((file) => exportsOf(file));
  const members = new Set([WebsocketConsumer, JsonWebsocketConsumer, HttpConsumer].flatMap(namesOn));
  const ofConsumers = ours.flatMap((text) => /^this\.(\w+)/.exec(text)?.[1] ?? []);
  const ofEntries = ours.flatMap((text) => /^(?:new )?([A-Z]\w+)$/.exec(text)?.[1] ?? []);
  expect(ofConsumers.length).toBeGreaterThan(0);
  expect(ofConsumers.filter((name) => !members.has(name))).toEqual([]);
  const known = new Set([...exported, ...Object.keys(errorCodes), "ChatConsumer"]);
  expect(ofEntries.filter((name) => !known.has(name))).toEqual([]);
});

test("docs/guides/routing.md's table of patterns is what routers do", async () => {
  const rows = tableUnder("docs/guides/routing.md", "Path patterns");
  for (const [pattern, paths, params] of rows) {
    const expected = quoted(params);
    for (const [at, target] of quoted(paths).entries()) {
      const seen: unknown[] = [];
      const application: Application = ({ scope }) => {
        seen.push(scope["params"]);
        return () => {};
      };
      const router = URLRouter([path(quoted(pattern)[0] ?? "", application)]);
      const client = new ApplicationCommunicator(router, {
        ...new WebsocketCommunicator(router, target).scope,
      });
      await client.sendInput({ type: "websocket.connect" });
      const json = (expected[at] ?? "{}").replaceAll(/(\w+):/g, '"$1":');
      expect(seen.at(-1)).toEqual(JSON.parse(json));
    }
  }
});

test.each(documents())("%s names only error codes and diagnostics that there are", (document) => {
  const named = readDocument(document).match(/\b(?:ERR_[A-Z_]+|millrace:[a-z]+:[a-z-]+)/g) ?? [];
  const known = new Set<string>([...Object.keys(errorCodes), ...diagnosticsNames]);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});
