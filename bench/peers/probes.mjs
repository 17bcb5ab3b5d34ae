import { Browser } from "./browser.mjs";

const RUNNERS = 50;
/** Round trips that pass through the same event loop: what was written before them has arrived by then. */
const PINGS = 20;

/**
 * What is asked of every library: a line of the table, and how to find out. A probe is given the application, plain
 * and with a rolling timeout, and the storage; it answers `kept`, and what was seen.
 */
export const PROBES = [
  { id: "keys", line: "Two overlapping requests write different keys: both are kept", run: twoKeys },
  { id: "increments", line: `${RUNNERS} overlapping increments are all counted`, run: increments },
  { id: "logout", line: "After logout a copy of the cookie opens nothing", run: (world) => afterLogout(world.plain) },
  {
    id: "logout-writer",
    line: "… also when a slower request writes after the logout",
    run: (world) => afterLogout(world.plain, "set"),
  },
  {
    id: "logout-reader",
    line: "… also when a slower request only reads, with a rolling timeout",
    run: (world) => afterLogout(world.rolling, "read"),
  },
  { id: "login", line: "After login the cookie from before opens nothing", run: (world) => afterLogin(world.plain) },
  {
    id: "login-writer",
    line: "… also when a slower request writes after the login",
    run: (world) => afterLogin(world.plain, "set"),
  },
  { id: "login-cookie", line: "A late response does not replace the cookie of a new login", run: lateAnswer },
  {
    id: "stored-first",
    line: "No byte of a response is sent before its session is stored",
    run: storedFirst,
    needsStorage: true,
  },
  {
    id: "failed-write",
    line: "A write that could not be stored is an error, and gives no new cookie",
    run: failedWrite,
    needsStorage: true,
  },
  {
    id: "failed-read",
    line: "A session that could not be read is an error, and is there again afterwards",
    run: failedRead,
    needsStorage: true,
  },
  {
    id: "untouched",
    line: "A visitor in whose session nothing was put gets no cookie and no record",
    run: untouched,
  },
];

async function twoKeys({ plain }) {
  const browser = await visitor(plain);
  const slow = await parked(plain, browser, "set", { key: "a", value: "1" });
  await well(browser.ask("set", { key: "b", value: "2" }));
  await slow.finish();
  const { a, b } = await dataOf(browser);
  return { kept: a === "1" && b === "2", saw: `a ${a ?? "lost"}, b ${b ?? "lost"}` };
}

/** All have read before the first of them writes; then one after the other goes on. */
async function increments({ plain }) {
  const browser = await visitor(plain);
  const runners = [];
  for (let i = 0; i < RUNNERS; i++) runners.push(await parked(plain, browser, "increment"));
  for (const runner of runners) await runner.finish();
  const { count } = await dataOf(browser);
  return { kept: count === RUNNERS, says: `${count} of ${RUNNERS}`, saw: `counted ${count}` };
}

async function afterLogout(app, slowVerb) {
  const browser = await visitor(app);
  await well(browser.ask("login"));
  const copy = browser.copy();
  const slow = slowVerb && (await parked(app, browser, slowVerb, { key: "late", value: "1" }));
  await well(browser.ask("logout"));
  const answer = slow ? await slow.finish() : undefined;
  const [own, copied] = [await dataOf(browser), await dataOf(copy)];
  return {
    kept: !own.user && !copied.user,
    saw: `the browser is ${own.user ?? "nobody"}, the copy ${copied.user ?? "nobody"}${late(answer)}`,
  };
}

async function afterLogin(app, slowVerb) {
  const browser = await visitor(app);
  const copy = browser.copy();
  const slow = slowVerb && (await parked(app, browser, slowVerb, { key: "late", value: "1" }));
  await well(browser.ask("login"));
  const answer = slow ? await slow.finish() : undefined;
  const opened = Object.keys(await dataOf(copy));
  return { kept: opened.length === 0, saw: `the old cookie opens ${opened.join(", ") || "nothing"}${late(answer)}` };
}

