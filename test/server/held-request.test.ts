import { expect, test } from "@jest/globals";
import { HttpConsumer, subscribeDiagnostics } from "millrace";
import { liveServer } from "millrace/testing";

/** Holds its request until somebody lets go, as a long poll does. */
class Held extends HttpConsumer {
  static entered: () => void = () => {};
  #letGo: (answer: string) => void = () => {};

  override async handle(): Promise<void> {
    const answer = new Promise<string>((resolve) => (this.#letGo = resolve));
    Held.entered();
    this.sendResponse(200, await answer);
  }

  override stopping(): void {
    this.#letGo("come back later");
  }
}

test("a request that is held open is told that the server stops, and is answered instead of cut", async () => {
  const server = await liveServer(Held, { shutdownTimeout: 60_000 });
  const entered = new Promise<void>((resolve) => (Held.entered = resolve));
  const forced: number[] = [];
  const heard = subscribeDiagnostics("millrace:server:closed", (closed) => void forced.push(closed.forced));

  const response = fetch(server.url);
  await entered;
  const closed = server.close();
  expect(await (await response).text()).toBe("come back later");
  await closed;

  heard[Symbol.dispose]();
  expect(forced).toEqual([0]);
});
