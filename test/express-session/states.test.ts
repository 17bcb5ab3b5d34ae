import assert from "node:assert/strict";
import { test } from "node:test";
import * as connect from "#dist/express-session/connect-state.js";
import type { ConnectEvent, ConnectStage, ConnectState, Work } from "#dist/express-session/connect-state.js";
import { Session } from "#dist/express-session/plain-session.js";
import { Cookie } from "#dist/express-session/session-cookie.js";
import * as storage from "#dist/express-session/storage-state.js";
import type { StorageEvent, StorageStage, StorageState } from "#dist/express-session/storage-state.js";

function made(data: object, id: string = "id"): Session {
  return new Session({ sessionID: id }, { ...data, cookie: new Cookie() });
}

const ANN = made({ user: "ann" });
const BOB = made({ user: "bob" });
const CONNECT_STAGES: readonly ConnectStage[] = ["open", "failed", "dropped", "destroyed"];
const CONNECT_EVENTS: readonly ConnectEvent[] = ["store", "fail", "drop", "destroy"];

/** For each stage: the stage after store, fail, drop, destroy; what a changed session and none need; its cookie. */
const CONNECT_TABLE: Readonly<Record<ConnectStage, readonly unknown[]>> = {
  open: ["open", "failed", "dropped", "destroyed", "save", "destroy", true],
  failed: ["open", "failed", "dropped", "destroyed", "save", "destroy", false],
  dropped: ["open", "dropped", "dropped", "destroyed", "nothing", "destroy", false],
  destroyed: ["open", "destroyed", "destroyed", "destroyed", "nothing", "nothing", false],
};

const settings = { saveUninitialized: false, rolling: false, destroysUnset: false };
const known = { settings, session: ANN, isKnown: true, touches: true };
const read = connect.loaded(connect.UNOPENED, ANN, false);

for (const stage of CONNECT_STAGES)
  test(`connect store, stage ${stage}: the stage after each event, what is left to do, and whether a cookie is sent`, () => {
    const state: ConnectState = { ...read, stage };
    const situation = { ...known, settings: { saveUninitialized: true, rolling: true, destroysUnset: true } };
    assert.deepEqual(
      [
        ...CONNECT_EVENTS.map((event) => connect.after(state, event).stage),
        connect.workOf(state, { ...situation, session: BOB }),
        connect.workOf(state, { ...situation, session: null }),
        connect.sendsCookie(state, ANN, situation),
      ],
      CONNECT_TABLE[stage],
    );
  });

type Situation = Omit<Partial<connect.ConnectSituation>, "settings"> & Partial<connect.ConnectSituation["settings"]>;

/** Situations of an open session: what has to be done, and whether its cookie is sent. */
const SITUATIONS: readonly (readonly [name: string, ConnectState, Situation, Work, sends: boolean])[] = [
  ["read, unchanged", read, {}, "touch", false],
  ["read, unchanged, no touch", read, { touches: false }, "nothing", false],
  ["read, unchanged, rolling", read, { rolling: true }, "touch", true],
  ["read, unchanged, resave", connect.loaded(connect.UNOPENED, ANN, true), {}, "save", false],
  ["read, changed", read, { session: BOB }, "save", false],
  ["read, removed", read, { session: undefined }, "nothing", false],
  ["read, removed, unset: destroy", read, { session: null, destroysUnset: true }, "destroy", false],
  ["new, unchanged", connect.begun(ANN), { isKnown: false }, "nothing", false],
  [
    "new, unchanged, saveUninitialized",
    connect.begun(ANN),
    { isKnown: false, saveUninitialized: true },
    "save",
    true,
  ],
  ["new, changed", connect.begun(ANN), { isKnown: false, session: BOB }, "save", true],
  ["new, changed and saved", saved(connect.begun(ANN), BOB), { isKnown: false, session: BOB }, "nothing", true],
  ["saved, then changed back", saved(read, BOB), {}, "save", false],
  ["an explicit save failed", connect.unsaved(read, textsOf(BOB)), { session: BOB }, "touch", false],
  ["another session in its place", read, { session: made({ user: "ann" }, "other") }, "save", false],
];

for (const [name, state, { saveUninitialized, rolling, destroysUnset, ...rest }, work, sends] of SITUATIONS)
  test(`connect store, ${name}: ${work}, ${sends ? "a" : "no"} cookie`, () => {
    const given = { saveUninitialized, rolling, destroysUnset };
    const chosen = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const situation = { ...known, ...rest, settings: { ...settings, ...chosen } };
    assert.equal(connect.workOf(state, situation), work);
    const { session } = situation;
    assert.equal(session instanceof Session && connect.sendsCookie(state, session, situation), sends);
  });

