import assert from "node:assert/strict";
import { test } from "node:test";
import type { Storage, StorageCall, StorageEntry, StoredEntry, Version, Written } from "holdfast";
import { storageSuite } from "holdfast/testing";

/** A correct storage, slow enough that calls overlap; each sabotage breaks one sentence of the contract. */
class Honest implements Storage {
  readonly entries = new Map<string, StoredEntry>();
  last = 0;
  async get(key: string, _call: StorageCall): Promise<StoredEntry | undefined> {
    await tick();
    return this.entries.get(key);
  }
  async create(key: string, entry: StorageEntry, _call: StorageCall): Promise<Written | false> {
    await tick();
    return this.entries.has(key) ? false : this.put(key, entry);
  }
  async update(key: string, entry: StorageEntry, version: Version, _call: StorageCall): Promise<Written | false> {
    await tick();
    return this.entries.get(key)?.version === version ? this.put(key, entry) : false;
  }
  async touch(key: string, expiresAt: number, version: Version, _call: StorageCall): Promise<Written | false> {
    await tick();
    const entry = this.entries.get(key);
    return entry?.version === version ? this.put(key, { value: entry.value, expiresAt }) : false;
  }
  async delete(key: string, version: Version, _call: StorageCall): Promise<boolean> {
    await tick();
    return this.entries.get(key)?.version === version && this.entries.delete(key);
  }
  async clear(prefix: string, _call: StorageCall): Promise<void> {
    for (const key of this.entries.keys()) if (key.startsWith(prefix)) this.entries.delete(key);
  }
  async sweep({ now }: StorageCall): Promise<number> {
    return this.sweepOlder(now - 5 * 60_000);
  }
  put(key: string, { value, expiresAt }: StorageEntry): Written {
    const version = ++this.last;
    this.entries.set(key, { value, expiresAt, version });
    return { version };
  }
  sweepOlder(moment: number): number {
    const before = this.entries.size;
    for (const [key, { expiresAt }] of this.entries) if (expiresAt <= moment) this.entries.delete(key);
    return before - this.entries.size;
  }
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

type Sabotage = (storage: Honest) => Partial<Storage>;

const SABOTAGES: Record<string, Sabotage> = {
  "update creates": (own) => ({
    update: async (key, entry, version) =>
      own.entries.has(key) && own.entries.get(key)!.version !== version ? false : own.put(key, entry),
  }),
  "update ignores the version": (own) => ({
    update: async (key, entry) => own.entries.has(key) && own.put(key, entry),
  }),
  "update checks, waits, writes": (own) => ({
    async update(key, entry, version) {
      if (own.entries.get(key)?.version !== version) return false;
      await tick();
      return own.put(key, entry);
    },
  }),
  "update keeps the version": (own) => ({
    async update(key, entry, version) {
      if (own.entries.get(key)?.version !== version) return false;
      own.entries.set(key, { ...entry, version });
      return { version };
    },
  }),
  "update forgets the deadline": (own) => ({
    update: (key, entry, version, call) =>
      Honest.prototype.update.call(
        own,
        key,
        { ...entry, expiresAt: own.entries.get(key)?.expiresAt ?? 0 },
        version,
        call,
      ),
  }),
  "update of an equal value does nothing": (own) => ({
    async update(key, entry, version, call) {
      const held = own.entries.get(key);
      if (held?.value === entry.value && held.version === version) return { version };
      return Honest.prototype.update.call(own, key, entry, version, call);
    },
  }),
  "touch ignores the version": (own) => ({
    touch: async (key, expiresAt) =>
      own.entries.has(key) && own.put(key, { value: own.entries.get(key)!.value, expiresAt }),
  }),
  "touch creates": (own) => ({
    touch: async (key, expiresAt, version) =>
      own.entries.get(key)?.version === version || !own.entries.has(key)
        ? own.put(key, { value: own.entries.get(key)?.value ?? "", expiresAt })
        : false,
  }),
  "touch only prolongs": (own) => ({
    touch: (key, expiresAt, version, call) =>
      Honest.prototype.touch.call(own, key, Math.max(expiresAt, own.entries.get(key)?.expiresAt ?? 0), version, call),
  }),
  "touch answers the version of before": (own) => ({
    async touch(key, expiresAt, version, call) {
      return (await Honest.prototype.touch.call(own, key, expiresAt, version, call)) && { version };
    },
  }),
  "delete ignores the version": (own) => ({ delete: async (key) => own.entries.delete(key) }),
  "delete answers true for what is absent": (own) => ({
    delete: async (key, version, call) =>
      !own.entries.has(key) || Honest.prototype.delete.call(own, key, version, call),
  }),
  "create overwrites": (own) => ({ create: async (key, entry) => own.put(key, entry) }),
  "create checks, waits, writes": (own) => ({
    async create(key, entry) {
      if (own.entries.has(key)) return false;
      await tick();
      return own.put(key, entry);
    },
  }),
  "create replaces what has expired": (own) => ({
    create: async (key, entry, { now }) =>
      (own.entries.get(key)?.expiresAt ?? 0) > now ? false : own.put(key, entry),
  }),
  "versions restart after delete and create": (own) => {
    own.put = (key, { value, expiresAt }) => {
      const version = Number(own.entries.get(key)?.version ?? 0) + 1;
      own.entries.set(key, { value, expiresAt, version });
      return { version };
    };
    return {};
  },
  "deadlines in whole seconds": (own) => ({
    get: async (key) =>
      own.entries.get(key) && {
        ...own.entries.get(key)!,
        expiresAt: Math.floor(own.entries.get(key)!.expiresAt / 1000) * 1000,
      },
  }),
  "get enforces the deadline by its own clock": (own) => ({
    get: async (key, { now }) => ((own.entries.get(key)?.expiresAt ?? 0) > now ? own.entries.get(key) : undefined),
  }),
  "calls reclaim at the deadline": (own) => ({
    async create(key, entry, call) {
      own.sweepOlder(call.now);
      return Honest.prototype.create.call(own, key, entry, call);
    },
  }),
  "sweep removes at the deadline": (own) => ({ sweep: async ({ now }) => own.sweepOlder(now) }),
  "sweep removes nothing": () => ({ sweep: async () => 0 }),
  "clear takes wildcards": (own) => ({
    async clear(prefix) {
      const pattern = new RegExp(`^${prefix.replaceAll("_", ".")}`, "i");
      for (const key of own.entries.keys()) if (pattern.test(key)) own.entries.delete(key);
    },
  }),
  "clear stops at a hundred": (own) => ({
    async clear(prefix) {
      for (const key of [...own.entries.keys()].filter((one) => one.startsWith(prefix)).slice(0, 100))
        own.entries.delete(key);
    },
  }),
  "keys fold their case": (own) => ({
    create: (key, entry, call) => Honest.prototype.create.call(own, key.toLowerCase(), entry, call),
    get: (key, call) => Honest.prototype.get.call(own, key.toLowerCase(), call),
  }),
  "values end at U+0000": (own) => ({
    create: (key, entry, call) =>
      Honest.prototype.create.call(own, key, { ...entry, value: entry.value.split("\0")[0]! }, call),
  }),
  "values lose a byte order mark": (own) => ({
    create: (key, entry, call) =>
      Honest.prototype.create.call(own, key, { ...entry, value: entry.value.replace(/^\ufeff/, "") }, call),
  }),
  "values are trimmed": (own) => ({
    create: (key, entry, call) =>
      Honest.prototype.create.call(own, key, { ...entry, value: entry.value.trimEnd() }, call),
  }),
  "numbers come back as numbers": (own) => ({
    async get(key) {
      const entry = own.entries.get(key);
      return entry && /^\d+$/.test(entry.value) ? { ...entry, value: `${Number(entry.value)}` } : entry;
    },
  }),
  "astral characters become two": (own) => ({
    create: (key, entry, call) =>
      Honest.prototype.create.call(
        own,
        key,
        { ...entry, value: entry.value.replaceAll(/[\u{10000}-\u{10ffff}]/gu, "??") },
        call,
      ),
  }),
  "values are cut at 64 KiB": (own) => ({
    create: (key, entry, call) =>
      Honest.prototype.create.call(own, key, { ...entry, value: entry.value.slice(0, 65_536) }, call),
  }),
  "an aborted update writes the value and not the deadline": (own) => ({
    async update(key, entry, version, call) {
      const held = own.entries.get(key);
      if (!call.signal.aborted || held?.version !== version)
        return Honest.prototype.update.call(own, key, entry, version, call);
      return own.put(key, { value: entry.value, expiresAt: held.expiresAt });
    },
  }),
};

async function failures(sabotage: Sabotage): Promise<string[]> {
  const cases = storageSuite(() => {
    const storage = new Honest();
    return { storage: Object.assign(storage, sabotage(storage)) };
  });
  const failed: string[] = [];
  for (const { name, run } of cases) await run().catch((error: Error) => failed.push(`${name}: ${error.message}`));
  return failed;
}

test("the suite passes a storage that keeps the contract", async () => {
  assert.deepEqual(await failures(() => ({})), []);
});

test("the suite passes a storage that never tells versions, and one whose touch keeps the version", async () => {
  assert.deepEqual(
    await failures((own) => ({
      update: async (...call) => (await Honest.prototype.update.apply(own, call)) && { version: undefined },
      create: async (...call) => (await Honest.prototype.create.apply(own, call)) && { version: undefined },
    })),
    [],
  );
  assert.deepEqual(
    await failures((own) => ({
      async touch(key, expiresAt, version) {
        const held = own.entries.get(key);
        if (held?.version !== version) return false;
        own.entries.set(key, { ...held, expiresAt });
        return { version };
      },
    })),
    [],
  );
});

for (const [name, sabotage] of Object.entries(SABOTAGES)) {
  test(`the suite catches a storage whose sabotage is: ${name}`, async () => {
    const failed = await failures(sabotage);
    assert.notEqual(failed.length, 0, "no case failed");
    assert.ok(
      failed.every((line) => line.includes("storage contract")),
      failed.join("\n"),
    );
  });
}

test("the suite ends what the factory started, whatever came of the case", async () => {
  let open = 0;
  const cases = storageSuite(() => {
    open++;
    return {
      storage: Object.assign(new Honest(), { get: () => Promise.reject(new Error("down")) }),
      close: () => void open--,
    };
  });
  for (const { run } of cases) await run().catch(() => {});
  assert.equal(open, 0);
});

/**
 * What goes wrong around a storage in memory, and storages that take it badly: by the words of the case that must
 * notice.
 */
const CONDITIONS = {
  readOnly: ({ storage }: { storage: Honest }) =>
    disturbed(storage, { ...refusing(), create: failing, update: failing, touch: failing, delete: failing }),
  refusedWrites: ({ storage }: { storage: Honest }) => disturbed(storage, refusing()),
  foreignTransaction: ({ storage }: { storage: Honest }) =>
    disturbed(storage, { get: failing, create: failing, update: failing, touch: failing, delete: failing }),
  latency: ({ storage }: { storage: Honest }, ms: number) =>
    disturbed(storage, { get: (...call) => delayed(ms, () => Honest.prototype.get.apply(storage, call)) }),
  cutConnections: async ({ storage }: { storage: Honest }) => {
    const end = disturbed(storage, { get: failing });
    setTimeout(end, 30);
  },
  rowSettings: { "another one": () => ({ storage: new Honest() }) },
};

const failing = (): Promise<never> => Promise.reject(new Error("refused"));
const refused = async (): Promise<false> => false;
const refusing = (): Partial<Storage> => ({ update: refused, touch: refused, delete: refused });

function disturbed(storage: Honest, calls: Partial<Storage>): () => void {
  Object.assign(storage, calls);
  return () => Object.keys(calls).forEach((name) => Reflect.deleteProperty(storage, name));
}

async function delayed<T>(ms: number, act: () => Promise<T>): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return act();
}

