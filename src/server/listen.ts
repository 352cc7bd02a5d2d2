import { once } from "node:events";
import { lstat, unlink } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { MillraceError, toError } from "../protocol/errors.ts";
import type { Address } from "../protocol/scope.ts";
import type { ListenAddress } from "./options.ts";

/**
 * Lets a server listen. The file of a Unix socket that nobody listens on any more is taken away.
 *
 * @throws MillraceError `ERR_LISTEN`, which says what to do.
 */
export async function listen(server: Server, address: ListenAddress): Promise<Address> {
  try {
    await attempt(server, address);
  } catch (error) {
    if (!("unix" in address) || codeOf(error) !== "EADDRINUSE") throw notListening(address, error);
    if (!(await removeStale(address.unix))) throw notListening(address, error);
    await attempt(server, address).catch((again: unknown) => {
      throw notListening(address, again);
    });
  }
  const bound = server.address();
  if (typeof bound === "string" || bound === null) return { address: bound ?? "", port: 0 };
  return { address: bound.address, port: bound.port };
}

/** Where a program on this machine finds the server. */
export function urlOf({ address, port }: Address, unix: boolean): string {
  if (unix) return `unix:${address}`;
  const host = { "0.0.0.0": "127.0.0.1", "::": "::1" }[address] ?? address;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

async function attempt(server: Server, address: ListenAddress): Promise<void> {
  const listening = once(server, "listening");
  server.listen("unix" in address ? { path: address.unix } : address);
  await listening;
}

async function removeStale(path: string): Promise<boolean> {
  if (!(await lstat(path)).isSocket() || !(await isRefused(path))) return false;
  await unlink(path);
  return true;
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.on("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.on("error", (error) => resolve(codeOf(error) === "ECONNREFUSED"));
  });
}

function notListening(address: ListenAddress, cause: unknown): MillraceError {
  const at = "unix" in address ? address.unix : `${address.host}:${address.port}`;
  const remedy = remedies[codeOf(cause)];
  return new MillraceError("ERR_LISTEN", {
    happened: `The server can't listen on ${at} (${toError(cause).message})`,
    ...(remedy === undefined ? {} : { remedy }),
    cause,
  });
}

const remedies: Readonly<Record<string, string>> = {
  EADDRINUSE: "Something listens there already: stop it, or take another address; port 0 takes a free one",
  EACCES: "That needs a right that this process does not have: take a port from 1024 on, or another folder",
  EADDRNOTAVAIL: "That is no address of this machine: 127.0.0.1 serves this machine alone, 0.0.0.0 every network",
  ENOTFOUND: "That host name is not known: 127.0.0.1 serves this machine alone, 0.0.0.0 every network",
  ENOENT: "The folder of a Unix socket must be there before it",
  EINVAL: "The path of a Unix socket has about 100 characters at most",
};

function codeOf(error: unknown): string {
  // Not by `instanceof`: an error of Node's own may come from another realm than this module.
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}
