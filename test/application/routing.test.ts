import { describe, expect, test } from "@jest/globals";
import { describeRoutes } from "millrace";
import { WebsocketCommunicator } from "millrace/testing";
import { application } from "../../routing/routing.ts";

describe("the routes", () => {
  test("are those that the pages use", () => {
    const routes = describeRoutes(application).map(
      ({ protocol, pattern, target }) => `${protocol} ${pattern} ${target}`,
    );
    expect(routes).toEqual([
      "websocket (^x1/$) OneToOneConsumer",
      "websocket (^x2/$) LowLevelConsumer",
      "websocket (^x3/$) HookConsumer",
      "websocket /ws/chat/:room/ ChatConsumer",
      "websocket /ws/lesson/ LessonConsumer",
      "http /lesson/polling/ PollingConsumer",
      "http /lesson/long-polling/ LongPollingConsumer",
      "http /lesson/by-hand/ ByHandStatusConsumer",
      "http /{*rest} pages",
      "lifespan  startup, shutdown",
    ]);
  });

  test("lead nowhere else", async () => {
    for (const path of ["/", "/x1", "/x12/", "/ws/chat/", "/ws/chat/a/b/"]) {
      await expect(new WebsocketCommunicator(application, path).connect()).rejects.toMatchObject({
        code: "ERR_NO_ROUTE",
      });
    }
  });
});