test("connect store: what others changed is kept, computed again or overwritten, key by key", () => {
  const first = made({ mine: 1, theirs: 1, both: 1, same: 1, count: 1, gone: 1 });
  const increment = (value: unknown): number => (value as number) + 1;
  const state = connect.withUpdate(connect.loaded(connect.UNOPENED, first, false), "count", increment);
  const ours = made({ mine: 2, theirs: 1, both: 2, same: 2, count: 2, gone: 1 });
  const found = { ...made({ mine: 1, theirs: 3, both: 3, same: 2, count: 5 }), cookie: { originalMaxAge: 1000 } };
  const { values, overwritten, maxAge } = connect.mergeOf(state, ours, found);
  assert.deepEqual(Object.fromEntries(values), { theirs: 3, count: 6, gone: undefined });
  assert.deepEqual(overwritten, ["both"]);
  assert.equal(maxAge, 1000);
});

test("connect store: a save leaves the updates that were made since it began", () => {
  const one = connect.withUpdate(read, "count", () => 1);
  const two = connect.withUpdate(
    connect.withUpdate(one, "count", () => 2),
    "other",
    () => 3,
  );
  const after = connect.stored(two, { texts: textsOf(ANN), maxAge: null }, one.updates);
  assert.deepEqual(
    [...after.updates].map(([key, { length }]) => [key, length]),
    [
      ["count", 1],
      ["other", 1],
    ],
  );
  assert.equal(connect.stored(one, { texts: textsOf(ANN), maxAge: null }, one.updates).updates.size, 0);
});

const STORAGE_EVENTS: readonly StorageEvent[] = ["settle", "leave", "end"];

/** For each stage: the stage after settle, leave, end. */
const STORAGE_TABLE: Readonly<Record<StorageStage, readonly StorageStage[]>> = {
  open: ["settled", "left", "gone"],
  settled: ["settled", "left", "gone"],
  left: ["left", "left", "gone"],
  gone: ["gone", "gone", "gone"],
};

for (const [stage, row] of Object.entries(STORAGE_TABLE) as [StorageStage, StorageStage[]][])
  test(`storage, stage ${stage}: the stage after each event`, () => {
    const state: StorageState = { ...storage.UNSHOWN, stage };
    assert.deepEqual(
      STORAGE_EVENTS.map((event) => storage.after(state, event).stage),
      row,
    );
    assert.equal(storage.begun(storage.after(state, "end"), false).stage, "open");
  });

/** For each reason to store: whether attributes that depend on the request are stored, and its cookie is refreshed. */
const REASONS: readonly (readonly [
  name: string,
  StorageState,
  isNew: boolean,
  found: boolean,
  refreshed: boolean,
])[] = [
  ["none", storage.begun(storage.UNSHOWN, false), false, false, false],
  ["saveUninitialized", storage.begun(storage.UNSHOWN, true), true, false, false],
  ["an explicit save", storage.kept(storage.UNSHOWN), true, false, false],
  ["a change", storage.modified(storage.UNSHOWN), true, true, true],
  ["a save after a change", storage.kept(storage.modified(storage.UNSHOWN)), true, true, true],
  ["another session after a save", storage.begun(storage.kept(storage.UNSHOWN), false), false, false, false],
];

for (const [name, state, isNew, found, refreshed] of REASONS)
  test(`storage, a reason to store: ${name}`, () => {
    const one = storage.shown(state, { usual: undefined, shown: "shown", stored: undefined, maxAge: null });
    assert.equal(storage.mustStoreCookie(one, "shown", false), isNew);
    assert.equal(storage.mustStoreCookie(one, "shown", true), found);
    assert.equal(storage.mustStoreCookie(one, "changed", true), true);
    const cookie = { expires: new Date() };
    assert.equal(storage.sendsCookie(one, "refreshed", cookie, false), refreshed);
    assert.equal(storage.sendsCookie(one, "refreshed", { expires: null }, false), false);
    assert.equal(storage.sendsCookie(one, "refreshed", cookie, true), true);
    assert.equal(storage.sendsCookie(one, "new", cookie, false), true);
  });

test("storage: attributes that every session has are stored if they were changed", () => {
  const usual = storage.shown(storage.kept(storage.UNSHOWN), { usual: "a", shown: "a", stored: "a", maxAge: null });
  assert.equal(storage.mustStoreCookie(usual, "a", false), false);
  assert.equal(storage.mustStoreCookie(usual, "b", false), true);
  const changed = storage.withCookie(usual, { stored: "b" });
  assert.equal(storage.mustStoreCookie(changed, "b", true), false);
  assert.equal(storage.mustStoreCookie(storage.emptied(changed), "b", true), true);
});

test("storage: a key is computed again until it is changed by other means", () => {
  const two = storage.withUpdate(storage.withUpdate(storage.UNSHOWN, "a"), "b");
  assert.deepEqual([...storage.modified(two, "a").updated], ["b"]);
  assert.deepEqual([...storage.modified(two).updated], ["a", "b"]);
});

function textsOf(session: Session): connect.ConnectState["opened"]["texts"] {
  return connect.begun(session).opened.texts;
}

function saved(state: ConnectState, session: Session): ConnectState {
  return connect.stored(state, { texts: textsOf(session), maxAge: null }, state.updates);
}
