import assert from "node:assert/strict";
import type { SessionEvent, SessionOptions, Store, StoredSession } from "holdfast";
import { testClock, type TestClock } from "holdfast/testing";
import { RequestSession } from "#dist/session/request-session.js";
import type { ResponseHeaders, RequestView } from "#dist/http/request-view.js";
import { requestSettings } from "#dist/session/request-options.js";
import { watched, type WatchedStorage } from "../support/storages.js";
import { incidents } from "../support/incidents.js";

export type Data = Record<string, any>;
export type Live = StoredSession<Data>;

/** What a request brings beside the cookies of its client. */
export interface Asked {
  cookie?: string;
  headers?: Record<string, string | readonly string[]>;
  url?: string;
  params?: Record<string, string>;
  form?: Record<string, unknown>;
  host?: string;
  encrypted?: boolean;
  version?: string;
}

/** What came back, and what it cost. */
export interface Answered {
  error?: any;
  readonly headers: ReadonlyMap<string, string>;
  readonly cookies: readonly string[];
  /** The calls of the storage that this request made, in order. */
  readonly calls: readonly string[];
  readonly session: Live | undefined;
}

type Handler = (session: Live, requestSession: RequestSession) => unknown;

/** One server: a store over a watched memory, a clock that stands still, and requests that need no framework. */
export class World {
  readonly clock: TestClock = testClock();
  readonly storage: WatchedStorage = watched();
  readonly events: SessionEvent[] = [];
  readonly settings: ReturnType<typeof requestSettings>;
  readonly store: Store<Data>;

  constructor(options: SessionOptions = {}) {
    this.settings = requestSettings([
      {
        storage: this.storage,
        clock: this.clock,
        onEvent: incidents((event: SessionEvent) => void this.events.push(event)),
        ...options,
      },
    ]);
    this.store = this.settings.storeFor([]) as Store<Data>;
  }

  /** The events since the last time, by type; forgets them. */
  happened(): string[] {
    return this.events.splice(0).map(({ type }) => type);
  }

  client(): Client {
    return new Client(this);
  }

  /** A request in pieces, for tests about what happens between them. */
  requestSession(asked: Asked = {}): RequestSession {
    return new RequestSession(this.settings, this.store, viewOf(asked));
  }
}

/** A browser: keeps cookies by name, and sends them. */
export class Client {
  readonly jar = new Map<string, string>();
  readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  /** The value of the default cookie. */
  get token(): string | undefined {
    return this.jar.get("session_id");
  }

  /** One request: opens (unless lazy), runs the handler, commits, answers; `body` runs after the first byte. */
  async ask(handler: Handler = () => {}, asked: Asked = {}, body?: Handler): Promise<Answered> {
    const own = [...this.jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const { storage, settings } = this.world;
    const requestSession = this.world.requestSession({ cookie: own, ...asked });
    const before = storage.calls.length;
    const headers = new FakeHeaders();
    let error: unknown;
    try {
      if (!settings.isLazy) await requestSession.open();
      await handler(requestSession.found!, requestSession);
      await requestSession.commit();
      requestSession.writeHeaders(headers);
      if (body) await body(requestSession.found!, requestSession);
      await requestSession.finish();
    } catch (caught) {
      error = caught;
    }
    for (const line of headers.lines) this.#keep(line);
    return {
      ...(error !== undefined && { error }),
      headers: headers.all,
      cookies: headers.lines,
      calls: storage.calls.slice(before).map(({ name }) => name),
      session: requestSession.found,
    };
  }

  #keep(line: string): void {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
    if (/; Max-Age=0(;|$)/.test(line)) this.jar.delete(name!);
    else this.jar.set(name!, value!);
  }
}

/** A client whose session holds these data. */
export async function visitor(world: World, data: Record<string, unknown> = { n: 1 }): Promise<Client> {
  const client = world.client();
  await client.ask((session) => Object.entries(data).forEach(([key, value]) => session.set(key, value)));
  assert.ok(client.token);
  return client;
}

/** Whether a token opens a session. */
export async function opens(world: World, token: string | undefined): Promise<boolean> {
  return (await world.store.getByToken(token!)) !== undefined;
}

/** A second browser window: the same cookies at this moment. */
export function copyOf(client: Client): Client {
  const copy = client.world.client();
  for (const [name, value] of client.jar) copy.jar.set(name, value);
  return copy;
}

export class FakeHeaders implements ResponseHeaders {
  readonly all = new Map<string, string>();
  lines: readonly string[] = [];

  get(name: string): string | undefined {
    return this.all.get(name.toLowerCase());
  }

  set(name: string, value: string): void {
    this.all.set(name.toLowerCase(), value);
  }

  names(): readonly string[] {
    return [...this.all.keys()];
  }

  cookies(): readonly string[] {
    return this.lines;
  }

  setCookies(lines: readonly string[]): void {
    this.lines = lines;
  }
}

export function viewOf({
  cookie,
  headers = {},
  url = "/",
  params = {},
  form,
  host = "shop.example",
  encrypted = true,
  version,
}: Asked = {}): RequestView {
  const all = new Map(
    Object.entries({ host, ...headers }).map(([name, value]) => [
      name.toLowerCase(),
      typeof value === "string" ? [value] : value,
    ]),
  );
  return {
    cookies: cookie === "" ? undefined : cookie,
    url,
    encrypted,
    version,
    context: {},
    headers: (name) => all.get(name) ?? [],
    param: (name) => params[name],
    form: () => form && new Map(Object.entries(form)),
  };
}

/** Lets promises and a clock that stands still go on together until the work is done. */
export async function passing<T>(clock: TestClock, work: Promise<T>, step = 1): Promise<T> {
  let isDone = false;
  void work.then(
    () => (isDone = true),
    () => (isDone = true),
  );
  for (let turns = 0; !isDone; turns++) {
    if (turns > 50_000) throw new Error("the work never ends");
    await new Promise((resolve) => setImmediate(resolve));
    if (!isDone) clock.advance(step);
  }
  return work;
}

/** Lets everything that can go on do so, without time passing. */
export async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** The code of what a call throws or rejects with. */
export async function codeOf(work: () => unknown): Promise<string | undefined> {
  try {
    await work();
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).name;
  }
  return undefined;
}
