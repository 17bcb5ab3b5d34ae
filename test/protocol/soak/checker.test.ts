import assert from "node:assert/strict";
import { test } from "node:test";
import { wordsOf, type Data } from "./acts.js";
import { check, REMOVED, RULES, type Entry } from "./checker.js";

/** What a test says of a request; the rest is as it should be. */
type Said = Partial<Entry> & { readonly seen?: Partial<Data> };

/** A log that is written by hand, one request after the other. */
class Story {
  readonly log: Entry[] = [];
  #tick = 0;

  /** A request that ended before the next begins, unless `sent` says that it began earlier. */
  add(act: Entry["act"], { seen, ...said }: Said = {}): Entry {
    const word = `w${this.log.length + 1}`;
    const person = said.person ?? "ann";
    const left = act === "logout" ? undefined : seen;
    const told = {
      done: true,
      ...(!["revoke", "everywhere", "list"].includes(act) && { seen: seen ?? {} }),
      origin: left?.origin,
      person: left?.person,
      ...said.told,
    };
    const entry: Entry = {
      act,
      word,
      person,
      tab: `${person}.1`,
      token: undefined,
      status: 200,
      sent: ++this.#tick,
      ended: ++this.#tick,
      ...said,
      ...(said.status === undefined || said.status === 200 ? { told } : {}),
    };
    this.log.push(entry);
    return entry;
  }

  /** A first visit, which counts once and is given the token. */
  visit(token: string, person: string = "ann"): Entry {
    const origin = `w${this.log.length + 1}`;
    return this.add("increment", { person, cookie: token, told: { origin, person } });
  }

  /** What is violated, by rule. */
  get broken(): readonly string[] {
    return check(this.log)
      .filter(({ violations }) => violations.length > 0)
      .map(({ rule }) => rule);
  }
}

/** A session as a request sees it: begun by this one, counted by these. */
function session(by: Entry, ...counting: readonly Entry[]): Partial<Data> {
  const words = [by, ...counting].flatMap(wordsOf);
  return { origin: by.word, person: by.person, count: words.length, words };
}

// what is right

test("a visit, writes, a login, a logout: nothing is violated, and every step is checked", () => {
  const story = new Story();
  const visit = story.visit("t1");
  const more = story.add("increment", { token: "t1", seen: session(visit) });
  story.add("login", { token: "t1", cookie: "t2", seen: session(visit, more) });
  const twice = story.add("twice", { token: "t2", seen: session(visit, more) });
  story.add("read", { token: "t1" });
  const edit = story.add("edit", { person: "staff", token: "t2", seen: session(visit, more, twice) });
  story.add("logout", { token: "t2", cookie: REMOVED, seen: session(visit, more, twice, edit) });
  story.add("read", { token: "t2" });
  assert.deepEqual(
    check(story.log).flatMap(({ violations }) => violations),
    [],
  );
  assert.ok(check(story.log).find(({ rule }) => rule === "every acknowledged increment is there")!.checked >= 5);
});

test("unknown results are accepted: an increment whose response was lost or was a 503 may be stored or not", () => {
  for (const status of ["lost", 503] as const) {
    for (const isThere of [true, false]) {
      const story = new Story();
      const visit = story.visit("t1");
      const unknown = story.add("increment", { token: "t1", status });
      story.add("read", { token: "t1", seen: isThere ? session(visit, unknown) : session(visit) });
      assert.deepEqual(story.broken, []);
    }
  }
});

test("an increment concurrent with a login may be dropped: the login's token need not have it", () => {
  const story = new Story();
  const visit = story.visit("t1");
  const beside = story.add("increment", { token: "t1", seen: session(visit) });
  story.add("login", { token: "t1", cookie: "t2", seen: session(visit), sent: beside.sent });
  story.add("read", { token: "t2", seen: session(visit) });
  assert.deepEqual(story.broken, []);
});

test("a session may be ended if a logout, login or revocation of it got no response", () => {
  for (const act of ["logout", "login", "revoke"] as const) {
    const story = new Story();
    story.visit("t1");
    story.add(act, { token: "t1", status: "lost" });
    story.add("read", { token: "t1" });
    assert.deepEqual(story.broken, [], act);
  }
});

