import assert from "node:assert/strict";
import type { Handle, Routes } from "../../support/apps.js";
import type { RawAnswer } from "../../support/client.js";
import { basic, type Case, type Stage, type World } from "../world.js";

/** What depends on time, on the connection, or on whether the length of a body was known when its head left. */
const FRAMING = /^(?:date|connection|keep-alive|content-length|transfer-encoding):/i;
const OURS = /^(?:set-cookie: session_id=|cache-control: no-store$)/i;

type Answering = (handle: Handle) => unknown;

const ANSWERS: Record<string, Answering> = {
  text: (h) => h.answer({ body: "text", headers: { "x-own": "1", "content-type": "text/plain" } }),
  json: (h) => h.json({ a: [1, "ä"] }),
  redirect: (h) => h.redirect("/plain"),
  "not modified": (h) => h.answer({ status: 304, headers: { etag: '"1"' } }),
  "no content": (h) => h.answer({ status: 204 }),
  "an empty text": (h) => h.answer({ status: 202, body: "", headers: { "content-type": "text/plain" } }),
  stream: (h) =>
    h.stream(
      async (write) => {
        for (const piece of ["a", "ä", "x".repeat(70_000)]) await write(piece);
      },
      { status: 206, headers: { "x-own": "1", "content-type": "text/plain" } },
    ),
};

export const wire: readonly Case[] = [
  {
    name: "an unused session does not change the response, whatever the handler sends and however",
    run: (world) => compare(world, () => {}, false),
  },
  {
    name: "a changed session adds its header lines to the response and changes nothing else",
    run: (world) => compare(world, (h) => h.session.set("user", "ann"), true),
  },
];

async function compare(world: World, use: Answering, isWritten: boolean): Promise<void> {
  const answers = allAnswers(world);
  const bare = await world.stage(
    routesOf(answers, () => {}),
    { isMounted: false },
  );
  const mounted = await world.stage(routesOf(answers, use));
  mounted.storage.delay(1);
  for (const method of ["GET", "HEAD"]) {
    for (const [i, name] of Object.keys(answers).entries()) {
      const [expected, actual] = await Promise.all([ask(bare, method, `/${i}`), ask(mounted, method, `/${i}`)]);
      assert.deepEqual(comparable(actual, isWritten), comparable(expected, isWritten), `${method}, ${name}`);
    }
  }
  assert.deepEqual(await ask(bare, "GET", "/nosuch").then((one) => one.status), 404);
}

function allAnswers({ adapter }: World): Record<string, Answering> {
  const ways = Object.entries(adapter.cookieWays).map(([name, way]): [string, Answering] => [
    name,
    (h) => way(h, "own=1; Path=/"),
  ]);
  return { ...ANSWERS, ...Object.fromEntries(ways) };
}

function routesOf(answers: Record<string, Answering>, use: Answering): Routes {
  const routes = Object.values(answers).map((answer, i): [string, Answering] => [
    `/${i}`,
    (h) => {
      use(h);
      return answer(h);
    },
  ]);
  return { ...basic, ...Object.fromEntries(routes) };
}

async function ask({ raw }: Stage, method: string, path: string): Promise<RawAnswer> {
  const connection = raw();
  connection.write(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  const [answer] = await connection.answers(1, method === "HEAD");
  assert.ok(answer, `${method} ${path}: no whole answer in ${JSON.stringify(connection.received.slice(0, 400))}`);
  return answer;
}

function comparable({ status, lines, body }: RawAnswer, isWritten: boolean): object {
  const kept = lines.filter((line) => !FRAMING.test(line) && !(isWritten && OURS.test(line)));
  return { status, lines: kept.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase())).sort(), body };
}
