import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import {
  fromAuthHeader,
  fromCookie,
  fromCustom,
  fromForm,
  fromHeader,
  fromParam,
  fromQuery,
  type Extractor,
} from "holdfast";
import { World, type Stage } from "../adapters/world.js";
import {
  ADAPTERS,
  type Adapter,
  type AdapterName,
  type AppOptions,
  type Handle,
  type Handler,
  type Routes,
} from "../support/apps.js";
import { dropIn } from "../support/apps/drop-in.js";
import { within } from "../support/within.js";

/** What a client puts on the wire. */
export interface Bytes {
  method?: string;
  path?: string;
  /** Header lines as they are sent, one byte for each character. */
  lines?: readonly string[];
  body?: string;
}

/** What came back, byte for byte. */
export interface WireAnswer {
  readonly status: number;
  /** Header lines as they came, without Date. */
  readonly lines: readonly string[];
  readonly body: string;
  /** Everything that came. */
  readonly text: string;
}

/** What is attacked that is no adapter. */
const DROP_IN = "express-session";

/** Why a test is not for some of what is attacked. */
type Reasons = Readonly<Partial<Record<AdapterName | typeof DROP_IN, string>>>;

/** A place for the token, and how a text gets there. */
export interface Place {
  readonly extractor: Extractor;
  /** The request that brings the text; what it says of method, path and body is its own. */
  carry(text: string): Bytes;
  /** What the server sees of a text that was carried here, as far as HTTP itself changes it. */
  seen(text: string): string;
}

/** A header ends where its line does, and blanks around it are none of it. */
const without = (text: string): string => text.split(/\r?\n/)[0]!.replace(/^[ \t]+|[ \t]+$/g, "");
const escaped = (text: string): string =>
  [...Buffer.from(text, "utf8")].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
const SAME = (text: string): string => text;

/** The seven ways a token comes in, by the source of their extractor. */
export const PLACES: Readonly<Record<string, Place>> = {
  cookie: {
    extractor: fromCookie(),
    carry: (text) => ({ lines: [`Cookie: a=1; session_id=${wire(text)}; b=2`] }),
    seen: (text) => without(text.split(";")[0]!),
  },
  header: {
    extractor: fromHeader("X-Session"),
    carry: (text) => ({ lines: [`X-Session: ${wire(text)}`] }),
    seen: without,
  },
  "auth-header": {
    extractor: fromAuthHeader(),
    carry: (text) => ({ lines: [`Authorization: Bearer ${wire(text)}`] }),
    seen: (text) => text.split(/\r?\n/)[0]!.replace(/[ \t]+$/, ""),
  },
  query: { extractor: fromQuery("s"), carry: (text) => ({ path: `/act?a=1&s=${escaped(text)}` }), seen: SAME },
  param: { extractor: fromParam("id"), carry: (text) => ({ path: `/p/${escaped(text)}` }), seen: SAME },
  form: { extractor: fromForm("s"), carry: (text) => form(`a=1&s=${escaped(text)}`), seen: SAME },
  other: {
    extractor: fromCustom({ extract: (request) => request.headers("x-custom")[0], source: "other", key: "custom" }),
    carry: (text) => ({ lines: [`X-Custom: ${wire(text)}`] }),
    seen: without,
  },
};

const NO_ROUTES = "has no route parameters: fromParam is refused where the middleware is made";

const LOADED_BEFORE = "plain properties are loaded before Express knows the parameters of the route";

/** What a place cannot be had on, of what is attacked. */
export const NOT_THERE: Readonly<Record<string, Reasons>> = {
  param: { node: NO_ROUTES, fetch: NO_ROUTES, [DROP_IN]: LOADED_BEFORE },
};

/** The drop-in's plain properties are there if the session is loaded before the handler. */
const eager: Adapter = {
  ...dropIn,
  start: ({ sessions = {}, ...options }: AppOptions, routes) =>
    dropIn.start({ ...options, sessions: [sessions].flat().map(({ load: _load, ...one }) => one) }, routes),
};

/** What is attacked over HTTP, by the name of its subtests: every adapter, and the drop-in for express-session. */
export const ATTACKED: readonly (readonly [keyof Reasons, Adapter])[] = [
  ...ADAPTERS.map((one) => [one.name, one] as const),
  [DROP_IN, eager],
];

/** A test on every adapter, each in a subtest that has its name. */
export function onEveryAdapter(title: string, play: (world: World) => Promise<void>, not: Reasons = {}): void {
  test(title, async (t) => {
    for (const [name, adapter] of ATTACKED)
      await t.test(name, { skip: not[name] ?? not[adapter.name] ?? false }, () => played(new World(adapter), play));
  });
}

