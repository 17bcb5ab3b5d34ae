/** The clients of a soak. They do what their steps say, and write down what they sent and what came back. */
import { randomBytes } from "node:crypto";
import { request, type IncomingMessage } from "node:http";
import { hashOf, idOf } from "#dist/session/token.js";
import { aWhile } from "../../support/within.js";
import { isJob, type Act, type Ask, type Job, type Told } from "./acts.js";
import { REMOVED, type Entry } from "./checker.js";
import { personSteps, staffSteps, type Deed, type Step } from "./plan.js";
import type { ServerProcess } from "./site.js";

const COOKIE = "session_id";
/** Whoever hears nothing for so long gives up. */
const PATIENCE_MS = 30_000;

/** What all clients write down, and what they know together. */
export class Journal {
  readonly log: Entry[] = [];
  /** When each answer came that a storage had a part in, in ms. */
  readonly served: number[] = [];
  /** How many requests met a server that was down: they were never sent. */
  refused = 0;
  /** Tokens that were answered, and to whom. */
  readonly tokens = new Map<string, string>();
  /** Tokens that were renewed or ended, as their answers said. */
  readonly dead: string[] = [];
  readonly #servers: readonly ServerProcess[];
  #tick = 0;
  #words = 0;

  constructor(servers: readonly ServerProcess[]) {
    this.#servers = servers;
  }

  /** Sends a request and answers its entry; nothing where the server is down. */
  async send(
    nth: number,
    asked: Omit<Ask, "word" | "id">,
    token: string | undefined,
    hangUp?: number,
  ): Promise<Entry | undefined> {
    const server = this.#servers[nth]!;
    if (server.port === undefined) return void this.refused++;
    const isOfOthers = isJob(asked.act);
    const id = isOfOthers && token !== undefined ? idOf(hashOf(token)) : undefined;
    const ask: Ask = { ...asked, word: `w${++this.#words}`, ...(id !== undefined && { id }) };
    const sent = ++this.#tick;
    const outcome = await exchange(server, ask, isOfOthers ? undefined : token, hangUp);
    if (outcome === "refused") return void this.refused++;
    const { act, word, person, tab } = ask;
    const entry: Entry = { act, word, person, tab, token, sent, ended: ++this.#tick, ...outcome };
    this.#note(entry);
    return entry;
  }

  #note(entry: Entry): void {
    this.log.push(entry);
    const { status, token, cookie, told, act, person } = entry;
    if (cookie && cookie !== token && !this.tokens.has(cookie)) this.tokens.set(cookie, person);
    if (status !== 200) return;
    if (token !== undefined || cookie !== undefined) this.served.push(performance.now());
    if (token !== undefined && told?.seen?.origin && ["login", "signin", "logout", "reset", "forget"].includes(act))
      this.dead.push(token);
  }
}

type Outcome = Pick<Entry, "status" | "cookie" | "told">;

/** One request over HTTP. `refused`: nothing was sent. */
function exchange(
  server: ServerProcess,
  ask: Ask,
  token: string | undefined,
  hangUp: number | undefined,
): Promise<Outcome | "refused"> {
  const path = `/?ask=${encodeURIComponent(JSON.stringify(ask))}`;
  return new Promise((resolve) => {
    const req = request({
      host: "127.0.0.1",
      port: server.port,
      path,
      method: "POST",
      agent: server.agent!,
      headers: token === undefined ? {} : { cookie: `${COOKIE}=${token}` },
    });
    const timer = setTimeout(() => req.destroy(), hangUp ?? PATIENCE_MS);
    const end = (outcome: Outcome | "refused"): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    req.once("error", (error: NodeJS.ErrnoException) =>
      end(error.code === "ECONNREFUSED" ? "refused" : { status: "lost" }),
    );
    req.once("response", (response) => void outcomeOf(response).then(end, () => end({ status: "lost" })));
    req.end();
  });
}

async function outcomeOf(response: IncomingMessage): Promise<Outcome> {
  let body = "";
  for await (const text of response.setEncoding("utf8")) body += text as string;
  const told = response.statusCode === 200 ? (JSON.parse(body) as Told) : undefined;
  return { status: response.statusCode!, cookie: cookieOf(response.headers["set-cookie"]), told };
}

