import { connect, type Socket } from "node:net";
import { parseAnswers, type Answer, type Transcript } from "./transcript.js";

/** A request. */
export interface Asked {
  readonly method?: string;
  readonly path?: string;
  /** Lines of the head. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Default "1.1". */
  readonly version?: string;
}

/**
 * An answer hangs once nothing was under way in the server for so many turns of the event loop, each a millisecond or
 * longer: on a busy machine they take longer, too.
 */
export const PATIENCE = 300;
const CALM = 3;
/** For what is under way and never ends. In ms. */
export const LIMIT = 30_000;
/** Answered by the harness itself, without framework and session: it shows that the connection is usable. */
export const NEXT = "/-/next";
export const NEXT_BODY = "next";

/** What a client may know of the server it talks to. */
export interface Served {
  /** Whether nothing is under way. */
  readonly isQuiet: boolean;
  /** How many requests arrived. */
  readonly arrived: number;
  /** How many of them are not closed. */
  readonly open: number;
}

/** A connection of HTTP/1, on which bytes are sent and received as they are. */
export class Wire {
  readonly #socket: Socket;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly #served: Served;
  readonly #methods: string[] = [];
  #received = "";
  #quietTurns = 0;
  #isClosed = false;
  #isHung = false;
  #isAborted = false;
  readonly #port: number;
  readonly #patience: number;
  readonly #others: Wire[] = [];

  /** `patience` is in turns. */
  constructor(port: number, headers: Readonly<Record<string, string>>, patience: number, served: Served) {
    this.#port = port;
    this.headers = headers;
    this.#served = served;
    this.#patience = patience;
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.setNoDelay(true).setEncoding("latin1");
    this.#socket.on("data", (text: string) => {
      this.#received += text;
      this.#quietTurns = 0;
    });
    this.#socket.on("close", () => (this.#isClosed = true)).on("error", () => {});
  }

  /** Sends a request. */
  request(asked: Asked = {}): void {
    this.send(this.textOf(asked));
    this.expect(asked.method);
  }

  /** A request as it is sent. */
  textOf({ method = "GET", path = "/", headers = {}, body, version = "1.1" }: Asked = {}): string {
    const length = body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body, "latin1")) };
    const lines = Object.entries({ Host: "localhost", ...this.headers, ...length, ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    return `${method} ${path} HTTP/${version}\r\n${lines.join("")}\r\n${body ?? ""}`;
  }

  /** Sends bytes. */
  send(text: string): void {
    if (!this.#socket.destroyed) this.#socket.write(text, "latin1");
  }

  /** A request was sent whose answer is still to come. */
  expect(method: string = "GET"): void {
    this.#methods.push(method);
  }

  /** Waits until what was sent is on its way. */
  async flushed(): Promise<void> {
    while (this.#socket.connecting || this.#socket.writableLength > 0) await turn();
  }

  /** Waits until the program was given this many requests. */
  async arrived(count: number): Promise<void> {
    await this.until(() => this.#served.arrived >= count);
  }

  /** Waits until the program does nothing for a while: it may break the connection after its answer. */
  async calm(): Promise<void> {
    for (
      let turns = 0;
      turns < CALM && !this.#isClosed && !this.#isHung;
      turns = this.#served.isQuiet ? turns + 1 : 0
    )
      await turn();
  }

  /** Waits until every response is closed. */
  async gone(): Promise<void> {
    const end = performance.now() + LIMIT;
    while (this.#served.open > 0 && performance.now() < end) await turn();
  }

  /** Hangs up. */
  abort(): void {
    this.#isAborted = true;
    this.#socket.destroy();
  }

  /** Hangs up with a reset. */
  reset(): void {
    this.#isAborted = true;
    this.#socket.resetAndDestroy();
  }

  /** Closes the sending side alone. */
  finish(): void {
    this.#isAborted = true;
    this.#socket.end();
  }

  /** Reads no more until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  get received(): string {
    return this.#received;
  }

  /** Final answers so far, 1xx not among them. */
  get answers(): readonly Answer[] {
    return this.#parsed().answers.filter(({ status }) => status >= 200);
  }

  /**
   * Waits for this many final answers in all; they are not there if the connection closed, or nothing came for too
   * long.
   */
  async answered(count: number): Promise<boolean> {
    return this.until(() => this.answers.filter(({ isComplete }) => isComplete).length >= count);
  }

  /** Waits until something is so; false where the connection closed, or it took too long. */
  async until(isSo: () => boolean): Promise<boolean> {
    const end = performance.now() + LIMIT;
    this.#quietTurns = 0;
    while (!isSo()) {
      if (this.#isClosed) return isSo();
      if (this.#quietTurns > this.#patience || performance.now() > end) return this.#hang();
      await turn();
      this.#quietTurns = this.#served.isQuiet ? this.#quietTurns + 1 : 0;
    }
    return true;
  }

  #hang(): false {
    this.#isHung = true;
    return false;
  }

  /** Shows that the connection is usable: the harness itself answers this request. */
  async next(): Promise<void> {
    if (this.#isClosed || this.#isHung) return;
    const count = this.answers.length;
    this.request({ path: NEXT });
    await this.answered(count + 1);
  }

  /** Another connection to the same server. What is seen there is part of the transcript. */
  another(): Wire {
    const other = new Wire(this.#port, this.headers, this.#patience, this.#served);
    this.#others.push(other);
    return other;
  }

  /** Shows that the server is usable: the harness itself answers on another connection. */
  async elsewhere(): Promise<void> {
    await this.another().next();
  }

  close(): void {
    for (const other of this.#others) other.close();
    this.#socket.destroy();
  }

  /** What was seen. */
  transcript(): Transcript {
    // How much came before the client hung up is chance.
    const { answers, rest } = this.#isAborted ? { answers: [], rest: "" } : this.#parsed();
    const end = this.#isAborted ? "aborted" : this.#isHung ? "hung" : this.#isClosed ? "closed" : "kept";
    const others = this.#others.map((other) => other.transcript());
    return {
      answers: [...answers, ...others.flatMap((one) => one.answers)],
      rest: rest + others.map((one) => one.rest).join(""),
      end: [end, ...others.map((one) => one.end)].join(", "),
    };
  }

  #parsed(): { answers: Answer[]; rest: string } {
    return parseAnswers(this.#received, this.#methods, this.#isClosed);
  }
}

/** What a client does where a row does not say: one request, and the next one on the same connection. */
export async function askOnce(wire: Wire, asked: Asked = {}): Promise<void> {
  wire.request(asked);
  await wire.answered(1);
  await wire.calm();
  await wire.next();
}

/** One turn of the event loop, and a little time. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
