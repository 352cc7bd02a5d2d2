import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ChannelLayer, ChannelLayerOptions } from "millrace";
import { RedisChannelLayer, type RedisHost, RedisPubSubChannelLayer } from "millrace/redis";
import { tableUnder } from "../../docs/blocks.ts";
import { Certificate } from "../../support/certificate.ts";
import { heard } from "../../support/heard.ts";
import { RedisServer } from "../../support/redis-server.ts";
import { noUnhandledRejections } from "../../support/unhandled.ts";
import { until } from "./pubsub-site.ts";
import { Received } from "./received.ts";

noUnhandledRejections();

const errors = heard("millrace:layer:error");
const expired = heard("millrace:message:expired");

/** The rights that the guide says that a layer needs, of an ACL user with a password. */
function rightsOf(layer: string): readonly string[] {
  const row = tableUnder("docs/guides/channel-layers.md", "Rights in Redis").find(([name]) => name?.includes(layer));
  return (row?.[1] ?? "").replaceAll("`", "").replaceAll("\\|", "|").split(" ");
}

/** Does all that a layer can do, and needs all of it to come off. */
async function useAll(layer: ChannelLayer, server: RedisServer): Promise<void> {
  await layer.connect?.();
  const [inbox, jobs] = [new Received(), new Received()];
  const channel = await layer.newChannel(inbox.subscriber);
  const receiver = await layer.subscribe("asgi-jobs", jobs.subscriber);
  await layer.groupAdd("room", channel.name);
  await layer.groupSend("room", { type: "to.group" });
  await layer.send(channel.name, { type: "to.one" });
  expect((await inbox.take(2)).map(({ type }) => type)).toEqual(["to.group", "to.one"]);
  await layer.send("asgi-jobs", { type: "to.jobs" });
  await jobs.take(1);
  await layer.send("asgi-kept", { type: "to.worker" });
  await layer.groupDiscard("room", channel.name);
  // As after a restart that keeps the connection's end to itself.
  await server.command("SCRIPT", "FLUSH");
  await layer.groupAdd("room", channel.name);
  await layer.send("asgi-kept", { type: "to.worker" });
  await layer.groupSend("room", { type: "to.group" });
  await inbox.take(1);
  if (await waitsForNobody(layer)) await until(() => expired.length > 0);
  await waitsForNobody(layer);
  await layer.flush();
  await receiver.close();
  await channel.close();
  await until(async () => String(await server.command("PUBSUB", "CHANNELS")) === "");
  await until(async () => Number(await server.command("PUBSUB", "NUMPAT")) === 0);
}

/** Whether a message waits that nobody will take. */
async function waitsForNobody(layer: ChannelLayer): Promise<boolean> {
  const nobody = `specific.${"0".repeat(32)}!nobody`;
  return layer.send(nobody, { type: "too.late" }).then(
    () => true,
    () => false,
  );
}

const options: ChannelLayerOptions & { readonly workerChannels: readonly string[] } = {
  expiry: 0.3,
  workerChannels: ["asgi-kept"],
};

describe.each([
  ["RedisPubSubChannelLayer", (host: RedisHost) => new RedisPubSubChannelLayer({ ...options, hosts: [host] })],
  ["RedisChannelLayer", (host: RedisHost) => new RedisChannelLayer({ ...options, hosts: [host] })],
])("%s", (name, make) => {
  let certificate: Certificate;
  beforeAll(async () => {
    certificate = await Certificate.make();
  });
  afterAll(() => certificate[Symbol.asyncDispose]());

  test("works through TLS, as a user who has the rights of the guide and no others, in a database of its own", async () => {
    const config = [`user mill on >grind resetchannels ${rightsOf(name).join(" ")} +select`];
    await using server = await RedisServer.start({ config, tls: certificate.server });
    const login = { username: "mill", password: "grind", db: 3 };
    const host = { host: "localhost", port: server.port, tls: { ca: certificate.trusted }, ...login };
    {
      await using layer = make(host);
      await useAll(layer, server);
      await server.restart();
      await using other = make(host);
      await until(
        async () => (await other.groupSend("room", { type: "to.group" }).catch(() => undefined)) !== undefined,
      );
      await useAll(layer, server);
    }
    expect(errors).toEqual([]);
    expect(await server.command("ACL", "LOG")).toEqual([]);
    expect(String(await server.command("INFO", "keyspace"))).not.toMatch(/db[0124]/);
  });

  test("needs each of those rights", async () => {
    await using server = await RedisServer.start();
    await server.command("CONFIG", "RESETSTAT");
    {
      await using layer = make(server.url);
      await useAll(layer, server);
    }
    const stats = String(await server.command("INFO", "commandstats"));
    const used = [...stats.matchAll(/^cmdstat_([^:]+):/gm)].map(([, command]) => command ?? "");
    // Everybody may say hello.
    const ownQuestions = new Set([
      "config|resetstat",
      "info",
      "pubsub|channels",
      "pubsub|numpat",
      "script|flush",
      "hello",
    ]);
    const rights = rightsOf(name).flatMap((right) => (right.startsWith("+") ? [right.slice(1)] : []));
    expect(used.filter((command) => !ownQuestions.has(command)).toSorted()).toEqual(rights.toSorted());
  });

  test("works through a Unix socket, in a database of its own", async () => {
    await using server = await RedisServer.start();
    {
      await using layer = make(`unix://${server.socket}?db=2`);
      await useAll(layer, server);
      const clients = String(await server.command("CLIENT", "LIST"));
      expect(clients.split("\n").filter((client) => client.includes("name=millrace"))).not.toEqual([]);
      for (const client of clients.split("\n").filter((line) => line.includes("name=millrace"))) {
        expect(client).toContain(`addr=${server.socket}`);
      }
    }
    expect(errors).toEqual([]);
  });
});
