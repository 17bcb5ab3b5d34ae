/** What every database is put through, with every client. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import type { NodeOptions } from "holdfast/node";
import type { ServerProcess } from "../../support/services.js";
import { observed, type ObservedCall } from "holdfast/storage/observed";
import { aWhile, until } from "../../support/within.js";
import { App, assertHonest, assertNobody, leavingNothing, STORAGE_TIMEOUT, type Visitor } from "./app.js";
import type { Open, Opened } from "./clients.js";
import { Proxy, type Cut } from "./proxy.js";

/** How long a client may take to find its server again, in ms. */
export const PATIENCE = 15_000;

const CUTS: readonly Cut[] = ["before the command", "in the midst of the command", "before the reply"];

/** An application over one client, with a network that can fail in between. */
export interface World {
  readonly app: App;
  readonly proxy: Proxy;
  readonly opened: Opened;
  /** The storage's calls that have ended, also those nobody waited for any more. */
  readonly calls: readonly ObservedCall[];
  /** Another process of the same application, over a client and a network of its own; perhaps at another server. */
  another(options?: NodeOptions, port?: number): Promise<App>;
}

/** Declares a test with a world of its own, which leaves no connection, timer or listener behind. */
export function outage(name: string, server: ServerProcess, open: Open, run: (world: World) => Promise<void>): void {
  const { port } = server;
  test(name, () =>
    leavingNothing(async () => {
      // A test that failed may have left it down: the next one shall not fail by that.
      if (!server.isRunning) await server.start();
      const proxy = await Proxy.before(port);
      const opened = await open(proxy.port);
      const calls: ObservedCall[] = [];
      const app = await App.over(observed(opened.storage, (call) => calls.push(call)));
      const closes = [() => app.close(), () => opened.close(), () => proxy.close()];
      const another = async (options: NodeOptions = {}, at: number = port): Promise<App> => {
        const second = await open(at);
        const app = await App.over(second.storage, options);
        closes.unshift(
          () => app.close(),
          () => second.close(),
        );
        return app;
      };
      try {
        await app.guest();
        const listeners = countListeners(opened);
        await run({ app, proxy, opened, calls, another });
        assert.deepEqual(countListeners(opened), listeners, "listeners");
        await until("connections that nobody uses are free", () =>
          (opened.busy?.() ?? []).every((count) => count === 0),
        );
      } finally {
        for (const close of closes) await close();
      }
    }),
  );
}

function countListeners({ emitter }: Opened): Record<string, number> {
  return Object.fromEntries(
    (emitter?.eventNames() ?? []).map((event) => [String(event), emitter!.listenerCount(event)]),
  );
}

/** Declares what no database may get wrong. */
export function outages(name: string, server: ServerProcess, open: Open): void {
  outage(
    `attack 70: ${name}: the server is killed: 503 in time and no cookie; back again, the session is there`,
    server,
    open,
    async ({ app }) => {
      const guest = await app.guest();
      await server.kill();
      const killed = performance.now();
      const requests = () => [
        guest.read(),
        guest.append(),
        guest.twin().append(),
        guest.twin().login(),
        guest.twin().logout(),
        app.visitor().append(),
      ];
      const answers = [...(await Promise.all(requests())), ...(await Promise.all(requests()))];
      answers.forEach(assertHonest);
      assert.equal((await app.visitor().read()).status, 200, "who has no session needs no storage");
      await server.start();
      const back = performance.now();
      await guest.untilServed(PATIENCE);
      report(name, `gone for ${ms(back - killed)}, served again ${ms(performance.now() - back)} after it was back`);
      await guest.assertLog();
      await worksAsEver(guest);
    },
  );

  outage(
    `attack 71: ${name}: the server is killed between read and write: the write counts once or not at all`,
    server,
    open,
    async ({ app }) => {
      const guest = await app.guest();
      const { answering, letGo } = await app.hold(() => guest.append());
      await server.kill();
      letGo();
      assertHonest(await answering);
      await server.start();
      await guest.untilServed(PATIENCE);
      await guest.assertLog();
      assert.equal((await guest.append()).status, 200);
      await guest.assertLog();
    },
  );

  for (const [late, command, outcome] of [
    ["append", "update", "refused"],
    ["login", "create", "done"],
    ["logout", "delete", "refused"],
  ] as const) {
    for (const meanwhile of ["logout", "login"] as const) {
      outage(
        `attack 71: ${name}: a ${late} stuck on the way, a ${meanwhile} elsewhere: when it arrives it does no harm`,
        server,
        open,
        async ({ app, proxy, opened, calls, another }) => {
          const elsewhere = await another();
          const guest = await app.guest();
          const [old, other] = [guest.twin(), guest.twin(elsewhere)];
          const { answering, letGo } = await app.hold(() => guest[late]());
          await proxy.close();
          await aWhile();
          letGo();
          assertHonest(await answering);
          assert.equal((await other[meanwhile]()).status, 200);
          await proxy.restore();
          await old.untilServed(PATIENCE);
          await assertNobody(old);
          await assertNobody(old.twin(elsewhere));
          const arrival = calls.findLast(({ name }) => name === command)!;
          if (opened.keepsCommands)
            assert.deepEqual(
              [arrival.outcome, arrival.ms > STORAGE_TIMEOUT],
              [outcome, true],
              "the command did arrive, late",
            );
          if (meanwhile === "login" && late !== "logout") assert.equal((await other.read()).json().user, "ann");
        },
      );
    }
  }

  for (const how of CUTS) {
    outage(
      `attack 71: ${name}: the connection is cut ${how}: nothing twice, nothing by halves`,
      server,
      open,
      async ({ app, proxy }) => {
        for (const [act, commands] of [
          ["append", 1],
          ["login", 2],
          ["logout", 1],
        ] as const) {
          for (let command = 0; command < commands; command++)
            await cutDuring(act, () => proxy.cutNext(how, command), app);
        }
        await cutBeforeFirst(app, proxy, how);
      },
    );
  }

  outage(
    `attacks 70, 71: ${name}: a slow server: 503 at the timeout, and all is well when it is quick again`,
    server,
    open,
    async ({ app, proxy }) => {
      const guest = await app.guest();
      proxy.slowDown(40);
      assert.equal((await guest.append()).status, 200);
      const { answering: writing, letGo } = await app.hold(() => guest.append());
      proxy.slowDown(STORAGE_TIMEOUT * 2);
      letGo();
      const began = performance.now();
      assertHonest(await writing);
      assert.ok(performance.now() - began >= STORAGE_TIMEOUT - 5);
      assertHonest(await guest.read());
      await proxy.restore();
      await guest.untilServed(PATIENCE);
      await Promise.all([guest.append(), guest.append()]);
      await guest.assertLog();
    },
  );
}

