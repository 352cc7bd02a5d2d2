import { describe, expect, test } from "@jest/globals";
import { FrameList } from "../../src/server/frame-list.ts";

const frames = Array.from({ length: 5 }, (_, at) => Buffer.from(`frame ${at}`));
const listOf = (...sent: readonly Buffer[]): FrameList =>
  sent.reduce((list, frame) => list.with(frame), FrameList.empty);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the frames of a turn", () => {
  test("are written in their order", () => {
    expect(Buffer.concat(listOf(...frames).chunks).toString()).toBe(frames.join(""));
    expect(listOf(...frames).length).toBe(5);
    expect(listOf(...frames).bytes).toBe(35);
    expect(FrameList.empty.chunks).toEqual([]);
  });

  test("are written as the same buffer to all sockets that are sent the same", () => {
    expect(listOf(...frames).chunks[0]).toBe(listOf(...frames).chunks[0]);
    expect(listOf(...frames).chunks).toHaveLength(1);
  });

  test("are each socket's own where one is sent something else", () => {
    const [first, ...others] = frames as [Buffer, ...Buffer[]];
    const all = listOf(...frames);
    const changed = listOf(Buffer.from("rewritten"), ...others);
    const shorter = listOf(first);
    expect(Buffer.concat(changed.chunks).toString()).toBe(`rewritten${others.join("")}`);
    expect(Buffer.concat(shorter.chunks).toString()).toBe("frame 0");
    expect(Buffer.concat(all.chunks).toString()).toBe(frames.join(""));
  });

  test("are not kept after it", async () => {
    const list = listOf(...frames);
    await turn();
    expect(listOf(...frames)).not.toBe(list);
  });
});