function cookieOf(lines: readonly string[] | undefined): string | undefined {
  const line = lines?.findLast((one) => one.startsWith(`${COOKIE}=`));
  if (line === undefined) return undefined;
  return /;\s*max-age=0/i.test(line) ? REMOVED : line.slice(COOKIE.length + 1).split(";")[0];
}

/** Somebody with a browser: several tabs, one jar. */
export class Person {
  readonly name: string;
  readonly tabs: readonly string[];
  /** The token in the jar. */
  token: string | undefined;

  constructor(name: string, tabs: number) {
    this.name = name;
    this.tabs = Array.from({ length: tabs }, (_, i) => `${name}.${i + 1}`);
  }

  /** What one tab does, one request after the other. */
  async browse(journal: Journal, tab: string, steps: Generator<Step<Act>>, isOver: () => boolean): Promise<void> {
    for (const { what, server, park, pause, hangUp } of steps) {
      await aWhile(pause);
      if (isOver()) return;
      const entry = await journal.send(server, { act: what, person: this.name, tab, park }, this.token, hangUp);
      if (entry?.cookie !== undefined && entry.status !== "lost")
        this.token = entry.cookie === REMOVED ? undefined : entry.cookie;
    }
  }
}

const STAFF = "staff";
const THIEF = "thief";

/** Works in the background on the sessions of others, and tries tokens that are not its own. */
export async function workAndSteal(
  journal: Journal,
  people: readonly Person[],
  steps: Generator<Step<Deed>>,
  isOver: () => boolean,
): Promise<void> {
  const stolen: string[] = [];
  for (const { what, server, park, pause, pick } of steps) {
    await aWhile(pause);
    if (isOver()) return;
    const { name, token: someone } = people[Math.floor(pick * people.length)]!;
    const send = (person: string, act: Act | Job, token: string | undefined) =>
      token !== undefined && journal.send(server, { act, person, tab: person, park }, token);
    if (what === "everywhere" || what === "list")
      await journal.send(server, { act: what, person: name, tab: STAFF, park }, undefined);
    else if (what === "steal" && someone !== undefined) stolen.push(someone);
    else if (what === "edit" || what === "revoke") await send(STAFF, what, someone);
    else if (what === "forge") await send(THIEF, "increment", randomBytes(32).toString("base64url"));
    else if (what === "replay login")
      await send(THIEF, "login", journal.dead[Math.floor(pick * journal.dead.length)]);
    else await send(THIEF, what === "replay write" ? "increment" : "read", stolen[Math.floor(pick * stolen.length)]);
  }
}

export interface CrewOptions {
  readonly people: number;
  readonly tabs: number;
  readonly seed: number;
  readonly servers: number;
}

/** Starts every client; answers when all are done. */
export async function runClients(
  journal: Journal,
  { people, tabs, seed, servers }: CrewOptions,
  isOver: () => boolean,
): Promise<void> {
  const crowd = Array.from({ length: people }, (_, i) => new Person(`person${i + 1}`, tabs));
  const browsing = crowd.flatMap((person) =>
    person.tabs.map((tab) => person.browse(journal, tab, personSteps(seed, tab, servers), isOver)),
  );
  await Promise.all([...browsing, workAndSteal(journal, crowd, staffSteps(seed, STAFF, servers), isOver)]);
}

/**
 * Reads every session by every token that was ever answered, until each is answered with 200; answers how many were
 * not.
 */
export async function audit(journal: Journal, servers: number, patienceMs: number): Promise<number> {
  const waiting = [...journal.tokens.entries()];
  const end = performance.now() + patienceMs;
  const auditor = async (nth: number): Promise<void> => {
    for (let next = waiting.shift(); next && performance.now() < end; next = waiting.shift()) {
      const [token, person] = next;
      const entry = await journal.send(nth, { act: "read", person, tab: "audit", park: 0 }, token);
      if (entry?.status === 200) continue;
      waiting.push(next);
      await aWhile();
    }
  };
  await Promise.all(Array.from({ length: servers }, (_, nth) => auditor(nth)));
  return waiting.length;
}