test("a logout without a session, or with an invalid token, ended nothing: the session must exist", () => {
  const story = new Story();
  const visit = story.visit("t1");
  story.add("login", { token: "t1", cookie: "t2", seen: session(visit) });
  story.add("logout", { token: "t1" });
  story.add("logout", { token: "t1", status: "lost" });
  story.add("read", { token: "t2" });
  assert.deepEqual(story.broken, ["a session that nobody ended is there"]);
});

test("a logout concurrent with a reset may end the new session; one after it may not", () => {
  for (const isBeside of [true, false]) {
    const story = new Story();
    const visit = story.visit("t1");
    const reset = story.add("reset", { token: "t1", cookie: "t2", seen: session(visit), told: { origin: "w2" } });
    story.add("logout", { token: "t1", status: 503, ...(isBeside && { sent: reset.sent }) });
    story.add("read", { token: "t2" });
    assert.deepEqual(story.broken, isBeside ? [] : ["a session that nobody ended is there"]);
  }
});

test("a handler whose save failed: if its error page sends a new session, that session exists", () => {
  for (const isThere of [true, false]) {
    const story = new Story();
    const twice = story.add("twice", { status: 503, cookie: "t1" });
    story.add("read", {
      token: "t1",
      seen: isThere ? { origin: twice.word, person: "ann", count: 1, words: [twice.word] } : {},
    });
    assert.deepEqual(story.broken, isThere ? [] : ["a session that nobody ended is there"]);
  }
});

test("a sign-in that failed leaves its session as it was: the error page may refresh the cookie of its token", () => {
  const story = new Story();
  const visit = story.visit("t1");
  story.add("signin", { token: "t1", status: 503, cookie: "t1" });
  story.add("read", { token: "t1", seen: session(visit) });
  assert.deepEqual(story.broken, []);
});

test("a revocation by the id of a renewed token ends the session that the renewal moved to, if it says so", () => {
  for (const done of [true, false]) {
    const story = new Story();
    const visit = story.visit("t1");
    story.add("login", { token: "t1", cookie: "t2", seen: session(visit) });
    story.add("revoke", { person: "staff", token: "t1", told: { done } });
    story.add("read", { token: "t2" });
    assert.deepEqual(story.broken, done ? [] : ["a session that nobody ended is there"]);
  }
});

test("a sign-in that was cut off may leave a session that no client has in the list, also after the logout", () => {
  for (const status of ["lost", 503, 200] as const) {
    const story = new Story();
    const visit = story.visit("t1");
    story.add("signin", { token: "t1", status, ...(status === 200 && { cookie: "t2", seen: session(visit) }) });
    story.add("logout", { token: status === 200 ? "t2" : "t1", cookie: REMOVED, seen: session(visit) });
    story.add("list", { told: { listed: [visit.word] } });
    assert.deepEqual(
      story.broken,
      status === 200 ? ["a list of a person's sessions has none of another person, and none that was ended"] : [],
    );
  }
});

test("a sign-in, a list that has the session, a sign-out everywhere: nothing is violated", () => {
  const story = new Story();
  const visit = story.visit("t1");
  story.add("signin", { token: "t1", cookie: "t2", seen: session(visit) });
  const other = story.visit("t3");
  story.add("list", { told: { listed: [visit.word] } });
  story.add("everywhere");
  story.add("read", { token: "t2" });
  story.add("read", { token: "t3", seen: session(other) });
  story.add("list", { told: { listed: [] } });
  assert.deepEqual(
    check(story.log).flatMap(({ violations }) => violations),
    [],
  );
  assert.equal(
    check(story.log).find(({ rule }) => rule === "a list of a person's sessions has each one that is signed in")!
      .checked,
    1,
  );
});

