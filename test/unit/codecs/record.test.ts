import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { RecordCodec, remember, remembers, type Marker, type SessionRecord } from "#dist/codecs/record.js";
import { EncodedData, checksum } from "#dist/codecs/encoded-data.js";

const codec = new RecordCodec("shop");
const HASH = "h".repeat(43);
const RECORD: SessionRecord = {
  kind: "record",
  createdAt: 1_700_000_000_000,
  authenticatedAt: 1_700_000_000_500,
  idle: 60_000,
  absolute: 1_700_009_000_000,
  promised: 1_700_000_060_000,
  owner: "ada",
  writes: "abcdefABCDEF",
  data: EncodedData.of([
    ["n", "1"],
    ["cart", '[{"id":7,"name":"Tea \\n 茶"}]'],
    ["a\nb", '"x"'],
    ['"quoted\\"', "null"],
    ["", '""'],
    ["__proto__", '{"a":1}'],
  ]),
};
const MARKER: Marker = { kind: "marker", retiredAt: 1_700_000_000_000, successor: "s".repeat(43) };

/** A text with an envelope that fits it. */
const sealed = (body: string, format = "1"): string => `${format}:${checksum(format, body)}\n${body}`;
const kindOf = (value: string, hash = HASH): string => codec.decode(hash, value).kind;

/** Nothing damaged is ever taken for something else than it was. */
function neverAnother(damaged: string, original: SessionRecord | Marker, what: string): void {
  const decoded = codec.decode(HASH, damaged);
  if (decoded.kind === "record" || decoded.kind === "marker") assert.deepStrictEqual(decoded, original, what);
}

test("records and markers come back as they were", () => {
  assert.deepStrictEqual(codec.decode(HASH, codec.encode(HASH, RECORD)), RECORD);
  assert.deepStrictEqual(codec.decode(HASH, codec.encode(HASH, MARKER)), MARKER);
});

test("any record comes back as it was", () => {
  const time = fc.option(fc.integer({ min: 0, max: 2 ** 52 }), { nil: undefined });
  const record = fc.record({
    createdAt: fc.integer({ min: 0 }),
    authenticatedAt: time,
    idle: time,
    absolute: time,
    promised: time,
    owner: fc.option(fc.string({ unit: "binary" }), { nil: undefined }),
    writes: fc.constantFrom("", "abcdef", "abcdef".repeat(8)),
    data: fc
      .array(fc.tuple(fc.string({ unit: "binary" }), fc.json()), { maxLength: 5 })
      .map((pairs) => EncodedData.of(new Map(pairs))),
  });
  fc.assert(
    fc.property(record, (one) => {
      const whole: SessionRecord = { kind: "record", ...one };
      assert.deepStrictEqual(codec.decode(HASH, codec.encode(HASH, whole)), whole);
    }),
  );
});

test("what is absent costs no byte", () => {
  const text = codec.encode(HASH, { kind: "record", createdAt: 1, writes: "", data: EncodedData.none });
  assert.deepEqual(Object.keys(JSON.parse(text.split("\n")[1]!)), ["k", "n", "c", "w"]);
});

for (const original of [RECORD, MARKER]) {
  test(`attack 67: a ${original.kind} cut at any place, or longer than it was, is no session`, () => {
    const text = codec.encode(HASH, original);
    for (let at = 0; at < text.length; at++) assert.equal(kindOf(text.slice(0, at)), "unreadable", `cut at ${at}`);
    for (const more of ["\n", " ", "0", '\n"k"\n1', text]) assert.equal(kindOf(text + more), "unreadable");
    for (let at = 1; at < text.length; at += 7) assert.equal(kindOf(text.slice(at)), "unreadable", `begun at ${at}`);
  });

  test(`attack 67: a ${original.kind} with any one bit flipped is never another one`, () => {
    const bytes = Buffer.from(codec.encode(HASH, original));
    let unreadable = 0;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      const text = damaged.toString("utf8");
      assert.notEqual(kindOf(text), "newer", `bit ${bit}: damage is not taken for a newer format`);
      neverAnother(text, original, `bit ${bit}`);
      if (kindOf(text) === "unreadable") unreadable++;
    }
    assert.equal(unreadable, bytes.length * 8);
  });

  test(`attack 67: a ${original.kind} with any two lines exchanged, or one left out, is no session`, () => {
    const lines = codec.encode(HASH, original).split("\n");
    for (let i = 0; i < lines.length; i++) {
      assert.equal(kindOf(lines.filter((_, at) => at !== i).join("\n")), "unreadable");
      for (let j = i + 1; j < lines.length; j++) {
        if (lines[i] === lines[j]) continue;
        const exchanged = [...lines];
        [exchanged[i], exchanged[j]] = [lines[j]!, lines[i]!];
        assert.equal(kindOf(exchanged.join("\n")), "unreadable");
      }
    }
  });
}

