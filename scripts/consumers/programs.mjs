/** The programs of the applications that scripts/package-check.mjs makes. */

const DATA = 'declare module "holdfast" {\n  interface SessionData {\n    visits: number;\n  }\n}\n';

/** The same small application on each framework, in strict TypeScript: visits are counted, a login, a logout. */
export const SERVERS = {
  "express.ts": `import express from "express";
import { session } from "holdfast/express";

${DATA}
export const app = express();
app.use(session({ idleTimeout: "30m" }));
app.get("/", (req, res) => {
  req.session.update("visits", (visits = 0) => visits + 1);
  const visits: number | undefined = req.session.get("visits");
  res.json({ visits, owner: req.session.owner });
});
app.post("/login", async (req, res) => {
  await req.session.authenticate("7");
  res.end();
});
app.post("/logout", async (req, res) => {
  await req.session.destroy();
  res.end();
});
`,
  "fastify.ts": `import fastify from "fastify";
import { session } from "holdfast/fastify";

${DATA}
export const app = fastify();
await app.register(session({ idleTimeout: "30m" }));
app.get("/", async (request) => {
  request.session.update("visits", (visits = 0) => visits + 1);
  const visits: number | undefined = request.session.get("visits");
  return { visits, owner: request.session.owner };
});
app.post("/login", async (request) => {
  await request.session.authenticate("7");
  return {};
});
app.post("/logout", async (request) => {
  await request.session.destroy();
  return {};
});
`,
  "hono.ts": `import { Hono } from "hono";
import { session, type SessionEnv } from "holdfast/hono";

interface Data {
  visits: number;
}

export const app = new Hono<SessionEnv<Data>>();
app.use(session<Data>({ idleTimeout: "30m" }));
app.get("/", (c) => {
  const own = c.get("session");
  own.update("visits", (visits = 0) => visits + 1);
  const visits: number | undefined = own.get("visits");
  return c.json({ visits, owner: own.owner });
});
app.post("/login", async (c) => {
  await c.get("session").authenticate("7");
  return c.body(null);
});
app.post("/logout", async (c) => {
  await c.get("session").destroy();
  return c.body(null);
});
`,
  "koa.ts": `import Koa from "koa";
import { session } from "holdfast/koa";

${DATA}
export const app = new Koa();
app.use(session({ idleTimeout: "30m" }));
app.use(async (ctx) => {
  ctx.body = {};
  if (ctx.path === "/login") return ctx.session.authenticate("7");
  if (ctx.path === "/logout") return ctx.session.destroy();
  ctx.session.update("visits", (visits = 0) => visits + 1);
  const visits: number | undefined = ctx.session.get("visits");
  ctx.body = { visits, owner: ctx.session.owner };
});
`,
};

/** A module that imports every entry of the package. */
export const entriesOf = (names) =>
  [
    ...names.map((name, i) => `import * as entry${i} from "${name}";`),
    `export const all = [${names.map((_, i) => `entry${i}`).join(", ")}];\n`,
  ].join("\n");

/** The application as a fetch handler, in JavaScript. `imported`: how it comes by the library. */
export const handlerOf = (imported) => `${imported}
const handler = session()(async (request) => {
  const { pathname } = new URL(request.url);
  const own = getSession(request);
  if (pathname === "/login") {
    await own.authenticate("7");
    return new Response();
  }
  if (pathname === "/logout") {
    await own.destroy();
    return new Response();
  }
  own.update("visits", (visits = 0) => visits + 1);
  return Response.json({ visits: own.get("visits"), owner: own.owner });
});
`;

export const IMPORTED = 'import { getSession, session } from "holdfast/fetch";';
export const REQUIRED = 'const { getSession, session } = require("holdfast/fetch");';

/**
 * `visit(ask)`: a visit, a login, a second visit, a logout, and the copied cookie; throws if an answer is not as
 * promised. `ask(method, path, cookie)` answers a Response.
 */
export const VISIT = `
async function visit(ask) {
  let cookie = "";
  const step = async (method, path, expected) => {
    const response = await ask(method, path, cookie);
    if (response.status !== 200) throw new Error(method + " " + path + ": " + response.status + " " + (await response.text()));
    const [line] = response.headers.getSetCookie();
    if (line !== undefined && !/Max-Age=0/.test(line)) cookie = line.split(";")[0];
    const text = await response.text();
    if (expected !== undefined && text !== JSON.stringify(expected)) throw new Error(method + " " + path + ": " + text);
  };
  await step("GET", "/", { visits: 1 });
  const before = cookie;
  await step("POST", "/login");
  if (cookie === before) throw new Error("a login has to renew the token");
  await step("GET", "/", { visits: 2, owner: "7" });
  await step("POST", "/logout");
  await step("GET", "/", { visits: 1 });
}
const asked = (handler) => (method, path, cookie) =>
  handler(new Request("http://localhost" + path, { method, headers: { cookie } }));
`;

