import assert from "node:assert/strict";
import { PATIENCE } from "./processes.js";
import type { CallName, Step } from "./steps.js";
import { type Answer, Person, type World } from "./world.js";
import { within } from "../../support/within.js";

/** Two servers, requests that overlap, and what must come of it. */
export interface Story {
  readonly name: string;
  play(world: World): Promise<void>;
}

const WRITE: Step = ["set", "late", "written"];
const LOGIN: readonly Step[] = [["regenerate"], ["set", "user", "ann"], ["note"]];

/** A handler that ends as it would without any race, and tells the browser nothing. */
function assertQuiet({ status, cookie, code }: Answer, why: string): void {
  assert.deepEqual({ status, cookie, code }, { status: 200, cookie: undefined, code: undefined }, why);
}

/** Refused: the session is gone. No cookie. */
function assertEnded({ status, cookie, code }: Answer, why: string): void {
  assert.deepEqual({ status, cookie, code }, { status: 409, cookie: undefined, code: "ended" }, why);
}

/** Carried out; the cookie is removed. */
function assertRemoved({ status, cookie, code }: Answer, why: string): void {
  assert.deepEqual({ status, cookie, code }, { status: 200, cookie: "", code: undefined }, why);
}

/** Carried out, with a token that is not this one. Answers it. */
function assertRenewed({ status, cookie }: Answer, old: string, why: string): string {
  assert.equal(status, 200, why);
  assert.ok(cookie !== undefined && cookie !== "" && cookie !== old, `${why}: a new token`);
  return cookie;
}

async function fiftyIncrements(world: World): Promise<void> {
  const { a, b } = world;
  const person = await world.person({ n: 0 });
  const gate = world.gate();
  const half = (server: typeof a): Promise<Answer>[] =>
    Array.from({ length: 25 }, () =>
      world.send(server, person.cookie, [
        ["park", gate],
        ["add", "n"],
      ]),
    );
  const all = Promise.all([...half(a), ...half(b)]);
  all.catch(() => {});
  const each = a === b ? 50 : 25;
  await Promise.all([a.tell("standing", gate, each), b.tell("standing", gate, each)]);
  await Promise.all([a.tell("open", gate), b.tell("open", gate)]);
  for (const answer of await within(PATIENCE, "the answers to 50 increments", all))
    assertQuiet(answer, "an increment");
  assert.deepEqual(await world.seen(person.cookie), { n: 50 });
  const events = new Set(await world.events());
  assert.deepEqual([...events], ["conflict"], "they met each other, and nothing was lost by it");
}

const OVERLAPS: readonly Story[] = [
  { name: "lost update: 50 increments that overlap on both servers are 50", play: fiftyIncrements },
  {
    name: "two writers of different keys, let go together: both are kept",
    async play(world) {
      const person = await world.person();
      const writers = [
        await person.slow(world.a, ["set", "left", 1]),
        await person.slow(world.b, ["set", "right", 2]),
      ];
      for (const answer of await Promise.all(writers.map((writer) => writer.letGo())))
        assertQuiet(answer, "a writer");
      assert.deepEqual(await world.seen(person.cookie), { name: "Ann", left: 1, right: 2 });
    },
  },
  {
    name: "two writers of different keys, one within the other: both are kept, one met the other",
    async play(world) {
      const person = await world.person();
      const outer = await person.heldAt(world.b, "before", "update", ["set", "left", 1]);
      assertQuiet(await person.send(world.a, ["set", "right", 2]), "the inner writer");
      assertQuiet(await outer.letGo(), "the outer writer");
      assert.deepEqual(await world.seen(person.cookie), { name: "Ann", left: 1, right: 2 });
      assert.deepEqual(await world.events(), ["conflict"]);
    },
  },
  {
    name: "two writers of one key: the later save stands, and an event says so",
    async play(world) {
      const person = await world.person();
      const outer = await person.slow(world.b, ["set", "name", "Bob"]);
      assertQuiet(await person.send(world.a, ["set", "name", "Cid"]), "the inner writer");
      assertQuiet(await outer.letGo(), "the outer writer");
      assert.deepEqual(await world.seen(person.cookie), { name: "Bob" });
      assert.deepEqual(await world.events(), ["conflict", "overwritten"]);
    },
  },
];

