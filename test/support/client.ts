import { request, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { JarClient, keep, type Answer, type OpenAnswer, type Sent } from "./jar-client.js";
import { until, within } from "./within.js";

export { keep, type Answer, type OpenAnswer, type Sent };

/** A client of a server that listens. */
export class Client extends JarClient {
  async send(path: string, sent: Sent = {}): Promise<Answer> {
    const response = await this.#begin(path, sent);
    return answerOf(response, await within(3000, `the body of ${path}`, bodyOf(response)));
  }

  async open(path: string, sent: Sent = {}): Promise<OpenAnswer> {
    return new Opened(await this.#begin(path, sent));
  }

  async #begin(path: string, sent: Sent): Promise<IncomingMessage> {
    const { req, response } = begin(this.origin, path, {
      ...sent,
      headers: { ...(this.cookies.size > 0 && { cookie: this.cookieHeader }), ...sent.headers },
    });
    const answered = await within(3000, `the answer of ${path}`, response).catch((error: unknown) => {
      req.destroy();
      throw error;
    });
    keep(this.cookies, answered.headers["set-cookie"] ?? []);
    return answered;
  }
}

/** Sends a request without waiting for anything: to hang up in its midst. */
export function begin(
  origin: string,
  path: string,
  { method = "GET", headers = {}, form, body }: Sent = {},
): { req: ClientRequest; response: Promise<IncomingMessage> } {
  const text = form ? new URLSearchParams(form).toString() : body;
  const own = {
    ...headers,
    ...(form && { "content-type": "application/x-www-form-urlencoded" }),
    ...(text !== undefined && { "content-length": String(Buffer.byteLength(text)) }),
  };
  const req = request(new URL(path, origin), { method, headers: own, agent: false });
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    req.once("response", resolve).on("error", reject);
  });
  response.catch(() => {});
  req.end(text);
  return { req, response };
}

/** One request over HTTP/2 without TLS. */
export async function overHttp2(port: number, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const session = connectHttp2(`http://localhost:${port}`);
  try {
    return await within(3000, `the HTTP/2 answer of ${path}`, exchangeHttp2(session, path, headers));
  } finally {
    session.destroy();
  }
}

async function exchangeHttp2(
  session: ReturnType<typeof connectHttp2>,
  path: string,
  headers: Record<string, string>,
): Promise<Answer> {
  const stream = session.request({ ":path": path, ...headers }, { endStream: true });
  const head = new Promise<IncomingHttpHeaders & { ":status"?: number }>((resolve, reject) => {
    session.on("error", reject);
    stream.on("error", reject).on("response", resolve);
  });
  const [received, body] = await Promise.all([head, bodyOf(stream)]);
  return answerOf({ statusCode: received[":status"] ?? 0, headers: received }, body);
}

/** A connection on which bytes are sent and received as they are. */
export class RawConnection {
  readonly #socket: Socket;
  #received = "";
  /** When the first byte came (`performance.now()`). */
  firstByteAt: number | undefined;
  isClosed = false;

  constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (text: string) => {
      this.firstByteAt ??= performance.now();
      this.#received += text;
    });
    this.#socket.on("close", () => (this.isClosed = true)).on("error", () => {});
  }

  /** What came so far. */
  get received(): string {
    return this.#received;
  }

  /** Sends the heads of GET requests in one packet. */
  pipeline(...requests: readonly { path: string; cookie?: string }[]): void {
    this.write(
      requests
        .map(
          ({ path, cookie }) =>
            `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${cookie ? `Cookie: ${cookie}\r\n` : ""}\r\n`,
        )
        .join(""),
    );
  }

  write(text: string): void {
    this.#socket.write(text, "latin1");
  }

  /** How many complete answers came so far. */
  get count(): number {
    return parsed(this.#received).length;
  }

  /** Waits until this many complete answers came, and answers them. */
  async answers(count: number, areHeads: boolean = false): Promise<RawAnswer[]> {
    const all = (): RawAnswer[] => parsed(this.#received, areHeads);
    await until(`${count} answers on one connection`, () => all().length >= count || this.isClosed);
    return all();
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** An answer as it stood on the wire. */
export interface RawAnswer {
  readonly status: number;
  /** Header lines as they were sent. */
  readonly lines: readonly string[];
  readonly body: string;
}

/** The complete answers in a text; those to HEAD requests have no body. */
export function parsed(text: string, areHeads: boolean = false): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let rest = text; ; ) {
    const one = parseOne(rest, areHeads);
    if (!one) return answers;
    answers.push(one.answer);
    rest = one.rest;
  }
}

function parseOne(text: string, isHead: boolean): { answer: RawAnswer; rest: string } | undefined {
  const at = text.indexOf("\r\n\r\n");
  if (at < 0) return undefined;
  const [first = "", ...lines] = text.slice(0, at).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]);
  const body = isHead ? { body: "", rest: text.slice(at + 4) } : readBody(lines, status, text.slice(at + 4));
  return body && { answer: { status, lines, body: body.body }, rest: body.rest };
}

function readBody(
  lines: readonly string[],
  status: number,
  text: string,
): { body: string; rest: string } | undefined {
  if (status === 304 || status === 204) return { body: "", rest: text };
  if (lines.some((line) => /^transfer-encoding:\s*chunked$/i.test(line))) return readChunks(text);
  const length = Number(
    lines.map((line) => /^content-length:\s*(\d+)$/i.exec(line)?.[1]).find((found) => found !== undefined) ?? 0,
  );
  return text.length < length ? undefined : { body: text.slice(0, length), rest: text.slice(length) };
}

function readChunks(text: string): { body: string; rest: string } | undefined {
  let body = "";
  for (let rest = text; ; ) {
    const head = /^([0-9a-f]+)\r\n/i.exec(rest);
    const size = head && parseInt(head[1]!, 16);
    if (!head || size === null || rest.length < head[0].length + size + 2) return undefined;
    if (size === 0) return { body, rest: rest.slice(head[0].length + 2) };
    body += rest.slice(head[0].length, head[0].length + size);
    rest = rest.slice(head[0].length + size + 2);
  }
}

class Opened implements OpenAnswer {
  readonly #response: IncomingMessage;
  readonly #ended: Promise<void>;
  received = "";

  constructor(response: IncomingMessage) {
    this.#response = response;
    response.setEncoding("utf8").on("data", (text: string) => (this.received += text));
    this.#ended = new Promise((resolve, reject) => response.once("end", resolve).once("error", reject));
    this.#ended.catch(() => {});
  }

  get status(): number {
    return this.#response.statusCode ?? 0;
  }

  get headers(): IncomingHttpHeaders {
    return this.#response.headers;
  }

  get setCookies(): readonly string[] {
    return this.#response.headers["set-cookie"] ?? [];
  }

  holds(text: string): Promise<void> {
    return until(`"${text}" in the body, which is "${this.received}"`, () => this.received.includes(text));
  }

  async end(): Promise<string> {
    await within(3000, "the end of the body", this.#ended);
    return this.received;
  }

  abort(): void {
    this.#response.destroy();
  }
}

async function bodyOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function answerOf(
  { statusCode, headers }: { statusCode?: number; headers: IncomingHttpHeaders },
  body: string,
): Answer {
  const setCookies = headers["set-cookie"] ?? [];
  return {
    status: statusCode ?? 0,
    headers,
    setCookies,
    body,
    json: () => JSON.parse(body),
    cookie: (name) => setCookies.find((line) => line.startsWith(`${name}=`)),
  };
}