type Conditions = Parameters<typeof storageSuite<{ storage: Honest }>>[1] & {};

async function conditionFailures(conditions: Conditions): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of storageSuite(() => ({ storage: new Honest() }), conditions))
    await run().catch((error: Error) => failed.push(`${name}: ${error.message}`));
  return failed;
}

test("the suite passes a storage that takes every condition well", async () => {
  assert.deepEqual(await conditionFailures(CONDITIONS), []);
});

const TAKEN_BADLY: Readonly<Record<string, readonly [says: RegExp, conditions: Conditions]>> = {
  "a change is answered with false where the database refuses to write": [
    /never return false: .*must fail if the database refuses writes/,
    { readOnly: ({ storage }) => disturbed(storage, refusing()) },
  ],
  "what was accepted inside a transaction is gone with it": [
    /inside a transaction.*a change that succeeded is stored/,
    {
      foreignTransaction({ storage }) {
        const before = new Map(storage.entries);
        return () => {
          storage.entries.clear();
          for (const [key, entry] of before) storage.entries.set(key, entry);
        };
      },
    },
  ],
  "a transaction makes every change a refusal": [
    /a change of the stored version must not return false/,
    { foreignTransaction: ({ storage }) => disturbed(storage, refusing()) },
  ],
  "inside a transaction nothing is found": [
    /a read inside a transaction/,
    { foreignTransaction: ({ storage }) => disturbed(storage, { get: async () => undefined }) },
  ],
  "rows come back empty": [
    /the value must be/,
    {
      rowSettings: {
        "as arrays": () => ({
          storage: Object.assign(new Honest(), { get: async () => ({ value: "", version: "", expiresAt: 0 }) }),
        }),
      },
    },
  ],
  "a connection that is cut is a refusal": [
    /closed connections.*must not return false/,
    { cutConnections: ({ storage }) => void disturbed(storage, { update: refused }) },
  ],
  "slow reads are answered with another key's value": [
    /each call must return its key's value/,
    { latency: ({ storage }) => disturbed(storage, { get: async () => [...storage.entries.values()].at(-1) }) },
  ],
};

for (const [name, [says, conditions]] of Object.entries(TAKEN_BADLY)) {
  test(`the suite catches a storage of which this is true: ${name}`, async () => {
    if (conditions.cutConnections) {
      const failed: string[] = [];
      const refusingUpdates = () => ({ storage: Object.assign(new Honest(), { update: refused }) });
      for (const { name, run } of storageSuite(refusingUpdates, { cutConnections: () => {} }))
        await run().catch((error: Error) => failed.push(`${name}: ${error.message}`));
      return assert.ok(
        failed.some((line) => says.test(line)),
        failed.join("\n"),
      );
    }
    const failed = await conditionFailures(conditions);
    assert.ok(failed.length > 0 && failed.every((line) => says.test(line)), failed.join("\n"));
  });
}
