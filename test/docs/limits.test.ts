import { describe, expect, test } from "@jest/globals";
import { Consumer, HttpConsumer, maxNameLength } from "millrace";
import { maxMessageDepth } from "../../src/layers/message.ts";
import { readJobOptions } from "../../src/layers/job-options.ts";
import { readOptions } from "../../src/layers/options.ts";
import { checkServeOptions } from "../../src/server/options.ts";
import { maxQueuedRequests } from "../../src/server/queued-responses.ts";
import { maxFragments, maxPendingPongs } from "../../src/server/upgrader.ts";
import { checkWorkerOptions } from "../../src/worker/options.ts";
import { quoted, readDocument, tableUnder } from "./blocks.ts";
import { membersOf } from "./source.ts";

const { outbound, listen, ...server } = checkServeOptions({});
const layer = readOptions({}, []);

function seconds(milliseconds: number): string {
  return `${milliseconds / 1000} s`;
}

function mebibytes(bytes: number): string {
  return `${bytes / 1024 ** 2} MiB`;
}

/** Whole mebibytes, and the kibibytes beside them. */
function sizeText(bytes: number): string {
  const whole = Math.floor(bytes / 1024 ** 2);
  return `${whole} MiB and ${(bytes - whole * 1024 ** 2) / 1024} KiB`;
}

describe("docs/guides/deploying.md", () => {
  const document = "docs/guides/deploying.md";

  /** Each option with its default, as a program would write it; `undefined` where the text tells it. */
  function defaultsIn(heading: string): Array<[option: string | undefined, initial: unknown]> {
    return tableUnder(document, heading).map(([option, initial]) => {
      const [literal] = quoted(initial);
      return [quoted(option)[0], literal === undefined ? undefined : (JSON.parse(literal) as unknown)];
    });
  }

  test("lists each option of serve and attach with its default", () => {
    const known = new Map<string, unknown>(Object.entries({ ...listen, ...server }));
    const options = ["ServeOptions", "AttachOptions"].flatMap((name) => membersOf("src/server/options.ts", name));
    expect(new Map(defaultsIn("Limits"))).toEqual(new Map(options.map(({ name }) => [name, known.get(name)])));
  });

  test("lists each bound of the outbound queue with its default", () => {
    expect(defaultsIn("Slow clients")).toEqual(Object.entries(outbound));
  });

  test("lists each option of compression with its default", () => {
    expect(defaultsIn("Compression")).toEqual(
      Object.entries(checkServeOptions({ compression: true }).compression ?? {}),
    );
  });
});

describe("docs/guides/channel-layers.md", () => {
  const document = "docs/guides/channel-layers.md";

  test("lists each option of a layer with its default", () => {
    const known = new Map<string, unknown>([
      ["expiry", layer.expiry / 1000],
      ["groupExpiry", layer.groupExpiry / 1000],
      ["capacity", layer.capacityOf("a")],
      ["maxMessageSize", layer.maxMessageSize],
    ]);
    const rows = tableUnder(document, "Options").map(([option, initial]) => [quoted(option)[0], quoted(initial)[0]]);
    const options = membersOf("src/protocol/channel-layer.ts", "ChannelLayerOptions");
    expect(rows).toEqual(
      options.map(({ name }) => [name, known.has(name) ? JSON.stringify(known.get(name)) : undefined]),
    );
  });

  test("says how deep a message may be, and how long a name", () => {
    expect(readDocument(document)).toContain(`up to ${maxMessageDepth} levels deep`);
    expect(readDocument(document)).toContain(`1 to ${maxNameLength} ASCII`);
  });

  test("lists the fields of a report", () => {
    const rows = tableUnder(document, "The report").map(([field]) => quoted(field)[0]);
    expect(rows).toEqual(membersOf("src/protocol/channel-layer.ts", "GroupSendReport").map(({ name }) => name));
  });
});

test("docs/guides/workers.md lists each option of a worker with its default", () => {
  const settings = checkWorkerOptions({ channels: ["thumbnails"], layers: {} });
  const known = new Map<string, unknown>(Object.entries({ ...settings, channels: undefined, layers: undefined }));
  const rows = tableUnder("docs/guides/workers.md", "Options").map(([option, initial]) => {
    const [literal] = quoted(initial);
    return [quoted(option)[0], literal === undefined ? undefined : (JSON.parse(literal) as unknown)];
  });
  const options = membersOf("src/worker/options.ts", "WorkerOptions").map(({ name }) => name);
  expect(rows).toEqual(options.map((name) => [name, known.get(name)]));
  const { capacity } = readJobOptions({});
  expect(readDocument("docs/guides/workers.md")).toContain(`${capacity.toLocaleString("en")} by default`);
});

test("docs/promise.md tells each limit as the code has it", () => {
  const { grace } = Consumer;
  const known = new Map([
    ["size of a message from a client", [mebibytes(server.maxMessageSize), "1009"]],
    [
      "size of a message that is compressed, where [messages are](guides/deploying.md#compression)",
      [`${(checkServeOptions({ compression: true }).compression?.maxSize ?? 0) / 1024} KiB`],
    ],
    ["socket events that a consumer has not handled", [`${server.mailboxLimit}`, seconds(server.pausedTimeout)]],
    ["size of a message for the layer", [sizeText(layer.maxMessageSize), "ERR_MESSAGE_TOO_LARGE"]],
    ["messages of the layer that a channel has not handled", [`${layer.capacityOf("a")}`, "ERR_CHANNEL_FULL"]],
    ["age of a message that waits", [seconds(layer.expiry)]],
    ["outbound queue of a socket", [`${outbound.maxMessages} messages, ${mebibytes(outbound.maxBytes)}`, "1013"]],
    ["time for `connect` to accept or refuse", [seconds(server.handshakeTimeout), "504"]],
    ["fragments of a message from a client", [maxFragments.toLocaleString("en"), "1008"]],
    ["pongs that wait to be written to a client that pings", [`${maxPendingPongs}`, "1006"]],
    ["silence of a client", [seconds(server.pingInterval), seconds(server.pingTimeout), "1006"]],
    ["time for a client to answer a close frame", [seconds(server.closeTimeout)]],
    ["time for handlers after their peer has gone", [seconds(grace), "abandoned"]],
    ["time for applications to end when the server stops", [seconds(server.shutdownTimeout)]],
    ["name of a channel or group", [`${maxNameLength} ASCII`, "ERR_INVALID_NAME"]],
    ["body of an HTTP request to an `HttpConsumer`", [mebibytes(new HttpConsumer().maxBody), "413"]],
    ["HTTP requests on one connection that wait for an earlier one's response", [`${maxQueuedRequests}`]],
  ]);
  const rows = tableUnder("docs/promise.md", "Limits");
  expect(rows.map(([limit]) => limit)).toEqual([...known.keys()]);
  for (const [limit = "", ...said] of rows) {
    for (const fact of known.get(limit) ?? []) expect(said.join(" ")).toContain(fact);
  }
});