/** What became of a request whose connection was cut: all of it, or an error and nothing by halves. */
async function cutDuring(act: "append" | "login" | "logout", cut: () => Promise<void>, app: App): Promise<void> {
  const guest = await app.guest();
  const old = guest.twin();
  let wasCut = false;
  const { answering, letGo } = await app.hold(() => guest[act]());
  void cut().then(() => (wasCut = true));
  letGo();
  const answer = await answering;
  assert.ok(wasCut, `${act}: the connection was not cut`);
  await old.untilServed(PATIENCE);
  if (answer.status !== 200) assertHonest(answer);
  if (act === "append") return void (await guest.assertLog());
  if (answer.status === 200) await assertNobody(old);
  if (answer.status === 200 && act === "login") assert.equal((await guest.read()).json().user, "ann");
  if (answer.status !== 200) await assertWholeOrGone(old);
}

/** The session as it was before, or none. */
async function assertWholeOrGone(visitor: Visitor): Promise<void> {
  const { body } = await visitor.read();
  if (body !== "{}") assert.equal(body, JSON.stringify({ log: visitor.acknowledged }));
}

async function cutBeforeFirst(app: App, proxy: Proxy, how: Cut): Promise<void> {
  const visitor = app.visitor();
  void proxy.cutNext(how);
  const answer = await visitor.append();
  if (answer.status !== 200) assertHonest(answer);
  await (await guestAgain(app)).assertLog();
  if (answer.status === 200) await visitor.assertLog();
}

/**
 * Nothing can be written: a request that only reads is served although its deadline is due, which is one event, and
 * no event shows what is stored.
 */
export async function assertReadsGoOn(guest: Visitor, another: World["another"], port?: number): Promise<void> {
  const refreshing = await another({ refreshInterval: 0 }, port);
  const reader = guest.twin(refreshing);
  for (let i = 0; i < 4; i++) {
    const { status, setCookies } = await reader.read();
    assert.deepEqual({ status, setCookies }, { status: 200, setCookies: [] });
  }
  const { events } = refreshing;
  assert.deepEqual(
    events.map(({ type }) => type),
    ["refresh-failed"],
  );
  const shown = inspect(events, { depth: 9 });
  for (const word of guest.acknowledged)
    assert.ok(!new RegExp(`\\b${word}\\b`).test(shown), `what is stored is shown: ${shown}`);
}

/** The first guest that can be served again. */
async function guestAgain(app: App): Promise<Visitor> {
  for (const end = performance.now() + PATIENCE; ; ) {
    const visitor = app.visitor();
    if ((await visitor.append()).status === 200) return visitor;
    if (performance.now() > end) throw new Error("nobody is served again");
  }
}

/** Writes, renews and ends. */
export async function worksAsEver(guest: Visitor): Promise<void> {
  const old = guest.twin();
  assert.equal((await guest.append()).status, 200);
  await guest.assertLog();
  assert.equal((await guest.login()).status, 200);
  await guest.assertLog();
  await assertNobody(old);
  const renewed = guest.twin();
  assert.equal((await guest.logout()).status, 200);
  await assertNobody(renewed);
}

export const ms = (time: number): string => `${Math.round(time)} ms`;

/** What was measured stands in the output of the run. */
export function report(name: string, what: string): void {
  console.log(`${name}: ${what}`);
}
