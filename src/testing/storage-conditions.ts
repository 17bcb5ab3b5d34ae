import type { Awaitable, Storage, StorageEntry, Version } from "../contracts/storage.js";
import { SessionError } from "../errors.js";
import { createStore } from "../session/store.js";
import { accepted, check, Desk, findsBad, MINUTE, refused, type StorageUnderTest } from "./storage-desk.js";

/** Begins a condition for one storage; returns a function that ends it. */
export type BeginCondition<U extends StorageUnderTest> = (under: U) => Awaitable<() => Awaitable<unknown>>;

/**
 * Failures around a database, caused with the means of the database. Each condition adds cases to {@link
 * storageSuite}; pass all that your database and its clients can have.
 */
export interface StorageConditions<U extends StorageUnderTest = StorageUnderTest> {
  /** The database serves reads and refuses writes: read-only, a full disk, too few replicas. */
  readonly readOnly?: BeginCondition<U>;
  /**
   * The database serves reads, and no write matches its row, without an error: hidden rows, a forbidden command in a
   * script.
   */
  readonly refusedWrites?: BeginCondition<U>;
  /**
   * The application begins a transaction on the connection that the storage uses, and writes in it; at the end it is
   * rolled back.
   */
  readonly foreignTransaction?: BeginCondition<U>;
  /**
   * Storages with clients that are configured for other result formats, by the name of the setting. Each is closed
   * after its cases.
   */
  readonly rowSettings?: Readonly<Record<string, () => Awaitable<StorageUnderTest>>>;
  /** Every response of the database is delayed by this many ms. */
  readonly latency?: (under: U, ms: number) => ReturnType<BeginCondition<U>>;
  /** Closes every existing connection, like a failing network. New ones can be opened immediately. */
  readonly cutConnections?: (under: U) => Awaitable<unknown>;
}

/** A storage under test, with its assertions. */
interface Tried<U extends StorageUnderTest> {
  readonly under: U;
  readonly desk: Desk;
}

/** The cases of one condition, by name. */
type Cases<U extends StorageUnderTest> = Readonly<Record<string, (tried: Tried<U>) => Promise<void>>>;

/** Delay of responses, in ms. */
const LATENCY_MS = 40;
/** How long a storage may take to recover after its connections were closed, in ms. */
const RECOVERY_MS = 20_000;

/** Returns the cases of all given conditions, by name. */
export function conditionCases<U extends StorageUnderTest>(conditions: StorageConditions<U>): Cases<U> {
  const { readOnly, refusedWrites, foreignTransaction, latency, cutConnections, rowSettings = {} } = conditions;
  return {
    ...(readOnly && readOnlyCases(readOnly)),
    ...(refusedWrites && refusedWritesCases(refusedWrites)),
    ...(foreignTransaction && foreignTransactionCases(foreignTransaction)),
    ...(latency && latencyCases(latency)),
    ...(cutConnections && cutCases(cutConnections)),
    ...Object.fromEntries(
      Object.entries(rowSettings).map(([name, open]) => [
        `rows are returned as they were written, whatever format the client is configured for: ${name}`,
        () => roundTrip(open),
      ]),
    ),
  };
}

function readOnlyCases<U extends StorageUnderTest>(begin: BeginCondition<U>): Cases<U> {
  return {
    async "a database that refuses writes: reads succeed, changes fail and never return false"({ under, desk }) {
      const key = await desk.created("one");
      const { version } = await desk.stored(key);
      await during(begin, under, async () => {
        await desk.holds(key, desk.entry("one"));
        await rejected(desk.create(desk.key(), desk.entry("new")), "create");
        await rejected(desk.update(key, desk.entry("two"), version), "update");
        await rejected(desk.touch(key, desk.now + 2 * MINUTE, version), "touch");
        await rejected(desk.delete(key, version), "delete");
        await desk.holds(key, desk.entry("one"));
        check((await desk.get(desk.key())) == null, "get of an absent key must return nothing");
        await findsBad(desk, "a database that refuses writes");
      });
      accepted(await desk.update(key, desk.entry("two"), version), "update after the database accepts writes again");
      await desk.holds(key, desk.entry("two"));
    },
  };
}