test("a sign-in with a token that is over begins a session, which a sign-out everywhere ends", () => {
  const story = new Story();
  const visit = story.visit("t1");
  story.add("logout", { token: "t1", cookie: REMOVED, seen: session(visit) });
  story.add("signin", { token: "t1", cookie: "t2", seen: {}, told: { origin: "w3", person: "ann" } });
  story.add("everywhere");
  story.add("read", { token: "t2" });
  assert.deepEqual(story.broken, []);
});

test("a sign-in beside a sign-out everywhere may be kept, ended, or refused", () => {
  for (const end of ["kept", "ended", "refused"] as const) {
    const story = new Story();
    const visit = story.visit("t1");
    const signin = story.add("signin", {
      token: "t1",
      ...(end === "refused" ? { status: 409 } : { cookie: "t2", seen: session(visit) }),
    });
    story.add("everywhere", { sent: signin.sent });
    story.add("list", { told: { listed: end === "kept" ? [visit.word] : [] } });
    if (end !== "refused") story.add("read", { token: "t2", seen: end === "kept" ? session(visit) : {} });
    assert.deepEqual(story.broken, [], end);
  }
});

test("a list beside a renewal may miss the session; so may one after a sign-in whose response was lost", () => {
  for (const status of [200, "lost"] as const) {
    const story = new Story();
    const visit = story.visit("t1");
    story.add("signin", { token: "t1", cookie: "t2", seen: session(visit) });
    const again = story.add("login", { token: "t2", cookie: "t3", status, seen: session(visit) });
    story.add("list", { told: { listed: [] }, ...(status === 200 && { sent: again.sent }) });
    assert.deepEqual(story.broken, []);
  }
});

// what is wrong: each rule is broken by a log, and that one only

