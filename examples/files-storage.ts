/**
 * A storage driver: a folder with one JSON file per key. Several processes of one machine may share the folder.
 * `test/examples/files-storage.test.ts` runs the conformance suite with it, like the test of every driver.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Storage, StorageCall, StorageEntry, StoredEntry, Version, Written } from "holdfast";

/** The content of a file, with the key, because the file name does not contain it. */
interface Kept extends StoredEntry {
  readonly key: string;
}

/** The clocks of servers may differ by this much: expired entries are kept as long. */
const CLOCK_SKEW_MS = 5 * 60_000;

const LOCK_RETRY_MS = 2;

/** Stores records in this folder, which is created at the first write. */
export function filesStorage(folder: string): Storage {
  return new FilesStorage(folder);
}

class FilesStorage implements Storage {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async get(key: string): Promise<StoredEntry | undefined> {
    const kept = await read(this.#fileOf(key));
    return kept && { value: kept.value, version: kept.version, expiresAt: kept.expiresAt };
  }

  create(key: string, entry: StorageEntry, call: StorageCall): Promise<Written | false> {
    return this.#locked(
      key,
      call,
      async (file) => (await read(file)) === undefined && write(file, { key, ...entry, version: randomUUID() }),
    );
  }

  update(key: string, entry: StorageEntry, version: Version, call: StorageCall): Promise<Written | false> {
    return this.#ifUnchanged(key, version, call, (file) => write(file, { key, ...entry, version: randomUUID() }));
  }

  touch(key: string, expiresAt: number, version: Version, call: StorageCall): Promise<Written | false> {
    return this.#ifUnchanged(key, version, call, (file, kept) => write(file, { ...kept, expiresAt }));
  }

  async delete(key: string, version: Version, call: StorageCall): Promise<boolean> {
    return (await this.#ifUnchanged(key, version, call, (file) => rm(file).then(() => true))) === true;
  }

  async clear(prefix: string, call: StorageCall): Promise<void> {
    for await (const { key } of this.#all()) {
      if (key.startsWith(prefix)) await this.#locked(key, call, (file) => rm(file, { force: true }));
    }
  }

  async sweep(call: StorageCall): Promise<number> {
    let count = 0;
    for await (const { key, version, expiresAt } of this.#all()) {
      if (expiresAt + CLOCK_SKEW_MS <= call.now && (await this.delete(key, version, call))) count++;
    }
    return count;
  }

  /**
   * A hash, so that no key can name a file outside the folder, and no two keys have the same file, whatever the file
   * system does with names.
   */
  #fileOf(key: string): string {
    return join(this.#folder, `${createHash("sha256").update(key).digest("hex")}.json`);
  }

  /** Compare and set: comparison and change happen under one lock. */
  #ifUnchanged<T>(
    key: string,
    version: Version,
    call: StorageCall,
    change: (file: string, kept: Kept) => Promise<T>,
  ): Promise<T | false> {
    return this.#locked(key, call, async (file) => {
      const kept = await read(file);
      return kept?.version === version && change(file, kept);
    });
  }

  /**
   * One at a time, in all processes: the one that created the lock file. If a process is killed while it holds the
   * lock, the file must be removed manually.
   */
  async #locked<T>(key: string, { signal }: StorageCall, work: (file: string) => Promise<T>): Promise<T> {
    const file = this.#fileOf(key);
    const lock = `${file}.lock`;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    while (!(await made(lock))) {
      await setTimeout(LOCK_RETRY_MS);
      signal.throwIfAborted();
    }
    try {
      return await work(file);
    } finally {
      await rm(lock);
    }
  }

  async *#all(): AsyncGenerator<Kept> {
    const names = await unlessAbsent(readdir(this.#folder));
    for (const name of names ?? []) {
      const kept = name.endsWith(".json") && (await read(join(this.#folder, name)));
      if (kept) yield kept;
    }
  }
}

/** Creates an empty file; returns true if it did not exist. */
async function made(lock: string): Promise<boolean> {
  try {
    await (await open(lock, "wx", 0o600)).close();
    return true;
  } catch (error) {
    if (Object(error).code === "EEXIST") return false;
    throw error;
  }
}

/** A reader finds the old file or the new one, never a part of it. */
async function write(file: string, kept: Kept): Promise<Written> {
  await writeFile(`${file}.next`, JSON.stringify(kept), { mode: 0o600 });
  await rename(`${file}.next`, file);
  return { version: kept.version };
}

/**
 * A file of another program is returned as an entry, without an exception: the store finds that it is not a record.
 */
async function read(file: string): Promise<Kept | undefined> {
  const text = await unlessAbsent(readFile(file, "utf8"));
  if (text === undefined) return undefined;
  return parsed(text) ?? { key: "", value: text, version: "damaged", expiresAt: 0 };
}

function parsed(text: string): Kept | undefined {
  try {
    const kept = JSON.parse(text) as Kept | null;
    return typeof kept?.value === "string" && typeof kept.version === "string" ? kept : undefined;
  } catch {
    return undefined;
  }
}

async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (Object(error).code === "ENOENT") return undefined;
    throw error;
  }
}
