// A server whose remains can be counted: every consumer is in one group by its field and in one by
// hand, and holds a timer for as long as it lives. Talks to the test by IPC.
import { queryObjects } from "node:v8";
import { InMemoryChannelLayer, subscribeDiagnostics, WebsocketConsumer } from "millrace";
import { serve } from "millrace/server";
import { Lifetime } from "../../../src/consumer/lifetime.ts";
import { Mailbox } from "../../../src/flow/mailbox.ts";
import { TransportConnection } from "../../../src/protocol/connection.ts";

class Member extends WebsocketConsumer {
  override groups = ["everyone"];

  override async connect(): Promise<void> {
    await this.channelLayer.groupAdd("by-hand", this.channelName);
    this.accept();
  }
}

const layer = new InMemoryChannelLayer();
const server = await serve(Member, { port: 0, layers: { default: layer } });

let closed = 0;
let awaited = Infinity;
subscribeDiagnostics("millrace:websocket:close", () => {
  closed++;
  if (closed === awaited) void whenEnded();
});

/** The close is published when the socket is gone; the consumers leave their groups right after. */
async function whenEnded(): Promise<void> {
  while (server.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  process.send?.({ remains: await countRemains() });
}

async function countRemains(): Promise<Record<string, unknown>> {
  for (let round = 0; round < 5; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return {
    connections: server.connections,
    layer: layer.stats(),
    consumers: count(Member),
    lifetimes: count(Lifetime),
    mailboxes: count(Mailbox),
    transports: count(TransportConnection),
    timers: process.getActiveResourcesInfo().filter((name) => name === "Timeout" || name === "Immediate").length,
    sockets: process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    heap: process.memoryUsage().heapUsed,
  };
}

function count(constructor: abstract new (...args: never[]) => object): number {
  return queryObjects(constructor, { format: "count" });
}

process.on("message", (message: { expect: number }) => {
  closed = 0;
  awaited = message.expect;
  process.send?.({ ready: true });
});
process.send?.({ port: server.address.port });
