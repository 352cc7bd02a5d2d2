// Puts in place what the tests need beside npm's packages. Debian's packages are installed where that may be done
// (as root, on Debian); elsewhere it says what to install and fails, because no test is ever skipped for want of a part.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { findBrowser } from "../test/support/browser.mjs";

const components = [
  {
    name: "Chromium or Google Chrome (on PATH, or named by CHROMIUM_PATH)",
    isThere: () => findBrowser() !== undefined,
    packages: ["chromium"],
  },
  {
    name: "OpenSSL (openssl on PATH)",
    isThere: () => spawnSync("openssl", ["version"]).status === 0,
    packages: ["openssl"],
  },
];

if (process.env.CHROMIUM_PATH && findBrowser() === undefined) {
  fail(`CHROMIUM_PATH names no program that can be run: ${process.env.CHROMIUM_PATH}`);
}

let missing = components.filter((component) => !component.isThere());
if (missing.length > 0 && mayInstall()) {
  install(missing.flatMap((component) => component.packages));
  missing = missing.filter((component) => !component.isThere());
}
if (missing.length > 0) {
  const debian = missing.flatMap((component) => component.packages).join(" ");
  const names = missing.map((component) => component.name).join(", ");
  fail(`The tests need ${names}. On Debian: apt-get install ${debian}`);
}

function fail(line) {
  console.error(line);
  process.exit(1);
}

function mayInstall() {
  return process.getuid?.() === 0 && distribution() === "debian";
}

function distribution() {
  try {
    return /^ID=(.*)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

function install(packages) {
  const command = ["install", "--yes", "--no-install-recommends", ...packages];
  if (aptGet(command).status === 0) return;
  // A fresh machine has no lists of packages yet, and an old one has stale ones.
  const updated = aptGet(["update"]);
  const installed = aptGet(command);
  if (installed.status === 0) return;
  for (const { stdout, stderr, error } of [updated, installed]) {
    process.stderr.write(error === undefined ? `${stdout}${stderr}` : `apt-get: ${error.message}\n`);
  }
}

function aptGet(parameters) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return spawnSync("apt-get", ["--quiet", ...parameters], { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