const ONE_TIME: readonly Story[] = [
  {
    name: "a one-time value: of twenty who take it at once, on both servers, one gets it",
    async play(world) {
      const { a, b } = world;
      const person = await world.person({ code: "123" });
      const takers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => person.slow(i % 2 === 0 ? a : b, ["take", "code"])),
      );
      const answers = await Promise.all(takers.map((taker) => taker.letGo()));
      for (const answer of answers) assertQuiet(answer, "a taker");
      assert.deepEqual(
        answers.flatMap(({ noted }) => noted).filter((value) => value !== "undefined"),
        ["123"],
      );
      assert.deepEqual(await world.seen(person.cookie), {});
    },
  },
  {
    name: "a one-time value: one who is held at the database finds that another has it",
    async play(world) {
      const person = await world.person({ code: "123" });
      const outer = await person.heldAt(world.b, "before", "update", ["take", "code"]);
      const inner = await person.send(world.a, ["take", "code"]);
      assertQuiet(inner, "the inner taker");
      const late = await outer.letGo();
      assertQuiet(late, "the outer taker");
      assert.deepEqual([inner.noted, late.noted], [["123"], ["undefined"]]);
    },
  },
];

/** Somebody whose request is on its way while the session ends elsewhere. */
interface Late {
  readonly who: string;
  readonly steps: readonly Step[];
  /** Where it stands: in its handler, or at a command to the database. */
  readonly heldAt?: readonly ["before", CallName];
  /** Whether it comes when deadline and cookie are due to move. */
  readonly isDue?: boolean;
  readonly events: readonly string[];
}

const LATE: readonly Late[] = [
  { who: "a writer", steps: [WRITE], events: ["dropped"] },
  { who: "a writer whose command is under way", steps: [WRITE], heldAt: ["before", "update"], events: ["dropped"] },
  { who: "a writer whose answer would refresh", steps: [WRITE], isDue: true, events: ["dropped"] },
  { who: "a reader", steps: [], events: [] },
  { who: "a reader whose answer would refresh", steps: [], isDue: true, events: [] },
  { who: "a refresher whose command is under way", steps: [], heldAt: ["before", "touch"], isDue: true, events: [] },
];

async function late(
  world: World,
  person: Person,
  { steps, heldAt, isDue }: Late,
): Promise<{ letGo(): Promise<Answer> }> {
  if (isDue) await world.advance(10);
  return heldAt ? person.heldAt(world.b, ...heldAt, ...steps) : person.slow(world.b, ...steps);
}

/** A login on the first server while another's request is on its way on the other one: as `late` says. */
async function loginMeets(world: World, one: Late): Promise<void> {
  const person = await world.person();
  const old = person.cookie;
  const slow = await late(world, person, one);
  const renewed = assertRenewed(await person.send(world.a, ...LOGIN), old, "the login");
  assertQuiet(await slow.letGo(), one.who);
  assert.equal(person.cookie, renewed, "the browser keeps the login's token");
  assert.deepEqual(await world.events(), one.events);
  assert.deepEqual(await world.seen(renewed), { name: "Ann", user: "ann" });
  await world.opensNothing(old);
}

async function logoutMeets(world: World, one: Late): Promise<void> {
  const person = await world.person();
  const old = person.cookie;
  const slow = await late(world, person, one);
  assertRemoved(await person.send(world.a, ["destroy"]), "the logout");
  assertQuiet(await slow.letGo(), one.who);
  assert.equal(person.cookie, "", "the browser has no token any more");
  assert.deepEqual(await world.events(), one.events);
  await world.opensNothing(old);
}

async function revokeMeets(world: World, one: Late): Promise<void> {
  const person = await world.person();
  const id = await person.id(world.b);
  const slow = await late(world, person, one);
  assert.equal(await world.a.tell("delete", world.column, id), true);
  assertQuiet(await slow.letGo(), one.who);
  assert.deepEqual(await world.events(), one.events);
  await world.opensNothing(person.cookie);
  assert.deepEqual(await world.areThere(id), [false]);
}

const LATECOMERS: readonly Story[] = LATE.flatMap((one) => [
  { name: `logout: nothing is brought back by ${one.who}`, play: (world: World) => logoutMeets(world, one) },
  { name: `login: the old token is not brought back by ${one.who}`, play: (world: World) => loginMeets(world, one) },
  {
    name: `revoke on the other server: nothing is brought back by ${one.who}`,
    play: (world: World) => revokeMeets(world, one),
  },
]);

