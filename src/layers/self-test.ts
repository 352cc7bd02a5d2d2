import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { ChannelLayer } from "../protocol/channel-layer.ts";
import { toError } from "../protocol/errors.ts";
import type { Finding } from "./finding.ts";

/** How long a message may take, in milliseconds. */
const patience = 5000;

const check = "message";
const type = "millrace.doctor";

/** Sends a message to a group by one layer, and waits until a member on another has it. It never rejects. */
export async function testDelivery(sender: ChannelLayer, receiver: ChannelLayer): Promise<Finding> {
  try {
    await Promise.all([sender.connect?.(), receiver.connect?.()]);
    const time = await deliver(sender, receiver);
    if (time !== undefined) return { check, level: "ok", text: `one to a group arrived after ${time.toFixed(1)} ms` };
    const text = `one to a group did not arrive within ${patience / 1000} s`;
    return { check, level: "error", text, remedy: "Look at what was found above" };
  } catch (thrown) {
    const reason = toError(thrown).message.replace(/\.$/, "");
    return { check, level: "error", text: `one to a group could not be sent: ${reason}` };
  }
}

/** How long it took, in milliseconds; `undefined` when it did not arrive. */
async function deliver(sender: ChannelLayer, receiver: ChannelLayer): Promise<number | undefined> {
  const group = `${type}.${randomBytes(8).toString("hex")}`;
  let arrive: ((time: number | undefined) => void) | undefined;
  const arrived = new Promise<number | undefined>((resolve) => (arrive = resolve));
  const channel = await receiver.newChannel((message) => {
    if (message.type === type) arrive?.(performance.now());
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    await receiver.groupAdd(group, channel.name);
    timer = setTimeout(() => arrive?.(undefined), patience);
    const sent = performance.now();
    await sender.groupSend(group, { type });
    const time = await arrived;
    return time === undefined ? undefined : time - sent;
  } finally {
    clearTimeout(timer);
    await channel.close();
  }
}
