import { describe, expect, test } from "@jest/globals";
import type { WebsocketOutgoing } from "millrace";
import { nextWebsocketState, type WebsocketState } from "../../src/protocol/websocket-rules.ts";
import { caught } from "../support/caught.ts";

const accept: WebsocketOutgoing = { type: "websocket.accept" };
const deny: WebsocketOutgoing = { type: "websocket.deny" };
const send: WebsocketOutgoing = { type: "websocket.send", text: "" };
const close: WebsocketOutgoing = { type: "websocket.close" };

describe("what an application may send over a socket", () => {
  test.each<[WebsocketState, WebsocketOutgoing, WebsocketState | "ERR_PROTOCOL_STATE"]>([
    ["connecting", accept, "open"],
    ["connecting", deny, "closed"],
    ["connecting", send, "ERR_PROTOCOL_STATE"],
    ["connecting", close, "closed"],
    ["open", accept, "ERR_PROTOCOL_STATE"],
    ["open", deny, "ERR_PROTOCOL_STATE"],
    ["open", send, "open"],
    ["open", close, "closed"],
    ["closed", accept, "closed"],
    ["closed", deny, "closed"],
    ["closed", send, "closed"],
    ["closed", close, "closed"],
  ])("while it is %s: %p gives %s", (state, event, outcome) => {
    if (outcome === "ERR_PROTOCOL_STATE") {
      expect(caught(() => nextWebsocketState(state, event, []))).toMatchObject({ code: outcome });
    } else {
      expect(nextWebsocketState(state, event, [])).toBe(outcome);
    }
  });

  test.each<[string, unknown]>([
    ["nothing", {}],
    ["both", { text: "a", bytes: new Uint8Array() }],
    ["an object as text", { text: { a: 1 } }],
    ["a number as text", { text: 1 }],
    ["null as text", { text: null }],
    ["a list as bytes", { bytes: [1, 2] }],
    ["a number as key", { text: "a", latest: 1 }],
    ["a word for compress", { text: "a", compress: "yes" }],
  ])("a message of %s is refused in every state", (_, content) => {
    for (const state of ["connecting", "open", "closed"] as const) {
      const event = { type: "websocket.send", ...(content as object) } as WebsocketOutgoing;
      expect(caught(() => nextWebsocketState(state, event, []))).toMatchObject({ code: "ERR_INVALID_EVENT" });
    }
  });

  test("a message may be empty, as text and as bytes", () => {
    expect(nextWebsocketState("open", { type: "websocket.send", text: "" }, [])).toBe("open");
    expect(nextWebsocketState("open", { type: "websocket.send", bytes: Buffer.alloc(0) }, [])).toBe("open");
  });

  test("an event of another type is refused by a sentence that names those that exist", () => {
    const error = caught(() => nextWebsocketState("open", { type: "websocket.shout" } as never, []));
    expect(error).toMatchObject({ code: "ERR_INVALID_EVENT", message: expect.stringContaining("websocket.close") });
  });
});

describe("accepting a socket", () => {
  test("takes a subprotocol that the client offered", () => {
    expect(nextWebsocketState("connecting", { ...accept, subprotocol: "chat.v2" }, ["chat.v1", "chat.v2"])).toBe(
      "open",
    );
  });

  test.each<[string, readonly string[]]>([
    ["chat.v3", ["chat.v1", "chat.v2"]],
    ["chat.v1", []],
    ["", ["chat.v1"]],
  ])("refuses the subprotocol %p when %p was offered, and says so", (subprotocol, offered) => {
    expect(caught(() => nextWebsocketState("connecting", { ...accept, subprotocol }, offered))).toMatchObject({
      code: "ERR_SUBPROTOCOL_NOT_OFFERED",
      message: expect.stringContaining(offered.length === 0 ? "none" : offered.join(", ")),
    });
  });

  test.each([
    "Connection",
    "upgrade",
    "Sec-WebSocket-Accept",
    "sec-websocket-protocol",
    "content-length",
    "Transfer-Encoding",
  ])("refuses the header %s, which belongs to the handshake, as refusing a socket does", (name) => {
    for (const event of [accept, deny]) {
      const sent = { ...event, headers: { [name]: "x" } } as WebsocketOutgoing;
      expect(caught(() => nextWebsocketState("connecting", sent, []))).toMatchObject({ code: "ERR_INVALID_HEADER" });
    }
  });
});

describe("refusing a socket", () => {
  test.each([300, 401, 403, 503, 599])("takes the status %d", (status) => {
    expect(nextWebsocketState("connecting", { ...deny, status }, [])).toBe("closed");
  });

  test.each([0, 101, 200, 299, 600, 403.5, Number.NaN, "403"])("refuses the status %p", (status) => {
    const event = { ...deny, status } as WebsocketOutgoing;
    expect(caught(() => nextWebsocketState("connecting", event, []))).toMatchObject({ code: "ERR_INVALID_EVENT" });
  });

  test.each([42, null, ["no"]])("refuses the body %p", (body) => {
    const event = { ...deny, body } as unknown as WebsocketOutgoing;
    expect(caught(() => nextWebsocketState("connecting", event, []))).toMatchObject({ code: "ERR_INVALID_EVENT" });
  });
});

describe("closing a socket", () => {
  test.each([1000, 1001, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999])("takes the code %d", (code) => {
    expect(nextWebsocketState("open", { ...close, code }, [])).toBe("closed");
  });

  test.each([0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 1000.5, -1, Number.NaN, "1000"])(
    "refuses the code %p",
    (code) => {
      const event = { ...close, code } as WebsocketOutgoing;
      expect(caught(() => nextWebsocketState("open", event, []))).toMatchObject({ code: "ERR_INVALID_CLOSE" });
    },
  );

  test("takes a reason of 123 bytes, and refuses one of 124, however few its characters", () => {
    const fits = "收".repeat(41);
    expect(Buffer.byteLength(fits)).toBe(123);
    expect(nextWebsocketState("open", { ...close, reason: fits }, [])).toBe("closed");
    for (const reason of [`${fits}x`, "x".repeat(124)]) {
      expect(caught(() => nextWebsocketState("open", { ...close, reason }, []))).toMatchObject({
        code: "ERR_INVALID_CLOSE",
      });
    }
  });
});