test("attack 67: a damaged record is never read as another record", () => {
  const text = codec.encode(HASH, RECORD);
  fc.assert(
    fc.property(fc.nat(text.length), fc.nat(20), fc.string({ unit: "binary", maxLength: 6 }), (at, cut, put) =>
      neverAnother(text.slice(0, at) + put + text.slice(at + cut), RECORD, "damaged"),
    ),
    { numRuns: 3000 },
  );
});

test("attack 67: what is no record at all is no session, whatever it is", () => {
  const foreign = [
    "",
    " ",
    "null",
    "{}",
    "[]",
    "0",
    "undefined",
    "<html>502 Bad Gateway</html>",
    "s:abc.def",
    '{"cookie":{"maxAge":1}}',
    gzipSync("x").toString("latin1"),
    "1:\n",
    "1:0\n",
    "1:zzzzzzz\n{}",
    "0:1\n{}",
    "-1:1\n",
    "01:1\n{}",
    "1e3:1\n",
    "\u0000",
    "1".repeat(100_000),
    ":".repeat(100_000),
  ];
  for (const value of foreign) assert.equal(kindOf(value), "unreadable", value.slice(0, 40));
  fc.assert(fc.property(fc.string({ unit: "binary" }), (value) => kindOf(value) === "unreadable"));
});

test("attacks 68, 69: a record of another key or namespace is not accepted, with the reason", () => {
  const text = codec.encode(HASH, RECORD);
  assert.deepEqual(codec.decode("x".repeat(43), text), {
    kind: "unreadable",
    why: "it is the record of another key",
  });
  assert.deepEqual(new RecordCodec("blog").decode(HASH, text), {
    kind: "unreadable",
    why: "it is the record of another namespace",
  });
  assert.equal(codec.decode("x".repeat(43), codec.encode(HASH, MARKER)).kind, "unreadable");
});

test("attack 65: a newer format is distinguished from damage by its checksum, whatever it contains", () => {
  assert.equal(kindOf(sealed("anything\nat all", "2")), "newer");
  assert.equal(kindOf(sealed("", "9999")), "newer");
  assert.equal(kindOf(sealed("x", "10000")), "unreadable");
  assert.equal(kindOf(sealed("anything", "2").replace("anything", "something")), "unreadable");
});

test("attack 65: metadata that is missing, of a wrong type or out of range is no session", () => {
  const good = { k: HASH, n: "shop", c: 1, w: "" };
  assert.equal(kindOf(sealed(JSON.stringify(good))), "record");
  const bad = [
    { ...good, c: undefined },
    { ...good, c: "1" },
    { ...good, c: null },
    { ...good, w: undefined },
    { ...good, w: 5 },
    { ...good, a: "x" },
    { ...good, i: {} },
    { ...good, x: null },
    { ...good, p: [] },
    { ...good, o: 5 },
    { ...good, k: undefined },
    { ...good, n: undefined },
    { ...good, s: 5, r: 1 },
    { ...good, s: "s", r: "1" },
    { ...good, s: "s" },
    null,
    [],
    5,
    "x",
  ];
  for (const head of bad) assert.equal(kindOf(sealed(JSON.stringify(head))), "unreadable", JSON.stringify(head));
  assert.equal(kindOf(sealed(`{"k":"${HASH}","n":"shop","c":1e999,"w":""}`)), "unreadable");
});

test("data lines that are not pairs, or whose keys are not strings, are not accepted", () => {
  const head = JSON.stringify({ k: HASH, n: "shop", c: 1, w: "" });
  for (const lines of ['"n"', '"n"\n1\n"m"', "n\n1", "5\n1", "{}\n1", '"n\n1', '"a\\"\n1'])
    assert.equal(kindOf(sealed(`${head}\n${lines}`)), "unreadable", lines);
});

test("attack 65: extra metadata of a later version of this format is borne", () => {
  assert.equal(kindOf(sealed(JSON.stringify({ k: HASH, n: "shop", c: 1, w: "", z: { later: true } }))), "record");
});

test("attack 60: metadata that names __proto__ pollutes nothing", () => {
  kindOf(
    sealed(
      `{"__proto__":{"s":"x"},"k":"${HASH}","n":"shop","c":1,"w":"","constructor":{"prototype":{"admin":true}}}`,
    ),
  );
  assert.equal(({} as any).s, undefined);
  assert.equal(({} as any).admin, undefined);
});

test("the last eight write ids are remembered, and only whole ones", () => {
  let writes = "";
  const ids = Array.from({ length: 12 }, (_, i) => `id${String(i).padStart(4, "0")}`);
  for (const id of ids) writes = remember(writes, id);
  assert.equal(writes.length, 48);
  assert.deepEqual(
    ids.filter((id) => remembers(writes, id)),
    ids.slice(4),
  );
  assert.equal(remembers("aabbccddeeff", "ccddee"), false, "a text across two ids is none");
  assert.equal(remembers("", "abcdef"), false);
});
