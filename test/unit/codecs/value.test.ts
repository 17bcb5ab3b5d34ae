import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SessionError } from "holdfast";
import { ValueCodec } from "#dist/codecs/value.js";

const codec = new ValueCodec(65_536);
const again = (value: unknown): unknown => codec.decode(codec.encode(value, "k"), "k");

class Money {
  readonly cents: number;
  readonly currency: string;
  constructor(cents: number, currency: string) {
    this.cents = cents;
    this.currency = currency;
  }
}
class Purse {
  readonly held: Money[];
  constructor(held: Money[]) {
    this.held = held;
  }
}
const MONEY = {
  class: Money,
  encode: (money: Money) => [money.cents, money.currency],
  decode: ([cents, currency]: [number, string]) => new Money(cents, currency),
};
const PURSE = { class: Purse, encode: (purse: Purse) => purse.held, decode: (held: Money[]) => new Purse(held) };

/** Runs a call that must throw a SessionError; answers it. */
function refusal(work: () => unknown): SessionError {
  try {
    work();
  } catch (error) {
    assert.equal((error as Error).name, "SessionError", String((error as Error).stack));
    return error as SessionError;
  }
  throw new assert.AssertionError({ message: "nothing was thrown" });
}

const KINDS: Record<string, unknown> = {
  "a text": 'héllo \u0000 \ud83d\ude00 \u2028 " \\ \n',
  "an empty text": "",
  "a number": 1.5,
  "a large number": Number.MAX_VALUE,
  "a tiny number": Number.MIN_VALUE,
  "-0": -0,
  NaN: Number.NaN,
  Infinity: Infinity,
  "-Infinity": -Infinity,
  true: true,
  null: null,
  undefined: undefined,
  "a bigint": 123456789012345678901234567890n,
  "a negative bigint": -5n,
  "a Date": new Date(1_700_000_000_123),
  "a URL": new URL("https://user@example.com:8443/a?b=%20#c"),
  bytes: new Uint8Array([0, 1, 254, 255]),
  "no bytes": new Uint8Array(0),
  "a Map": new Map<unknown, unknown>([
    ["a", 1],
    [2, new Map([[null, undefined]])],
    [{ deep: true }, [Number.NaN]],
  ]),
  "a Set": new Set<unknown>([1, "a", new Set(), [undefined]]),
  "an array": [1, [2, [3, undefined, null, -0]]],
  "an object": { a: { b: { c: [{ d: 1 }] } }, "": 0, " ": 1, "a.b": 2, "\u0000": 3 },
  "an object that looks like a tag": { $: "date", v: 5 },
  "an object that looks like an escaped tag": { $: "object", v: [["a", 1]] },
  "an object with a key $ of any kind": [
    { $: 1 },
    { $: { $: "map", v: [] } },
    { $: undefined },
    { a: { $: "bigint" } },
  ],
  "a text that looks like a tag": '{"$":"date","v":5}',
  "texts of other serialisers": [
    "_$$ND_FUNC$$_function(){}()",
    { json: {}, meta: { values: ["Date"] } },
    { $type: "Date" },
    '[["Date",0]]',
  ],
};

for (const [name, value] of Object.entries(KINDS)) {
  test(`attack 63: ${name} comes back as it was`, () => {
    assert.deepStrictEqual(again(value), value);
    assert.deepStrictEqual(again({ in: [value] }), { in: [value] });
    assert.equal(
      codec.encode(again(value), "k"),
      codec.encode(value, "k"),
      "and has the same text again, so that reading is no change",
    );
    assert.doesNotMatch(codec.encode(value, "k"), /[\n\r]/, "in one line");
  });
}

test("an invalid Date comes back as one", () => {
  const back = again(new Date(Number.NaN)) as Date;
  assert.ok(back instanceof Date && Number.isNaN(back.getTime()));
});

