/** Asks a runtime's server for every kind of answer, bare and with a session, and compares what is on the wire. */
import { parsed, RawConnection, type RawAnswer } from "../support/client.js";
import { until, within } from "../support/within.js";
import { ORDERS, WAYS } from "./hono.js";
import { KINDS, type Kind } from "./kinds.js";
import { LEFT_OUT, MEANT } from "./meant.js";
import type { Served } from "./start.js";

/** How one comparison or one case went. */
export interface RowResult {
  readonly name: string;
  readonly error?: string;
  /** Why it did not run. */
  readonly leftOut?: string;
}

export type Report = (result: RowResult) => void;

/** What happens to the session while something is answered, and what the client must then be told. */
interface Column {
  readonly name: string;
  readonly where: "usual" | "due" | "later";
  readonly act: "none" | "read" | "write" | "login";
  /** Whether the client has a session. */
  readonly isKnown: boolean;
  readonly isTold: boolean;
  /** Whether it is among those that differ most from each other. */
  readonly isFirst?: true;
}

const COLUMNS: readonly Column[] = [
  { name: "a visitor", where: "usual", act: "none", isKnown: false, isTold: false },
  { name: "a visitor who reads", where: "usual", act: "read", isKnown: false, isTold: false },
  { name: "a first write", where: "usual", act: "write", isKnown: false, isTold: true, isFirst: true },
  { name: "a first write, stored later", where: "later", act: "write", isKnown: false, isTold: true },
  { name: "known and not asked for", where: "usual", act: "none", isKnown: true, isTold: false },
  { name: "a read", where: "usual", act: "read", isKnown: true, isTold: false, isFirst: true },
  { name: "a write", where: "usual", act: "write", isKnown: true, isTold: false },
  { name: "a write, stored later", where: "later", act: "write", isKnown: true, isTold: false },
  { name: "a refresh that is due", where: "due", act: "none", isKnown: true, isTold: true, isFirst: true },
  { name: "a new token", where: "usual", act: "login", isKnown: true, isTold: true },
];

const AT_ONCE = 8;

/** Kinds that only other runtimes have are known here by their names alone. */
const ELSEWHERE: Readonly<Record<string, Partial<Kind>>> = {
  "Bun.file, a range": { headers: { Range: "bytes=3-9" } },
  "Bun.file, a range beyond it": { headers: { Range: "bytes=999999-" } },
  "Bun.file, its stream": { isStream: true },
  "stream that is direct": { isStream: true },
  "a generator function": { isStream: true },
  "compressed by hand": { headers: { "Accept-Encoding": "gzip" } },
  "compressed by the runtime": { headers: { "Accept-Encoding": "gzip" } },
  "a length that is promised": { isStream: true },
};

/** Asks one server. `isShort`: GET alone, in the columns that differ most. */
export class Rows {
  readonly #server: Served;
  readonly #report: Report;
  readonly #columns: readonly Column[];
  readonly #methods: readonly string[];
  readonly #met = new Set<string>();

  constructor(server: Served, report: Report, isShort: boolean = false) {
    this.#server = server;
    this.#report = report;
    this.#columns = COLUMNS.filter(({ isFirst }) => isFirst || !isShort);
    this.#methods = isShort ? ["GET"] : ["GET", "HEAD"];
  }

