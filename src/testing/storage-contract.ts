import { CLOCK_SKEW_MS, type Version } from "../contracts/storage.js";
import { utf8Length } from "../util/bytes.js";
import { accepted, check, type Desk, MINUTE, refused, same } from "./storage-desk.js";

/** Size of the largest value in the suite, in bytes; less if the storage has a lower limit. */
const LARGE_BYTES = 1024 * 1024;

/** Difficult values; each of these was once corrupted by some client. */
const HOSTILE_VALUES: Readonly<Record<string, string>> = {
  empty: "",
  "one blank": " ",
  "blanks around": "  x \t\r\n",
  "U+0000": "\u0000",
  "U+0000 inside": "a\u0000b\u0000",
  "every control character": Array.from({ length: 0xa0 }, (_, unit) => String.fromCharCode(unit)).join(""),
  "line separators": "a\nb\r\nc\u2028d\u2029e\u0085f",
  "a byte order mark first": "\ufeffx",
  "astral characters": "𐀀😀👩‍👩‍👧‍👦\u{10ffff}",
  "the last of two and three bytes": "\u07ff\u0800\ud7ff\ue000\ufffd\uffff",
  "composed and decomposed": "é e\u0301 Å \u212b",
  "a number": "007",
  "a large number": "12345678901234567890",
  "a word of JSON": "null",
  JSON: '{"a":[1,"\\u0000"],"__proto__":{}}',
  "quotes and commands": `'"\`; DROP TABLE sessions; -- $1 :name ? %s \\x00 \\`,
  "a protocol's own words": "\r\n$5\r\nhello\r\nEND\r\nVALUE x 0 1\r\n",
};

/** Difficult keys: visible ASCII. No two are the same when case is ignored, except the first two. */
const HOSTILE_KEYS = [
  "a",
  "A",
  "a:b",
  "a_b",
  "a%b",
  "a*b",
  "a?b",
  "[ab]",
  "{a}b",
  "a'b",
  'a"b',
  "a`b",
  "a;b--",
  "a\\b",
  "a/b",
  "../a",
  "$ne",
  "__proto__",
  "constructor",
  "%00",
  "+",
  "=",
  "~",
  "k".repeat(150),
];

