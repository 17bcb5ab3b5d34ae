/** The routes of the adapter suite and what only Elysia has, on Bun and on Node, compiled or not (`AOT`). */
import { Elysia, file, sse, status } from "elysia";
import { currentSession } from "holdfast/als";
import { crossOriginProtection, session } from "holdfast/elysia";
import { fail, options, respond } from "./story.js";

const onBun = "Bun" in globalThis;
const own = onBun ? {} : { adapter: (await import("@elysiajs/node")).node() };
const aot = process.env.AOT !== "false";
const sessions = session({ ...options((request) => request.url), asyncLocalStorage: true });

/** A relative address is an error of `redirect()` on Node. */
const to = (path, { url }) => new URL(path, url).href;

const lines = async function* ({ session }) {
  session.set("streamed", "yes");
  for (const line of ["one\n", "two\n", "three\n"]) yield line;
};

/** A plugin that brings the session along: with `aot: false` the application itself has to. */
const grouped = new Elysia({ prefix: "/plugin" })
  .use(aot ? sessions : (app) => app)
  .get("/owner", ({ session }) => session.owner ?? "nobody");

const inner = () => {
  currentSession().set("mounted", "yes");
  return new Response("mounted", { status: 202, headers: { "X-Inner": "1" } });
};

const app = new Elysia({ ...own, aot, cookie: { path: "/" } })
  .use(crossOriginProtection())
  .use(sessions)
  .macro({
    owned: {
      resolve({ session, status }) {
        return session.owner === undefined ? status(401, "log in") : { owner: session.owner };
      },
    },
  })
  .onError(({ code, error, session, set }) => {
    set.headers["x-owner"] = session?.owner ?? "nobody";
    if (code === "NOT_FOUND") return status(404, "not here");
    if (error.message === "handled") {
      set.status = 418;
      return "handled";
    }
  })
  .use(grouped)
  .get("/stream", lines)
  .get("/throw", ({ session }) => fail(session))
  .post("/login", async ({ session, body, redirect, request }) => {
    await session.authenticate(String(body.user));
    return redirect(to("/account", request), 303);
  })
  .post("/logout", async ({ session, redirect, request }) => {
    await session.destroy();
    return redirect(to("/untouched", request), 303);
  })
  .get("/account", ({ owner }) => `account of ${owner}`, { owned: true })
  .post("/set", ({ session, body }) => {
    session.set(body.key, body.value);
    return "set";
  })
  .get("/static", "a string")
  .get("/jar", ({ session, cookie, set }) => {
    cookie.own.value = "1";
    cookie.other.value = "2";
    set.headers["x-own"] = "1";
    set.headers["cache-control"] = "public, max-age=60";
    set.status = 201;
    session.set("jar", "yes");
    return { jar: "yes" };
  })
  .get("/jar/redirect", ({ session, cookie, redirect, request }) => {
    cookie.own.value = "1";
    session.set("jar", "yes");
    return redirect(to("/untouched", request));
  })
  .get("/header", ({ session, set }) => {
    set.headers["set-cookie"] = "own=1; Path=/";
    session.set("jar", "yes");
    return "header";
  })
  .get("/response", ({ session }) => {
    session.set("jar", "yes");
    return new Response("own", { status: 203, headers: { "Set-Cookie": "own=1", "X-Own": "1" } });
  })
  .get("/status", ({ session }) => {
    session.set("status", "returned");
    return status(409, "returned");
  })
  .get("/status/thrown", ({ session }) => {
    session.set("status", "thrown");
    throw status(403, "thrown");
  })
  .get("/handled", ({ session }) => {
    session.set("handled", "yes");
    throw new Error("handled");
  })
  .get("/sse", async function* ({ session, cookie, set }) {
    session.set("sse", "yes");
    cookie.own.value = "1";
    set.headers["x-own"] = "1";
    yield sse({ event: "first", data: { n: 1 } });
    await new Promise((resolve) => setTimeout(resolve, 100));
    session.set("late", "yes");
    yield sse({ event: "second", data: { n: 2 } });
  })
  .get("/file", ({ session }) => {
    session.set("file", "yes");
    return file(new URL("./story.js", import.meta.url).pathname);
  })
  .get("/blob", ({ session }) => {
    session.set("file", "yes");
    return new Blob(["<p>text"], { type: "text/plain" });
  })
  .guard({ owned: true }, (app) => app.get("/guarded", ({ session }) => session.owner))
  .group("/group", (app) => app.get("/owner", ({ session }) => session.owner ?? "nobody"))
  .mount("/mounted", inner)
  .ws("/socket", {
    async open(ws) {
      const { session } = ws.data;
      ws.send(`owner ${session.owner ?? "nobody"}`);
    },
    async message(ws, text) {
      const { session } = ws.data;
      try {
        session.set("said", String(text));
        await session.save();
        ws.send("saved");
      } catch (error) {
        ws.send(`refused ${error.code}`);
      }
    },
  });

for (const path of ["/storage", "/untouched", "/data", "/increment", "/slow"])
  app.all(path, ({ request, session }) => respond(request, () => session), { parse: "none" });

app.listen({ port: Number(process.env.PORT), hostname: "127.0.0.1" });