  /** Every kind in every column, one object for several visitors, a change during a body; meant differences exist. */
  async kinds(): Promise<void> {
    const kinds = this.#server.kinds.filter(
      (kind) => !LEFT_OUT.some((left) => left.on.test(this.#server.name) && left.kind.test(kind)),
    );
    await all(kinds, async (kind) => {
      const { isStream, isSentOnce } = this.#kind(kind);
      for (const method of this.#methods) await this.#compareKind(kind, method);
      if (!isStream && !isSentOnce) await this.#settle(`shared: ${kind}`, () => this.#share(kind));
    });
    await this.#settle("a change in the midst of a body is stored before its end is seen", () => this.#changeLate());
    for (const { on, row, why } of MEANT) {
      if (
        !on.test(this.#server.name) ||
        (this.#methods.length === 1 && /HEAD/.test(row.source) && !/GET/.test(row.source))
      )
        continue;
      await this.#settle(`meant: ${why}`, async () => {
        if (!this.#met.has(why)) throw new Error("there is no such difference any more: take it out of meant.ts");
      });
    }
  }

  /** Hono's ways to answer: all of them with the session alone, some with each order of middlewares. */
  async hono(): Promise<void> {
    const alone = Object.keys(WAYS).map((way) => ["alone", way, ""] as const);
    const some = ["c.text", "c.text, long", "c.json", "a Response", "stream, streamText", "an error"];
    const ordered = Object.keys(ORDERS).flatMap((order) => some.map((way) => [order, way, ""] as const));
    const made = ["route", "mount"].flatMap((kind) =>
      ["c.text", "c.notFound"].map((way) => ["alone", way, kind] as const),
    );
    await all([...alone, ...ordered, ...made], async ([order, way, kind]) => {
      for (const column of this.#columns.filter(
        ({ where, act, isKnown }) =>
          where === "usual" && act !== "login" && (kind !== "mount" || (act === "none" && !isKnown)),
      )) {
        const name = `Hono ${kind} ${order}: ${way}: ${column.name}`;
        await this.#settle(name, async () => {
          const headers: Record<string, string> = /compress|many/.test(order) ? { "Accept-Encoding": "gzip" } : {};
          const bare = await this.#ask(path(`hono${kind}-bare`, order, "none", way), { headers });
          const cookie = column.isKnown
            ? await this.#known(`hono${kind}-usual`, "alone", "write", "c.text")
            : undefined;
          const told = await this.#ask(path(`hono${kind}-usual`, order, column.act, way), {
            headers,
            ...(cookie && { cookie }),
          });
          assertEqual(...this.#apart(bare, told, name), column, /^stream|^an error/.test(way) || order !== "alone");
        });
      }
    });
  }

  #kind(kind: string): Partial<Kind> {
    return KINDS[kind] ?? ELSEWHERE[kind] ?? {};
  }

  async #compareKind(kind: string, method: string): Promise<void> {
    const { isStream, isPublic, headers = {} } = this.#kind(kind);
    let bare: RawAnswer | undefined;
    for (const usual of this.#columns) {
      const column = isPublic && usual.where === "due" ? { ...usual, isTold: false } : usual;
      const name = `${method} ${kind}: ${column.name}`;
      await this.#settle(name, async () => {
        bare ??= await this.#ask(path("bare", "none", kind), { method, headers });
        const cookie = column.isKnown ? await this.#known(column.where, "write", "text") : undefined;
        const told = await this.#ask(path(column.where, column.act, kind), {
          method,
          headers,
          ...(cookie && { cookie }),
        });
        assertEqual(...this.#apart(bare, told, name), column, isStream === true || method === "HEAD");
      });
    }
  }

  /** Both answers without the lines in which they are meant to differ. */
  #apart(bare: RawAnswer, told: RawAnswer, name: string): [bare: RawAnswer, told: RawAnswer] {
    const meant = MEANT.filter(({ on, row }) => on.test(this.#server.name) && row.test(name));
    const shown = ({ lines }: RawAnswer, line: RegExp): string =>
      lines
        .filter((one) => line.test(one))
        .map(normal)
        .join();
    const differing = meant.filter(({ line }) => shown(bare, line) !== shown(told, line));
    for (const { why } of differing) this.#met.add(why);
    const left = (answer: RawAnswer): RawAnswer => ({
      ...answer,
      lines: answer.lines.filter((one) => !differing.some(({ line }) => line.test(one))),
    });
    return [left(bare), left(told)];
  }

  async #share(kind: string): Promise<void> {
    const name = `shared ${kind}`;
    const bare = [await this.#ask(path("bare", "none", name)), await this.#ask(path("bare", "none", name))].map(
      comparableBody,
    );
    for (const where of ["usual", "later"] as const) {
      const [first, second, third] = [
        await this.#ask(path(where, "write", name)),
        await this.#ask(path(where, "none", name)),
        await this.#ask(path(where, "write", name)),
      ];
      const tokens = [first, third].map(({ lines }) => ours(lines));
      if (ours(second.lines).length > 0) throw new Error("a visitor was sent another's cookie");
      if (tokens.some((lines) => lines.length > 1)) throw new Error("an answer has the cookies of two visitors");
      if (tokens[0]![0] !== undefined && tokens[0]![0] === tokens[1]![0])
        throw new Error("two visitors were sent one token");
      const isSentAgain = bare[0] === bare[1];
      if (isSentAgain && [second, third].some((answer) => comparableBody(answer) !== bare[0]))
        throw new Error("bare, the same object is sent again");
    }
  }

  async #changeLate(): Promise<void> {
    for (const where of ["usual", "later"] as const) {
      const cookie = await this.#known(where, "write", "text");
      const answer = await this.#ask(path(where, "read", "late"), { cookie });
      if (answer.body !== "one two") throw new Error(`the body is ${answer.body}`);
      const seen = await this.#ask(path(where, "read", "seen"), { cookie });
      if (!seen.body.includes('"late":"late"'))
        throw new Error(`at the end of the body there was stored ${seen.body}`);
    }
  }

  /** A session that is stored, as its Cookie header. */
  async #known(...names: readonly string[]): Promise<string> {
    const [cookie] = ours((await this.#ask(path(...names))).lines);
    if (cookie === undefined) throw new Error("no session was begun");
    return /^set-cookie: ([^;]*)/i.exec(cookie)![1]!;
  }

  /** One request on a connection of its own, and its whole answer. */
  async #ask(target: string, { method = "GET", headers = {}, cookie }: Asked = {}): Promise<RawAnswer> {
    const connection = new RawConnection(this.#server.port);
    try {
      const lines = Object.entries({ Host: "localhost", ...headers, ...(cookie && { Cookie: cookie }) }).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      );
      connection.write(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`);
      const whole = (): RawAnswer | undefined => parsed(connection.received, method === "HEAD")[0];
      await until(
        `an answer to ${method} ${decodeURIComponent(target)}`,
        () => whole() !== undefined || connection.isClosed,
      );
      const answer = whole();
      if (!answer) return { status: 0, lines: ["(broken off)"], body: connection.received };
      return {
        ...answer,
        lines: [connection.received.slice(0, connection.received.indexOf("\r\n")), ...answer.lines],
      };
    } finally {
      connection.close();
    }
  }

  async #settle(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await within(20_000, name, work());
      this.#report({ name });
    } catch (error) {
      this.#report({ name, error: error instanceof Error ? error.message : String(error) });
    }
  }
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookie?: string;
}

function path(...names: readonly string[]): string {
  return `/${names.map(encodeURIComponent).join("/")}`;
}

const COOKIE = /^set-cookie: session_id=/i;

function ours(lines: readonly string[]): string[] {
  return lines.filter((line) => COOKIE.test(line));
}

/** Headers by which an answer is kept from caches: where the session was asked for or is told. */
const OF_CACHES = /^(?:cache-control|cdn-cache-control|surrogate-control|vary):/i;
/** How the end of the body is found: where its length is not known beforehand. */
const OF_FRAMING = /^(?:content-length|transfer-encoding):/i;

function assertEqual(bare: RawAnswer, told: RawAnswer, { act, isTold }: Column, isFramedFreely: boolean): void {
  if (bare.status === 500 && told.status === 500) return;
  const shown = (answer: RawAnswer): string =>
    comparable(answer, isTold || act === "read" || act === "write", isFramedFreely);
  if (shown(bare) !== shown(told)) throw new Error(`bare ${shown(bare)}\nwith ${shown(told)}`);
  const carried = ours(told.lines).length;
  const expected = isTold ? 1 : 0;
  if (carried !== expected) throw new Error(`${carried} cookies instead of ${expected}`);
  if (isTold && !told.lines.some((line) => /^cache-control: no-store$/i.test(line)))
    throw new Error("a token is sent without no-store");
}

function comparable({ lines, body }: RawAnswer, isPrivate: boolean, isFramedFreely: boolean): string {
  const left = lines.filter(
    (line) =>
      !/^date:/i.test(line) &&
      !COOKIE.test(line) &&
      !(isPrivate && OF_CACHES.test(line)) &&
      !(isFramedFreely && OF_FRAMING.test(line)),
  );
  return unbounded(JSON.stringify([left.map(normal).sort(), digest(body)]), body);
}

function comparableBody({ status, body }: RawAnswer): string {
  return unbounded(JSON.stringify([status, digest(body)]), body);
}

/** The name of a header in any case; a type with a blank or without. */
function normal(line: string): string {
  return line.replace(/^[^:]*:/, (name) => name.toLowerCase()).replace(/^(content-type:.*); /, "$1;");
}

/** A form's boundary is drawn anew for each answer. */
function unbounded(text: string, body: string): string {
  const inBody = /^--(\S+)\r\nContent-Disposition/.exec(body)?.[1];
  const boundary = inBody ?? /multipart\/form-data; ?boundary=([\w-]+)/.exec(text)?.[1];
  return boundary === undefined ? text : text.replaceAll(boundary, "BOUNDARY");
}

function digest(body: string): string {
  if (body.length < 500) return body;
  const sum = [...body].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 4_294_967_291, 7);
  return `${body.length} characters, ${sum}`;
}

/** A few at a time. */
async function all<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