test("any structure comes back as it was", () => {
  const { value } = fc.letrec((tie) => ({
    leaf: fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.double(),
      fc.boolean(),
      fc.constantFrom(null, undefined, Infinity, -Infinity, Number.NaN, -0),
      fc.bigInt(),
      fc.date({ noInvalidDate: true }),
      fc.uint8Array({ maxLength: 8 }),
      fc.webUrl().map((url) => new URL(url)),
    ),
    key: fc.oneof(
      fc.string({ maxLength: 4 }),
      fc.constantFrom("$", "v", "__proto__", "constructor", "prototype", "toJSON", "then", "length"),
    ),
    node: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      tie("leaf"),
      fc.array(tie("node"), { maxLength: 3 }),
      fc
        .array(fc.tuple(tie("key"), tie("node")), { maxLength: 4 })
        .map((pairs) => Object.fromEntries(pairs as [string, unknown][])),
      fc
        .array(fc.tuple(tie("node"), tie("node")), { maxLength: 3 })
        .map((pairs) => new Map(pairs as [unknown, unknown][])),
      fc.array(tie("node"), { maxLength: 3 }).map((members) => new Set(members)),
    ),
    value: tie("node"),
  }));
  fc.assert(
    fc.property(value, (one) => {
      const text = codec.encode(one, "k");
      assert.deepStrictEqual(codec.decode(text, "k"), one);
      assert.equal(codec.encode(codec.decode(text, "k"), "k"), text);
    }),
    { numRuns: 2000 },
  );
  assert.equal(({} as any).polluted, undefined);
});

test("attacks 59, 60: keys like __proto__ are ordinary keys, and pollute nothing", () => {
  const value = JSON.parse(
    '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"a":{"__proto__":{"admin":true},"$":1}}',
  );
  const back = again(value) as any;
  assert.deepStrictEqual(Object.keys(back), ["__proto__", "constructor", "a"]);
  assert.equal(Object.getPrototypeOf(back), Object.prototype);
  assert.equal(back.admin, undefined);
  assert.equal(back.a.admin, undefined);
  assert.equal(({} as any).admin, undefined);
  assert.deepStrictEqual(Object.getOwnPropertyDescriptor(back, "__proto__")?.value, { admin: true });
});

test("an object without a prototype is stored as a plain one", () => {
  const bare = Object.assign(Object.create(null) as object, { a: 1 });
  assert.deepStrictEqual(again(bare), { a: 1 });
});

const cyclic: any = { a: { b: [] } };
cyclic.a.b.push(cyclic);
const cyclicMap = new Map<unknown, unknown>();
cyclicMap.set("self", cyclicMap);
let deep: unknown = 0;
for (let i = 0; i < 100_000; i++) deep = [deep];
const holes = [1];
holes.length = 100_000_000;
const throwing = {
  fine: 1,
  get bad(): never {
    throw new RangeError("mine");
  },
};