/** A test on every adapter in every place, in subtests that have their names. */
export function everywhere(title: string, play: (world: World, place: Place, source: string) => Promise<void>): void {
  test(title, async (t) => {
    for (const [name, adapter] of ATTACKED) {
      await t.test(name, async (own) => {
        for (const [source, place] of Object.entries(PLACES)) {
          await own.test(source, { skip: NOT_THERE[source]?.[name] ?? false }, () =>
            played(new World(adapter), (world) => play(world, place, source)),
          );
        }
      });
    }
  });
}

async function played(world: World, play: (world: World) => Promise<void>): Promise<void> {
  try {
    await play(world);
  } finally {
    await world.end();
  }
}

/** PUT writes, any other method reads; answers what the session holds and its id, under any path of these. */
export const acting: Routes = withParams({ "/act": act });

async function act(handle: Handle): Promise<unknown> {
  const session = await handle.loadSession();
  if (handle.method === "PUT") session.set("n", 2);
  return handle.json({ keys: session.keys(), n: session.get("n"), id: session.id, fresh: session.fresh });
}

/**
 * The same routes, and one with a parameter `id` below `/p/`, on frameworks with routes and on those whose routers
 * only set `params`.
 */
function withParams(routes: Record<string, Handler>): Routes {
  const all: Record<string, Handler> = { ...routes, "/p/:id": act };
  return new Proxy(all, {
    get: (target, path: string) => target[path] ?? (path.startsWith("/p/") ? routed(path.slice(3)) : undefined),
  });
}

function routed(segment: string): Handler | undefined {
  if (segment === "" || segment.includes("/")) return undefined;
  const id = decoded(segment);
  return id === undefined
    ? (handle) => handle.answer({ status: 400, body: "bad path" })
    : (handle) => (Object.assign(handle.native.ctx ?? handle.native.req, { params: { id } }), act(handle));
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

/** A url-encoded body. */
export function form(body: string): Bytes {
  return { method: "POST", path: "/act", lines: ["Content-Type: application/x-www-form-urlencoded"], body };
}

/** A text as the bytes of a header: of UTF-8, where it has more than Latin-1. */
export function wire(text: string): string {
  return /[^\u0000-\u00ff]/.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text; // oxlint-disable-line no-control-regex
}

/** Sends bytes on a connection of their own and reads until it is closed. */
export function requestSession(
  port: number,
  { method = "GET", path = "/act", lines = [], body = "" }: Bytes = {},
  host = "localhost",
): Promise<WireAnswer> {
  const length = body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body, "latin1")}`];
  const head = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, "Connection: close", ...length, ...lines].join("\r\n");
  const answered = new Promise<WireAnswer>((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(`${head}\r\n\r\n${body}`, "latin1"));
    socket.setEncoding("latin1").on("data", (data: string) => (text += data));
    socket.on("error", () => {}).on("close", () => resolve(parsed(text)));
  });
  return within(30_000, `the answer of ${path}`, answered);
}

function parsed(text: string): WireAnswer {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0),
    lines: lines.filter((line) => !/^date:/i.test(line)),
    body: rest.join("\r\n\r\n"),
    text,
  };
}

/** The values of a header of an answer. */
export function valuesOf({ lines }: WireAnswer, name: string): string[] {
  return lines
    .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    .map((line) => line.slice(name.length + 1).trim());
}

/** What `act` said; bodies may come in chunks. */
export function saidBy({ body, text }: WireAnswer): { keys: string[]; n?: number; id: string; fresh: boolean } {
  const json = /\{.*\}/s.exec(body)?.[0];
  if (json === undefined) throw new Error(`no JSON in ${text}`);
  return JSON.parse(json) as ReturnType<typeof saidBy>;
}

/** An application whose sessions are found in this place. */
export async function staged(world: World, place: Place, options: object = {}): Promise<Stage> {
  return world.stage(acting, { session: { extractor: place.extractor, load: "lazy", ...options } });
}

/** A session that is there already. */
export async function planted({ app }: Stage, data: object = { n: 1 }): Promise<{ token: string; id: string }> {
  return app.sessions[0].store.create(data);
}

/** Answered as a visitor without a session. */
export function assertAnonymous(answer: WireAnswer, what: string): void {
  assert.deepEqual([answer.status, saidBy(answer).keys, valuesOf(answer, "Set-Cookie")], [200, [], []], what);
}
