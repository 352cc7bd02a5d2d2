import { describe, expect, test } from "@jest/globals";
import { Consumer, type LayerMessage, StopConsumer, toApplication } from "millrace";
import { takeUnhandled } from "../../src/protocol/unhandled.ts";
import { RecordingConnection } from "../support/recording-connection.ts";

class Worker extends Consumer {
  job_run(): void {}
  job_stop(): void {
    throw new StopConsumer();
  }
  async job_fail(): Promise<void> {
    await Promise.resolve();
    throw new Error("failed");
  }
}

/** Settles when the consumer has handled a message, or has failed. */
async function handle(receive: (message: LayerMessage) => void | Promise<void>, type: string) {
  const message = Object.freeze({ type });
  try {
    await receive(message);
  } catch {
    return "failed";
  }
  return takeUnhandled(message);
}

function started() {
  return toApplication(Worker)(new RecordingConnection({ type: "channel", channel: "jobs" })) as (
    message: LayerMessage,
  ) => void | Promise<void>;
}

describe("whoever hands a message to a consumer of a channel", () => {
  test("can tell that it was handled", async () => {
    await expect(handle(started(), "job.run")).resolves.toBeUndefined();
  });

  test("can tell that it has no handler, and why", async () => {
    const unhandled = await handle(started(), "job.ran");
    expect(unhandled).toMatchObject({ kind: "no handler" });
    expect(typeof unhandled === "object" && "reason" in unhandled && unhandled.reason()).toContain('"job_run"');
  });

  test.each(["job.stop", "job.fail"])("can tell that the consumer had ended before, by %s", async (type) => {
    const receive = started();
    await handle(receive, type);
    await expect(handle(receive, "job.run")).resolves.toEqual({ kind: "ended" });
  });

  test("can tell that the consumer ended while the message waited", async () => {
    const receive = started();
    const [first, second] = await Promise.all([handle(receive, "job.fail"), handle(receive, "job.run")]);
    expect(first).toBe("failed");
    expect(second).toEqual({ kind: "ended" });
  });

  test("asks once: the mark is not kept", async () => {
    const message = Object.freeze({ type: "job.ran" });
    await started()(message);
    expect(takeUnhandled(message)).toBeDefined();
    expect(takeUnhandled(message)).toBeUndefined();
  });
});