const REFUSED: [name: string, value: unknown, code: string, message: RegExp][] = [
  ["a function", () => {}, "unserializable", /^"k" is a function/],
  ["a function inside", { a: [0, { b() {} }] }, "unserializable", /^"k"\.a\[1\]\.b is a function/],
  ["a symbol", Symbol("x"), "unserializable", /^"k" is a symbol/],
  ["a symbol as a key", { [Symbol("x")]: 1 }, "unserializable", /symbols for keys/],
  ["a cycle", cyclic, "unserializable", /^"k"\.a\.b\[0\] is a reference to what contains it/],
  ["a Map that holds itself", cyclicMap, "unserializable", /reference to what contains it/],
  ["100,000 levels", deep, "unserializable", /nested deeper than 200 levels/],
  ["an array with holes", [1, , 3], "unserializable", /^"k" is an array with holes/], // oxlint-disable-line no-sparse-arrays
  ["an array of a hundred million holes", holes, "unserializable", /holes/],
  ["an array with names", Object.assign([1], { name: 1 }), "unserializable", /named properties/],
  [
    "an instance nobody registered",
    { user: new Money(1, "EUR") },
    "unserializable",
    /^"k"\.user is an instance of Money, which is not registered/,
  ],
  ["a RegExp", /x/, "unserializable", /instance of RegExp/],
  ["an Error", new Error("x"), "unserializable", /instance of Error/],
  ["a WeakMap", new WeakMap(), "unserializable", /instance of WeakMap/],
  ["a Promise", Promise.resolve(1), "unserializable", /a promise, which needs await/],
  ["a boxed number", new Number(1), "unserializable", /instance of Number/], // oxlint-disable-line no-new-wrappers
  ["another typed array", new Float64Array(2), "unserializable", /instance of Float64Array/],
  ["an ArrayBuffer", new ArrayBuffer(2), "unserializable", /instance of ArrayBuffer/],
  ["a getter that throws", { in: throwing }, "unserializable", /^"k"\.in\.bad is a getter that throws/],
  ["toJSON of one's own", { toJSON: () => "other" }, "unserializable", /^"k"\.toJSON is a function/],
  ["an object of another prototype", Object.create({ inherited: 1 }), "unserializable", /instance of/],
  ["a long text", "x".repeat(65_537), "too-large", /"k" takes more than maxRecordBytes \(65536\)/],
  ["a long text of two-byte letters", "é".repeat(40_000), "too-large", /maxRecordBytes/],
  ["50 MB of text", "x".repeat(50_000_000), "too-large", /maxRecordBytes/],
  ["50 MB of bytes", new Uint8Array(50_000_000), "too-large", /maxRecordBytes/],
  ["50 MB of zeros in an array", new Array(50_000_000).fill(0), "too-large", /maxRecordBytes/],
];

for (const [name, value, code, message] of REFUSED) {
  test(`attack 63: ${name} is refused immediately, with the path to it`, () => {
    const start = performance.now();
    const error = refusal(() => codec.encode(value, "k"));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.ok(performance.now() - start < 5000, "in bounded time");
  });
}

test("attack 63: a million keys, and a Map of a million, are refused in bounded time", () => {
  const many = Object.fromEntries(Array.from({ length: 1_000_000 }, (_, i) => [`k${i}`, 0]));
  const start = performance.now();
  assert.equal(refusal(() => codec.encode(many, "k")).code, "too-large");
  assert.ok(performance.now() - start < 5000);
});

test("attack 63: one long string used many times does not multiply the work", () => {
  const long = "x".repeat(60_000);
  const start = performance.now();
  assert.equal(refusal(() => codec.encode(new Array(20_000).fill(long), "k")).code, "too-large");
  assert.equal(
    refusal(() => codec.encode(new Map(Array.from({ length: 20_000 }, (_, i) => [i, { [long]: 1 }])), "k")).code,
    "too-large",
  );
  assert.equal(refusal(() => codec.encode(new Array(20_000).fill(new Uint8Array(40_000)), "k")).code, "too-large");
  assert.ok(performance.now() - start < 3000, `${performance.now() - start} ms`);
});

test("objects that are named twice are stored twice, and a doubling of doublings is refused in bounded time", () => {
  const shared = { n: 1 };
  assert.deepStrictEqual(again([shared, shared]), [{ n: 1 }, { n: 1 }]);
  let doubled: unknown = [1];
  for (let i = 0; i < 100; i++) doubled = [doubled, doubled];
  const start = performance.now();
  assert.equal(refusal(() => codec.encode(doubled, "k")).code, "too-large");
  assert.ok(performance.now() - start < 5000);
});

test("attack 64: the cause of a throwing getter is kept", () => {
  assert.equal((refusal(() => codec.encode(throwing, "k")).cause as Error).message, "mine");
});

test("a message names a long path in short", () => {
  let value: unknown = () => {};
  for (let i = 0; i < 100; i++) value = { abcdefgh: value };
  assert.ok(refusal(() => codec.encode(value, "k")).message.length < 250);
});

test("registered classes come back as instances, inside of everything and of each other", () => {
  const own = new ValueCodec(65_536, { money: MONEY, purse: PURSE });
  const value = {
    list: [new Money(1, "EUR")],
    map: new Map([[new Money(2, "CHF"), new Purse([new Money(3, "USD")])]]),
  };
  assert.deepStrictEqual(own.decode(own.encode(value, "k"), "k"), value);
});

