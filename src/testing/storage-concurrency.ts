import { CLOCK_SKEW_MS, type StoredEntry, type Written } from "../contracts/storage.js";
import { accepted, check, checked, type Desk, MINUTE } from "./storage-desk.js";

/** Concurrent callers, and optional methods. */
export const CONCURRENCY_CASES: Readonly<Record<string, (desk: Desk) => Promise<void>>> = {
  async "concurrent writers of one key: each accepted update replaced the version it named"(desk) {
    const key = await desk.created("0");
    const counts = await Promise.all(Array.from({ length: 12 }, () => desk.increments(key, 12)));
    const total = counts.reduce((sum, count) => sum + count, 0);
    check(total > 0, "of concurrent writers at least one must succeed");
    const { value } = await desk.stored(key);
    check(value === `${total}`, `${total} updates were accepted, but the counter is ${value}`);
  },

  async "of concurrent creates exactly one succeeds, and its value is stored"(desk) {
    for (let round = 0; round < 8; round++) {
      const key = desk.key();
      const results = await Promise.all(Array.from({ length: 12 }, (_, i) => desk.create(key, desk.entry(`${i}`))));
      const winners = results.flatMap((written, i) => (written === false ? [] : [`${i}`]));
      check(winners.length === 1, `one create must succeed, ${winners.length} did`);
      check((await desk.stored(key)).value === winners[0], "the value of the accepted create must be stored");
    }
  },

  async "concurrent update, touch and delete of one version: update or delete, never both"(desk) {
    for (let round = 0; round < 16; round++) {
      const key = await desk.created("one");
      const { version } = await desk.stored(key);
      const calls: (() => Promise<Written | boolean>)[] = [
        () => desk.update(key, desk.entry("two", 2 * MINUTE), version),
        () => desk.touch(key, desk.now + 3 * MINUTE, version),
        () => desk.delete(key, version),
      ];
      const results = await inOrder(calls, round);
      checkRace(
        results.map((result) => result !== false),
        await desk.get(key),
        desk.now,
      );
    }
  },

  async "an aborted signal may stop a call, but never leaves a partial change"(desk) {
    const [key, touched, fresh] = [await desk.created("one"), await desk.created("one"), desk.key()];
    const hasty = desk.aborted();
    const { version } = await desk.stored(key);
    await settled(hasty.get(key));
    await settled(hasty.update(key, desk.entry("two", 2 * MINUTE), version));
    await settled(hasty.touch(touched, desk.now + 3 * MINUTE, (await desk.stored(touched)).version));
    await settled(hasty.create(fresh, desk.entry("new")));
    const [old, born] = [await desk.stored(key), await desk.get(fresh)];
    const whole =
      (old.value === "one" && old.expiresAt === desk.now + MINUTE) ||
      (old.value === "two" && old.expiresAt === desk.now + 2 * MINUTE);
    check(whole, "an update that was stopped must have taken effect as a whole or not at all");
    check(
      born == null || (born.value === "new" && born.expiresAt === desk.now + MINUTE),
      "a create that was stopped must have taken effect as a whole or not at all",
    );
    const { value, expiresAt } = await desk.stored(touched);
    check(
      value === "one" && [1, 3].includes((expiresAt - desk.now) / MINUTE),
      "a touch that was stopped must have taken effect as a whole or not at all",
    );
    accepted(await desk.update(key, desk.entry("three"), old.version), "update after calls that were stopped");
    await desk.holds(key, desk.entry("three"));
  },

  async "clear, if supported, removes every key of a prefix and no other"(desk) {
    const { storage } = desk;
    if (!storage.clear) return;
    const name = `${desk.key()}a_b`;
    const prefix = `${name}:`;
    const others = [
      `${name}2:k`,
      name,
      `${name}.x:k`,
      `${name.slice(0, -3)}axb:k`,
      `${name.slice(0, -3)}A_B:k`,
      `x${prefix}k`,
    ];
    const inside = Array.from({ length: 120 }, (_, i) => `${prefix}${i}`);
    await Promise.all(
      [...others, ...inside].map(async (key) =>
        accepted(await desk.create(key, desk.entry("one")), "create of an absent key"),
      ),
    );
    const { version } = await desk.stored(inside[0]!);
    await storage.clear(prefix, desk.call);
    for (const key of inside) check((await desk.get(key)) == null, "clear must remove every key of the prefix");
    for (const key of others) await desk.holds(key, desk.entry("one"));
    accepted(await desk.create(inside[0]!, desk.entry("again")), "create after clear");
    await desk.refusesAll(inside[0]!, version);
    await storage.clear(`${desk.key()}:`, desk.call);
  },

  async "sweep, if supported, removes entries that expired five minutes ago and nothing else"(desk) {
    const { storage } = desk;
    if (!storage.sweep) return;
    const [old, recent, live] = [
      await desk.created("old", 1000),
      await desk.created("recent", 2000),
      await desk.created("live", 20 * MINUTE),
    ];
    const later = desk.at(desk.now + 1000 + CLOCK_SKEW_MS);
    let removed = 0;
    for (let found = 1; found > 0; ) removed += found = await storage.sweep(later.call);
    check(removed >= 1, "sweep must return how many it removed");
    check((await later.get(old)) == null, "an entry that expired five minutes ago must be removed");
    await later.holds(recent, desk.entry("recent", 2000));
    await later.holds(live, desk.entry("live", 20 * MINUTE));
  },

  async "check, if supported, reports findings and advice; nothing here is bad, no test key remains"(desk) {
    const findings = await checked(desk);
    if (!findings) return;
    check(findings.length > 0, "check must report what it checked");
    for (const { level, what, advice } of findings) {
      check(
        ["ok", "warn", "bad"].includes(level) && what !== "" && typeof advice === "string",
        "a finding must be { level, what, advice }",
      );
      check(level === "ok" || advice !== "", `${what}: a finding that is not ok must have advice`);
      check(level !== "bad", `${what}: check must find nothing bad in a storage that keeps its contract`);
    }
    check(
      (await checked(desk))?.every(({ level }) => level !== "bad") === true,
      "a second check must have the same result",
    );
  },
};

/** Possible results after an update, a touch and a delete of the same version. */
function checkRace(
  [updated, touched, deleted]: readonly boolean[],
  stored: StoredEntry | null | undefined,
  now: number,
): void {
  check(!(updated && deleted), "update and delete of the same version were both accepted");
  check(Boolean(updated || touched || deleted), "of changes that name the stored version the first must be accepted");
  if (deleted) return check(stored == null, "a deleted entry must not exist");
  check(stored != null, "an entry that was not deleted must exist");
  check(stored.value === (updated ? "two" : "one"), "the value must be that of the accepted update");
  check(
    stored.expiresAt === now + (updated ? 2 : 3) * MINUTE,
    "the deadline must be that of the last accepted change",
  );
}

/** Starts the calls together, each round with another one first. */
function inOrder<T>(calls: readonly (() => Promise<T>)[], round: number): Promise<T[]> {
  const results = new Array<Promise<T>>(calls.length);
  for (let i = 0; i < calls.length; i++) {
    const at = (i + round) % calls.length;
    results[at] = calls[at]!();
  }
  return Promise.all(results);
}

async function settled(call: Promise<unknown>): Promise<void> {
  await call.catch(() => {});
}
