import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EncodedData } from "#dist/codecs/encoded-data.js";
import { ValueCodec } from "#dist/codecs/value.js";
import { Draft } from "#dist/session/draft.js";

const codec = new ValueCodec(65_536);
const KEYS = ["a", "b", "__proto__"] as const;
type Key = (typeof KEYS)[number];
type Value = number | number[];
type Change = { run(state: Map<string, Value>): void };

/**
 * What a draft is measured by: a list of steps which, run on the stored data, give what is to be stored. A step of a
 * kind that must win (`set`, a change in place, `delete`) is a constant; an `update` is a function of what is there.
 */
class Reference {
  base = new Map<string, Value>();
  steps: { change: Change; save: string | undefined }[] = [];

  get state(): Map<string, Value> {
    return this.upTo(undefined);
  }

  /** What the save of this id stores; everything where none is named. */
  upTo(save: string | undefined): Map<string, Value> {
    const state = new Map([...this.base].map(([key, value]) => [key, structuredClone(value)]));
    const end = save === undefined ? this.steps.length : this.steps.findLastIndex((step) => step.save === save) + 1;
    for (const { change } of this.steps.slice(0, end)) change.run(state);
    return state;
  }

  do(change: Change): void {
    this.steps.push({ change, save: undefined });
  }

  seal(save: string): void {
    for (const step of this.steps) step.save ??= save;
    this.steps.push({ change: { run() {} }, save });
  }

  forget(save: string): void {
    this.steps.splice(0, this.steps.findLastIndex((step) => step.save === save) + 1);
  }
}

const textsOf = (state: ReadonlyMap<string, Value>): EncodedData =>
  EncodedData.of([...state].map(([key, value]) => [key, codec.encode(value, key)]));
const valuesOf = (texts: EncodedData): Map<string, Value> =>
  new Map([...texts].map(([key, text]) => [key, codec.decode(text, key) as Value]));
const sorted = (state: ReadonlyMap<string, unknown>): [string, unknown][] =>
  [...state].sort(([one], [other]) => (one < other ? -1 : 1));
const added = (value: Value | undefined, by: number): Value =>
  Array.isArray(value) ? [...value, by] : (value ?? 0) + by;

/** The server's side: one stored record, which others change, too. */
interface World {
  draft: Draft;
  reference: Reference;
  stored: Map<string, Value>;
  /** Ids of saves that the record knows. */
  known: Set<string>;
  saves: number;
  /**
   * Keys whose object the handler may hold although another request replaced the value: that object stays the same.
   */
  stale: Set<string>;
}

type Step = (world: World) => void;

/** A step that says what it is in a counterexample. */
const step = <T>(name: string, values: fc.Arbitrary<T>, run: (world: World, value: T) => void): fc.Arbitrary<Step> =>
  values.map((value) =>
    Object.assign((world: World) => run(world, value), {
      [fc.toStringMethod]: () => `${name}(${fc.stringify(value)})`,
    }),
  );

const key = fc.constantFrom<Key>(...KEYS);
const value = fc.oneof(
  fc.integer({ min: 0, max: 9 }),
  fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 2 }),
) as fc.Arbitrary<Value>;

const set = step("set", fc.record({ key, value }), (world, { key, value }) => {
  const own = structuredClone(value);
  world.stale.delete(key);
  world.draft.set(key, own);
  world.reference.do({ run: (state) => state.set(key, structuredClone(value)) });
});

const remove = step("delete", key, (world, key) => {
  world.stale.delete(key);
  world.draft.delete(key);
  world.reference.do({ run: (state) => state.delete(key) });
});

const update = step("update", fc.record({ key, by: fc.integer({ min: 1, max: 9 }) }), (world, { key, by }) => {
  world.stale.delete(key);
  world.draft.update(key, (old: Value | undefined) => added(old, by));
  world.reference.do({ run: (state) => state.set(key, added(state.get(key), by)) });
});

/** A change in place is a `set` of what the value became. */
const inPlace = step(
  "in place",
  fc.record({ key, member: fc.integer({ min: 0, max: 9 }) }),
  (world, { key, member }) => {
    const held = world.draft.get(key);
    if (!world.stale.has(key)) assert.deepEqual(held, world.reference.state.get(key));
    if (!Array.isArray(held)) return;
    held.push(member);
    const whole = structuredClone(held) as Value;
    world.stale.delete(key);
    world.reference.do({ run: (state) => state.set(key, structuredClone(whole)) });
  },
);

