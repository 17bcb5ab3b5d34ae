import { randomInt } from "node:crypto";
import { setTimeout } from "node:timers/promises";

/** What a request has to do, long enough that requests overlap. */
export async function someWork(): Promise<void> {
  await setTimeout(randomInt(10, 60));
}