test("a subclass of a registered class is not accepted as that class", () => {
  class Coin extends Money {}
  const own = new ValueCodec(65_536, { money: MONEY });
  assert.match(refusal(() => own.encode(new Coin(1, "EUR"), "k")).message, /instance of Coin/);
});

test("attack 64: a class whose encode() throws or returns a value that cannot be stored is refused, with the path", () => {
  const own = new ValueCodec(65_536, {
    bad: {
      class: Money,
      encode() {
        throw new Error("mine");
      },
      decode: (data) => data,
    },
    worse: { class: Purse, encode: () => () => {}, decode: (data) => data },
  });
  assert.match(
    refusal(() => own.encode({ a: new Money(1, "x") }, "k")).message,
    /^"k"\.a is a bad whose encode\(\) throws/,
  );
  assert.match(refusal(() => own.encode({ a: new Purse([]) }, "k")).message, /^"k"\.a is a function/);
});

test("a stored class that is not registered here: unknown-type, naming key and tag", () => {
  const own = new ValueCodec(65_536, { money: MONEY });
  const text = own.encode([new Money(1, "EUR")], "k");
  const error = refusal(() => codec.decode(text, "purse"));
  assert.equal(error.code, "unknown-type");
  assert.match(error.message, /"purse".*"money".*registerType/);
});

test("attack 60: a tag named like a property of every object is nothing special", () => {
  for (const tag of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    assert.equal(refusal(() => codec.decode(`{"$":${JSON.stringify(tag)},"v":1}`, "k")).code, "unknown-type", tag);
  }
});

test("attack 67: a damaged stored value is a clear error of that key, whatever it is", () => {
  for (const text of [
    "",
    "{",
    "nul",
    '{"$":"bigint","v":"x"}',
    '{"$":"url","v":"no url"}',
    '{"$":"bytes","v":"=="}',
    '{"$":"map","v":5}',
    '{"$":"map","v":[1]}',
    '{"$":"set"}',
    '{"$":"object","v":null}',
  ]) {
    assert.equal(refusal(() => codec.decode(text, "k")).code, "unserializable", text);
  }
});

test("a type is registered once, under a good tag, with all its parts", () => {
  const own = new ValueCodec(65_536, { money: MONEY });
  assert.throws(() => own.register("money", PURSE), /tag "money" is taken/);
  assert.throws(() => own.register("cash", MONEY), /class Money is registered already/);
  for (const tag of ["", "1", "$x", "a b", "date", "undefined", "x".repeat(65), "__proto__", 5 as never])
    assert.throws(() => own.register(tag, PURSE), TypeError, String(tag));
  assert.throws(() => own.register("purse", {} as never), /type purse: class/);
  assert.throws(() => own.register("purse", { ...PURSE, encode: undefined } as never), /type purse: encode/);
  assert.throws(() => own.register("purse", { ...PURSE, extra: 1 } as never), /no option "extra"/);
});

test("a class that extends a built-in one is refused unless registered: what it adds would be lost", () => {
  class Cart extends Map<string, number> {}
  class Stack extends Array<number> {}
  class Day extends Date {}
  for (const [value, name] of [
    [new Cart(), "Cart"],
    [new Stack(), "Stack"],
    [new Day(), "Day"],
  ] as const) {
    assert.throws(() => new ValueCodec(1000).encode({ deep: [value] }, "k"), {
      code: "unserializable",
      message: new RegExp(`"k"\\.deep\\[0\\] is an instance of ${name}`),
    });
  }
  const codec = new ValueCodec(1000, {
    stack: { class: Stack, encode: (stack: Stack) => [...stack], decode: (data: number[]) => Stack.from(data) },
  });
  const again = codec.decode(codec.encode(Stack.from([1, 2]), "k"), "k");
  assert.ok(again instanceof Stack);
  assert.deepEqual([...again], [1, 2]);
});
