import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { root } from "../support/packed-package.ts";

/** Every public name. A name that is added here is a promise; one that is removed breaks somebody's program. */
const publicNames: Readonly<Record<string, { readonly values: string; readonly types: string }>> = {
  millrace: {
    values: `
      AcceptConnection ChannelLayers Consumer DenyConnection HttpConsumer InMemoryChannelLayer
      JsonWebsocketConsumer MillraceError StopConsumer TransportConnection WebsocketConsumer asApplicationSymbol
      checkChannelName checkGroupName closeCodes describeRoutes diagnosticsNames errorCodes getChannelLayer
      installChannelLayers isMillraceError maxNameLength subscribeDiagnostics toApplication
    `,
    types: `
      Address Application ApplicationLike ApplicationSource Channel ChannelCapacity ChannelLayer
      ChannelLayerOptions ChannelScope CloseCode Connection ConnectionChange ConsumerClass ConsumerInit Denial
      Diagnostics DiagnosticsName ErrorCode ErrorDetails GroupSendReport HttpAbort HttpDisconnect HttpIncoming
      HttpOutgoing HttpRequest HttpResponseBody HttpResponseStart HttpScope InMemoryStats Incoming LayerMessage
      LayerValue LifespanIncoming LifespanScope LifespanShutdown LifespanStartup MessageFor MessageOf Outgoing
      OutgoingHeaders Params PathParams Protocol Receive RequestScope RouteDescription Scope Subscriber
      WebsocketAccept WebsocketClose WebsocketConnect WebsocketDeny WebsocketDisconnect WebsocketIncoming
      WebsocketOutgoing WebsocketReceive WebsocketScope WebsocketSend
    `,
  },
  "millrace/server": {
    values: "",
    types: "",
  },
  "millrace/testing": {
    values: `
      ApplicationCommunicator HttpCommunicator WebsocketCommunicator
    `,
    types: `
      CommunicatorResponse ConnectResult HttpOptions ReceivedClose RequestOptions WebsocketOptions
    `,
  },
};

const sources: Readonly<Record<string, string>> = {
  millrace: "src/index.ts",
  "millrace/server": "src/server.ts",
  "millrace/testing": "src/testing.ts",
};

describe.each(Object.entries(publicNames))("the public names of %s", (entry, { values, types }) => {
  test("that a program can use are these and no others", async () => {
    // A namespace object, whose keys are the names.
    const namespace = (await import(entry)) as object;
    expect(Object.keys(namespace).toSorted()).toEqual(words(values));
  });

  test("that are types alone are these and no others", () => {
    expect(exportedNames(sources[entry] ?? entry).filter((name) => !words(values).includes(name))).toEqual(
      words(types),
    );
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
