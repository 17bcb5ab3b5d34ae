import express from "express";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Client, turns, type Names } from "./client.js";
import { StoppedClock } from "./clock.js";
import { dropIn, expressSession } from "./drop-in.js";
import { BASICS, stable, type Handler, type Kit, type Note, type Program, type Side } from "./program.js";
import { FaultyStorage, recordingStore, type Fault } from "./stores.js";

export const SECRET = "keyboard cat";
/** In ms: a response that has not come then does not come. */
const PATIENCE = 5000;
const ENDLESS = 300;
const DEFAULTS = { secret: SECRET, resave: false, saveUninitialized: false };

/** Plays a program on one side; answers what was observed. Programs are played one after another. */
export async function play(program: Program, side: Side): Promise<readonly Note[]> {
  const stage = new Stage(program, side);
  const stopClock = stage.clock.install();
  const stopListening = listenForUncaught((error) => stage.uncaught.push(messageOf(error)));
  try {
    await stage.run();
  } finally {
    await stage.end();
    stopListening();
    stopClock();
  }
  return stage.notes;
}

class Stage {
  readonly clock = new StoppedClock();
  readonly notes: Note[] = [];
  readonly uncaught: string[] = [];
  readonly #program: Program;
  readonly #side: Side;
  readonly #faults: Map<string, Fault>;
  readonly #gates = new Map<string, PromiseWithResolvers>();
  readonly #session: any;
  #noted: string[] = [];
  #errors: string[] = [];
  #store: any;
  #storage: FaultyStorage | undefined;
  #sessionStore: any;
  #server: Server | undefined;
  #middleware: any;
  readonly #ends: (() => void)[] = [];
  readonly #shared: Record<string, unknown> = {};

  constructor(program: Program, side: Side) {
    this.#program = program;
    this.#side = side;
    this.#faults = new Map(Object.entries(program.faults ?? {}));
    this.#session = side === "express-session" ? expressSession : dropIn();
  }

  async run(): Promise<void> {
    const app = express();
    const options = this.#options();
    let middleware: Handler;
    try {
      middleware = this.#session(options) as Handler;
    } catch (error) {
      this.notes.push({ step: "0", field: "constructor", value: messageOf(error) });
      return;
    }
    this.#middleware = middleware;
    await this.#build(app, middleware);
    const server = createServer(app);
    this.#program.attach?.(server, this.#kit());
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await this.#program.visit(this.#client(server, options));
    await turns(5);
    if (this.uncaught.length > 0)
      this.notes.push({ step: "end", field: "uncaught", value: this.uncaught.join("\n") });
  }