const keep = step("keep", fc.subarray([...KEYS]), (world, kept) => {
  world.draft.keep(kept);
  world.reference.do({
    run: (state) => [...state.keys()].filter((one) => !kept.includes(one as Key)).forEach((one) => state.delete(one)),
  });
});

const look = step("look", key, ({ draft, reference, stale }, key) => {
  const expected = reference.state;
  if (!stale.has(key) || !Array.isArray(draft.get(key))) assert.deepEqual(draft.get(key), expected.get(key));
  assert.equal(draft.get(key), draft.get(key), "the same object each time");
  assert.equal(draft.has(key), expected.has(key));
  assert.deepEqual([...draft.keys()].sort(), [...expected.keys()].sort());
  assert.equal(draft.empty, expected.size === 0);
});

/** Another request saves something of its own. */
const beside = step(
  "beside",
  fc.record({ key, value }),
  (world, { key, value }) => void world.stored.set(key, structuredClone(value)),
);

/** One save: sealed, perhaps meeting others' changes, perhaps written with its answer lost and tried again. */
const save = step(
  "save",
  fc.record({
    other: fc.option(fc.record({ key, value }), { nil: undefined }),
    answerLost: fc.boolean(),
    meanwhile: fc.boolean(),
  }),
  (world, { other, answerLost, meanwhile }) => {
    const { draft, reference } = world;
    const id = `w${String(++world.saves).padStart(5, "0")}`;
    draft.noteChanges();
    draft.seal(id);
    reference.seal(id);
    if (meanwhile) {
      draft.set("b", [world.saves]);
      const at = world.saves;
      reference.do({ run: (state) => state.set("b", [at]) });
    }
    rebase(world, id);
    if (answerLost) write(world, id);
    if (other) world.stored.set(other.key, structuredClone(other.value));
    if (answerLost && world.known.has(id)) return;
    rebase(world, id);
    write(world, id);
    draft.settle(textsOf(world.stored), id);
    reference.forget(id);
    reference.base = new Map(world.stored);
  },
);

function rebase(world: World, id: string): void {
  const before = world.reference.state;
  world.draft.rebase(textsOf(world.stored), id, (one) => world.known.has(one));
  for (const one of world.known)
    if (world.reference.steps.some((step) => step.save === one)) world.reference.forget(one);
  world.reference.base = new Map(world.stored);
  const after = world.reference.state;
  for (const one of KEYS)
    if (JSON.stringify(before.get(one)) !== JSON.stringify(after.get(one))) world.stale.add(one);
}

function write(world: World, id: string): void {
  const texts = world.draft.sealed(id);
  assert.deepEqual(sorted(valuesOf(texts)), sorted(world.reference.upTo(id)));
  world.stored = valuesOf(texts);
  world.known.add(id);
}

test("a draft equals a list of changes applied to the stored data, through any sequence of methods, saves, conflicts and lost responses", () => {
  const steps = fc.oneof(set, remove, update, update, inPlace, keep, look, beside, save, save);
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom("a", "b"), value),
      fc.array(steps, { maxLength: 25 }),
      (base, steps) => {
        const stored = new Map(Object.entries(base));
        const reference = new Reference();
        reference.base = new Map(stored);
        const world: World = {
          draft: new Draft(codec, textsOf(stored)),
          reference,
          stored,
          known: new Set(),
          saves: 0,
          stale: new Set(),
        };
        for (const run of steps) run(world);
        world.draft.noteChanges();
        const id = "last00";
        world.draft.seal(id);
        world.reference.seal(id);
        rebase(world, id);
        write(world, id);
      },
    ),
    { numRuns: 3000 },
  );
});

const stored = (data: Record<string, unknown>): EncodedData =>
  EncodedData.of(Object.entries(data).map(([name, one]) => [name, codec.encode(one, name)]));
const saved = (draft: Draft, id = "w00001"): Record<string, unknown> =>
  Object.fromEntries(valuesOf(draft.sealed(id)));

test("rebase keeps the changes of another request together with those of this one", () => {
  const draft = new Draft(codec, stored({ a: 1, b: 1 }));
  draft.set("a", 2);
  draft.seal("w00001");
  assert.deepEqual(
    draft.rebase(stored({ a: 1, b: 2, c: 3 }), "w00001", () => false),
    [],
  );
  assert.deepEqual(saved(draft), { a: 2, b: 2, c: 3 });
});

