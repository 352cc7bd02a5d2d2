import { describe, expect, test } from "@jest/globals";
import type { HttpOutgoing } from "millrace";
import { type HttpState, nextHttpState } from "../../src/protocol/http-rules.ts";
import { caught } from "../support/caught.ts";

const start: HttpOutgoing = { type: "http.response.start", status: 200 };
const part: HttpOutgoing = { type: "http.response.body", body: "", moreBody: true };
const end: HttpOutgoing = { type: "http.response.body", body: "" };
const abort: HttpOutgoing = { type: "http.abort" };

describe("what an application may send in an http exchange", () => {
  test.each<[HttpState, HttpOutgoing, HttpState | "ERR_PROTOCOL_STATE"]>([
    ["waiting", start, "begun"],
    ["waiting", part, "ERR_PROTOCOL_STATE"],
    ["waiting", end, "ERR_PROTOCOL_STATE"],
    ["waiting", abort, "closed"],
    ["begun", start, "ERR_PROTOCOL_STATE"],
    ["begun", part, "begun"],
    ["begun", end, "closed"],
    ["begun", abort, "closed"],
    ["closed", start, "closed"],
    ["closed", part, "closed"],
    ["closed", end, "closed"],
    ["closed", abort, "closed"],
  ])("while it is %s: %p gives %s", (state, event, outcome) => {
    if (outcome === "ERR_PROTOCOL_STATE") {
      expect(caught(() => nextHttpState(state, event))).toMatchObject({ code: outcome });
    } else {
      expect(nextHttpState(state, event)).toBe(outcome);
    }
  });

  test.each<[unknown, string]>([
    [{ type: "http.response.start" }, "ERR_INVALID_EVENT"],
    [{ type: "http.response.start", status: 99 }, "ERR_INVALID_EVENT"],
    [{ type: "http.response.start", status: 101 }, "ERR_INVALID_EVENT"],
    [{ type: "http.response.start", status: 600 }, "ERR_INVALID_EVENT"],
    [{ type: "http.response.start", status: "200" }, "ERR_INVALID_EVENT"],
    [{ type: "http.response.start", status: 200, headers: { "a b": "x" } }, "ERR_INVALID_HEADER"],
    [{ type: "http.response.start", status: 200, headers: { Trailer: "x" } }, "ERR_INVALID_HEADER"],
    [{ type: "http.response.body" }, "ERR_INVALID_EVENT"],
    [{ type: "http.response.body", body: { a: 1 } }, "ERR_INVALID_EVENT"],
    [{ type: "http.response.shout" }, "ERR_INVALID_EVENT"],
    [{ type: "websocket.send", text: "x" }, "ERR_INVALID_EVENT"],
  ])("%p is refused with %s in every state", (event, code) => {
    for (const state of ["waiting", "begun", "closed"] as const) {
      expect(caught(() => nextHttpState(state, event as HttpOutgoing))).toMatchObject({ code });
    }
  });
});
