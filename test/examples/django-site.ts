import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RunningCommand } from "../cli/command-line.ts";
import { freePort } from "../support/free-port.ts";
import { PythonProgram } from "../support/python-program.ts";
import { RedisServer } from "../support/redis-server.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The layers that both sides can be told to use, by the name that the example's settings have for each. */
export type LayerName = "pubsub" | "core";

/** What both sides are told as their secret. */
export const secret = "a secret of this test alone";

/** The example of docs/examples/django, copied to a folder of its own and started as its README tells. */
export class DjangoSite implements AsyncDisposable {
  readonly folder: string;
  readonly layer: LayerName;
  /** Django by Daphne, with the sockets where they were. */
  before = "";
  /** Django by Daphne, whose pages open their sockets on Millrace. */
  after = "";
  /** Millrace. */
  sockets = "";
  #redis: RedisServer | undefined;
  readonly #running: AsyncDisposable[] = [];

  /** Copies the files, and starts nothing. */
  constructor(layer: LayerName) {
    this.layer = layer;
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), "millrace-django-")));
    cpSync(join(root, "docs", "examples", "django"), this.folder, { recursive: true });
    const packages = join(this.folder, "sockets", "node_modules");
    mkdirSync(packages);
    symlinkSync(root, join(packages, "millrace"), "dir");
    for (const name of ["@types", "tsx", "typescript"]) {
      symlinkSync(join(root, "node_modules", name), join(packages, name), "dir");
    }
  }

  static async start(layer: LayerName): Promise<DjangoSite> {
    const site = new DjangoSite(layer);
    try {
      await site.#start();
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
    return site;
  }

  /** Starts one of the site's own commands. */
  manage(...words: readonly string[]): PythonProgram {
    const program = new PythonProgram(["manage.py", ...words], join(this.folder, "site"), this.#environment());
    this.#running.push(program);
    return program;
  }

  /** How many receive what is sent to a room: processes on pub/sub, members on core. */
  async receivers(room: string): Promise<number> {
    const group = `room.${room}`;
    if (this.layer === "core") return Number(await this.#redis?.command("ZCARD", `mill:group:${group}`));
    const answer = await this.#redis?.command("PUBSUB", "NUMSUB", `mill__group__${group}`);
    return (answer as [name: string, count: number])[1];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.splice(0).map((program) => program[Symbol.asyncDispose]()));
    await this.#redis?.[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    this.#redis = await RedisServer.start();
    const millrace = this.#serve(this.#redis);
    this.#running.push(millrace);
    this.sockets = `http://127.0.0.1:${await millrace.port()}`;
    [this.before, this.after] = await Promise.all([this.#daphne(""), this.#daphne(this.sockets)]);
  }

  /** Millrace, by the script of the example's package.json. */
  #serve({ host, port }: RedisServer): RunningCommand {
    const folder = join(this.folder, "sockets");
    // The example's own file, whose shape this test is about.
    const { scripts } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
      scripts: { start: string };
    };
    const [, ...words] = scripts.start.replace("--port 8001", "--port 0").split(" ");
    const environment = {
      SECRET_KEY: secret,
      CHANNEL_LAYER_URL: `redis+${this.layer}://${host}:${port}?prefix=mill`,
    };
    return new RunningCommand(words, { folder, environment });
  }

  async #daphne(sockets: string): Promise<string> {
    const port = await freePort();
    const words = ["-m", "daphne", "-b", "127.0.0.1", "-p", String(port), "mill.asgi:application"];
    const environment = { ...this.#environment(), SOCKETS: sockets };
    const daphne = new PythonProgram(words, join(this.folder, "site"), environment);
    this.#running.push(daphne);
    await daphne.printed(/Listening on TCP address/);
    return `http://127.0.0.1:${port}`;
  }

  #environment(): Record<string, string> {
    return { SECRET_KEY: secret, LAYER: this.layer, REDIS_URL: this.#redis?.url ?? "" };
  }
}
