import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Redis, type RedisOptions } from "ioredis";
import { freePort } from "./free-port.ts";
import { Watchdog } from "./watchdog.ts";

/** How a server is started. */
export interface RedisServerOptions {
  /** Lines of its configuration beside those that all have: `["maxmemory 2mb"]`. */
  readonly config?: readonly string[] | ((folder: string) => readonly string[]);
  /** Files in its folder, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** @default "redis-server" */
  readonly program?: "redis-server" | "redis-sentinel";
  /** How the harness itself logs in. */
  readonly login?: Pick<RedisOptions, "username" | "password">;
  /** Speaks TLS alone: the paths of its certificate and key, and the certificate that clients trust. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly trusted: string };
}

/**
 * Debian's Redis on a free port of the loopback, in a folder of its own, without persistence. It
 * does not outlive the test's process, however that ends.
 */
export class RedisServer implements AsyncDisposable {
  readonly host = "127.0.0.1";
  readonly folder: string;
  readonly #options: RedisServerOptions;
  #port: number;
  #child: ChildProcess | undefined;
  #watchdog: Watchdog | undefined;
  #output = "";

  private constructor(folder: string, port: number, options: RedisServerOptions) {
    this.folder = folder;
    this.#port = port;
    this.#options = options;
  }

  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), "millrace-redis-"));
    const server = new RedisServer(folder, await freePort(), options);
    try {
      for (const [name, content] of Object.entries(options.files ?? {})) await writeFile(join(folder, name), content);
      await server.#startAnywhere();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `redis://${this.host}:${this.#port}`;
  }

  /** The path of its Unix socket. */
  get socket(): string {
    return join(this.folder, "redis.sock");
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error("This Redis does not run");
    return this.#child.pid;
  }

  /** Starts it again, on the port that it had. Settles when it answers. */
  async start(): Promise<void> {
    const lines = [
      ...this.#portLines(),
      `bind ${this.host}`,
      `dir ${this.folder}`,
      `unixsocket ${this.socket}`,
      ...(this.#options.program === "redis-sentinel" ? [] : ['save ""', "appendonly no"]),
      ...(typeof this.#options.config === "function"
        ? this.#options.config(this.folder)
        : (this.#options.config ?? [])),
    ];
    const file = join(this.folder, "redis.conf");
    await writeFile(file, `${lines.join("\n")}\n`);
    this.#output = "";
    const child = spawn(this.#options.program ?? "redis-server", [file], { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text: Buffer) => (this.#output += text.toString()));
    await once(child, "spawn");
    this.#watchdog = new Watchdog(this.pid, this.folder);
    await this.answers();
  }

  /** Settles when it answers a PING; one that reads its data or lacks a login answers too. */
  async answers(): Promise<void> {
    for (;;) {
      if (this.#child?.exitCode !== null) throw new Error(`Redis has ended: ${this.#output}`);
      try {
        await this.command("PING");
        return;
      } catch (error) {
        if (error instanceof Error && error.name === "ReplyError") return;
        await pause(10);
      }
    }
  }

  /** Sends it one command over a connection of its own. */
  async command(name: string, ...args: readonly (string | number)[]): Promise<unknown> {
    const client = new Redis({
      host: this.host,
      port: this.#port,
      lazyConnect: true,
      retryStrategy: null,
      enableReadyCheck: false,
      disableClientInfo: true,
      ...this.#options.login,
      ...(this.#options.tls === undefined ? {} : { tls: { ca: this.#options.tls.trusted } }),
    });
    let reason: Error | undefined;
    client.on("error", (error: Error) => (reason = error));
    try {
      await client.connect();
      return await client.call(name, [...args]);
    } catch (error) {
      throw reason ?? error;
    } finally {
      // ioredis would wait for the end of a stream that has ended.
      if (client.status !== "end") client.disconnect();
    }
  }

  /** Ends it in good order. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Stops its clock: connections stay open, and nobody answers. */
  freeze(): void {
    process.kill(this.pid, "SIGSTOP");
  }

  thaw(): void {
    process.kill(this.pid, "SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  #portLines(): readonly string[] {
    const { tls } = this.#options;
    if (tls === undefined) return [`port ${this.#port}`];
    const files = [`tls-cert-file ${tls.certificate}`, `tls-key-file ${tls.key}`];
    return ["port 0", `tls-port ${this.#port}`, "tls-auth-clients no", ...files];
  }

  /** Another test may have taken the port in the meantime. */
  async #startAnywhere(): Promise<void> {
    for (let attempts = 1; ; attempts++) {
      try {
        await this.start();
        return;
      } catch (error) {
        if (attempts === 5 || !this.#output.includes("Address already in use")) throw error;
        this.#port = await freePort();
      }
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit");
      child.kill(signal);
      child.kill("SIGCONT");
      await ended;
    }
    const watchdog = this.#watchdog;
    this.#watchdog = undefined;
    await watchdog?.relieve();
  }
}

/** Disposes of servers that were started for something that did not come about. */
export async function disposeAll(servers: readonly AsyncDisposable[]): Promise<void> {
  await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
}
