import { connect } from "node:net";

/**
 * A keep-alive connection that asks one thing at a time: little more than a socket, so that the load costs little. It
 * keeps the cookies that answer its session; those given to a visitor who brought none are another visitor's.
 */
export class Connection {
  /** For the checks: what was counted so far. */
  count = 0;
  #socket;
  #cookies = new Map();
  #cookieLine = "";
  #text = "";
  #keeps = true;
  #answered;
  #failed;

  /** Connects to a port of this machine. */
  static to(port) {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1");
      socket
        .setNoDelay(true)
        .once("error", reject)
        .once("connect", () => resolve(new Connection(socket)));
    });
  }

  constructor(socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text) => this.#take(text));
    socket.on("error", (error) => this.#failed?.(error));
    socket.on("close", () => this.#failed?.(new Error("the server ended the connection")));
  }

  get hasCookies() {
    return this.#cookies.size > 0;
  }

  /** Asks, and answers `{ status, body, hasNewCookie }`. */
  ask({ method, path, brings = false, begins = false }) {
    this.#keeps = brings || begins;
    const cookies = brings ? this.#cookieLine : "";
    const length = method === "POST" ? "Content-Length: 0\r\n" : "";
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error("the server has ended the connection"));
      this.#answered = resolve;
      this.#failed = reject;
      this.#socket.write(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${length}${cookies}\r\n`);
    });
  }

  #take(text) {
    this.#text += text;
    const answer = parsed(this.#text);
    if (!answer) return;
    this.#text = "";
    const answered = this.#answered;
    this.#answered = this.#failed = undefined;
    answered({ status: answer.status, body: answer.body, hasNewCookie: this.#keeps && this.#keep(answer.head) });
  }

  /** Keeps the cookies of an answer; answers whether one is new. */
  #keep(head) {
    if (!/^set-cookie:/im.test(head)) return false;
    const before = this.#cookieLine;
    for (const [, name, value, attributes] of head.matchAll(/^set-cookie: *([^=\r]+)=([^;\r]*)(.*)/gim)) {
      if (value === "" || /max-age=0\b/i.test(attributes)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    this.#cookieLine =
      this.#cookies.size === 0
        ? ""
        : `Cookie: ${[...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ")}\r\n`;
    return this.#cookieLine !== before;
  }
}

/** An answer, once it is whole: `{ status, head, body }`. */
export function parsed(text) {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = text.slice(0, end);
  const body = bodyOf(head, text.slice(end + 4));
  return body === undefined ? undefined : { status: Number(head.slice(9, 12)), head, body };
}

function bodyOf(head, rest) {
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (length !== undefined) return rest.length < Number(length) ? undefined : rest.slice(0, Number(length));
  if (!/^transfer-encoding: *chunked/im.test(head)) throw new Error(`an answer of unknown length:\n${head}`);
  return rest.endsWith("0\r\n\r\n") ? dechunked(rest) : undefined;
}

function dechunked(rest) {
  let body = "";
  for (let at = 0; ; ) {
    const line = rest.indexOf("\r\n", at);
    const size = Number.parseInt(rest.slice(at, line), 16);
    if (size === 0) return body;
    body += rest.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}
