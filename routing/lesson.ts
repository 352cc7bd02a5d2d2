import { lifespan, path, type Route } from "millrace";
import { ByHandProgram, ByHandStatusConsumer } from "../consumers/lesson/by-hand-program.ts";
import { LongPollingConsumer } from "../consumers/lesson/long-polling.ts";
import { NumberedQueue } from "../consumers/lesson/numbered-queue.ts";
import { PollingConsumer } from "../consumers/lesson/polling.ts";
import { UserQueues } from "../consumers/lesson/user-queues.ts";
import { LessonConsumer } from "../consumers/lesson/with-a-consumer.ts";

// What lives longer than a request is made here and handed to the consumers.
const program = new ByHandProgram();
const list = new NumberedQueue(100);
const queues = new UserQueues();

export const lessonHttp: readonly Route[] = [
  path("/lesson/polling/", PollingConsumer.asApplication({ list })),
  path("/lesson/long-polling/", LongPollingConsumer.asApplication({ queues })),
  path("/lesson/by-hand/", ByHandStatusConsumer.asApplication({ program })),
];

export const lessonWebsocket: readonly Route[] = [path("/ws/lesson/", LessonConsumer)];

/** Starts the WebSocket by hand beside the application, on port 8002 or the one that BY_HAND_PORT names. */
export const lessonLifespan = lifespan({
  startup: () => program.start(Number(process.env["BY_HAND_PORT"] ?? 8002)),
  shutdown: () => program.stop(),
});