const LOGOUTS: readonly Story[] = [
  {
    name: "logout: a writer that waits for its save is told that the session ended",
    async play(world) {
      const person = await world.person();
      const old = person.cookie;
      const slow = await person.slow(world.b, WRITE, ["save"]);
      assertRemoved(await person.send(world.a, ["destroy"]), "the logout");
      assertEnded(await slow.letGo(), "the writer");
      assert.deepEqual(await world.events(), ["dropped"]);
      await world.opensNothing(old);
    },
  },
  {
    name: "logout that meets a write goes on: the session ends with it",
    async play(world) {
      const person = await world.person();
      const old = person.cookie;
      const logout = await person.heldAt(world.b, "before", "delete", ["destroy"]);
      assertQuiet(await person.send(world.a, WRITE), "the writer");
      assertRemoved(await logout.letGo(), "the logout");
      await world.opensNothing(old);
    },
  },
  {
    name: "logout of one who came before a login elsewhere: the renewed session ends too",
    async play(world) {
      const person = await world.person();
      const old = person.cookie;
      const logout = await person.slow(world.b, ["destroy"]);
      const login = await person.send(world.a, ...LOGIN);
      const renewed = assertRenewed(login, old, "the login");
      assertRemoved(await logout.letGo(), "the logout");
      await world.opensNothing(old, renewed);
      assert.deepEqual(await world.areThere(...login.noted), [false]);
    },
  },
  {
    name: "logout whose command is under way when a login elsewhere is answered: the renewed session ends too",
    async play(world) {
      const person = await world.person();
      const old = person.cookie;
      const logout = await person.heldAt(world.b, "before", "delete", ["destroy"]);
      const renewed = assertRenewed(await person.send(world.a, ...LOGIN), old, "the login");
      assertRemoved(await logout.letGo(), "the logout");
      await world.opensNothing(old, renewed);
    },
  },
  {
    name: "logout while a login has made its new record and not retired the old: the login fails, nothing is left",
    async play(world) {
      const person = await world.person();
      const old = person.cookie;
      const login = await person.heldAt(world.b, "before", "update", ...LOGIN);
      assertRemoved(await person.send(world.a, ["destroy"]), "the logout");
      const answer = await login.letGo();
      assertEnded(answer, "the login");
      await world.opensNothing(old);
      assert.deepEqual(await world.areThere(...answer.noted), [false]);
    },
  },
  {
    name: "logout while a login has retired the old record and not answered: what it answers opens nothing",
    async play(world) {
      const person = await world.person();
      const old = person.cookie;
      const logout = await person.slow(world.a, ["destroy"]);
      const login = await person.heldAt(world.b, "after", "update", ...LOGIN);
      assertRemoved(await logout.letGo(), "the logout");
      const answer = await login.letGo();
      await world.opensNothing(old, assertRenewed(answer, old, "the login"));
      assert.deepEqual(await world.areThere(...answer.noted), [false]);
    },
  },
];

const LOGINS: readonly Story[] = [
  {
    name: "login that meets a write: the renewed session has it",
    async play(world) {
      const person = await world.person();
      const old = person.cookie;
      const login = await person.heldAt(world.b, "before", "update", ...LOGIN);
      assertQuiet(await person.send(world.a, WRITE), "the writer");
      const renewed = assertRenewed(await login.letGo(), old, "the login");
      assert.deepEqual(await world.seen(renewed), { name: "Ann", late: "written", user: "ann" });
      assert.deepEqual(await world.events(), ["conflict"]);
      await world.opensNothing(old);
    },
  },
  {
    name: "login: a request sent before it and arriving after it writes nothing and gets no cookie",
    async play(world) {
      const person = await world.person();
      const old = person.cookie;
      const renewed = assertRenewed(await person.send(world.a, ...LOGIN), old, "the login");
      const straggler = new Person(world, old);
      assertQuiet(await straggler.send(world.b, WRITE), "the straggler");
      assertEnded(await straggler.send(world.a, WRITE, ["save"]), "the straggler that waits for its save");
      assert.deepEqual(await world.events(), ["dropped", "dropped"]);
      assert.deepEqual(await world.seen(renewed), { name: "Ann", user: "ann" });
    },
  },
  {
    name: "double login: one wins, the other is refused without a cookie and leaves nothing",
    async play(world) {
      const person = await world.person();
      const old = person.cookie;
      const logins = [await person.slow(world.a, ...LOGIN), await person.slow(world.b, ...LOGIN)];
      const answers = await Promise.all(logins.map((login) => login.letGo()));
      const [winner, loser] = answers.sort((one, other) => one.status - other.status) as [Answer, Answer];
      const renewed = assertRenewed(winner, old, "the winner");
      assertEnded(loser, "the loser");
      assert.equal(person.cookie, renewed);
      assert.deepEqual(await world.seen(renewed), { name: "Ann", user: "ann" });
      assert.deepEqual(await world.areThere(...winner.noted, ...loser.noted), [true, false]);
      await world.opensNothing(old);
    },
  },
  {
    name: "double login, one within the other: the inner one wins",
    async play(world) {
      const person = await world.person();
      const old = person.cookie;
      const outer = await person.heldAt(world.b, "before", "update", ...LOGIN);
      const renewed = assertRenewed(await person.send(world.a, ...LOGIN), old, "the inner login");
      const answer = await outer.letGo();
      assertEnded(answer, "the outer login");
      assert.deepEqual(await world.areThere(...answer.noted), [false]);
      assert.deepEqual(await world.seen(renewed), { name: "Ann", user: "ann" });
      await world.opensNothing(old);
    },
  },
  {
    name: "login whose answer was lost: the old token logs in again, to a session of its own",
    async play(world) {
      const person = await world.person();
      const old = person.cookie;
      const lost = assertRenewed(await world.send(world.a, old, LOGIN), old, "the login whose answer is lost");
      const again = assertRenewed(await person.send(world.b, ...LOGIN), old, "the login again");
      assert.notEqual(again, lost);
      assert.deepEqual(await world.seen(again), { user: "ann" }, "nothing is inherited by an old token");
      await world.opensNothing(old);
      assertRemoved(await person.send(world.a, ["destroy"]), "the logout");
      await world.opensNothing(again);
    },
  },
];

