import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { SessionEvent, Storage } from "holdfast";
import { session, type NodeOptions, type SessionRequest } from "holdfast/node";
import { hashOf } from "#dist/session/token.js";
import { Client, type Answer, type Sent } from "../../support/client.js";
import { listening } from "../../support/apps/serving.js";
import { until } from "../../support/within.js";
import { incidents } from "../../support/incidents.js";

interface Data {
  log: string[];
  user: string;
}

export const STORAGE_TIMEOUT = 400;
/** How many visitors try to get a session until one has it. */
const MOST_GUESTS = 5;
export const COMMIT_TIMEOUT = 700;
/** No request may take longer: one read, a commit, and what a busy machine adds. */
const LIMIT = STORAGE_TIMEOUT + COMMIT_TIMEOUT + 3000;

/** A request that has its session, and waits before it changes anything. */
export interface Held {
  readonly answering: Promise<Answer>;
  letGo(): void;
}

/** A small application with sessions in a database, served over HTTP. */
export class App {
  readonly events: SessionEvent[] = [];
  readonly #closes: (() => Promise<void>)[] = [];
  #origin = "";
  #gate: { arrive(): void; readonly open: Promise<void> } | undefined;

  static async over(storage: Storage, options: NodeOptions = {}): Promise<App> {
    const app = new App();
    const sessions = session<Data>({
      storage,
      storageTimeout: STORAGE_TIMEOUT,
      commitTimeout: COMMIT_TIMEOUT,
      onEvent: incidents((event) => app.events.push(event)),
      ...options,
    });
    const served = await listening(createServer(sessions((req, res) => app.#handle(req, res))), [], []);
    app.#origin = served.origin;
    app.#closes.push(() => served.close());
    return app;
  }

  /** Somebody who has no session yet. */
  visitor(): Visitor {
    return new Visitor(this.#origin);
  }

  /**
   * Somebody with a session that is stored, before anything is broken. The first call of a client opens its connection,
   * which may take longer than the timeout while the machine is busy: then somebody else comes.
   */
  async guest(): Promise<Visitor> {
    for (let left = MOST_GUESTS; ; left--) {
      const visitor = this.visitor();
      const { status } = await visitor.append();
      if (status === 200) return visitor;
      assert.ok(status === 503 && left > 1, `no session could be stored: ${status}`);
    }
  }

  /** Sends a request, which is loaded, and then waits before it does anything. It fails if it is answered before. */
  async hold(send: () => Promise<Answer>): Promise<Held> {
    let [arrive, letGo] = [() => {}, () => {}];
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    this.#gate = { arrive, open: new Promise<void>((resolve) => (letGo = resolve)) };
    const answering = send();
    const tooEarly = answering.then(({ status }) => assert.fail(`answered with ${status} before it was loaded`));
    await Promise.race([arrived, tooEarly]);
    return { answering, letGo };
  }

  async close(): Promise<void> {
    for (const close of this.#closes) await close();
  }

  async #handle(req: SessionRequest<Data>, res: ServerResponse): Promise<void> {
    const gate = this.#gate;
    this.#gate = undefined;
    gate?.arrive();
    await gate?.open;
    const { pathname, searchParams } = new URL(req.url!, "http://localhost");
    await this.#act(pathname, searchParams, req);
    res.end(JSON.stringify(req.session.toJSON()));
  }

  async #act(path: string, query: URLSearchParams, { session }: SessionRequest<Data>): Promise<void> {
    if (path === "/append") session.update("log", (log = []) => [...log, query.get("word")!]);
    if (path === "/logout") await session.destroy();
    if (path !== "/login") return;
    await session.regenerate();
    session.set("user", "ann");
  }
}

let words = 0;

/** A browser, which remembers what it was told. */
export class Visitor {
  readonly #client: Client;
  /** Words whose answer was 200. */
  readonly acknowledged: string[];
  /** Words whose answer was 503: they may have been written, once. */
  readonly uncertain: string[];
  readonly origin: string;

  constructor(
    origin: string,
    { acknowledged, uncertain }: Pick<Visitor, "acknowledged" | "uncertain"> = { acknowledged: [], uncertain: [] },
  ) {
    this.#client = new Client(origin);
    this.origin = origin;
    this.acknowledged = acknowledged;
    this.uncertain = uncertain;
  }

  /**
   * Another window of the same browser, with the cookies it has now; perhaps at another server of the application.
   */
  twin(app?: App): Visitor {
    const twin = new Visitor(app?.visitor().origin ?? this.origin, this);
    for (const [name, value] of this.#client.cookies) twin.#client.cookies.set(name, value);
    return twin;
  }

  get cookie(): string {
    return this.#client.cookieHeader;
  }

  /** Under which the storage keeps the session. */
  get key(): string {
    return `holdfast:${hashOf(this.#client.cookies.get("session_id")!)}`;
  }

  /** What is in the session. */
  read(): Promise<Answer> {
    return this.#send("/");
  }

  login(): Promise<Answer> {
    return this.#send("/login", { method: "POST" });
  }

  logout(): Promise<Answer> {
    return this.#send("/logout", { method: "POST" });
  }

  /** Appends a word to the session's log. */
  async append(): Promise<Answer> {
    const word = `w${++words}`;
    const answer = await this.#send(`/append?word=${word}`, { method: "POST" });
    (answer.status === 200 ? this.acknowledged : this.uncertain).push(word);
    return answer;
  }

  /**
   * Once the session is there again: every word that was acknowledged is in it, but for the lost ones; what is
   * uncertain is in it at most once.
   */
  async assertLog(lost: readonly string[] = []): Promise<readonly string[]> {
    const answer = await this.read();
    assert.equal(answer.status, 200);
    const log: string[] = answer.json().log ?? [];
    assert.equal(new Set(log).size, log.length, `written twice: ${log.join(" ")}`);
    assert.deepEqual(
      log.filter((word) => !this.uncertain.includes(word)),
      this.acknowledged.filter((word) => !lost.includes(word)),
    );
    return log;
  }

  /**
   * Waits until the session can be read again, and answers how long that took, in ms. Every answer until then is an
   * honest one.
   */
  async untilServed(ms: number): Promise<number> {
    const began = performance.now();
    for (let answer = await this.read(); answer.status !== 200; answer = await this.read()) {
      assertHonest(answer);
      if (performance.now() - began > ms) throw new Error(`not served again within ${ms} ms`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return performance.now() - began;
  }

  async #send(path: string, sent: Sent = {}): Promise<Answer> {
    const began = performance.now();
    const answer = await this.#client.send(path, sent);
    const took = performance.now() - began;
    assert.ok(took < LIMIT, `${path}: ${answer.status} after ${Math.round(took)} ms; the limit is ${LIMIT} ms`);
    return answer;
  }
}

/** The answer of a request whose storage failed: 503, and nothing for the client to keep. */
export function assertHonest({ status, setCookies }: Answer): void {
  assert.deepEqual({ status, setCookies }, { status: 503, setCookies: [] });
}

/** A cookie of this visitor opens no session. */
export async function assertNobody(visitor: Visitor): Promise<void> {
  const { status, body } = await visitor.read();
  assert.deepEqual({ status, body }, { status: 200, body: "{}" });
}

/** Runs something, after which nothing more keeps the process alive than before. */
export async function leavingNothing(work: () => Promise<void>): Promise<void> {
  const before = awake();
  await work();
  let now = before;
  await until("what keeps the process alive", () => (now = awake()).length <= before.length, 3000).catch(() =>
    assert.deepEqual(now, before),
  );
}

/** What keeps the process alive, but for what comes and goes with the test itself. */
function awake(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((name) => !["Immediate", "TickObject", "PipeWrap", "TTYWrap"].includes(name))
    .sort();
}
