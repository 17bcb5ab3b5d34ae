import type { Storage } from "holdfast";
import { openStorage as openAddress, type OpenedStorage } from "holdfast/open";
import { memoryStorage } from "holdfast/storage/memory";

/** How long the database may take to say what is wrong with it, in ms. */
const CHECK_MS = 5000;

/** Opens the storage of an address; without one, this process's memory. */
export async function openStorage(address: string | undefined): Promise<OpenedStorage> {
  if (address === undefined) return { storage: memoryStorage(), name: "memory", close: async () => {} };
  return openAddress(address);
}

/** Prints what is wrong with a database, or may be, before the first visitor finds out. */
export async function printFindings(storage: Storage, name: string): Promise<void> {
  const findings = (await storage.check?.({ now: Date.now(), signal: AbortSignal.timeout(CHECK_MS) })) ?? [];
  for (const { level, what, advice } of findings) {
    if (level !== "ok") console.warn(`${name}, ${level}: ${what}; ${advice}`);
  }
}
