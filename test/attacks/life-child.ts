import { printError } from "./console-kept.js";
import diagnostics from "node:diagnostics_channel";
import { inspect } from "node:util";
import { chain, fromCookie, fromHeader } from "holdfast";
import { COOKIE, World, type Stage } from "../adapters/world.js";
import { adapterNamed, reported, type AdapterName, type Handle, type Routes } from "../support/apps.js";

/**
 * A whole life of sessions on one adapter, in a process whose output is watched. Hands over every token it knows of,
 * and everything that was shown anywhere but in the two places where a token belongs (Set-Cookie and the header of
 * the extractor).
 */
const adapter = process.argv[2] as AdapterName;
const tokens = new Set<string>();
const shown: string[] = [];

const show = (value: unknown): void =>
  void shown.push(inspect(value, { depth: 5, getters: true, maxArrayLength: 200 }), String(value));

console.error = (...values: unknown[]) => {
  printError(...values);
  reported.push(...values.filter((value) => value instanceof Error));
};
process.on("warning", show);
diagnostics.subscribe("holdfast", show);

/**
 * A handler that notes tokens and shows what holds the session: where it is new, nothing of the request has its
 * token.
 */
function showing(work: (h: Handle) => unknown, isNew = false): (h: Handle) => Promise<unknown> {
  return async (h) => {
    const { session } = h;
    tokens.add(session.token);
    await work(h);
    tokens.add(session.token);
    console.log(
      "session",
      session,
      { deep: { session } },
      `${session}`,
      JSON.stringify(session),
      h.sessions,
      session.store,
    );
    for (const one of [session, session.store, h.sessions, h.findSession()]) show(one);
    if (isNew) for (const one of [h.native, h.context]) show(one);
    return h.json({ session, id: session.id });
  };
}

const routes: Routes = {
  "/new": showing((h) => h.session.set("n", 1), true),
  "/first": showing((h) => h.session.set("n", 1)),
  "/write": showing((h) => h.session.update("n", (n = 0) => n + 1)),
  "/read": showing((h) => h.session.get("n")),
  "/login": showing(async (h) => {
    const before = h.session.token;
    await h.session.regenerate();
    tokens.add(before);
    h.session.set("user", "ann");
  }),
  "/save": showing((h) => h.session.save()),
  "/out": showing((h) => h.session.destroy()),
  "/after": async (h) => {
    await h.session.destroy();
    h.session.set("n", 1);
  },
  "/throw": (h) => {
    h.session.set("n", 5);
    throw Object.assign(new Error(`mine, with ${h.session} and ${JSON.stringify(h.session)}`), {
      session: h.session,
      store: h.session.store,
    });
  },
  "/unserializable": (h) => h.session.set("bad", () => {}),
  "/misuse": (h) => (h.session as any).regenerate(h.session.token),
  "/wrong-id": (h) => h.session.store.getById(h.session.token),
};

async function ask({ client }: Stage, path: string, headers: Record<string, string> = {}): Promise<void> {
  const answer = await client.get(path, { headers });
  for (const line of answer.setCookies) tokens.add(/=([^;]*)/.exec(line)![1]!);
  const { "set-cookie": _, "x-session": told, ...rest } = answer.headers;
  if (typeof told === "string") tokens.add(told);
  shown.push(answer.body, JSON.stringify(rest));
}

async function live(stage: Stage): Promise<void> {
  const { storage, app, client } = stage;
  const { store } = app.sessions[0];
  const idOf = async (): Promise<string> => (await store.getByToken(client.cookies.get(COOKIE))).id;
  for (const path of ["/new", "/write", "/read", "/save"]) await ask(stage, path);
  const old = client.cookies.get(COOKIE)!;
  await ask(stage, "/login");
  await ask(stage, "/read", { cookie: `${COOKIE}=${old}; ${COOKIE}=${client.cookies.get(COOKIE)}` });
  await ask(stage, "/read", { "x-session": old });
  for (const path of ["/throw", "/unserializable", "/misuse", "/wrong-id", "/missing"]) await ask(stage, path);
  for (const name of ["get", "create", "update", "delete"] as const) {
    storage.fail(name);
    for (const path of ["/write", "/login", "/out"]) await ask(stage, path);
    storage.heal();
    await ask(stage, "/first");
  }
  storage.failAfter("update");
  await ask(stage, "/login");
  storage.heal();
  await ask(stage, "/login");
  await store.edit(await idOf(), (session: { set(key: string, value: unknown): void }) => session.set("job", 1));
  show(await store.getById(await idOf()));
  await store.delete(await idOf());
  for (const path of ["/write", "/first", "/after", "/first", "/out"]) await ask(stage, path);
}

const world = new World(adapterNamed(adapter));
const stage = await world.stage(routes, {
  session: {
    extractor: chain(fromHeader("X-Session"), fromCookie()),
    refreshInterval: 0,
    onEvent: (event: unknown) => show(event),
  },
});
await live(stage);
for (const error of [...stage.app.errors, ...reported]) {
  show(error);
  shown.push((error as Error).stack ?? "", JSON.stringify(error), String((error as Error).cause));
}
show(world);
shown.push(JSON.stringify(stage.storage.calls));
console.log("the end");
await world.end();
process.send!(
  { tokens: [...tokens].filter((token) => token !== ""), shown: shown.join("\n"), errors: stage.app.errors.length },
  () => process.disconnect(),
);
