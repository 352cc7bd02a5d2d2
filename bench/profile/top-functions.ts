/** What `--cpu-prof` writes, as far as it is read here. */
export interface CpuProfile {
  readonly nodes: ReadonlyArray<{
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }>;
  /** In microseconds, of the clock that `process.hrtime` tells. */
  readonly startTime: number;
  /** The node of each sample. */
  readonly samples: readonly number[];
  /** The time before each sample, in microseconds. */
  readonly timeDeltas: readonly number[];
}

/** A function, and the time in which it ran itself. */
export interface TopFunction {
  /** `writeBuffer (node:internal/stream_base_commons:79)`. */
  readonly name: string;
  /** Of all time in which the process was not idle. */
  readonly share: number;
}

/** From when to when something happened, in microseconds of the same clock. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

/** The functions that took most of the processor's time themselves in some period, the dearest first. */
export function topFunctions(profile: CpuProfile, count: number, { from, to }: Period): readonly TopFunction[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  let busy = 0;
  let now = profile.startTime;
  for (const [index, id] of profile.samples.entries()) {
    const name = names.get(id) ?? "";
    now += profile.timeDeltas[index] ?? 0;
    // A sample is of what ran until the next one was taken.
    const time = profile.timeDeltas[index + 1] ?? 0;
    if (name === "(idle)" || now < from || now > to) continue;
    busy += time;
    times.set(name, (times.get(name) ?? 0) + time);
  }
  const sorted = [...times].toSorted(([, one], [, other]) => other - one);
  return sorted.slice(0, count).map(([name, time]) => ({ name, share: time / busy }));
}

/** Of a file the last two parts tell enough, and nothing of where it lies. */
function nameOf({ functionName, url, lineNumber }: CpuProfile["nodes"][number]["callFrame"]): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  if (url === "") return name;
  const file = url.startsWith("node:") ? url : url.split("/").slice(-2).join("/");
  return `${name} (${file}:${lineNumber + 1})`;
}
