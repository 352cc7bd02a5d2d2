import { ByHand, WithAConsumer } from "./lesson/by-websocket.js";
import { LongPolling } from "./lesson/long-polling.js";
import { Polling } from "./lesson/polling.js";
import { Tally } from "./lesson/tally.js";
import { randomId } from "./random-id.js";

const ways = [
  new Polling(tally("polling", "polling.ts")),
  new LongPolling(tally("long-polling", "long-polling.ts")),
  new ByHand(tally("by-hand", "by-hand.ts")),
  new WithAConsumer(tally("consumer", "with-a-consumer.ts")),
];

const text = document.querySelector("#text");
const toggle = document.querySelector("#toggle");
let running = false;

document.querySelector("#send").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!running) setRunning(true);
  const message = { id: randomId(), text: text.value };
  for (const way of ways) {
    way.tally.sent(message);
    way.send(message);
  }
  text.value = "";
  text.focus();
});
toggle.addEventListener("click", () => setRunning(!running));
// A page that the browser keeps for later must not go on asking.
addEventListener("pagehide", () => setRunning(false));
addEventListener("pageshow", () => setRunning(true));

function setRunning(wanted) {
  if (running === wanted) return;
  running = wanted;
  toggle.textContent = running ? "Stop all four" : "Start all four";
  for (const way of ways) {
    if (running) way.start();
    else way.stop();
  }
}

function tally(id, source) {
  return new Tally(document.querySelector(`#${id}`), id, source);
}
