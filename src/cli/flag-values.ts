import { availableParallelism } from "node:os";
import { proxyTrust } from "../server/trusted-proxies.ts";
import type { JobState } from "../worker/job.ts";

/** What the kinds of flags give a program: seconds come as milliseconds, sizes as bytes. */
export interface FlagKinds {
  readonly boolean: boolean;
  readonly text: string;
  readonly port: number;
  readonly seconds: number;
  readonly size: number;
  readonly workers: number;
  readonly count: number;
  readonly names: readonly string[];
  readonly state: JobState;
  readonly mount: string;
  readonly proxies: number | readonly string[];
}

/** How the text of a flag is read. */
export type FlagKind = keyof FlagKinds;

/** What a kind wants, for the reader of an error or of the help. */
export const wantedByKind: Readonly<Record<FlagKind, string>> = {
  boolean: "no value",
  text: "some text",
  port: "a port from 0 to 65535",
  seconds: "a number of seconds above 0, such as 20 or 0.5",
  size: "a size in bytes, such as 65536, 64k or 1MiB",
  workers: "how many, from 1 to 1024, or auto for one for each core",
  count: "a whole number from 1 to 1000000",
  names: "names with commas between them, such as thumbnails,emails",
  state: "waiting, running, retrying or aside",
  mount: "a path with a slash in front, such as /chat",
  proxies: "how many proxies stand in a row, or addresses and networks with commas, such as 127.0.0.1,10.0.0.0/8",
};

const units: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Reads the text of a flag; `undefined` when it is not what the kind wants. */
export function readFlagValue(kind: FlagKind, text: string): FlagKinds[FlagKind] | undefined {
  switch (kind) {
    case "boolean":
      return undefined;
    case "text":
      return text === "" ? undefined : text;
    case "port":
      return readPort(text);
    case "seconds":
      return readSeconds(text);
    case "size":
      return readSize(text);
    case "workers":
      return text === "auto" ? availableParallelism() : readWorkers(text);
    case "count":
      return /^[1-9]\d{0,6}$/.test(text) && Number(text) <= 1_000_000 ? Number(text) : undefined;
    case "names":
      return readNames(text);
    case "state":
      return jobStates.find((state) => state === text);
    case "mount":
      return /^\/[^\s?#]*$/.test(text) ? text.replace(/\/+$/, "") : undefined;
    case "proxies":
      return readProxies(text);
  }
}

function readPort(text: string): number | undefined {
  const port = Number(text);
  return /^\d{1,5}$/.test(text) && port <= 65_535 ? port : undefined;
}

function readSeconds(text: string): number | undefined {
  const milliseconds = /^\d+(?:\.\d+)?$/.test(text) ? Math.round(Number(text) * 1000) : 0;
  // A timer of Node's can't be longer.
  return milliseconds > 0 && milliseconds < 2 ** 31 ? milliseconds : undefined;
}

/** `64k`, `64kb` and `64KiB` are all 64 × 1024: a limit is rarely meant in powers of ten. */
function readSize(text: string): number | undefined {
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?) ?(?:(k|m|g)(?:i?b)?|b)?$/i.exec(text) ?? [];
  const factor = units[unit.toLowerCase()];
  if (digits === undefined || factor === undefined) return undefined;
  const size = Math.round(Number(digits) * factor);
  return size > 0 && size < 2 ** 31 ? size : undefined;
}

function readWorkers(text: string): number | undefined {
  const workers = Number(text);
  return /^[1-9]\d{0,3}$/.test(text) && workers <= 1024 ? workers : undefined;
}

function readNames(text: string): readonly string[] | undefined {
  const names = text.split(",").map((name) => name.trim());
  return names.includes("") ? undefined : names;
}

const jobStates: readonly JobState[] = ["waiting", "running", "retrying", "aside"];

function readProxies(text: string): number | readonly string[] | undefined {
  const proxies = /^\d+$/.test(text) ? Number(text) : text.split(",").map((item) => item.trim());
  return proxyTrust(proxies) === undefined ? undefined : proxies;
}
