import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../", import.meta.url));
const modules = `${folder}node_modules/`;

/** Installs what the peers' servers import, unless it is there. What can't be had is told, and left out. */
export function installPeers(): void {
  if (existsSync(modules)) return;
  console.error("Installing the peers, by npm ci in bench/");
  const { status } = spawnSync("npm", ["ci"], { cwd: folder, stdio: "inherit" });
  if (status !== 0) console.error("That failed. Peers from npm are left out, but for ws");
}

/** Whether a package is installed for the peers. */
export function hasPackage(name: string): boolean {
  return existsSync(`${modules}${name}/package.json`);
}

/** Bun's program, which its package has one of for each platform; nothing where none runs here. */
export function findBun(): string | undefined {
  if (!existsSync(`${modules}@oven`)) return undefined;
  const programs = readdirSync(`${modules}@oven`).map((platform) => `${modules}@oven/${platform}/bin/bun`);
  return programs.find((program) => spawnSync(program, ["--version"]).status === 0);
}
