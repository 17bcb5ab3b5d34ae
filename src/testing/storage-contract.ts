import { CLOCK_SKEW_MS, type Version } from "../contracts/storage.js";
import { utf8Length } from "../util/bytes.js";
import { accepted, check, type Desk, MINUTE, refused, same } from "./storage-desk.js";

/** Largest value the suite writes, in bytes; less where the storage says so. */
const LARGE_BYTES = 1024 * 1024;

/** What a value may look like; each of these was once broken by some client. */
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

/** What a key may look like: visible ASCII. No two are the same, in any letter case. */
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

/** What one caller sees. */
export const CONTRACT_CASES: Readonly<Record<string, (desk: Desk) => Promise<void>>> = {
  async "get answers nothing for a key that was never written"(desk) {
    check((await desk.get(desk.key())) == null, "get of an absent key must answer nothing");
  },

  async "create inserts, and get answers value, deadline and version"(desk) {
    const key = desk.key();
    const written = accepted(await desk.create(key, desk.entry("one")), "create of an absent key");
    const stored = await desk.holds(key, desk.entry("one"));
    if (written.version !== undefined)
      check(same(written.version, stored.version), "create must answer the version that get answers");
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
      check(same(written.version, stored.version), "update must answer the version that get answers");
  },

  async "the version a change answers is good for the next change"(desk) {
    const key = desk.key();
    let version = await desk.versionAfter(key, await desk.create(key, desk.entry("0")));
    for (let i = 1; i <= 5; i++) {
      version = await desk.versionAfter(key, await desk.update(key, desk.entry(`${i}`), version));
      version = await desk.versionAfter(key, await desk.touch(key, desk.now + MINUTE + i, version));
    }
    await desk.holds(key, desk.entry("5", MINUTE + 5));
    check(await desk.delete(key, version), "delete of the version that the last change answered");
  },

  async "update of an earlier version is refused and changes nothing"(desk) {
    const [key, first] = await desk.updated("one", "two");
    refused(await desk.update(key, desk.entry("three", 3 * MINUTE), first), "update of an earlier version");
    await desk.holds(key, desk.entry("two"));
  },

  async "update with the same value is a change all the same"(desk) {
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
    check((await desk.get(key)) == null, "update must not create what was deleted");
    const never = desk.key();
    refused(await desk.update(never, desk.entry("two"), version), "update of a key that was never written");
    check((await desk.get(never)) == null, "update must not create what was never there");
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
    check((await desk.get(key)) == null, "touch must not bring back what was deleted");
  },

  async "delete removes the version it names"(desk) {
    const key = await desk.created("one");
    check(
      (await desk.delete(key, (await desk.stored(key)).version)) === true,
      "delete of the stored version must answer true",
    );
    check((await desk.get(key)) == null, "what was deleted must be gone");
  },

  async "delete of an earlier version is refused and changes nothing"(desk) {
    const [key, first] = await desk.updated("one", "two");
    check((await desk.delete(key, first)) === false, "delete of an earlier version must answer false");
    await desk.holds(key, desk.entry("two"));
  },

  async "delete of what is absent answers false and is no error"(desk) {
    const key = await desk.created("one");
    const { version } = await desk.stored(key);
    await desk.delete(key, version);
    check((await desk.delete(key, version)) === false, "a second delete must answer false");
    check(
      (await desk.delete(desk.key(), version)) === false,
      "delete of a key that was never written must answer false",
    );
  },

  async "a key deleted and created again never shows an earlier version"(desk) {
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

  async "nothing is lost before its deadline, nor in the five minutes after it"(desk) {
    const key = await desk.created("one", 1000);
    for (const after of [0, 999, 1000, 1001, 1000 + CLOCK_SKEW_MS - 1]) {
      const later = desk.at(desk.now + after);
      await later.storage.sweep?.(later.call);
      await desk.bustle(later);
      check((await later.get(key)) != null, `an entry must still be there ${after - 1000} ms after its deadline`);
    }
    refused(
      await desk.at(desk.now + 2000).create(key, desk.entry("two")),
      "create of a key whose entry expired a second ago",
    );
    await desk.holds(key, desk.entry("one", 1000));
  },

  async "what expired is not replaced by create, nor forgotten by a change of its own version"(desk) {
    const key = await desk.created("one", 1000);
    const later = desk.at(desk.now + 60_000);
    accepted(
      await later.update(key, { value: "two", expiresAt: later.now + 1000 }, (await desk.stored(key)).version),
      "update of an entry past its deadline: the store decides what has expired",
    );
    check((await later.stored(key)).value === "two", "the update must be there");
  },

  async "servers whose clocks are five minutes apart lose nothing"(desk) {
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
      check((await reading.stored(key)).value === "two", "both servers see the last value");
    }
  },

  async "keys are told apart exactly"(desk) {
    const base = desk.key();
    for (const [i, name] of HOSTILE_KEYS.entries())
      accepted(await desk.create(`${base}:${name}`, desk.entry(`${i}`)), `create of the key ${name}`);
    for (const [i, name] of HOSTILE_KEYS.entries()) await desk.holds(`${base}:${name}`, desk.entry(`${i}`));
    check(
      await desk.delete(`${base}:a%b`, (await desk.stored(`${base}:a%b`)).version),
      "delete of a key with a wildcard",
    );
    check((await desk.get(`${base}:a%b`)) == null, "the key itself is gone");
    await desk.holds(`${base}:a_b`, desk.entry(`${HOSTILE_KEYS.indexOf("a_b")}`));
  },

  async "values come back as they went in"(desk) {
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

  async "large values come back whole"(desk) {
    const most = Math.min(LARGE_BYTES, desk.storage.maxValueBytes ?? Infinity);
    for (const letter of ["x", "é", "漢", "😀"]) {
      const value = letter.repeat(Math.floor(most / utf8Length(letter)));
      check(
        (await desk.stored(await desk.created(value))).value === value,
        `${most} bytes of ${letter} must come back whole`,
      );
    }
  },
};
