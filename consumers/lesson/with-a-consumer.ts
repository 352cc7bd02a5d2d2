import { WebsocketConsumer } from "millrace";

/** The WebSocket by a consumer: what a message does, and nothing about how it travels. */
export class LessonConsumer extends WebsocketConsumer {
  override groups = ["lesson"];

  override async receive(text: string) {
    await this.channelLayer.groupSend<LessonConsumer>("lesson", { type: "lesson.message", text });
  }

  lesson_message(event: { text: string }) {
    this.send(event.text);
  }
}
