import { setTimeout as pause } from "node:timers/promises";

/** Sends something so many times a second, each with the moment in which it was due, in the time of `performance`. */
export async function pace(rate: number, seconds: number, send: (due: number) => void | Promise<void>): Promise<void> {
  const start = performance.now();
  const count = Math.ceil(rate * seconds);
  for (let sent = 0; sent < count; sent++) {
    const due = start + (sent * 1000) / rate;
    await until(due);
    await send(due);
  }
  await until(start + seconds * 1000);
}

/** Settles at a moment, or at once when it has passed. */
async function until(moment: number): Promise<void> {
  const wait = moment - performance.now();
  if (wait > 0) await pause(wait);
}
