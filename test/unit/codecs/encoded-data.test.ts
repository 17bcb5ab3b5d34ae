import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EncodedData, type Changed } from "#dist/codecs/encoded-data.js";

const key = fc.oneof(
  fc.constantFrom("", "a", "b", "cart", "__proto__", '"', "\\", "a\nb", "1", "\u0000", "茶"),
  fc.string({ unit: "binary", maxLength: 4 }),
);
const text = fc.json({ maxDepth: 1 });
const texts = fc.array(fc.tuple(key, text), { maxLength: 12 }).map((pairs) => new Map(pairs));
const changes = fc
  .array(fc.tuple(key, fc.option(text, { nil: undefined })), { maxLength: 5 })
  .map(
    (pairs) => new Map<string, Changed>(pairs.map(([name, one]) => [name, one === undefined ? {} : { text: one }])),
  );

function assertSame(found: EncodedData, expected: ReadonlyMap<string, string>): void {
  for (const name of [...expected.keys(), "nobody's"]) assert.equal(found.get(name), expected.get(name), name);
  assert.deepEqual([...found], [...expected]);
  assert.deepEqual([found.keys(), found.isEmpty], [[...expected.keys()], expected.size === 0]);
}

test("encoded data has the content of a Map, looked up in its lines or in a table", () => {
  fc.assert(fc.property(texts, (expected) => assertSame(EncodedData.of(expected), expected)));
});

test("changed data has the content of the changed Map, and unchanged keys keep their place", () => {
  const run = (before: ReadonlyMap<string, string>, changed: ReadonlyMap<string, Changed>): Map<string, string> => {
    const after = new Map(before);
    for (const [name, { text: one }] of changed)
      if (one === undefined) after.delete(name);
      else after.set(name, one);
    return after;
  };
  fc.assert(
    fc.property(texts, fc.array(changes, { maxLength: 3 }), (stored, rounds) => {
      let [found, expected]: [EncodedData, ReadonlyMap<string, string>] = [EncodedData.of(stored), stored];
      for (const one of rounds) [found, expected] = [found.with(one), run(expected, one)];
      assertSame(found, expected);
      assert.equal(EncodedData.of(expected).lines, found.lines);
    }),
  );
});

test("of all keys only the named ones are kept", () => {
  fc.assert(
    fc.property(texts, fc.array(key), (stored, names) =>
      assertSame(
        EncodedData.of(stored).only(new Set(names)),
        new Map([...stored].filter(([name]) => names.includes(name))),
      ),
    ),
  );
});

test("lines are read as they were written", () => {
  fc.assert(
    fc.property(
      texts,
      (stored) => stored.size === 0 || assertSame(EncodedData.read(EncodedData.of(stored).lines)!, stored),
    ),
  );
});

test("lines in another format are damaged: without a value, without quotes, with quotes or escapes that are not a key's", () => {
  for (const lines of [
    "",
    "\n",
    '"a"',
    '"a"\n1\n',
    '"a"\n1\n"b"',
    "a\n1",
    'a"\n1',
    '"a\n1',
    '"a"b"\n1',
    '"\n1',
    '"\\u0061"\n1',
    '"\\q"\n1',
    '"a"\n1\n"\\"\n1',
    '"b\\n"\n1\n"a"b"\n1',
  ]) {
    assert.equal(EncodedData.read(lines), undefined, lines);
  }
});
