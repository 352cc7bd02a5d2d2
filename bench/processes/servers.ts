import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Child, disposeAll, startAll } from "./child.ts";
import { freePort } from "./free-port.ts";

/** Several processes of one server, each with a port of its own. */
export interface ServerProcesses extends AsyncDisposable {
  readonly pids: readonly number[];
  readonly ports: readonly number[];
}

/** A program that serves on a port, with a layer if one is named. */
export interface ServerProgram {
  readonly name: string;
  readonly command: string;
  readonly file: string;
}

/** The interpreter that Debian's packages belong to, unless `MILLRACE_PYTHON` names another. */
const python = process.env["MILLRACE_PYTHON"] ?? "/usr/bin/python3";

export const millrace: ServerProgram = {
  name: "Millrace",
  command: process.execPath,
  file: inServers("millrace.js"),
};

export const daphne: ServerProgram = { name: "Daphne", command: python, file: inServers("channels.py") };

/** Starts so many processes of a server, and settles when all of them listen. */
export async function startServers(program: ServerProgram, count: number, layerUrl: string): Promise<ServerProcesses> {
  const ports: number[] = [];
  for (let made = 0; made < count; made++) ports.push(await freePort());
  const children = await startAll(
    ports.map((port) => {
      const parameters = [program.file, String(port), layerUrl];
      return Child.start(program.command, parameters, { ready: /^Listening on / });
    }),
  );
  return { pids: children.map(({ pid }) => pid), ports, [Symbol.asyncDispose]: () => disposeAll(children) };
}

/** The versions of what a Channels server is made of; nothing where a part is missing. */
export function channelsVersions(): Readonly<Record<string, string>> | undefined {
  const names = ["channels", "channels-redis", "daphne", "django", "redis", "twisted"];
  const program = [
    "import importlib.metadata, json, platform, sys",
    "versions = {name: importlib.metadata.version(name) for name in sys.argv[1:]}",
    'print(json.dumps({"python": platform.python_version(), **versions}))',
  ].join("\n");
  const { status, stdout } = spawnSync(python, ["-c", program, ...names], { encoding: "utf8" });
  // What the program above prints.
  return status === 0 ? (JSON.parse(stdout) as Readonly<Record<string, string>>) : undefined;
}

function inServers(file: string): string {
  return fileURLToPath(new URL(`../servers/${file}`, import.meta.url));
}
