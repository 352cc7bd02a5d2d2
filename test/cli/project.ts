import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A folder of a user's, with Millrace in its `node_modules`, that is removed at the end. */
export class Project implements Disposable {
  readonly folder: string = realpathSync(mkdtempSync(join(tmpdir(), "millrace-cli-")));

  constructor(files: Readonly<Record<string, string>>, type: "module" | "commonjs" = "module") {
    this.write("package.json", JSON.stringify({ name: "a-project", type }));
    for (const [path, text] of Object.entries(files)) this.write(path, text);
    this.#install("millrace", (target) => symlinkSync(root, target, "dir"));
  }

  /**
   * A project in which Millrace is installed with what it needs and nothing else: a copy of the
   * package, whose neighbours are not those of this checkout.
   */
  static withoutTsx(files: Readonly<Record<string, string>>): Project {
    const project = new Project(files);
    rmSync(join(project.folder, "node_modules"), { recursive: true });
    project.#install("millrace", (target) => {
      mkdirSync(target);
      for (const part of ["package.json", "dist"]) cpSync(join(root, part), join(target, part), { recursive: true });
    });
    for (const dependency of ["ws", "path-to-regexp"]) {
      project.#install(dependency, (target) => symlinkSync(join(root, "node_modules", dependency), target, "dir"));
    }
    return project;
  }

  /** The command that is installed in it. */
  get bin(): string {
    return this.path("node_modules/millrace/dist/cli/main.js");
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #install(name: string, install: (target: string) => void): void {
    mkdirSync(this.path("node_modules"), { recursive: true });
    install(this.path(join("node_modules", name)));
  }
}
