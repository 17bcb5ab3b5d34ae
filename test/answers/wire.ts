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

/** How long an answer may take, in ms, on a machine that is busy with other things. */
const PATIENCE = 8000;
/** Answered by the harness itself, without framework and session: it shows that the connection is usable. */
export const NEXT = "/-/next";

/** A connection of HTTP/1, on which bytes are sent and received as they are. */
export class Wire {
  readonly #socket: Socket;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #isQuiet: () => boolean;
  readonly #methods: string[] = [];
  #received = "";
  #changedAt = performance.now();
  #isClosed = false;
  #isHung = false;
  #isAborted = false;
  /** In milliseconds; the bare program leaves the answer open. */
  readonly silence: number | undefined;

  /** `headers` are sent with every request; `isQuiet` says that nothing is under way in the server. */
  constructor(port: number, headers: Readonly<Record<string, string>>, silence: number | undefined, isQuiet: () => boolean) {
    this.#headers = headers;
    this.#isQuiet = isQuiet;
    this.silence = silence;
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.setNoDelay(true).setEncoding("latin1");
    this.#socket.on("data", (text: string) => {
      this.#received += text;
      this.#changedAt = performance.now();
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
    const lines = Object.entries({ Host: "localhost", ...this.#headers, ...length, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
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

  /** Waits for this many final answers in all; they are not there if the connection closed, or nothing came for too long. */
  async answered(count: number): Promise<boolean> {
    return this.until(() => this.answers.filter(({ isComplete }) => isComplete).length >= count);
  }

  /** Waits until something is so; false where the connection closed, or it took too long. */
  async until(isSo: () => boolean): Promise<boolean> {
    const began = performance.now();
    while (!isSo()) {
      if (this.#isClosed) return isSo();
      const now = performance.now();
      if (this.silence !== undefined && this.#isQuiet() && now - Math.max(began, this.#changedAt) > this.silence) return this.#hang();
      if (now - began > PATIENCE) return this.#hang();
      await new Promise((resolve) => setTimeout(resolve, 1));
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

  close(): void {
    this.#socket.destroy();
  }

  /** What was seen. */
  transcript(): Transcript {
    const { answers, rest } = this.#parsed();
    const end = this.#isAborted ? "aborted" : this.#isHung ? "hung" : this.#isClosed ? "closed" : "kept";
    return { answers, rest, end };
  }

  #parsed(): { answers: Answer[]; rest: string } {
    return parseAnswers(this.#received, this.#methods, this.#isClosed);
  }
}

/** What a client does where a row does not say: one request, and the next one on the same connection. */
export async function askOnce(wire: Wire, asked: Asked = {}): Promise<void> {
  wire.request(asked);
  await wire.answered(1);
  await wire.next();
}