const RESETS: readonly Story[] = [
  {
    name: "reset: a writer that came before it brings nothing back",
    async play(world) {
      const person = await world.person();
      const old = person.cookie;
      const slow = await person.slow(world.b, WRITE);
      assertRemoved(await person.send(world.a, ["reset"]), "the reset");
      assertQuiet(await slow.letGo(), "the writer");
      assert.equal(person.cookie, "");
      assert.deepEqual(await world.events(), ["dropped"]);
      await world.opensNothing(old);
    },
  },
  {
    name: "reset with something written: a writer that came before it changes neither session",
    async play(world) {
      const person = await world.person();
      const old = person.cookie;
      const slow = await person.slow(world.b, WRITE);
      const own = assertRenewed(await person.send(world.a, ["reset"], ["set", "name", "Bob"]), old, "the reset");
      assertQuiet(await slow.letGo(), "the writer");
      assert.equal(person.cookie, own);
      assert.deepEqual(await world.seen(own), { name: "Bob" });
      assert.deepEqual(await world.events(), ["dropped"]);
      await world.opensNothing(old);
    },
  },
  {
    name: "reset that meets a write: what was written ends with the session",
    async play(world) {
      const person = await world.person();
      const old = person.cookie;
      const reset = await person.heldAt(world.b, "before", "delete", ["reset"]);
      assertQuiet(await person.send(world.a, WRITE), "the writer");
      assertRemoved(await reset.letGo(), "the reset");
      await world.opensNothing(old);
    },
  },
  {
    name: "reset with something written that meets a write: its own session carries nothing of the old one",
    async play(world) {
      const person = await world.person();
      const old = person.cookie;
      const reset = await person.heldAt(world.b, "before", "update", ["reset"], ["set", "name", "Bob"]);
      assertQuiet(await person.send(world.a, WRITE), "the writer");
      const own = assertRenewed(await reset.letGo(), old, "the reset");
      assert.deepEqual(await world.seen(own), { name: "Bob" });
      await world.opensNothing(old);
    },
  },
  {
    name: "reset with something written that meets a login: what was renewed ends, its own session stands",
    async play(world) {
      const person = await world.person();
      const old = person.cookie;
      const reset = await person.slow(world.b, ["reset"], ["set", "name", "Bob"]);
      const renewed = assertRenewed(await person.send(world.a, ...LOGIN), old, "the login");
      const own = assertRenewed(await reset.letGo(), old, "the reset");
      assert.notEqual(own, renewed);
      assert.deepEqual(await world.seen(own), { name: "Bob" });
      await world.opensNothing(old, renewed);
    },
  },
];

const REVOKES: readonly Story[] = [
  {
    name: "revoke: a login that came before it is refused",
    async play(world) {
      const person = await world.person();
      const id = await person.id(world.b);
      const login = await person.slow(world.b, ...LOGIN);
      assert.equal(await world.a.tell("delete", world.column, id), true);
      const answer = await login.letGo();
      assertEnded(answer, "the login");
      await world.opensNothing(person.cookie);
      assert.deepEqual(await world.areThere(id, ...answer.noted), [false, false]);
    },
  },
  {
    name: "revoke while a login has made its new record: the login is refused, nothing is left",
    async play(world) {
      const person = await world.person();
      const id = await person.id(world.b);
      const login = await person.heldAt(world.b, "before", "update", ...LOGIN);
      assert.equal(await world.a.tell("delete", world.column, id), true);
      const answer = await login.letGo();
      assertEnded(answer, "the login");
      await world.opensNothing(person.cookie);
      assert.deepEqual(await world.areThere(id, ...answer.noted), [false, false]);
    },
  },
];