/** One call cannot distinguish this from concurrent writers; the store can, by reading after the refusal. */
function refusedWritesCases<U extends StorageUnderTest>(begin: BeginCondition<U>): Cases<U> {
  return {
    async "a database in which no write matches: each change of a session fails with `storage` after a few calls"({
      under,
      desk,
    }) {
      const counted = counting(under.storage);
      const store = createStore<{ n: number }>({
        storage: counted.storage,
        storageTimeout: "20s",
        commitTimeout: "60s",
      });
      const ids = [await store.create({ n: 1 }), await store.create({ n: 1 })].map(({ id }) => id) as [
        string,
        string,
      ];
      await during(begin, under, async () => {
        for (const [what, change] of [
          ["a write", () => store.edit(ids[0], (session) => session.set("n", 2))],
          ["a login", () => store.edit(ids[0], (session) => session.regenerate())],
          ["a logout", () => store.delete(ids[1])],
        ] as const) {
          const before = counted.calls();
          const error = await thrownBy(change);
          check(
            error instanceof SessionError && error.code === "storage",
            `${what} must fail with the code storage, not ${codeOf(error)}`,
          );
          check(
            counted.calls() - before <= 12,
            `${what} took ${counted.calls() - before} calls to detect that the database refuses it`,
          );
        }
        check((await store.getById(ids[0]))?.get("n") === 1, "reads must succeed during that time");
        await findsBad(desk, "a database in which no write matches");
      });
      check(
        await store.edit(ids[0], (session) => session.set("n", 3)),
        "the session must be written after the condition has ended",
      );
      await desk.get(desk.key());
    },
  };
}

function foreignTransactionCases<U extends StorageUnderTest>(begin: BeginCondition<U>): Cases<U> {
  return {
    async "inside a transaction of the application: a change that succeeded is stored, even after a rollback"({
      under,
      desk,
    }) {
      const [written, touched, removed, fresh] = [
        await desk.created("one"),
        await desk.created("one"),
        await desk.created("one"),
        desk.key(),
      ];
      const [first, second, third] = [
        await desk.stored(written),
        await desk.stored(touched),
        await desk.stored(removed),
      ];
      const results: unknown[] = [];
      await during(begin, under, async () => {
        for (const change of [
          () => desk.create(fresh, desk.entry("new")),
          () => desk.update(written, desk.entry("two"), first.version),
          () => desk.touch(touched, desk.now + 3 * MINUTE, second.version),
          () => desk.delete(removed, third.version),
        ]) {
          results.push(await change().catch(() => undefined));
        }
      });
      const [created, updated, moved, deleted] = results;
      check(
        [created, updated, moved, deleted].every((result) => result !== false),
        "a change of the stored version must not return false: it must fail or succeed",
      );
      if (created) await desk.holds(fresh, desk.entry("new"));
      if (updated) await desk.holds(written, desk.entry("two"));
      if (moved) await desk.holds(touched, desk.entry("one", 3 * MINUTE));
      if (deleted) check((await desk.get(removed)) == null, "a delete that returned true must have taken effect");
    },

    async "inside a transaction of the application: a read fails or returns the stored value"({ under, desk }) {
      const key = await desk.created("one");
      await during(begin, under, async () => {
        const read = await desk.get(key).catch(() => "failed" as const);
        check(
          read === "failed" || read?.value === "one",
          "a read inside a transaction of the application must not return another value",
        );
      });
      const stored = await desk.holds(key, desk.entry("one"));
      accepted(await desk.update(key, desk.entry("two"), stored.version), "update after the transaction");
      check(await desk.delete(key, (await desk.stored(key)).version), "delete after the transaction");
    },
  };
}

function latencyCases<U extends StorageUnderTest>(begin: NonNullable<StorageConditions<U>["latency"]>): Cases<U> {
  return {
    async "a slow database: late responses are correct, and calls can overlap"({ under, desk }) {
      await during(
        (one) => begin(one, LATENCY_MS),
        under,
        async () => {
          const key = desk.key();
          const created = await Promise.all(
            Array.from({ length: 4 }, (_, i) => desk.create(key, desk.entry(`${i}`))),
          );
          check(
            created.filter((written) => written !== false).length === 1,
            "of concurrent creates exactly one must succeed",
          );
          await desk.increments(await desk.created("0"), 3);
          const [one, another] = [await desk.created("one"), await desk.created("another")];
          const values = await Promise.all([one, another, one].map((name) => desk.stored(name)));
          check(
            values.map(({ value }) => value).join() === "one,another,one",
            "each call must return its key's value",
          );
        },
      );
    },

    async "a slow database: a call that was aborted never leaves a partial change"({ under, desk }) {
      const key = await desk.created("one");
      const { version } = await desk.stored(key);
      await during(
        (one) => begin(one, LATENCY_MS),
        under,
        async () => {
          const controller = new AbortController();
          const hasty = new Desk(desk.storage, desk.now, controller.signal);
          const updating = hasty.update(key, desk.entry("two", 2 * MINUTE), version).catch(() => {});
          setTimeout(() => controller.abort(), LATENCY_MS / 4);
          await updating;
        },
      );
      await whole(desk, key, version, desk.entry("two", 2 * MINUTE));
    },
  };
}