  async end(): Promise<void> {
    for (const end of this.#ends) end();
    this.#server?.closeAllConnections();
    await new Promise((resolve) => (this.#server ? this.#server.close(resolve) : resolve(undefined)));
  }

  #options(): Record<string, unknown> {
    const { options = {}, prepare } = this.#program;
    const own: Record<string, unknown> = { ...DEFAULTS, ...(typeof options === "function" ? options() : options) };
    if (this.#program.inMemory) return own;
    if (this.#side === "storage") {
      this.#storage = new FaultyStorage(this.#faults);
      return { ...own, storage: this.#storage };
    }
    this.#store = recordingStore(expressSession.Store, this.#faults);
    prepare?.(this.#store);
    return { ...own, store: this.#store };
  }

  async #build(app: any, middleware: Handler): Promise<void> {
    const { set = {}, before = [], routes = {}, app: more } = this.#program;
    const kit = this.#kit();
    for (const [name, value] of Object.entries(set)) app.set(name, value);
    for (const handler of before) app.use(with3(handler, kit));
    app.use(middleware);
    app.use((req: any, _res: unknown, next: () => void) => {
      this.#sessionStore ??= req.sessionStore;
      next();
    });
    await more?.(app, kit);
    for (const [path, handler] of Object.entries({ ...BASICS, ...routes })) app.all(path, with3(handler, kit));
    app.use((error: any, _req: unknown, res: any, _next: unknown) => this.#failed(error, res));
  }

  #kit(): Kit {
    const gate = (name: string): PromiseWithResolvers => {
      const found = this.#gates.get(name) ?? withResolvers();
      this.#gates.set(name, found);
      return found;
    };
    return {
      note: (text) => void this.#noted.push(typeof text === "string" ? text : stable(text)),
      gate: (name) => gate(name).promise,
      open: (name) => gate(name).resolve(),
      store: this.#store,
      elsewhere: this.#store ? { store: this.#store } : { storage: this.#storage, namespace: "elsewhere" },
      session: this.#session,
      middleware: this.#middleware,
      shared: this.#shared,
      onEnd: (act) => void this.#ends.push(act),
    };
  }

  #failed(error: any, res: any): void {
    this.#errors.push(`${messageOf(error)}${res.headersSent ? ", after the response had begun" : ""}`);
    if (!res.headersSent) res.status(error.status ?? 500).end(`error: ${error.message}`);
  }

  #client(server: Server, options: Record<string, unknown>): Client {
    const secrets = [options["secret"]].flat().filter((one): one is string => typeof one === "string");
    return new Client({
      port: (server.address() as AddressInfo).port,
      clock: this.clock,
      faults: this.#faults,
      patience: this.#program.isEndless && this.#side === "express-session" ? ENDLESS : PATIENCE,
      secrets: secrets.length > 0 ? secrets : [SECRET],
      store: this.#store,
      open: this.#kit().open,
      shared: this.#shared,
      note: (note) => this.#note(note),
      observe: (step, names) => this.#observe(step, names),
    });
  }

  #note({ step, field, value }: Note): void {
    const { hides } = this.#program;
    if (hides && field === "header etag") return;
    this.notes.push({ step, field, value: hides ? value.replace(hides, "…") : value });
  }

  async #observe(step: string, names: Names): Promise<void> {
    const note = (field: string, value: string): void => this.#note({ step, field, value: names.in(value) });
    if (this.#noted.length > 0) note("noted", this.#noted.join("\n"));
    if (this.#errors.length > 0) note("errors", this.#errors.join("\n"));
    this.#noted = [];
    this.#errors = [];
    if (this.#store) {
      note("calls", this.#store.calls.join(" "));
      note("count", String(this.#store.sessions.size));
      this.#store.calls = [];
    }
    for (const [id, name] of names.all) await this.#observeSession(id, name, note);
  }

  async #observeSession(id: string, name: string, note: (field: string, value: string) => void): Promise<void> {
    const found = this.#store ? parsed(this.#store.sessions.get(id)) : await this.#stored(id);
    if (!found || typeof found !== "object") return note(`data ${name}`, stable(found ?? null));
    const { cookie, ...data } = found as { cookie?: { expires?: unknown } };
    const expires = typeof cookie?.expires === "string" ? Date.parse(cookie.expires) : undefined;
    if (expires !== undefined && expires <= this.clock.now) return note(`data ${name}`, "null");
    note(`data ${name}`, stable(data));
    note(`cookie ${name}`, stable(JSON.parse(JSON.stringify(cookie ?? null))));
  }

  /** What the middleware's own store has, without the failures of the case. */
  #stored(id: string): Promise<unknown> {
    const faults = [...this.#faults];
    this.#faults.clear();
    const restore = (): void => {
      for (const [call, fault] of faults) this.#faults.set(call, fault);
    };
    if (typeof this.#sessionStore?.get !== "function") return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#sessionStore.get(id, (error: unknown, found: unknown) => {
        restore();
        resolve(error ? messageOf(error) : found);
      });
    });
  }
}

/** Express tells a handler of errors by its four parameters. */
function with3(handler: Handler, kit: Kit): (req: unknown, res: unknown, next: () => void) => unknown {
  return (req, res, next) => handler(req, res, next, kit);
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}

function messageOf(error: any): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

interface PromiseWithResolvers {
  promise: Promise<void>;
  resolve: () => void;
}

function withResolvers(): PromiseWithResolvers {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

function listenForUncaught(heard: (error: unknown) => void): () => void {
  process.on("uncaughtException", heard).on("unhandledRejection", heard);
  return () => process.off("uncaughtException", heard).off("unhandledRejection", heard);
}
