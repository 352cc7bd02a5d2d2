import { mkdirSync, writeFileSync } from "node:fs";
import { formatNumber } from "../measure/spread.ts";
import type { Results, TaskResults } from "./results.ts";
import { barChart, type BarChart, type BarGroup } from "./svg.ts";
import { taskOf } from "./targets.ts";

const folder = new URL("../../docs/images/performance/", import.meta.url);
const ours = "Millrace";

/** Draws all of what was measured into docs/images/performance, and gives the files' names. */
export function drawPlots(results: Results): readonly string[] {
  mkdirSync(folder, { recursive: true });
  const drawn = Object.entries(charts(results)).filter(([, chart]) => chart.groups.length > 0);
  for (const [name, chart] of drawn) writeFileSync(new URL(`${name}.svg`, folder), barChart(chart, ours));
  return drawn.map(([name]) => `${name}.svg`);
}

function charts(results: Results): Readonly<Record<string, BarChart>> {
  const room = { rooms: "1", size: "64 B", messages: "text" };
  return {
    "fan-out": {
      title: "Fan-out to 1,000 members, 64 B: server's CPU for a delivery, µs",
      groups: [1, 8].flatMap((window) =>
        times(results["fan-out"], { ...room, members: "1,000", window: String(window) }, `${window} on their way`),
      ),
    },
    members: {
      title: "Fan-out with 8 messages on their way, 64 B: server's CPU for a delivery, µs",
      groups: ["10", "1,000", "10,000"].flatMap((members) =>
        times(results["fan-out"], { ...room, members, window: "8" }, `${members} members`),
      ),
    },
    echo: {
      title: "Echo for 100 clients, 64 B: server's CPU for a message, µs",
      groups: [1, 16].flatMap((window) =>
        times(results.echo, { size: "64 B", window: String(window) }, `${window} of each on their way`),
      ),
    },
    compressed: {
      title: "Compressed fan-out to 1,000, 1 KB: server's CPU for a delivery, µs",
      groups: times(results.compressed, { size: "1024 B", window: "8" }, "8 on their way"),
    },
    redis: {
      title: "Behind Redis, 1,000 members, 64 B, 8 on their way: CPU for a delivery, µs",
      groups: ["pub/sub", "core"].flatMap((layer) =>
        [1, 4].flatMap((processes) =>
          times(
            results.redis,
            { layer, processes: String(processes), size: "64 B", window: "8" },
            `${layer}, ${processes === 1 ? "1 process" : `${processes} processes`}`,
          ),
        ),
      ),
    },
    idle: {
      title: "Memory of an idle connection, KB",
      groups: (results.idle?.measured ?? []).map(({ where, connections, bytes }) => ({
        label: `${connections.toLocaleString("en-US")}, ${where}`,
        bars: Object.entries(bytes).map(([name, some]) => bar(name, some / 1024)),
      })),
    },
  };
}

/** What each server took for one task; nothing where it was not measured. */
function times(results: TaskResults | undefined, labels: Record<string, string>, label: string): readonly BarGroup[] {
  const measured = taskOf(results, labels);
  if (measured === undefined) return [];
  return [{ label, bars: Object.entries(measured.sides).map(([name, side]) => bar(name, side.serverTime.median)) }];
}

function bar(name: string, value: number): BarGroup["bars"][number] {
  return { name, value, text: formatNumber(value) };
}
