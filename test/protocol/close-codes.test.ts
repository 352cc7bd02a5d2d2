import { describe, expect, test } from "@jest/globals";
import { closeCodes } from "millrace";
import { checkClose } from "../../src/protocol/websocket-rules.ts";

describe("the table of close codes", () => {
  test("has each code once, with when it is seen and whether to come back", () => {
    const codes = Object.values(closeCodes);

    expect(new Set(codes.map(({ code }) => code)).size).toBe(codes.length);
    for (const { when, comeBack } of codes) {
      expect(when).not.toBe("");
      expect(["yes", "no", "with back-off"]).toContain(comeBack);
    }
  });

  test("has only codes that can be sent, but for the one that nobody sends", () => {
    for (const { code, name } of Object.values(closeCodes)) {
      if (name === "abnormal") expect(() => checkClose({ type: "websocket.close", code })).toThrow();
      else expect(() => checkClose({ type: "websocket.close", code })).not.toThrow();
    }
  });

  test("sends nobody away for good whose fault it was not", () => {
    expect(closeCodes.internalError.comeBack).toBe("with back-off");
    expect(closeCodes.goingAway.comeBack).toBe("with back-off");
    expect(closeCodes.tooBig.comeBack).toBe("no");
  });
});
