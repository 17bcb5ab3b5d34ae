/**
 * Runs the modules it is given, one after the other, and writes to a file what each has led to: the first error that it
 * threw, or that reached the error path of its framework, or the first warning; and all that was printed and sent.
 */
import { writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { Outcome } from "./mistake.js";

type Ask = (path: string, cookie: string) => Promise<Response>;

const [resultFile = "", ...modules] = process.argv.slice(2);
/** Far above what any program takes. */
const DEADLINE_MS = 3000;
const COOKIE = /^session_id=([^;]+)/;

let errors: Error[] = [];
let warnings: string[] = [];
let shown: string[] = [];
let tokens: string[] = [];
let closing: (() => unknown)[] = [];

const note = (error: unknown): void => {
  if (error instanceof Error) errors.push(error);
};

process.on("unhandledRejection", note).on("uncaughtException", note);
process.on("warning", ({ name, message }) => void (name === "HoldfastWarning" && warnings.push(message)));
for (const stream of [process.stdout, process.stderr])
  stream.write = (text: string | Uint8Array): boolean => shown.push(String(text)) > 0;
const print = console.error;
console.error = (...args: unknown[]) => {
  args.forEach(note);
  print(...args);
};
Object.assign(globalThis, { visit });

const outcomes: Outcome[] = [];
for (const module of modules) outcomes.push(await outcomeOf(module));
writeFileSync(resultFile, JSON.stringify(outcomes));
process.exit();

async function outcomeOf(module: string): Promise<Outcome> {
  [errors, warnings, shown, tokens, closing] = [[], [], [], [], []];
  await import(pathToFileURL(module).href).catch(note);
  const end = performance.now() + DEADLINE_MS;
  while (errors.length === 0 && warnings.length === 0 && performance.now() < end) await turn();
  await Promise.all(closing.map((close) => close()));
  // What arrives later would be taken for the next program's.
  for (let i = 0; i < 20; i++) await turn();
  const [error] = errors;
  const said = { shown: shown.join("\n"), tokens };
  if (!error) return { ...said, message: warnings[0] ?? "", stack: "" };
  return { ...said, message: error.message, code: (error as { code?: unknown }).code, stack: error.stack ?? "" };
}

/** Starts an application of any framework, and sends it a request for each path; cookies are kept. */
async function visit(app: unknown, ...paths: string[]): Promise<void> {
  const ask = await started(app as App);
  let cookie = "";
  for (const path of paths.length > 0 ? paths : ["/"]) {
    const response = await ask(path, cookie);
    const token = COOKIE.exec(response.headers.getSetCookie()[0] ?? "")?.[1];
    if (token !== undefined) {
      cookie = `session_id=${token}`;
      tokens.push(token);
    }
    const headers = [...response.headers].filter(([name]) => name !== "set-cookie");
    shown.push(JSON.stringify(headers), await response.text());
  }
}

/** What applications of the frameworks have. */
type App = RequestListener & {
  fetch?(request: Request): Response | Promise<Response>;
  inject?: unknown;
  onError?(handler: (error: Error, c: unknown) => unknown): unknown;
  setErrorHandler?(
    handler: (error: Error, request: unknown, reply: { send(error: Error): unknown }) => unknown,
  ): void;
  listen?(options: { port: number; host: string }): Promise<string>;
  close?(): unknown;
  callback?(): RequestListener;
  on?(event: "error", listener: (error: Error) => void): unknown;
  use?(handler: unknown): unknown;
};

async function started(app: App): Promise<Ask> {
  if (app.fetch) return overFetch(app);
  if (app.setErrorHandler) {
    app.setErrorHandler((error, _request, reply) => (note(error), reply.send(error)));
    closing.push(() => app.close!());
    return overHttp(await app.listen!({ port: 0, host: "127.0.0.1" }));
  }
  if (app.callback) app.on!("error", (error) => print(error.stack, note(error)));
  else
    app.use?.((error: Error, _req: unknown, _res: unknown, next: (error: Error) => void) =>
      next((note(error), error)),
    );
  const listener = app.callback?.() ?? app;
  const server = createServer((req, res) => {
    Promise.resolve()
      .then(() => listener(req, res))
      .catch((error: unknown) => (note(error), res.writeHead(500).end()));
  });
  closing.push(() => server.close().closeAllConnections());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return overHttp(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

function overHttp(origin: string): Ask {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  return (path, cookie) => fetch(`${origin}${path}`, { headers: { cookie }, signal });
}

function overFetch(app: App): Ask {
  app.onError?.((error) => {
    note(error);
    throw error;
  });
  return async (path, cookie) => app.fetch!(new Request(`http://localhost${path}`, { headers: { cookie } }));
}
