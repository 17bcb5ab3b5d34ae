import { createHmac } from "node:crypto";
import { request, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { StoppedClock } from "./clock.js";
import { parsed } from "../support/client.js";
import type { Note } from "./program.js";
import type { Call, Fault } from "./stores.js";

/** What a request sends. */
export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
  /** Instead of the cookies of the jar; `""` sends none. */
  readonly cookie?: string;
}

/** A response, as it is compared. */
export interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly setCookies: readonly string[];
  readonly body: string;
  /** How its length is told. */
  readonly framing: string;
  /** What became of it, if it is not whole. */
  readonly end?: string;
}

/** What the client needs of the server. */
export interface Served {
  readonly port: number;
  readonly clock: StoppedClock;
  readonly faults: Map<string, Fault>;
  readonly patience: number;
  readonly secrets: readonly string[];
  readonly open: (gate: string) => void;
  readonly shared: Record<string, unknown>;
  readonly store: any;
  /** Observes the server after a request. */
  readonly observe: (step: string, names: Names) => Promise<void>;
  readonly note: (note: Note) => void;
}

/** Of a connection, not of the program. */
const IGNORED = new Set(["date", "connection", "keep-alive", "set-cookie", "content-length", "transfer-encoding"]);
/** A session's id, whoever drew it. */
const ID = /(?<![A-Za-z0-9_.~-])[A-Za-z0-9_-]{32,64}(?![A-Za-z0-9_-])/g;

/** Names for ids, in the order in which they appear. */
export class Names {
  readonly #names = new Map<string, string>();

  of(id: string): string {
    const known = this.#names.get(id) ?? `#${this.#names.size + 1}`;
    this.#names.set(id, known);
    return known;
  }

