import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { DialectName } from "../load/dialect.ts";
import { Child, disposeAll, startAll } from "./child.ts";
import { pinned, serverCore } from "./cores.ts";
import { freePort } from "./free-port.ts";
import { findBun, hasPackage } from "./peers.ts";

/** Several processes of one server, each with a port of its own. */
export interface ServerProcesses extends AsyncDisposable {
  readonly pids: readonly number[];
  readonly ports: readonly number[];
  /** Lets them end by themselves, and settles when they have. */
  stop(): Promise<void>;
}

/** A program that serves on a port, with a layer if one is named. */
export interface ServerProgram {
  readonly name: string;
  /** What runs it; nothing when that can't be had. */
  readonly command: string | undefined;
  /** What it is told before the file. */
  readonly flags?: readonly string[];
  readonly file: string;
  /** @default "plain" */
  readonly dialect?: DialectName;
  /** Whether a member may have its messages rewritten. @default false */
  readonly marks?: boolean;
  /** The scheme of its layer's URL, where there is a Redis. @default "redis+pubsub" */
  readonly layer?: string;
  /** What it is told besides its port and layer. */
  readonly options?: object;
}

/** The interpreter that Debian's packages belong to, unless `MILLRACE_PYTHON` names another. */
const python = process.env["MILLRACE_PYTHON"] ?? "/usr/bin/python3";

export const millrace: ServerProgram = {
  name: "Millrace",
  command: process.execPath,
  file: inServers("millrace.js"),
  marks: true,
};

/** The project has `ws` itself. */
export const ws: ServerProgram = { name: "ws", command: process.execPath, file: inServers("ws.js") };

export const bun: ServerProgram = {
  name: "Bun",
  get command() {
    return findBun();
  },
  file: inServers("bun.js"),
};

export const socketIo: ServerProgram = {
  name: "Socket.IO",
  get command() {
    return hasPackage("socket.io") && hasPackage("@socket.io/redis-adapter") ? process.execPath : undefined;
  },
  file: inServers("socket-io.js"),
  dialect: "socket.io",
};

export const daphne: ServerProgram = {
  name: "Daphne",
  get command() {
    return hasModules("daphne", "channels_redis") ? python : undefined;
  },
  file: inServers("channels.py"),
};

export const uvicorn: ServerProgram = {
  name: "uvicorn",
  get command() {
    return hasModules("uvicorn", "channels_redis") ? python : undefined;
  },
  file: inServers("channels.py"),
  options: { server: "uvicorn" },
};

/** How servers are started. */
export interface ServerOptions {
  /** @default "memory:" */
  readonly layerUrl?: string;
  /** How many processes. @default 1 */
  readonly count?: number;
  /** Whether they keep to one core. @default false */
  readonly pin?: boolean;
}

/** Starts processes of a server, and settles when all of them listen. */
export async function startServers(
  { name, command, flags = [], file, options = {} }: ServerProgram,
  { layerUrl = "memory:", count = 1, pin = false }: ServerOptions = {},
): Promise<ServerProcesses> {
  if (command === undefined) throw new Error(`There is nothing here that runs ${name}`);
  const ports: number[] = [];
  for (let made = 0; made < count; made++) ports.push(await freePort());
  const core = pin ? serverCore : undefined;
  const children = await startAll(
    ports.map((port) => {
      const [program, ...parameters] = pinned(core, [
        command,
        ...flags,
        file,
        String(port),
        layerUrl,
        JSON.stringify(options),
      ]);
      return Child.start(program, parameters, { ready: /^Listening on / });
    }),
  );
  return {
    pids: children.map(({ pid }) => pid),
    ports,
    stop: async () => void (await Promise.all(children.map((child) => child.stop()))),
    [Symbol.asyncDispose]: () => disposeAll(children),
  };
}

/** The versions of what a Channels server is made of, as far as it is installed. */
export function channelsVersions(): Readonly<Record<string, string>> {
  const names = [
    "channels",
    "channels-redis",
    "daphne",
    "uvicorn",
    "websockets",
    "uvloop",
    "django",
    "redis",
    "twisted",
  ];
  const program = [
    "import importlib.metadata, json, platform, sys",
    "installed = {d.metadata['Name'].lower().replace('_', '-'): d.version for d in importlib.metadata.distributions()}",
    "versions = {name: installed[name] for name in sys.argv[1:] if name in installed}",
    'print(json.dumps({"python": platform.python_version(), **versions}))',
  ].join("\n");
  const { status, stdout } = spawnSync(python, ["-c", program, ...names], { encoding: "utf8" });
  // What the program above prints.
  return status === 0 ? (JSON.parse(stdout) as Readonly<Record<string, string>>) : {};
}

function hasModules(...names: readonly string[]): boolean {
  return spawnSync(python, ["-c", names.map((name) => `import ${name}`).join("\n")]).status === 0;
}

function inServers(file: string): string {
  return fileURLToPath(new URL(`../servers/${file}`, import.meta.url));
}
