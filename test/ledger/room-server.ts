// A process of a site: a server whose consumers are members of the room that their path names. It
// tells its port by IPC, and then all that it publishes of faults.
import {
  isMillraceError,
  type LayerRecovered,
  path,
  subscribeDiagnostics,
  URLRouter,
  WebsocketConsumer,
} from "millrace";
import {
  RedisChannelLayer,
  type RedisConnectionOptions,
  type RedisHosts,
  RedisPubSubChannelLayer,
} from "millrace/redis";
import { serve } from "millrace/server";
import type { FromServer, Outcome, FromProcess } from "./exchange.ts";

const [kinds = "", options] = process.argv.slice(2);
// What the test gave, as JSON.
const given = JSON.parse(options ?? "{}") as RedisConnectionOptions & { readonly hosts: RedisHosts };
// Room for what all rooms get while a reader is away.
const settings = { ...given, capacity: 10_000 };
const layers = Object.fromEntries(
  kinds
    .split(",")
    .map((kind) => [kind, kind === "core" ? new RedisChannelLayer(settings) : new RedisPubSubChannelLayer(settings)]),
);

interface Line {
  readonly id: string;
}

class RoomConsumer extends WebsocketConsumer<"/:kind/:room/"> {
  override channelLayerAlias = this.params.kind;

  override async connect(): Promise<void> {
    await this.channelLayer.groupAdd(this.params.room, this.channelName);
    this.accept();
  }

  override async receive(id: string): Promise<void> {
    const from = Date.now();
    const sending = this.channelLayer.groupSend<RoomConsumer>(this.params.room, { type: "room.line", id });
    const outcome = await sending.then(() => "reported" as const, outcomeOf);
    this.#tell({ id, from, to: Date.now(), outcome });
  }

  room_line({ id }: Line): void {
    this.#tell({ heard: id });
  }

  layer_recovered({ since, until }: LayerRecovered): void {
    this.#tell({ since, until });
  }

  #tell(what: FromServer): void {
    this.send(JSON.stringify(what));
  }
}

function outcomeOf(error: unknown): Outcome {
  if (isMillraceError(error, "ERR_OUTCOME_UNKNOWN")) return "unknown";
  if (isMillraceError(error, "ERR_LAYER_UNAVAILABLE") || isMillraceError(error, "ERR_REDIS")) return "refused";
  throw error;
}

for (const name of [
  "millrace:application:error",
  "millrace:layer:error",
  "millrace:layer:over-capacity",
  "millrace:message:expired",
  "millrace:websocket:dropped",
] as const) {
  subscribeDiagnostics(name, (payload) => {
    const error = "error" in payload ? String(payload.error) : JSON.stringify(payload);
    tell({ trouble: `${name} ${error}` });
  });
}
subscribeDiagnostics("millrace:layer:recovered", ({ layer, since, until }) => tell({ layer, since, until }));

function tell(what: FromProcess): void {
  process.send?.(what);
}

process.once("disconnect", () => process.exit());
for (const layer of Object.values(layers)) await layer.connect();
const server = await serve(URLRouter([path("/:kind/:room/", RoomConsumer)]), { port: 0, layers });
tell({ port: server.address.port });