test("rebase names the keys on which another's change is lost: set, delete and in place, never update", () => {
  const draft = new Draft(codec, stored({ a: 1, b: 1, list: [1], n: 1, same: 1 }));
  draft.set("a", 2);
  draft.delete("b");
  (draft.get("list") as number[]).push(2);
  draft.update("n", (n: number) => n + 1);
  draft.set("same", 2);
  draft.noteChanges();
  draft.seal("w00001");
  const overwritten = draft.rebase(stored({ a: 9, b: 9, list: [1, 9], n: 9, same: 1 }), "w00001", () => false);
  assert.deepEqual(overwritten.sort(), ["a", "b", "list"]);
  assert.deepEqual(saved(draft), { a: 2, list: [1, 2], n: 10, same: 2 });
});

test("update runs again on what is stored by then, all functions in their order", () => {
  const draft = new Draft(codec, stored({ n: 1 }));
  draft.update("n", (n: number) => n + 1);
  draft.update("n", (n: number) => n * 10);
  assert.equal(draft.get("n"), 20);
  draft.seal("w00001");
  draft.rebase(stored({ n: 5 }), "w00001", () => false);
  assert.deepEqual(saved(draft), { n: 60 });
  assert.equal(draft.get("n"), 60, "and the handler sees it");
});

test("update starts from what is stored, although the handler holds an older object: no member is lost", () => {
  const draft = new Draft(codec, stored({ list: [] }));
  assert.deepEqual(draft.get("list"), []);
  draft.seal("w00001");
  draft.rebase(stored({ list: ["theirs"] }), "w00001", () => false);
  draft.settle(stored({ list: ["theirs"] }), "w00001");
  draft.update("list", (list: string[]) => [...list, "ours"]);
  draft.seal("w00002");
  assert.deepEqual(saved(draft, "w00002"), { list: ["theirs", "ours"] });
});

test("what keep() dropped is not handed to an update that runs again", () => {
  const draft = new Draft(codec, stored({ n: 5 }));
  draft.keep([]);
  draft.update("n", (n: number = 0) => n + 1);
  draft.seal("w00001");
  draft.rebase(stored({ n: 6 }), "w00001", () => false);
  assert.deepEqual(saved(draft), { n: 1 });
});

test("a save that the record knows is not applied twice", () => {
  const draft = new Draft(codec, stored({ n: 1 }));
  draft.update("n", (n: number) => n + 1);
  draft.seal("w00001");
  draft.update("n", (n: number) => n + 10);
  draft.seal("w00002");
  draft.rebase(stored({ n: 2 }), "w00002", (id) => id === "w00001");
  assert.deepEqual(saved(draft, "w00002"), { n: 12 });
});

test("a returned value stays the same object through a save, and its later changes are saved", () => {
  const draft = new Draft(codec, stored({}));
  const list = [1];
  draft.set("list", list);
  assert.equal(draft.get("list"), list);
  draft.seal("w00001");
  draft.settle(draft.sealed("w00001"), "w00001");
  assert.equal(draft.get("list"), list);
  assert.equal(draft.noteChanges(), false);
  list.push(2);
  assert.equal(draft.noteChanges(), true);
  draft.seal("w00002");
  assert.deepEqual(saved(draft, "w00002"), { list: [1, 2] });
});

test("an object changed after it was deleted, or dropped by keep(), is not restored", () => {
  const draft = new Draft(codec, stored({ list: [1], other: [1] }));
  const list = draft.get("list") as number[];
  const other = draft.get("other") as number[];
  draft.delete("list");
  list.push(2);
  draft.keep([]);
  other.push(2);
  draft.noteChanges();
  assert.deepEqual(draft.keys(), []);
});

test("a change in place that cannot be stored is refused when it is noted, naming the path", () => {
  const draft = new Draft(codec, stored({ cart: { items: [1] } }));
  (draft.get("cart") as any).items.push(() => {});
  assert.throws(() => draft.noteChanges(), { code: "unserializable", message: /"cart"\.items\[1\]/ });
});

test("a set that is refused changes nothing", () => {
  const draft = new Draft(codec, stored({ n: 1 }));
  assert.throws(() => draft.set("n", () => {}), { code: "unserializable" });
  assert.throws(() => draft.update("n", () => Symbol("x")), { code: "unserializable" });
  assert.equal(draft.noteChanges(), false);
  assert.equal(draft.get("n"), 1);
});

test("values that are not read are carried unchanged, whatever they are", () => {
  const texts = EncodedData.of([
    ["old", '{"$":"money","v":5}'],
    ["n", "1"],
  ]);
  const draft = new Draft(codec, texts);
  draft.set("n", 2);
  assert.deepEqual(draft.keys(), ["old", "n"]);
  assert.throws(() => draft.get("old"), { code: "unknown-type" });
  draft.seal("w00001");
  assert.equal(draft.sealed("w00001").get("old"), '{"$":"money","v":5}');
});
