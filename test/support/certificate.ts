import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** A certificate for the loopback that nobody else vouches for, in a folder of its own. */
export class Certificate implements AsyncDisposable {
  /** What clients must trust. */
  readonly trusted: string;
  readonly #folder: string;

  private constructor(folder: string, trusted: string) {
    this.#folder = folder;
    this.trusted = trusted;
  }

  static async make(): Promise<Certificate> {
    const folder = await mkdtemp(join(tmpdir(), "millrace-tls-"));
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    const files = ["-keyout", "key.pem", "-out", "cert.pem"];
    await promisify(execFile)("openssl", ["req", "-x509", ...curve, ...subject, ...files], { cwd: folder });
    return new Certificate(folder, await readFile(join(folder, "cert.pem"), "utf8"));
  }

  /** For a server that speaks TLS with it. */
  get server(): { readonly certificate: string; readonly key: string; readonly trusted: string } {
    const { trusted } = this;
    return { certificate: join(this.#folder, "cert.pem"), key: join(this.#folder, "key.pem"), trusted };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }
}
