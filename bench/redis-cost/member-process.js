// One process of a site, with members of one group: node bench/redis-cost/member-process.js LAYER_URL. It is told what to
// do by messages, and answers each.
import { channelLayerFromUrl } from "../../dist/redis.js";

const group = "cost";
const message = { type: "chat.message", message: "x".repeat(64) };
const layer = channelLayerFromUrl(process.argv[2]);
let received = 0;
let awaited = Infinity;
let allReceived = () => {};

const orders = {
  /** Enters so many members into the group. */
  async join({ members }) {
    await Promise.all(Array.from({ length: members }, enter));
  },

  /** Sends to the group, once. */
  send: () => layer.groupSend(group, message),

  /** Answers when so many messages have been received since the start, by all members together. */
  async heard({ messages }) {
    if (received >= messages) return;
    awaited = messages;
    await new Promise((resolve) => (allReceived = resolve));
    awaited = Infinity;
  },
};

async function enter() {
  const channel = await layer.newChannel(take);
  await layer.groupAdd(group, channel.name);
}

function take() {
  if (++received >= awaited) allReceived();
}

async function carryOut(order) {
  const result = await orders[order.do](order);
  process.send({ result });
}

process.on("message", (order) => void carryOut(order));
process.on("disconnect", () => process.exit());