const ASK = `(method, path, cookie) => fetch(origin + path, { method, headers: { cookie } })`;
const OVER_HTTP = `
import { once } from "node:events";
const server = app.listen(0, "127.0.0.1");
await once(server, "listening");
const origin = "http://127.0.0.1:" + server.address().port;
await visit(${ASK});
server.close();
server.closeAllConnections();
`;

/** Starts the application of a framework and visits it. */
export const VISITS = {
  express: OVER_HTTP,
  koa: OVER_HTTP,
  fastify: `
const origin = await app.listen({ port: 0, host: "127.0.0.1" });
await visit(${ASK});
await app.close();
`,
  hono: `
await visit((method, path, cookie) => app.request(path, { method, headers: { cookie } }));
`,
};

const NEST_NAMES = {
  "reflect-metadata": "",
  "@nestjs/common": "{ Controller, Get, HttpCode, Module, Post }",
  "@nestjs/core": "{ NestFactory }",
  "holdfast/nestjs": "{ Session, SessionModule }",
};
export const NEST_IMPORTED = Object.entries(NEST_NAMES)
  .map(([from, names]) => `import ${names && `${names} from `}"${from}";\n`)
  .join("");
export const NEST_REQUIRED = Object.entries(NEST_NAMES)
  .map(([from, names]) => `${names && `const ${names} = `}require("${from}");\n`)
  .join("");

/** What `VISIT` asks for, as an application of Nest: decorators are functions. */
export const NEST_PROGRAM = `
class App {
  visit(session) {
    session.update("visits", (visits = 0) => visits + 1);
    return { visits: session.get("visits"), ...(session.owner && { owner: session.owner }) };
  }
  login(session) {
    return session.authenticate("7");
  }
  logout(session) {
    return session.destroy();
  }
}
for (const [name, route] of [["visit", Get("/")], ["login", Post("login")], ["logout", Post("logout")]]) {
  const method = Object.getOwnPropertyDescriptor(App.prototype, name);
  Session()(App.prototype, name, 0);
  for (const decorate of [route, HttpCode(200)]) decorate(App.prototype, name, method);
}
Controller()(App);
class Root {}
Module({ imports: [SessionModule.forRoot()], controllers: [App] })(Root);
${VISIT}
NestFactory.create(Root, { logger: false, abortOnError: false })
  .then(async (app) => {
    await app.listen(0, "127.0.0.1");
    const origin = "http://127.0.0.1:" + app.getHttpServer().address().port;
    await visit((method, path, cookie) => fetch(origin + path, { method, headers: { cookie } }));
    await app.close();
  });
`;

const FAIL = `if (warnings.length > 0) throw new Error(JSON.stringify(warnings, undefined, 1));`;

/** Bundles each file it is given to `out`, as an ES module for Node; a warning is a failure. */
export const BUNDLES = {
  esbuild: `import { build } from "esbuild";
const { warnings } = await build({
  entryPoints: process.argv.slice(2), outdir: "out", bundle: true, minify: true, format: "esm", platform: "node", logLevel: "error",
});
${FAIL}
`,
  rolldown: `import { rolldown } from "rolldown";
const warnings = [];
for (const input of process.argv.slice(2)) {
  const bundle = await rolldown({ input, platform: "node", onLog: (level, log) => void warnings.push(log.message) });
  await bundle.write({ file: "out/" + input, format: "esm", minify: true, codeSplitting: false });
}
${FAIL}
`,
  webpack: `import { promisify } from "node:util";
import { readFileSync } from "node:fs";
import webpack from "webpack";
const { peerDependencies } = JSON.parse(readFileSync("../node_modules/holdfast/package.json", "utf8"));
const peers = new RegExp("^(" + Object.keys(peerDependencies).join("|") + ")(/|$)");
const warnings = [];
for (const input of process.argv.slice(2)) {
  const stats = await promisify(webpack)({
    mode: "production", target: "node20", entry: "./" + input, experiments: { outputModule: true },
    externals: [peers], externalsType: "import",
    output: { path: import.meta.dirname + "/out", filename: input, module: true, library: { type: "module" } },
  });
  const found = stats.toJson({ errors: true, warnings: true });
  warnings.push(...[...found.errors, ...found.warnings].map(({ message }) => message));
}
${FAIL}
`,
};
