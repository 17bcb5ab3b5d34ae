import assert from "node:assert/strict";
import { test } from "node:test";
import { Redis } from "ioredis";
import { aWhile } from "../../support/within.js";
import { App, assertHonest, leavingNothing, type Visitor } from "./app.js";
import type { Addresses, Opened, OpenMany } from "./clients.js";
import { ms, report } from "./outages.js";

/** One client's application, and guests of it. */
export interface Side {
  readonly client: string;
  readonly app: App;
  readonly guests: readonly Visitor[];
}

/** Declares a test with one application per client, all on the same servers at once; it leaves nothing behind. */
export function together(
  name: string,
  clients: Readonly<Record<string, OpenMany>>,
  service: Addresses,
  guests: number,
  run: (sides: readonly Side[]) => Promise<void>,
): void {
  test(name, () =>
    leavingNothing(async () => {
      const opened: Opened[] = [];
      const sides: Side[] = [];
      try {
        for (const [client, open] of Object.entries(clients)) {
          opened.push(await open(service));
          const app = await App.over(opened.at(-1)!.storage);
          sides.push({ client, app, guests: await Promise.all(Array.from({ length: guests }, () => app.guest())) });
        }
        await run(sides);
      } finally {
        for (const { app } of sides) await app.close();
        for (const { close } of opened) await close();
      }
    }),
  );
}

/** Every guest of a side appends word after word, until told to stop; each answer is a 200 or an honest error. */
export class Load {
  readonly client: string;
  readonly #loops: Promise<void>[];
  #isOver = false;
  /** The longest time in which a guest was not served, in ms. */
  longestGap = 0;
  /** How many answers were errors. */
  errors = 0;
  count = 0;

  constructor({ client, guests }: Side) {
    this.client = client;
    this.#loops = guests.map((guest) => this.#loop(guest));
  }

  /** Waits until everybody was served again, at least once from now on. */
  async untilServed(guests: readonly Visitor[], patience: number): Promise<void> {
    const counts = guests.map((guest) => guest.acknowledged.length + 1);
    const end = performance.now() + patience;
    while (!guests.every((guest, i) => guest.acknowledged.length > counts[i]!)) {
      if (performance.now() > end)
        throw new Error(`${this.client}: not everybody is served again after ${patience} ms`);
      await aWhile(20);
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
    assert.ok(this.count > 0);
  }

  report(name: string, lost: number): void {
    report(
      `${name}, ${this.client}`,
      `served again ${ms(this.longestGap)} after the last answer before, ${this.errors} of ${this.count} requests were 503, ${lost} acknowledged writes lost`,
    );
  }

  async #loop(guest: Visitor): Promise<void> {
    for (let servedAt = performance.now(); !this.#isOver; await aWhile(10)) {
      const answer = await guest.append();
      this.count += 1;
      if (answer.status !== 200) assertHonest(answer);
      if (answer.status !== 200) this.errors += 1;
      else this.longestGap = Math.max(this.longestGap, performance.now() - servedAt);
      if (answer.status === 200) servedAt = performance.now();
    }
  }
}

/** The words of a session's log as a server has them, whether it may be asked for it or not. */
export async function wordsAt(redis: Redis, { key }: Visitor): Promise<readonly string[]> {
  return ((await redis.get(key)) ?? "").match(/\bw\d+\b/g) ?? [];
}

/** What was acknowledged and a server does not have. */
export async function missingAt(redis: Redis, guest: Visitor): Promise<readonly string[]> {
  const words = await wordsAt(redis, guest);
  return guest.acknowledged.filter((word) => !words.includes(word));
}

/** What the administrator does at one server. */
export async function administer<T>(port: number, act: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({ port });
  try {
    return await act(redis);
  } finally {
    redis.disconnect();
  }
}