const JOBS: readonly Story[] = [
  {
    name: "a job that meets a request on the other server: both writes are kept",
    async play(world) {
      const person = await world.person();
      const gate = world.gate();
      const id = await person.id(world.a);
      const job = await world.parked(
        world.a,
        gate,
        world.a.tell<boolean>("edit", world.column, id, [
          ["park", gate],
          ["set", "job", "done"],
        ]),
      );
      assertQuiet(await person.send(world.b, WRITE), "the request");
      assert.equal(await job.letGo(), true);
      assert.deepEqual(await world.seen(person.cookie), { name: "Ann", late: "written", job: "done" });
      assert.deepEqual(await world.events(), ["conflict"]);
    },
  },
  {
    name: "a request that meets a job on the other server: both writes are kept",
    async play(world) {
      const person = await world.person();
      const id = await person.id(world.a);
      const slow = await person.slow(world.b, WRITE);
      assert.equal(await world.a.tell("edit", world.column, id, [["set", "job", "done"]]), true);
      assertQuiet(await slow.letGo(), "the request");
      assert.deepEqual(await world.seen(person.cookie), { name: "Ann", late: "written", job: "done" });
      assert.deepEqual(await world.events(), ["conflict"]);
    },
  },
  {
    name: "a job that meets a logout: it is told that nothing was saved, and brings nothing back",
    async play(world) {
      const person = await world.person();
      const old = person.cookie;
      const gate = world.gate();
      const id = await person.id(world.a);
      const job = await world.parked(
        world.a,
        gate,
        world.a.tell<boolean>("edit", world.column, id, [
          ["park", gate],
          ["set", "job", "done"],
        ]),
      );
      assertRemoved(await person.send(world.b, ["destroy"]), "the logout");
      assert.equal(await job.letGo(), false);
      assert.deepEqual(await world.events(), ["dropped"]);
      await world.opensNothing(old);
    },
  },
];

/**
 * A request loads the session in its last minutes, and ends when they are over: nothing it does may bring it back.
 */
async function outlived(world: World, minutesBefore: number, steps: readonly Step[]): Promise<Answer> {
  const person = await world.person();
  await world.advance(30 - minutesBefore);
  const slow = await person.slow(world.b, ...steps);
  await world.advance(minutesBefore);
  await world.opensNothing(person.cookie);
  const answer = await slow.letGo();
  await world.opensNothing(person.cookie);
  return answer;
}

const TIMEOUTS: readonly Story[] = [
  {
    name: "the idle timeout passes under a save: it is dropped",
    async play(world) {
      assertQuiet(await outlived(world, 1, [WRITE]), "the writer");
      assert.deepEqual(await world.events(), ["dropped"]);
    },
  },
  {
    name: "the idle timeout passes under a save that was loaded long ago: it is refused",
    async play(world) {
      assertEnded(await outlived(world, 29, [WRITE]), "the writer");
      assert.deepEqual(await world.events(), ["dropped"]);
    },
  },
  {
    name: "the idle timeout passes under a reader whose answer would refresh: the session is over",
    async play(world) {
      assertQuiet(await outlived(world, 1, []), "the reader");
      assert.deepEqual(await world.events(), []);
    },
  },
  {
    name: "the idle timeout passes under a login: it is refused, nothing is left",
    async play(world) {
      const answer = await outlived(world, 1, LOGIN);
      assertEnded(answer, "the login");
      assert.deepEqual(await world.areThere(...answer.noted), [false]);
    },
  },
  {
    name: "the idle timeout passes under a save, but another's request refreshed the session: it is saved",
    async play(world) {
      const person = await world.person();
      await world.advance(29);
      const slow = await person.slow(world.b, WRITE);
      assert.equal((await person.send(world.a)).cookie, person.cookie, "the refresh");
      await world.advance(2);
      assert.equal((await slow.letGo()).status, 200);
      assert.deepEqual(await world.seen(person.cookie), { name: "Ann", late: "written" });
    },
  },
];

/** Every story; each is played with a person of its own. */
export const STORIES: readonly Story[] = [
  ...OVERLAPS,
  ...ONE_TIME,
  ...LATECOMERS,
  ...LOGOUTS,
  ...LOGINS,
  ...RESETS,
  ...REVOKES,
  ...JOBS,
  ...TIMEOUTS,
];
