import { describe, expect, test } from "@jest/globals";
import { createServer } from "node:http";
import { attach, serve } from "millrace/server";

const application = () => () => {};

describe("an option", () => {
  test.each([
    [{ prot: 1 }, 'serve has no option prot; did you mean "port"?'],
    [{ maxMesageSize: 1 }, 'did you mean "maxMessageSize"?'],
    [{ outbound: { whenful: "close" } }, 'outbound has no option whenful; did you mean "whenFull"?'],
    [{ port: 70_000 }, "got 70000; wanted a port of 0 to 65535"],
    [{ port: "8000" }, 'got "8000"'],
    [{ host: "" }, "wanted a host name or an address"],
    [{ unix: 7 }, "wanted the path of a Unix socket"],
    [{ rootPath: "/app/" }, "a slash in front and none at the end"],
    [{ rootPath: "app" }, 'got "app"'],
    [{ maxMessageSize: 0 }, "got 0"],
    [{ handshakeTimeout: -1 }, "wanted milliseconds"],
    [{ pingInterval: Infinity }, "got Infinity"],
    [{ pingTimeout: 1.5 }, "got 1.5"],
    [{ closeTimeout: Number.NaN }, "got NaN"],
    [{ pausedTimeout: "1s" }, 'got "1s"'],
    [{ mailboxLimit: 0 }, "got 0"],
    [{ shutdownTimeout: null }, "got null"],
    [{ outbound: [] }, "wanted an object with maxMessages, maxBytes and whenFull"],
    [{ outbound: { whenFull: "drop" } }, 'wanted "close", "dropOldest" or "dropNewest"'],
    [{ outbound: { maxBytes: 0 } }, "got 0"],
    [{ trustedProxies: true }, "a number of proxies"],
    [{ trustedProxies: ["proxy.example"] }, "a list of addresses and networks"],
    [{ layers: [] }, "a record of channel layers by alias"],
  ])("like %j is refused, with what was got and what was wanted", async (options, sentence) => {
    await expect(serve(application, options as never)).rejects.toMatchObject({
      code: "ERR_INVALID_OPTION",
      message: expect.stringContaining(sentence),
    });
  });

  test("of serve that attach can't heed is refused", () => {
    expect(() => attach(createServer(), application, { port: 1 } as never)).toThrow("attach has no option port");
  });

  test("that is undefined counts as left out", async () => {
    const options = { port: 0, host: undefined, outbound: { maxBytes: undefined }, pingInterval: undefined };
    await using server = await serve(application, options as never);
    expect(server.address.address).toBe("127.0.0.1");
  });
});

test("what is no application is refused", async () => {
  await expect(serve("an application" as never, { port: 0 })).rejects.toMatchObject({ code: "ERR_INVALID_ROUTE" });
});
