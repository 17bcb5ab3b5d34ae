import type { Session, Store, StoredSession } from "holdfast";
import { SessionError } from "holdfast";
import { makeGate, type Gate } from "../../support/storages.js";
import type { Op } from "./format.js";

/** The sessions of a scenario may hold anything. */
export type Data = Record<string, unknown>;

/** One request, as the application's handler sees it, whatever the framework. */
export interface Visit {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Which script the handler is to follow: the value of the request header {@link SCRIPT_HEADER}. */
  readonly script: string | undefined;
  /** The innermost middleware's session, or undefined. */
  find(): Session<Data> | undefined;
  /** The innermost middleware's session; throws where there is none. */
  get(): Session<Data>;
  /** Store pattern. */
  open(): Promise<StoredSession<Data>>;
  readonly store: Store<Data>;
}

/** What the handler answers. */
export interface Reply {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** Answers a request, or nothing where the framework is to say that there is no such page. */
export type Handle = (visit: Visit) => Promise<Reply | undefined>;

export const SCRIPT_HEADER = "x-script";

const READ_ONLY = ["GET", "HEAD"];

/** What the handler does in one request. */
export class Script {
  readonly #ops: readonly Op[];
  readonly #gate: Gate & { pass(): Promise<void> } = makeGate();
  readonly #headers: [string, string][] = [];
  #visit!: Visit;
  /** Store pattern: what `store.get` answered last. */
  #opened: StoredSession<Data> | undefined;

  constructor(ops: readonly Op[]) {
    this.#ops = ops;
  }

  /** The place where the `gate` op stands until it is released. */
  get gate(): Gate {
    return this.#gate;
  }

  /**
   * Does one op after the other; an error of one is its result. The last word is the results, or what an op answered
   * itself.
   */
  async play(visit: Visit): Promise<Reply> {
    this.#visit = visit;
    const results: unknown[] = [];
    for (const op of this.#ops) {
      const answered = ending(op);
      if (answered) return this.#reply(answered);
      results.push(await this.#resultOf(op));
    }
    return this.#reply({
      status: 200,
      headers: [["Content-Type", "application/json"]],
      body: JSON.stringify({ results }),
    });
  }

  #reply(reply: Reply): Reply {
    return { ...reply, headers: [...reply.headers, ...this.#headers] };
  }

  async #resultOf(op: Op): Promise<unknown> {
    try {
      return (await this.#do(op)) ?? null;
    } catch (error) {
      return { error: wordOf(error) };
    }
  }

  #do([word, ...args]: Op): unknown {
    const [first, second, third] = args as [string, string, unknown];
    if (word.startsWith("store.") && word !== "store.get") return storeOp(this.#visit.store, word, args);
    switch (word) {
      case "has-session":
        return this.#visit.find() !== undefined;
      case "gate":
        return this.#gate.pass();
      case "cookie":
        return void this.#headers.push(["Set-Cookie", `${first}=${String(second)}`]);
      case "store.get":
        return this.#open();
      default:
        return sessionOp(this.#session, word, first, word === "set" ? second : third);
    }
  }

  async #open(): Promise<void> {
    this.#opened = await this.#visit.open();
  }

  get #session(): StoredSession<Data> {
    return this.#opened ?? (this.#visit.get() as StoredSession<Data>);
  }
}

/** The answer of an op that ends the request. */
function ending([word, first, second]: Op): Reply | undefined {
  if (word === "redirect") return { status: 303, headers: [["Location", String(first)]], body: "" };
  if (word === "error") return plain(Number(first), String(second));
  return undefined;
}

function sessionOp(session: StoredSession<Data>, word: string, key: string, value: unknown): unknown {
  switch (word) {
    case "set":
      return session.set(key, value);
    case "get":
      return session.get(key);
    case "delete":
      return session.delete(key);
    case "keys":
      return session.keys().sort();
    case "id":
      return session.token;
    case "fresh":
      return session.fresh;
    case "regenerate":
      return session.regenerate();
    case "reset":
      return session.reset();
    case "destroy":
      return session.destroy();
    case "save":
      return session.save();
    case "idle":
      return session.setIdleTimeout(Number(key));
    case "release":
      return session.release();
    default:
      throw new Error(`the handler does not know the op ${word}`);
  }
}

async function storeOp(store: Store<Data>, word: string, [token, key, value]: readonly unknown[]): Promise<unknown> {
  if (word === "store.reset") return store.clear();
  if (token === "") throw new Refused("empty-id");
  const session = await store.getByToken(String(token));
  if (word === "store.delete") return session && void (await store.delete(session.id));
  if (!session) throw new Refused("not-found");
  if (word === "store.getById")
    return { id: session.token, fresh: session.fresh, value: session.get(String(key)) ?? null };
  session.set(String(key), value);
  await session.save();
  session.release();
}

/** What the model answers with an error, and this library with undefined. */
class Refused extends Error {
  readonly code: "empty-id" | "not-found";

  constructor(code: "empty-id" | "not-found") {
    super(code);
    this.code = code;
  }
}

function wordOf(error: unknown): string {
  if (error instanceof SessionError || error instanceof Refused) return error.code;
  return error instanceof Error ? error.name : String(error);
}

/** The pages of the application: every path and method, but no `/nosuch`, and `/only-get` for GET alone. */
export function application(scripts: ReadonlyMap<string, Script>): Handle {
  return async (visit) => {
    if (visit.path === "/nosuch") return undefined;
    if (visit.path === "/only-get" && !READ_ONLY.includes(visit.method))
      return { ...plain(405, "Method Not Allowed"), headers: [["Allow", "GET, HEAD"]] };
    const script = scripts.get(visit.script ?? "");
    if (!script) return plain(500, "this request has no script");
    return script.play(visit);
  };
}

const plain = (status: number, body: string): Reply => ({
  status,
  headers: [["Content-Type", "text/plain; charset=utf-8"]],
  body,
});