async function lateAnswer({ plain: app }) {
  const browser = await visitor(app);
  const slow = await parked(app, browser, "set", { key: "late", value: "1" });
  await well(browser.ask("login"));
  const answer = await slow.finish();
  const { user } = await dataOf(browser);
  return { kept: user === "ines", saw: `the browser is ${user ?? "nobody"}${late(answer)}` };
}

/** Redis holds the write; what has been sent by then has come by the time that some pings were answered. */
async function storedFirst({ plain: app, redis }) {
  const browser = new Browser(app.origin);
  await redis.holdWrites();
  const sent = browser.begin("set", { key: "a", value: "1" });
  while (!sent.hasBegun() && !(await redis.holdsOne())) await ping(app);
  for (let i = 0; i < PINGS; i++) await ping(app);
  const hasBegun = sent.hasBegun();
  await redis.letWritesGo();
  await well(sent.answer);
  return {
    kept: !hasBegun,
    saw: hasBegun ? "the head of the answer came while the write waited" : "nothing came while the write waited",
  };
}

/** A known visitor may be given the cookie of a stored session again. */
async function failedWrite({ plain: app, redis }) {
  const known = await visitor(app);
  await redis.refuse("write");
  const first = await new Browser(app.origin).ask("set", { key: "a", value: "1" });
  const next = await known.ask("set", { key: "a", value: "1" });
  await redis.permit();
  const kept = first.status >= 500 && !first.hasCookie && next.status >= 500;
  return { kept, saw: `a new visitor${seen(first)}; a known one${seen(next)}` };
}

/** What Redis refuses, by its name for it. */
const REFUSED = { read: "reads", all: "everything" };

async function failedRead({ plain: app, redis }) {
  const saw = [];
  let kept = true;
  for (const category of Object.keys(REFUSED)) {
    const browser = await visitor(app);
    await well(browser.ask("login"));
    await redis.refuse(category);
    const { status, hasCookie } = await browser.ask("read");
    await redis.permit();
    const { user } = await dataOf(browser);
    kept &&= status >= 500 && !hasCookie && user === "ines";
    saw.push(
      `${REFUSED[category]} refused: answered ${status}${hasCookie ? " with a cookie" : ""}, then the browser ` +
        `is ${user ?? "nobody"}`,
    );
  }
  return { kept, saw: saw.join("; ") };
}

async function untouched({ plain: app, redis }) {
  await redis.empty();
  const { hasCookie } = await well(new Browser(app.origin).ask("read"));
  const records = await redis.count();
  return { kept: !hasCookie && records === 0, saw: `${hasCookie ? "a" : "no"} cookie, ${records} records` };
}

/** Somebody with something in the cart, who is not signed in. */
async function visitor(app) {
  const browser = new Browser(app.origin);
  await well(browser.ask("set", { key: "cart", value: "rope" }));
  return browser;
}

let gates = 0;

/**
 * Sends a request whose handler has its session already and waits; `finish` lets it go on and answers what it
 * answered.
 */
async function parked(app, browser, verb, options = {}) {
  const gate = `gate-${++gates}`;
  const answer = browser.ask(verb, { ...options, gate });
  const early = answer.then(({ status }) =>
    Promise.reject(new Error(`${verb} answered ${status} instead of waiting`)),
  );
  await Promise.race([app.gates.arrival(gate), early]);
  early.catch(() => {});
  return {
    finish() {
      app.gates.open(gate);
      return answer;
    },
  };
}

async function dataOf(browser) {
  return (await well(browser.ask("read"))).data;
}

/** A step that is not what is being asked: it must go well. */
async function well(asked) {
  const answer = await asked;
  if (answer.status >= 400) throw new Error(`answered ${answer.status}`);
  return answer;
}

async function ping(app) {
  const { status } = await fetch(`${app.origin}/ping`);
  if (status !== 204) throw new Error(`ping answered ${status}`);
}

function late(answer) {
  return answer ? `; the slower request${seen(answer)}` : "";
}

function seen({ status, hasCookie }) {
  return ` was answered ${status}${hasCookie ? " with a cookie" : ""}`;
}