  /** The id of a name, for a client that sends it elsewhere. */
  id(name: string): string {
    return [...this.#names].find(([, one]) => one === name)?.[0] ?? "";
  }

  in(text: string): string {
    return text.replace(ID, (id) => this.of(id));
  }

  get all(): readonly [string, string][] {
    return [...this.#names];
  }
}

/** The client of a program: a browser with one jar, whose observations are compared. */
export class Client {
  readonly jar = new Map<string, string>();
  readonly names = new Names();
  readonly #served: Served;
  #step = 0;

  constructor(served: Served) {
    this.#served = served;
  }

  get port(): number {
    return this.#served.port;
  }

  /** Values that handlers and the client pass to each other. */
  get shared(): Record<string, unknown> {
    return this.#served.shared;
  }

  /** Something that the client of a program sees elsewhere. */
  seen(field: string, value: string): void {
    this.#step += 1;
    this.#served.note({ step: `${this.#step} seen`, field, value });
  }

  /** Time passes. */
  advance(ms: number): void {
    this.#served.clock.now += ms;
  }

  /** From now on a call of the store fails so; undefined: it works. */
  fault(call: Call, fault?: Fault): void {
    if (fault) this.#served.faults.set(call, fault);
    else this.#served.faults.delete(call);
  }

  /** Lets handlers go on that wait at a gate. */
  open(gate: string): void {
    this.#served.open(gate);
  }

  /** The connect store emits an event; nothing on a storage. */
  emit(event: string): void {
    this.#served.store?.emit(event);
  }

  /** The value of a cookie with the id, signed. */
  signed(id: string, secret: string = this.#served.secrets[0]!): string {
    return encodeURIComponent(`s:${id}.${signature(id, secret)}`);
  }

  /** Sends a request, waits for the response, observes both and the server. */
  async get(path: string, sent: Sent = {}): Promise<Received> {
    const received = await this.start(path, sent);
    return received();
  }

  /** The same with a method. */
  post(path: string, sent: Sent = {}): Promise<Received> {
    return this.get(path, { method: "POST", ...sent });
  }

  /** Sends a request; what is returned waits for its response. */
  async start(path: string, sent: Sent = {}): Promise<() => Promise<Received>> {
    this.#step += 1;
    const step = `${this.#step} ${sent.method ?? "GET"} ${path.split("?")[0]}`;
    const response = this.#exchange(path, sent);
    await turns(3);
    return async () => this.#observed(step, await response);
  }

  /** Waits for a few turns of the event loop. */
  async rest(): Promise<void> {
    await turns(20);
  }

  /** Requests that are sent at once on one connection; their responses in the order in which they come. */
  async pipelined(paths: readonly string[]): Promise<void> {
    this.#step += 1;
    const step = `${this.#step} pipelined`;
    const heads = paths.map((path, i) => {
      const last = i === paths.length - 1 ? "Connection: close\r\n" : "";
      return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nCookie: ${this.#cookieHeader}\r\n${last}\r\n`;
    });
    const text = await receiveAll(this.#served.port, heads.join(""), this.#served.patience);
    const shown = parsed(text).map(({ status, lines, body }) => {
      const cookies = lines
        .filter((line) => /^set-cookie:/i.test(line))
        .map((line) => this.#readable(line.slice(12)));
      return [String(status), ...cookies, body].join(" ");
    });
    await turns(5);
    this.#served.note({ step, field: "responses", value: this.names.in(shown.join("\n")) });
    await this.#served.observe(step, this.names);
  }

  get #cookieHeader(): string {
    return [...this.jar].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  #exchange(
    path: string,
    { method = "GET", headers = {}, body, cookie = this.#cookieHeader }: Sent,
  ): Promise<Received> {
    const own = {
      ...(cookie && { cookie }),
      ...(body !== undefined && { "content-length": String(Buffer.byteLength(body)) }),
      ...headers,
    };
    const options = { port: this.#served.port, host: "127.0.0.1", path, method, headers: own, agent: false };
    return new Promise((resolve) => {
      const broken = (end: string): void => {
        clearTimeout(timer);
        resolve({ status: 0, headers: {}, setCookies: [], body: "", framing: "", end });
      };
      const sent = request(options as object);
      const timer = setTimeout(() => {
        broken("no response");
        sent.destroy();
      }, this.#served.patience);
      sent.on("error", (error: NodeJS.ErrnoException) => broken(`no response (${error.code})`));
      sent.on("response", (response: IncomingMessage) => {
        void receive(response).then((received) => {
          clearTimeout(timer);
          resolve(received);
        });
      });
      sent.end(body);
    });
  }

  async #observed(step: string, received: Received): Promise<Received> {
    const note = (field: string, value: string): void => this.#served.note({ step, field, value });
    this.#keep(received.setCookies);
    await turns(5);
    note("framing", received.framing);
    note("status", `${received.status}${received.end ? ` ${received.end}` : ""}`);
    for (const [i, line] of received.setCookies.entries()) note(`set-cookie ${i + 1}`, this.#readable(line));
    for (const [name, value] of Object.entries(received.headers)) note(`header ${name}`, this.names.in(value));
    note("body", this.names.in(received.body));
    await this.#served.observe(step, this.names);
    return received;
  }

  #keep(lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = "", ...attributes] = line.split(";");
      const at = pair.indexOf("=");
      const expires = attributes.map((one) => /^\s*expires=(.+)$/i.exec(one)?.[1]).find((one) => one !== undefined);
      const isGone = expires !== undefined && Date.parse(expires) <= this.#served.clock.now;
      if (isGone) this.jar.delete(pair.slice(0, at));
      else this.jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
  }

  /** A Set-Cookie line: a signed id by its name, with the secret that signed it. */
  #readable(line: string): string {
    const [pair = "", ...attributes] = line.split(";");
    const at = pair.indexOf("=");
    const value = decodeURIComponent(pair.slice(at + 1));
    const [, id, mac] = /^s:(.*)\.([^.]+)$/s.exec(value) ?? [];
    const secret = id === undefined ? -1 : this.#served.secrets.findIndex((one) => signature(id, one) === mac);
    const shown = id === undefined ? this.names.in(value) : `${this.names.of(id)} signed by secret ${secret}`;
    return [`${pair.slice(0, at)}=${shown}`, ...attributes].join(";");
  }
}

/** The signature of express-session's cookies. */
function signature(id: string, secret: string): string {
  return createHmac("sha256", secret).update(id).digest("base64").replace(/=+$/, "");
}

async function receive(response: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  let end: string | undefined;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    end = "broken off";
  }
  const headers = Object.fromEntries(
    Object.entries(response.headers)
      .filter(([name]) => !IGNORED.has(name))
      .map(([name, value]) => [name, String(value)]),
  );
  const body = Buffer.concat(chunks).toString("utf8");
  const setCookies = response.headers["set-cookie"] ?? [];
  const framing =
    response.headers["transfer-encoding"] ??
    (response.headers["content-length"] === undefined ? "none" : `length ${response.headers["content-length"]}`);
  return { status: response.statusCode ?? 0, headers, setCookies, body, framing, ...(end && { end }) };
}

function receiveAll(port: number, text: string, patience: number): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    const timer = setTimeout(() => socket.destroy(), patience);
    socket.setEncoding("utf8").on("data", (more: string) => (received += more));
    socket
      .on("error", () => {})
      .on("close", () => {
        clearTimeout(timer);
        resolve(received);
      });
  });
}

/** Turns of the event loop. */
export async function turns(times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
