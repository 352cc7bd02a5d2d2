import { randomBytes } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { eachFrame, maskedFrame, NumberedFrames } from "../../bench/load/frames.ts";
import { Latencies } from "../../bench/measure/latencies.ts";
import { processorTime } from "../../bench/measure/processor-time.ts";
import { formatNumber, formatSpread, ratiosOf, spreadOf } from "../../bench/measure/spread.ts";
import { textFrame } from "../../src/server/frame.ts";

const sizes = [0, 1, 125, 126, 65_535, 65_536];

describe("the frames of the load generator", () => {
  test.each(sizes)("are read as a server writes them, wherever they are cut (%i bytes)", (size) => {
    const text = "x".repeat(size);
    const frames = Buffer.concat([textFrame(text), textFrame("last")]);
    for (const cut of [0, 1, 2, 5, frames.length - 7, frames.length - 1]) {
      const taken: string[] = [];
      const taker = {
        frame: (first: number, bytes: Buffer, start: number, end: number) =>
          taken.push(`${first.toString(16)} ${bytes.toString("latin1", start, end)}`),
      };
      const begun = eachFrame(frames, 0, cut, taker);
      expect(eachFrame(frames, begun, frames.length, taker)).toBe(frames.length);
      expect(taken).toEqual([`81 ${text}`, "81 last"]);
    }
  });

  test.each(sizes)("are masked as a client's must be (%i bytes)", (size) => {
    const payload = randomBytes(size);
    const frame = maskedFrame(0x1, payload);
    const mask = frame.subarray(frame.length - size - 4, frame.length - size);
    expect((frame[1] ?? 0) & 0x80).toBe(0x80);
    expect(frame.subarray(frame.length - size).map((byte, at) => byte ^ (mask[at % 4] ?? 0))).toEqual(payload);
  });

  test("can have numbers put in, where the digits stand", () => {
    const frames = new NumberedFrames('{"n":"0000x"}', 6, 4);
    expect(frames.numbered(203)).toEqual(maskedFrame(0x1, Buffer.from('{"n":"0203x"}')));
  });
});

describe("latencies", () => {
  test("give percentiles of all samples, to within 1.1 %", () => {
    const one = new Latencies();
    const other = new Latencies();
    for (let sample = 1; sample <= 1000; sample++) (sample % 3 === 0 ? one : other).add(sample / 10);
    one.merge(new Latencies(JSON.parse(JSON.stringify(other)) as number[]));
    expect(one.count).toBe(1000);
    for (const share of [0.5, 0.99]) expect(Math.abs(one.percentile(share) / (share * 100) - 1)).toBeLessThan(0.012);
  });

  test("give no number where there is no sample", () => {
    expect(new Latencies().percentile(0.5)).toBeNaN();
  });
});

describe("the spread of runs", () => {
  test("is their least, their median and their most", () => {
    expect(spreadOf([3, 10, 1, 2])).toEqual({ min: 1, median: 2.5, max: 10 });
  });

  test("of ratios is of each pair by itself", () => {
    expect(ratiosOf([10, 40], [1, 2])).toEqual({ min: 10, median: 15, max: 20 });
  });

  test("is printed with three digits", () => {
    expect(formatSpread({ min: 0.01234, median: 12.345, max: 12_345.6 })).toBe("0.0123–12.3–12,346");
    expect(formatNumber(Number.NaN)).toBe("–");
  });
});

test("the processor time of a process grows while it works", () => {
  const before = processorTime([process.pid]);
  while (processorTime([process.pid]) < before + 20_000) randomBytes(1000);
  expect(processorTime([process.pid])).toBeGreaterThan(before);
});