const BROKEN: Readonly<Record<keyof typeof RULES, Readonly<Record<string, (story: Story) => void>>>> = {
  "an answer is a success, or an error of the session's own": {
    "a server failed in a way of its own": (story) => void story.add("read", { status: 500 }),
  },
  "an error carries no cookie, unless it is the page of a handler that failed and left something in a session": {
    "a 503 with a cookie": (story) => void story.add("increment", { status: 503, cookie: "t1" }),
    "a 503 that refreshes a cookie": (story) => {
      story.visit("t1");
      story.add("increment", { token: "t1", status: 503, cookie: "t1" });
    },
    "a sign-in that failed and brings a new token": (story) => {
      story.visit("t1");
      story.add("signin", { token: "t1", status: 503, cookie: "t2" });
    },
    "a 503 that removes a cookie": (story) => void story.add("logout", { status: 503, cookie: REMOVED }),
  },
  "who put something into a session has one, and who logged in has a new one": {
    "a first visit without a cookie": (story) => void story.add("increment"),
    "a login that keeps the token"(story) {
      const visit = story.visit("t1");
      story.add("login", { token: "t1", seen: session(visit) });
    },
  },
  "a cookie names a session, and a new one a session of its own": {
    "a cookie for nothing": (story) => void story.add("read", { cookie: "t1" }),
    "two visitors are given the same token"(story) {
      story.visit("t1");
      story.visit("t1", "bob");
    },
    "a visitor is given the session of somebody else": (story) =>
      void story.add("increment", { person: "bob", cookie: "t1", told: { origin: "w1", person: "ann" } }),
  },
  "a token opens the session it was given for, of the person it was given to": {
    "two people share a session"(story) {
      story.visit("t1");
      const bob = story.visit("t2", "bob");
      story.add("read", { token: "t1", seen: session(bob) });
    },
    "a token that nobody was given opens something"(story) {
      const visit = story.visit("t1");
      story.add("read", { token: "forged", seen: session(visit) });
    },
    "a session that lost what it is known by"(story) {
      story.visit("t1");
      story.add("read", { token: "t1", seen: { words: ["w1"], count: 1 } });
    },
  },
  "a session that nobody ended is there": {
    "a cookie that named a session that did not exist"(story) {
      story.visit("t1");
      story.add("read", { token: "t1" });
    },
    "ended by a sign-out everywhere, though it was never signed in"(story) {
      const visit = story.visit("t1");
      story.add("signin", { token: "t1", cookie: "t2", seen: session(visit) });
      story.visit("t3");
      story.add("everywhere");
      story.add("read", { token: "t3" });
    },
    "ended by a logout of another session"(story) {
      story.visit("t1");
      const other = story.visit("t2");
      story.add("logout", { token: "t2", cookie: REMOVED, seen: session(other) });
      story.add("read", { token: "t1" });
    },
  },
  "an error that says the session has ended is right": {
    "nobody had ended it"(story) {
      story.visit("t1");
      story.add("login", { token: "t1", status: 409 });
    },
  },
  "a session that was ended is never answered again": {
    "after a logout"(story) {
      const visit = story.visit("t1");
      story.add("logout", { token: "t1", cookie: REMOVED, seen: session(visit) });
      story.add("read", { token: "t1", seen: session(visit) });
    },
    "after a logout, by what a login beside it had renewed it to"(story) {
      const visit = story.visit("t1");
      const login = story.add("login", { token: "t1", cookie: "t2", seen: session(visit) });
      story.add("logout", { token: "t1", cookie: REMOVED, seen: session(visit), sent: login.sent });
      story.add("read", { token: "t2", seen: session(visit) });
    },
    "after a sign-out everywhere"(story) {
      const visit = story.visit("t1");
      story.add("signin", { token: "t1", cookie: "t2", seen: session(visit) });
      story.add("everywhere");
      story.add("read", { token: "t2", seen: session(visit) });
    },
    "after a revocation elsewhere"(story) {
      const visit = story.visit("t1");
      const login = story.add("login", { token: "t1", cookie: "t2", seen: session(visit) });
      story.add("revoke", { token: "t1", sent: login.sent });
      story.add("read", { token: "t2", seen: session(visit) });
    },
  },
  "a token that was renewed opens nothing": {
    "an old token after a login"(story) {
      const visit = story.visit("t1");
      story.add("login", { token: "t1", cookie: "t2", seen: session(visit) });
      story.add("read", { person: "thief", token: "t1", seen: session(visit) });
    },
    "a token after its revocation found nothing to revoke"(story) {
      const visit = story.visit("t1");
      story.add("revoke", { token: "t1", told: { done: false } });
      story.add("read", { token: "t1", seen: session(visit) });
    },
  },
  "an answer after a renewal does not carry the old token": {
    "a refresh of the old token"(story) {
      const visit = story.visit("t1");
      story.add("login", { token: "t1", cookie: "t2", seen: session(visit) });
      story.add("read", { token: "t1", cookie: "t1", told: { origin: visit.word, person: "ann" } });
    },
  },
  "what was gone stays gone": {
    "a command that comes late brings a session back"(story) {
      const visit = story.visit("t1");
      story.add("logout", { token: "t1", status: 503 });
      story.add("read", { token: "t1" });
      story.add("read", { token: "t1", seen: session(visit) });
    },
  },
  "a list of a person's sessions has each one that is signed in": {
    "a session is missing after its sign-in"(story) {
      const visit = story.visit("t1");
      story.add("signin", { token: "t1", cookie: "t2", seen: session(visit) });
      story.add("list", { told: { listed: [] } });
    },
    "a session is missing after a renewal"(story) {
      const visit = story.visit("t1");
      story.add("signin", { token: "t1", cookie: "t2", seen: session(visit) });
      story.add("login", { token: "t2", cookie: "t3", seen: session(visit) });
      story.add("list", { told: { listed: [] } });
    },
  },
  "a list of a person's sessions has none of another person, and none that was ended": {
    "a session of somebody else"(story) {
      const visit = story.visit("t1");
      story.add("signin", { token: "t1", cookie: "t2", seen: session(visit) });
      story.add("list", { person: "bob", told: { listed: [visit.word] } });
    },
    "a session after its logout"(story) {
      const visit = story.visit("t1");
      story.add("signin", { token: "t1", cookie: "t2", seen: session(visit) });
      story.add("logout", { token: "t2", cookie: REMOVED, seen: session(visit) });
      story.add("list", { told: { listed: [visit.word] } });
    },
    "a session after a sign-out everywhere, which ends also what a sign-in that was cut off left"(story) {
      const visit = story.visit("t1");
      story.add("signin", { token: "t1", cookie: "t2", seen: session(visit) });
      story.add("signin", { token: "t2", status: "lost" });
      story.add("everywhere");
      story.add("list", { told: { listed: [visit.word] } });
    },
  },
  "nothing is counted twice": {
    "a word that is there twice"(story) {
      const visit = story.visit("t1");
      story.add("read", { token: "t1", seen: { ...session(visit), words: ["w1", "w1"], count: 2 } });
    },
    "a lost increment whose count came twice"(story) {
      const visit = story.visit("t1");
      const lost = story.add("increment", { token: "t1", status: "lost" });
      story.add("read", { token: "t1", seen: { ...session(visit, lost), count: 3 } });
    },
  },
  "what is counted was asked for, and in this session": {
    "a word of somebody else's session"(story) {
      const visit = story.visit("t1");
      const bob = story.visit("t2", "bob");
      story.add("read", { token: "t1", seen: session(visit, bob) });
    },
    "a word that was not asked for yet"(story) {
      const visit = story.visit("t1");
      story.add("read", { token: "t1", seen: { ...session(visit), words: ["w1", "w3"], count: 2 } });
      story.add("increment", { token: "t1", status: "lost" });
    },
    "a word of a request that was told it has no session"(story) {
      const visit = story.visit("t1");
      story.add("login", { token: "t1", cookie: "t2", seen: session(visit) });
      const late = story.add("increment", { token: "t1" });
      story.add("read", { token: "t2", seen: session(visit, late) });
    },
  },
  "every acknowledged increment is there": {
    "one is missing"(story) {
      const visit = story.visit("t1");
      story.add("increment", { token: "t1", seen: session(visit) });
      story.add("read", { token: "t1", seen: session(visit) });
    },
    "one is missing after the login that followed it"(story) {
      const visit = story.visit("t1");
      story.add("increment", { token: "t1", seen: session(visit) });
      story.add("login", { token: "t1", cookie: "t2", seen: session(visit) });
      story.add("read", { token: "t2", seen: session(visit) });
    },
    "one that nobody acknowledged was seen, and is missing then"(story) {
      const visit = story.visit("t1");
      const unknown = story.add("increment", { token: "t1", status: 503 });
      story.add("read", { token: "t1", seen: session(visit, unknown) });
      story.add("read", { token: "t1", seen: session(visit) });
    },
    "one of a background job is missing"(story) {
      const visit = story.visit("t1");
      story.add("edit", { person: "staff", token: "t1", seen: session(visit) });
      story.add("read", { token: "t1", seen: session(visit) });
    },
  },
  "a change of one's own key is there until one's next": {
    "a key that was set is missing"(story) {
      const visit = story.visit("t1");
      story.add("set", { token: "t1", seen: session(visit) });
      story.add("read", { token: "t1", seen: session(visit) });
    },
    "an older value is back"(story) {
      const visit = story.visit("t1");
      const older = story.add("set", { token: "t1", seen: session(visit) });
      story.add("set", { token: "t1", seen: session(visit) });
      story.add("read", { token: "t1", seen: { ...session(visit), "set:ann.1": older.word } });
    },
    "a change in place is lost at a login"(story) {
      const visit = story.visit("t1");
      const change = story.add("change", { token: "t1", seen: session(visit) });
      story.add("login", {
        token: "t1",
        cookie: "t2",
        seen: { ...session(visit), "pad:ann.1": { last: change.word, times: 1 } },
      });
      story.add("read", { token: "t2", seen: session(visit) });
    },
  },
};

test("every rule has a log that breaks it", () => assert.deepEqual(Object.keys(BROKEN), Object.keys(RULES)));

for (const [rule, logs] of Object.entries(BROKEN)) {
  for (const [name, tell] of Object.entries(logs)) {
    test(`caught: ${rule}: ${name}`, () => {
      const story = new Story();
      tell(story);
      assert.ok(story.broken.includes(rule), `violated: ${story.broken.join("; ") || "nothing"}`);
    });
  }
}
