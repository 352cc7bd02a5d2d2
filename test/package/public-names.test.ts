import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { root } from "../support/packed-package.ts";

/** Every public name. A name that is added here is a promise; one that is removed breaks somebody's program. */
const publicNames: Readonly<Record<string, { readonly values: string; readonly types: string }>> = {
  millrace: {
    values: `
      AcceptConnection ChannelLayers ChannelNameRouter Consumer DenyConnection HttpConsumer InMemoryChannelLayer
      JsonWebsocketConsumer MillraceError ProtocolTypeRouter StopConsumer TransportConnection URLRouter
      WebsocketConsumer asApplicationSymbol checkChannelName checkGroupName closeCodes describeRoutes
      diagnosticsNames errorCodes getChannelLayer groupName installChannelLayers isMillraceError lifespan
      maxNameLength nodeListener path rePath subscribeDiagnostics toApplication wraps
    `,
    types: `
      Address Application ApplicationLike ApplicationSource AsideReason Callable Channel ChannelApplications ChannelCapacity
      ChannelLayer ChannelLayerOptions ChannelScope CloseCode Connection ConnectionChange ConsumerClass
      ConsumerInit Denial Diagnostics DiagnosticsName DropReason ErrorCode ErrorDetails GroupSendReport HttpAbort
      HttpDisconnect HttpIncoming HttpOutgoing HttpRequest HttpResponseBody HttpResponseStart HttpScope
      HttpStopping InMemoryStats Incoming LayerDegraded LayerEvent LayerMessage LayerRecovered LayerValue LifespanContext
      LifespanHooks LifespanIncoming LifespanScope LifespanShutdown LifespanStartup MessageFor MessageOf NodeListener Outgoing OutgoingHeaders
      Params PathMismatch PathParams Protocol ProtocolApplications Receive RequestScope Route RouteDescription
      RouteOptions RouteTarget Scope SendOptions Subscriber WebsocketAccept WebsocketClose WebsocketConnect WebsocketDeny
      WebsocketDisconnect WebsocketIncoming WebsocketOutgoing WebsocketReceive WebsocketScope WebsocketSend
    `,
  },
  "millrace/redis": {
    values: `
      RedisChannelLayer RedisPubSubChannelLayer channelLayerFromUrl
    `,
    types: `
      RedisChannelLayerOptions RedisChannelLayerStats RedisCluster RedisConnectionOptions RedisHost RedisHosts
      RedisLogin RedisNode RedisPubSubChannelLayerOptions RedisPubSubChannelLayerStats RedisSentinels RedisServer
    `,
  },
  "millrace/server": {
    values: `
      attach serve
    `,
    types: `
      AttachOptions CompressionOptions MillraceAttachment MillraceServer OutboundOptions ServeOptions WhenFull
    `,
  },
  "millrace/testing": {
    values: `
      ApplicationCommunicator HttpCommunicator WebsocketCommunicator layerConformance liveServer
    `,
    types: `
      CommunicatorResponse ConnectResult HttpOptions LayerConformanceCase LayerConformanceOptions LiveServer
      LiveServerOptions OptionalPromise ReceivedClose RequestOptions WebsocketOptions
    `,
  },
  "millrace/worker": {
    values: `
      JobQueue currentJob runWorker
    `,
    types: `
      CurrentJob Job JobCounts JobState MillraceWorker WorkerOptions
    `,
  },
};

const sources: Readonly<Record<string, string>> = {
  millrace: "src/index.ts",
  "millrace/redis": "src/redis.ts",
  "millrace/server": "src/server.ts",
  "millrace/testing": "src/testing.ts",
  "millrace/worker": "src/worker.ts",
};

describe("the public names", () => {
  test.each(Object.entries(publicNames))("of %s are these and no others", async (entry, { values, types }) => {
    // A namespace object, whose keys are the names that a program can use.
    const usable = Object.keys((await import(entry)) as object).toSorted();
    const typesAlone = exportedNames(sources[entry] ?? entry).filter((name) => !usable.includes(name));
    expect({ values: usable, types: typesAlone }).toEqual({ values: words(values), types: words(types) });
  });
});

function words(list: string): readonly string[] {
  return list.split(/\s+/).filter((word) => word !== "");
}

/** The names that a source file exports, sorted. */
function exportedNames(file: string): readonly string[] {
  const text = readFileSync(join(root, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
  const listed = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names = ""]) =>
    names
      .split(",")
      .map((name) =>
        name
          .trim()
          .replace(/^type /, "")
          .replace(/^\S+ as /, ""),
      )
      .filter((name) => name !== ""),
  );
  const declared = [
    ...text.matchAll(/^export (?:declare |abstract |async )*(?:class|const|function|interface|type)\*? (\w+)/gm),
  ].map(([, name = ""]) => name);
  const starred = [...text.matchAll(/^export (?:type )?\* from "(.*)"/gm)].flatMap(([, path = ""]) =>
    exportedNames(join(dirname(file), path)),
  );
  return [...new Set([...listed, ...declared, ...starred])].toSorted();
}
