import assert from "node:assert/strict";
import { within } from "../../support/within.js";
import { PATIENCE, type ServerProcess } from "./processes.js";
import type { CallName, Data, Step } from "./steps.js";

/** What a person received. */
export interface Answer {
  readonly status: number;
  /** The session's token that was set; "" where the cookie was removed, undefined where none was sent. */
  readonly cookie: string | undefined;
  readonly data: Data | undefined;
  /** Why it was refused. */
  readonly code: string | undefined;
  /** The ids that were noted. */
  readonly noted: readonly string[];
}

/** A request that stands at a gate. */
export interface Parked {
  /** Opens the gate; resolves with the answer. */
  letGo(): Promise<Answer>;
}

let gates = 0;

/** Two servers, and one column of what they share. */
export class World {
  readonly a: ServerProcess;
  readonly b: ServerProcess;
  readonly column: string;

  constructor(a: ServerProcess, b: ServerProcess, column: string) {
    [this.a, this.b, this.column] = [a, b, column];
  }

  /** Somebody with a session that holds this. What was told before is forgotten. */
  async person(data: Data = { name: "Ann" }): Promise<Person> {
    const { cookie } = await this.send(
      this.a,
      undefined,
      Object.entries(data).map(([key, value]) => ["set", key, value] as const),
    );
    assert.ok(cookie);
    await this.events();
    return new Person(this, cookie);
  }

  /** One request with this cookie. */
  async send(server: ServerProcess, cookie: string | undefined, steps: readonly Step[]): Promise<Answer> {
    const url = `${server.origin}/${encodeURIComponent(this.column)}?steps=${encodeURIComponent(JSON.stringify(steps))}`;
    const response = await fetch(url, { headers: cookie === undefined ? {} : { cookie: `session_id=${cookie}` } });
    const { data, code, noted } = (await response.json()) as Pick<Answer, "data" | "code" | "noted">;
    const lines = response.headers.getSetCookie();
    assert.ok(lines.length <= 1, "more than one cookie");
    return { status: response.status, cookie: lines.map(tokenOf)[0], data, code, noted };
  }

  /** A name for a gate, of this moment only. */
  gate(): string {
    return `gate ${++gates}`;
  }

  /** Waits until this work stands at its gate on that server. Work that ends without it is a failure. */
  async parked<T>(server: ServerProcess, gate: string, work: Promise<T>): Promise<{ letGo(): Promise<T> }> {
    const passedBy = work.then((answer) => assert.fail(`it never came to its gate: ${JSON.stringify(answer)}`));
    await Promise.race([server.tell("standing", gate, 1), passedBy]);
    passedBy.catch(() => {});
    return {
      async letGo() {
        await server.tell("open", gate);
        return within(PATIENCE, "an answer after its gate was opened", work);
      },
    };
  }

  /** What a token opens, as both servers see it in fresh requests. */
  async seen(cookie: string): Promise<Data> {
    const [a, b] = [await this.send(this.a, cookie, []), await this.send(this.b, cookie, [])];
    assert.deepEqual([a.status, b.status], [200, 200]);
    assert.deepEqual(a.data, b.data, "the servers see the same");
    return a.data!;
  }

  async opensNothing(...cookies: readonly string[]): Promise<void> {
    for (const cookie of cookies) assert.deepEqual(await this.seen(cookie), {}, "this token opens nothing");
  }

  /** Whether sessions of these ids are stored, as both servers see it. */
  async areThere(...ids: readonly string[]): Promise<boolean[]> {
    const ask = (server: ServerProcess): Promise<boolean[]> =>
      Promise.all(ids.map((id) => server.tell<boolean>("isThere", this.column, id)));
    const [a, b] = [await ask(this.a), await ask(this.b)];
    assert.deepEqual(a, b, "the servers see the same");
    return a;
  }

  /** Lets time pass on both servers. */
  async advance(minutes: number): Promise<void> {
    for (const server of new Set([this.a, this.b])) await server.tell("advance", this.column, minutes * 60_000);
  }

  /** What happened since the last time, on the first server and then on the other. */
  async events(): Promise<string[]> {
    return [
      ...(await this.a.tell<string[]>("events", this.column)),
      ...(await this.b.tell<string[]>("events", this.column)),
    ];
  }
}

/** A person with one browser. */
export class Person {
  /** The token this browser holds. */
  cookie: string;
  readonly #world: World;

  constructor(world: World, cookie: string) {
    [this.#world, this.cookie] = [world, cookie];
  }

  /** Sends a request, waits for the answer and keeps its cookie. */
  async send(server: ServerProcess, ...steps: Step[]): Promise<Answer> {
    return this.#keep(await this.#world.send(server, this.cookie, steps));
  }

  /** The same, whose handler has its session and stands before its first step. */
  async slow(server: ServerProcess, ...steps: Step[]): Promise<Parked> {
    const gate = this.#world.gate();
    return this.#parked(server, gate, [["park", gate], ...steps]);
  }

  /** The same, which stands before a command to the database, or has its answer and no more. */
  async heldAt(server: ServerProcess, when: "before" | "after", call: CallName, ...steps: Step[]): Promise<Parked> {
    const gate = this.#world.gate();
    return this.#parked(server, gate, [["hold", when, call, gate], ...steps]);
  }

  /** The id of the session. */
  async id(server: ServerProcess): Promise<string> {
    const { noted } = await this.send(server, ["note"]);
    return noted[0]!;
  }

  async #parked(server: ServerProcess, gate: string, steps: Step[]): Promise<Parked> {
    const { letGo } = await this.#world.parked(server, gate, this.#world.send(server, this.cookie, steps));
    return { letGo: async () => this.#keep(await letGo()) };
  }

  /** As a browser does: what comes last is kept, whatever was sent. */
  #keep(answer: Answer): Answer {
    if (answer.cookie !== undefined) this.cookie = answer.cookie;
    return answer;
  }
}

function tokenOf(line: string): string {
  const [, token] = /^session_id=([^;]*);/.exec(line) ?? assert.fail(`another cookie: ${line}`);
  assert.equal(/; max-age=0/i.test(line), token === "", line);
  return token!;
}