function cutCases<U extends StorageUnderTest>(cut: NonNullable<StorageConditions<U>["cutConnections"]>): Cases<U> {
  return {
    async "closed connections: calls fail or succeed, no change is partial, and the storage recovers"({
      under,
      desk,
    }) {
      const keys = await Promise.all(Array.from({ length: 6 }, () => desk.created("one")));
      const versions = await Promise.all(keys.map(async (key) => (await desk.stored(key)).version));
      const entry = desk.entry("two", 2 * MINUTE);
      const updating = keys.map((key, i) => desk.update(key, entry, versions[i]!).catch(() => "failed" as const));
      await cut(under);
      const results = await Promise.all(updating);
      await recovers(desk, keys[0]!);
      for (const [i, key] of keys.entries()) {
        check(results[i] !== false, "a call whose connection was closed must not return false");
        if (results[i] !== "failed") await desk.holds(key, entry);
        else await whole(desk, key, versions[i]!, entry);
      }
    },
  };
}

async function roundTrip(open: () => Awaitable<StorageUnderTest>): Promise<void> {
  const { storage, close } = await open();
  try {
    const desk = new Desk(storage);
    for (const value of ['{"n":1}', "1", "true", "2026-01-01 00:00:00", "\u0000\ufeff'\"\\\n\r\t\\x41é😀", ""]) {
      const key = await desk.created(value);
      const { version } = await desk.holds(key, desk.entry(value));
      check((await desk.get(desk.key())) == null, "get of an absent key must return nothing");
      refused(await desk.create(key, desk.entry("other")), "create of a key that exists");
      refused(await desk.update(key, desk.entry("other"), "none"), "update of another version");
      accepted(await desk.touch(key, desk.now + 2 * MINUTE, version), "touch of the stored version");
      const written = accepted(
        await desk.update(key, desk.entry(`${value}2`, 3 * MINUTE), (await desk.stored(key)).version),
        "update of the stored version",
      );
      const stored = await desk.holds(key, desk.entry(`${value}2`, 3 * MINUTE));
      check(
        written.version === undefined || written.version === stored.version,
        "update must return the version that get returns",
      );
      check(await desk.delete(key, stored.version), "delete of the stored version");
    }
  } finally {
    await close?.();
  }
}

/** Ends the condition also if the work fails. */
async function during<U extends StorageUnderTest>(
  begin: BeginCondition<U>,
  under: U,
  work: () => Promise<void>,
): Promise<void> {
  const end = await begin(under);
  try {
    await work();
  } finally {
    await end();
  }
}

async function rejected(call: Promise<unknown>, name: string): Promise<void> {
  const outcome = await call.then(
    (value) => `returned ${JSON.stringify(value)}`,
    () => undefined,
  );
  check(outcome === undefined, `${name} must fail if the database refuses writes, it ${outcome}`);
}

/** Checks that a failed change has taken effect completely or not at all. */
async function whole(desk: Desk, key: string, before: Version, entry: StorageEntry): Promise<void> {
  const stored = await desk.stored(key);
  const isOld = stored.version === before && stored.value === "one" && stored.expiresAt === desk.now + MINUTE;
  const isNew = stored.version !== before && stored.value === entry.value && stored.expiresAt === entry.expiresAt;
  check(isOld || isNew, "a failed change must have taken effect completely or not at all");
}

async function recovers(desk: Desk, key: string): Promise<void> {
  for (const end = Date.now() + RECOVERY_MS; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const error = await thrownBy(() => desk.get(key));
    if (error === undefined) return;
    check(
      Date.now() < end,
      `the storage must recover after its connections were closed; it fails with ${codeOf(error)}`,
    );
  }
}

/** Returns the same storage, with a counter of its calls. */
function counting(storage: Storage): { storage: Storage; calls(): number } {
  let calls = 0;
  const counted = new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        calls++;
        return Reflect.apply(value, target, args);
      };
    },
  });
  return { storage: counted, calls: () => calls };
}

async function thrownBy(act: () => unknown): Promise<unknown> {
  try {
    await act();
  } catch (error) {
    return error ?? new Error("undefined was thrown");
  }
  return undefined;
}

function codeOf(error: unknown): string {
  if (error === undefined) return "succeed";
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : error instanceof Error ? error.message : "something else";
}
