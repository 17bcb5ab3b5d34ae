import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { serveFetch } from "../frameworks/apps/fetch.js";
import { streamOf } from "../frameworks/apps/fetch-app.js";
import type { RunningApp } from "../frameworks/framework.js";
import { fromNpm, root } from "../frameworks/packages.js";
import { rowsOf } from "../frameworks/play.js";
import { story, storyOptions, type StoryData } from "../frameworks/story.js";

/** The framework of the example, which no adapter of the library knows. */
const ITTY = { "itty-router": "5.0.24" };

const { session } = await import(pathToFileURL(join(root, "examples/dist/own-adapter.js")).href);
const load = createRequire(join(fromNpm(ITTY), "package.json"));
const { AutoRouter } = await import(pathToFileURL(load.resolve("itty-router")).href);

const redirect = (to: string): Response => new Response(null, { status: 303, headers: { Location: to } });
const fieldsOf = async (request: Request): Promise<object> => Object.fromEntries(await request.formData());

function start(): Promise<RunningApp> {
  const router = AutoRouter({
    catch: (error: { status?: number }) => new Response("failed", { status: error.status ?? 500 }),
  });
  router
    .get("/storage", ({ query }: any) => new Response(story.storage(query.do)))
    .get("/untouched", () => new Response("untouched"))
    .get("/data", (request: any) => Response.json(story.data(request.session)))
    .post("/set", async (request: any) => new Response(story.set(request.session, (await fieldsOf(request)) as {})))
    .post("/increment", (request: any) => new Response(story.increment(request.session)))
    .get("/throw", (request: any) => story.throw(request.session))
    .get("/slow", async (request: any) => new Response(await story.slow(request.session)))
    .get("/stream", (request: any) => new Response(streamOf(request.session)))
    .post("/login", async (request: any) => {
      await story.login(request.session, (await fieldsOf(request)) as {});
      return redirect("/account");
    })
    .post("/logout", (request: any) => story.logout(request.session).then(() => redirect("/untouched")))
    .get("/account", (request: any) => {
      const account = story.account(request.session);
      return account === undefined ? redirect("/untouched") : new Response(account);
    });
  const sessions = session(storyOptions((request: Request) => request.url)) as {
    (handler: object): (request: Request) => Promise<Response>;
    get(request: Request): { data: StoryData };
  };
  return serveFetch(sessions(router.fetch));
}

suite("the adapter of docs/reference/adapter.md passes the adapter suite", () => {
  let app: RunningApp;
  before(async () => void (app = await start()));
  after(() => app.close());
  const column = { framework: { name: "itty-router", versions: [], start }, version: "" };
  for (const { name, run } of rowsOf(column)) test(name, () => run(app));
});

test("the page shows the example as it runs", () => {
  const page = readFileSync(join(root, "docs/reference/adapter.md"), "utf8");
  const example = readFileSync(join(root, "examples/own-adapter.ts"), "utf8");
  assert.ok(
    page.includes(`\`\`\`ts\n${example}\`\`\``),
    "docs/reference/adapter.md and examples/own-adapter.ts differ",
  );
  assert.ok(example.split("\n").length <= 45);
});

test("the page names every route of the suite", () => {
  const page = readFileSync(join(root, "docs/reference/adapter.md"), "utf8");
  const cases = readFileSync(join(root, "src/testing/adapter-cases.ts"), "utf8");
  const routes = new Set([...cases.matchAll(/\.(?:get|post)\("(\/\w+)/g)].map(([, route]) => route!));
  assert.ok(routes.size >= 10);
  for (const route of routes) assert.ok(page.includes(`\`${route}`) || page.includes(` ${route}`), route);
});