/** One caller. */
export const CONTRACT_CASES: Readonly<Record<string, (desk: Desk) => Promise<void>>> = {
  async "get returns nothing for a key that was never written"(desk) {
    check((await desk.get(desk.key())) == null, "get of an absent key must return nothing");
  },

  async "create inserts, and get returns value, deadline and version"(desk) {
    const key = desk.key();
    const written = accepted(await desk.create(key, desk.entry("one")), "create of an absent key");
    const stored = await desk.holds(key, desk.entry("one"));
    if (written.version !== undefined)
      check(same(written.version, stored.version), "create must return the version that get returns");
  },

  async "create inserts only if the key is absent"(desk) {
    const key = await desk.created("one");
    const before = await desk.stored(key);
    refused(await desk.create(key, desk.entry("two", 2 * MINUTE)), "create of a key that exists");
    await desk.holds(key, desk.entry("one"));
    check(same((await desk.stored(key)).version, before.version), "a refused create must not change the version");
  },

  async "update replaces value and deadline of the version it names, and gives it another one"(desk) {
    const key = await desk.created("one");
    const first = (await desk.stored(key)).version;
    const written = accepted(
      await desk.update(key, desk.entry("two", 2 * MINUTE), first),
      "update of the stored version",
    );
    const stored = await desk.holds(key, desk.entry("two", 2 * MINUTE));
    check(!same(stored.version, first), "an update must change the version");
    if (written.version !== undefined)
      check(same(written.version, stored.version), "update must return the version that get returns");
  },

  async "the version that a change returns can be used for the next change"(desk) {
    const key = desk.key();
    let version = await desk.versionAfter(key, await desk.create(key, desk.entry("0")));
    for (let i = 1; i <= 5; i++) {
      version = await desk.versionAfter(key, await desk.update(key, desk.entry(`${i}`), version));
      version = await desk.versionAfter(key, await desk.touch(key, desk.now + MINUTE + i, version));
    }
    await desk.holds(key, desk.entry("5", MINUTE + 5));
    check(await desk.delete(key, version), "delete of the version that the last change returned");
  },

  async "update of an earlier version is refused and changes nothing"(desk) {
    const [key, first] = await desk.updated("one", "two");
    refused(await desk.update(key, desk.entry("three", 3 * MINUTE), first), "update of an earlier version");
    await desk.holds(key, desk.entry("two"));
  },

  async "update with the same value still changes the version"(desk) {
    const [key, first] = await desk.updated("one", "one");
    refused(
      await desk.update(key, desk.entry("two"), first),
      "update of an earlier version, whose value was the same",
    );
    await desk.holds(key, desk.entry("one"));
  },

  async "update never creates"(desk) {
    const key = await desk.created("one");
    const { version } = await desk.stored(key);
    check(await desk.delete(key, version), "delete of the stored version");
    refused(await desk.update(key, desk.entry("two"), version), "update of a key that was deleted");
    check((await desk.get(key)) == null, "update must not create a deleted key");
    const never = desk.key();
    refused(await desk.update(never, desk.entry("two"), version), "update of a key that was never written");
    check((await desk.get(never)) == null, "update must not create a key");
  },

  async "touch moves the deadline, later or earlier, and keeps the value"(desk) {
    const key = await desk.created("one");
    for (const ms of [7 * MINUTE + 1, 30_001, 3 * MINUTE]) {
      accepted(await desk.touch(key, desk.now + ms, (await desk.stored(key)).version), "touch of the stored version");
      await desk.holds(key, desk.entry("one", ms));
    }
  },

  async "touch of an earlier version is refused and changes nothing"(desk) {
    const [key, first] = await desk.updated("one", "two");
    refused(await desk.touch(key, desk.now + 9 * MINUTE, first), "touch of an earlier version");
    await desk.holds(key, desk.entry("two"));
  },

  async "touch never creates"(desk) {
    const key = await desk.created("one");
    const { version } = await desk.stored(key);
    await desk.delete(key, version);
    refused(await desk.touch(key, desk.now + MINUTE, version), "touch of a key that was deleted");
    refused(await desk.touch(desk.key(), desk.now + MINUTE, version), "touch of a key that was never written");
    check((await desk.get(key)) == null, "touch must not restore a deleted key");
  },

  async "delete removes the version it names"(desk) {
    const key = await desk.created("one");
    check(
      (await desk.delete(key, (await desk.stored(key)).version)) === true,
      "delete of the stored version must return true",
    );
    check((await desk.get(key)) == null, "a deleted entry must not exist");
  },

  async "delete of an earlier version is refused and changes nothing"(desk) {
    const [key, first] = await desk.updated("one", "two");
    check((await desk.delete(key, first)) === false, "delete of an earlier version must return false");
    await desk.holds(key, desk.entry("two"));
  },

  async "delete of an absent key returns false and is not an error"(desk) {
    const key = await desk.created("one");
    const { version } = await desk.stored(key);
    await desk.delete(key, version);
    check((await desk.delete(key, version)) === false, "a second delete must return false");
    check(
      (await desk.delete(desk.key(), version)) === false,
      "delete of a key that was never written must return false",
    );
  },

  async "a key that was deleted and created again never has an earlier version"(desk) {
    const key = desk.key();
    const earlier: Version[] = [];
    for (let round = 0; round < 6; round++) {
      accepted(await desk.create(key, desk.entry(`${round}`)), "create of an absent key");
      if (round % 2 === 1)
        accepted(
          await desk.update(key, desk.entry(`${round}`), (await desk.stored(key)).version),
          "update of the stored version",
        );
      const { version } = await desk.stored(key);
      for (const old of earlier) await desk.refusesAll(key, old);
      await desk.holds(key, desk.entry(`${round}`));
      earlier.push(version);
      check(await desk.delete(key, version), "delete of the stored version");
    }
  },

  async "deadlines are exact to the millisecond, near and far"(desk) {
    for (const ms of [
      1,
      999,
      1000,
      1001,
      59_999,
      1_800_123,
      86_400_007,
      400 * 86_400_000 + 1,
      100 * 365 * 86_400_000 + 3,
    ]) {
      const key = desk.key();
      accepted(await desk.create(key, desk.entry("one", ms)), "create of an absent key");
      await desk.holds(key, desk.entry("one", ms));
      const { version } = await desk.stored(key);
      accepted(await desk.touch(key, desk.now + ms + 1, version), "touch of the stored version");
      await desk.holds(key, desk.entry("one", ms + 1));
    }
  },

  async "no entry is lost before its deadline, nor in the five minutes after it"(desk) {
    const key = await desk.created("one", 1000);
    for (const after of [0, 999, 1000, 1001, 1000 + CLOCK_SKEW_MS - 1]) {
      const later = desk.at(desk.now + after);
      await later.storage.sweep?.(later.call);
      await desk.bustle(later);
      check((await later.get(key)) != null, `an entry must still exist ${after - 1000} ms after its deadline`);
    }
    refused(
      await desk.at(desk.now + 2000).create(key, desk.entry("two")),
      "create of a key whose entry expired a second ago",
    );
    await desk.holds(key, desk.entry("one", 1000));
  },

  async "an expired entry is not replaced by create, and can be updated"(desk) {
    const key = await desk.created("one", 1000);
    const later = desk.at(desk.now + 60_000);
    accepted(
      await later.update(key, { value: "two", expiresAt: later.now + 1000 }, (await desk.stored(key)).version),
      "update of an entry past its deadline: the store decides what has expired",
    );
    check((await later.stored(key)).value === "two", "the update must be stored");
  },

  async "servers with clocks five minutes apart lose no entry"(desk) {
    for (const [writer, reader] of [
      [-CLOCK_SKEW_MS, 0],
      [CLOCK_SKEW_MS, 0],
      [0, CLOCK_SKEW_MS],
      [0, -CLOCK_SKEW_MS],
    ] as const) {
      const [writing, reading] = [desk.at(desk.now + writer), desk.at(desk.now + reader)];
      const key = await writing.created("one", 2 * MINUTE);
      await reading.storage.sweep?.(reading.call);
      await desk.bustle(reading);
      const stored = await reading.holds(key, writing.entry("one", 2 * MINUTE));
      accepted(
        await reading.update(key, reading.entry("two"), stored.version),
        "update by a server with another clock",
      );
      accepted(
        await writing.touch(key, writing.now + MINUTE, (await writing.stored(key)).version),
        "touch by a server with another clock",
      );
      check((await reading.stored(key)).value === "two", "both servers read the last value");
    }
  },

  async "keys are compared exactly"(desk) {
    const base = desk.key();
    for (const [i, name] of HOSTILE_KEYS.entries())
      accepted(await desk.create(`${base}:${name}`, desk.entry(`${i}`)), `create of the key ${name}`);
    for (const [i, name] of HOSTILE_KEYS.entries()) await desk.holds(`${base}:${name}`, desk.entry(`${i}`));
    check(
      await desk.delete(`${base}:a%b`, (await desk.stored(`${base}:a%b`)).version),
      "delete of a key with a wildcard",
    );
    check((await desk.get(`${base}:a%b`)) == null, "the key itself is deleted");
    await desk.holds(`${base}:a_b`, desk.entry(`${HOSTILE_KEYS.indexOf("a_b")}`));
  },

  async "values are returned as they were written"(desk) {
    for (const [what, value] of Object.entries(HOSTILE_VALUES)) {
      const key = await desk.created(value);
      check((await desk.stored(key)).value === value, `create must keep ${what}`);
      const other = await desk.created("other");
      accepted(
        await desk.update(other, desk.entry(value), (await desk.stored(other)).version),
        "update of the stored version",
      );
      check((await desk.stored(other)).value === value, `update must keep ${what}`);
    }
  },

  async "large values are returned completely"(desk) {
    const most = Math.min(LARGE_BYTES, desk.storage.maxValueBytes ?? Infinity);
    for (const letter of ["x", "é", "漢", "😀"]) {
      const value = letter.repeat(Math.floor(most / utf8Length(letter)));
      check(
        (await desk.stored(await desk.created(value))).value === value,
        `${most} bytes of ${letter} must be returned completely`,
      );
    }
  },
};
