import { nodeListener, path, ProtocolTypeRouter, rePath, URLRouter } from "millrace";
import { ChatConsumer } from "../consumers/chat.ts";
import { HookConsumer, LowLevelConsumer } from "../consumers/many-to-many.ts";
import { OneToOneConsumer } from "../consumers/one-to-one.ts";
import { lessonHttp, lessonLifespan, lessonWebsocket } from "./lesson.ts";
import { pages } from "./pages.ts";

/** What `millrace serve routing/routing.ts` serves: each path, and the consumer that answers it. */
export const application = ProtocolTypeRouter({
  websocket: URLRouter([
    rePath(/^x1\/$/, OneToOneConsumer),
    rePath(/^x2\/$/, LowLevelConsumer),
    rePath(/^x3\/$/, HookConsumer),
    path("/ws/chat/:room/", ChatConsumer),
    ...lessonWebsocket,
  ]),
  http: URLRouter([...lessonHttp, path("/{*rest}", nodeListener(pages))]),
  lifespan: lessonLifespan,
});
