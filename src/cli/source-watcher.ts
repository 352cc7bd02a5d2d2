import { type FSWatcher, readdirSync, statSync, watch } from "node:fs";
import { join } from "node:path";

/** How long a burst of changes may still go on, in milliseconds: editors write a file in steps. */
const settleTime = 100;

const source = /\.(?:[cm]?[jt]sx?|json)$/;
const ignoredFolder = /^(?:\..*|node_modules|dist|coverage)$/;

/**
 * Watches the source files below a folder, but not those in `node_modules`, `dist`, `coverage` and
 * folders whose name begins with a dot. Each folder has a watcher of its own, because a recursive
 * one would watch what is ignored as well.
 */
export class SourceWatcher implements Disposable {
  readonly #folders = new Map<string, FSWatcher>();
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;

  /** @throws the system's error when a folder can't be watched. */
  constructor(root: string) {
    this.#watchFolder(root);
  }

  /** Settles with what has changed since the last call, once it has changed no more for a moment. */
  async changes(): Promise<readonly string[]> {
    while (this.#changed.size === 0 || this.#timer !== undefined) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.forget();
  }

  /** Takes what has changed as known. */
  forget(): readonly string[] {
    const files = [...this.#changed];
    this.#changed.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return files;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #watchFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    try {
      this.#openFolder(folder);
    } catch (error) {
      // It was there for a moment only.
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
      this.#unwatch(folder);
    }
  }

  #openFolder(folder: string): void {
    const watcher = watch(folder, (_event, name) => this.#onEvent(folder, name));
    // The folder is gone; its parent has told so.
    watcher.on("error", () => this.#unwatch(folder));
    this.#folders.set(folder, watcher);
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory() && !ignoredFolder.test(entry.name)) this.#watchFolder(join(folder, entry.name));
    }
  }

  #unwatch(folder: string): void {
    this.#folders.get(folder)?.close();
    this.#folders.delete(folder);
  }

  #onEvent(folder: string, name: string | null): void {
    if (name === null) return this.#touch(folder);
    const path = join(folder, name);
    if (source.test(name)) return this.#touch(path);
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
    if (!isFolder) return this.#unwatch(path);
    if (ignoredFolder.test(name) || this.#folders.has(path)) return undefined;
    this.#watchFolder(path);
    // Files may have been put in it before it was watched.
    return this.#touch(path);
  }

  #touch(path: string): void {
    this.#changed.add(path);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#wake?.();
    }, settleTime);
  }
}
