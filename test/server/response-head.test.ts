import { expect, test } from "@jest/globals";
import { once } from "node:events";
import { request } from "node:http";
import { HttpConsumer } from "millrace";
import { Published, serving } from "./support/serving.ts";

test("a head that Node would refuse to write at the turn's end is an error of the application, and ends no process", async () => {
  using published = new Published("millrace:application:error");
  await using serves = await serving(
    class extends HttpConsumer {
      override async handle(): Promise<void> {
        this.sendHeaders(200, { trailer: "x-sum" });
        await new Promise((resolve) => setImmediate(resolve));
        this.sendBody("late");
      }
    },
  );
  const asked = request({ port: serves.port, host: "127.0.0.1", method: "HEAD" }).end();
  const [response] = (await once(asked, "response")) as [{ statusCode: number; resume(): void }];
  response.resume();
  expect(response.statusCode).toBe(500);
  const { error } = await published.next("millrace:application:error");
  expect(error).toMatchObject({ code: "ERR_INVALID_HEADER" });
});
