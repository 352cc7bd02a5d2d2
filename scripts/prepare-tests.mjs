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
  {
    name: "Redis (redis-server on PATH)",
    isThere: () => spawnSync("redis-server", ["--version"]).status === 0,
    packages: ["redis-server"],
  },
  {
    name: "Redis Sentinel (redis-sentinel on PATH)",
    isThere: () => spawnSync("redis-sentinel", ["--version"]).status === 0,
    packages: ["redis-sentinel"],
  },
  { name: "Django Channels", isThere: () => hasPythonModule("channels"), packages: ["python3-django-channels"] },
  { name: "channels_redis", isThere: () => hasPythonModule("channels_redis"), packages: ["python3-channels-redis"] },
  { name: "Daphne", isThere: () => hasPythonModule("daphne"), packages: ["python3-daphne"] },
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

/** Looks where Debian's packages are, whatever other Python is on PATH; MILLRACE_PYTHON names another one. */
function hasPythonModule(name) {
  const program = `import importlib.util, sys; sys.exit(importlib.util.find_spec("${name}") is None)`;
  return spawnSync(process.env.MILLRACE_PYTHON ?? "/usr/bin/python3", ["-c", program]).status === 0;
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
  // The runlevel keeps Debian from starting what it installs: the tests start their own, on ports of their own.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  return spawnSync("apt-get", ["--quiet", ...parameters], { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
