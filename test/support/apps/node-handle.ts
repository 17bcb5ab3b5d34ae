import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline, Readable } from "node:stream";
import type { Session, StoredSession } from "holdfast";
import { drained } from "./bodies.js";
import type { Data, Handle, Reply, Write } from "./types.js";

/** The free functions of an adapter's entry. */
export interface Entry {
  getSession(context: any): any;
  loadSession(context: any): Promise<any>;
  findSession(context: any): any;
}

/** What a handler gets on servers of `(req, res)`. */
export class NodeHandle implements Handle {
  readonly native: { req: IncomingMessage & { body?: unknown; session: Session<Data> }; res: ServerResponse };
  readonly sessions: readonly any[];
  readonly #entry: Entry;

  constructor(entry: Entry, sessions: readonly any[], req: IncomingMessage, res: ServerResponse) {
    this.#entry = entry;
    this.sessions = sessions;
    this.native = { req: req as IncomingMessage & { session: Session<Data> }, res };
  }

  get context(): object {
    return this.native.req;
  }

  get method(): string {
    return this.native.req.method!;
  }

  get url(): string {
    return this.native.req.url!;
  }

  get session(): Session<Data> {
    return this.native.req.session;
  }

  assignSession(value: unknown): void {
    this.native.req.session = value as Session<Data>;
  }

  getSession(): Session<Data> {
    return this.#entry.getSession(this.context);
  }

  loadSession(): Promise<Session<Data>> {
    return this.#entry.loadSession(this.context);
  }

  findSession(): Session<Data> | undefined {
    return this.#entry.findSession(this.context);
  }

  open(): Promise<StoredSession<Data>> {
    return this.sessions[0].open(this.native.req, this.native.res);
  }

  answer(reply: Reply): void {
    this.#head(reply);
    this.native.res.end(reply.body);
  }

  json(value: unknown): void {
    this.answer({ body: JSON.stringify(value), headers: { "content-type": "application/json" } });
  }

  redirect(location: string): void {
    this.answer({ status: 303, headers: { location } });
  }

  async stream(produce: (write: Write) => Promise<void>, reply: Reply = {}): Promise<void> {
    const { res } = this.native;
    this.#head(reply);
    await produce(async (text) => {
      if (!res.write(text)) await drained(res);
    });
    res.end();
  }

  async readBody(): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.native.req) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString("utf8");
  }

  async parsedBody(): Promise<Record<string, unknown>> {
    return this.native.req.body as Record<string, unknown>;
  }

  headersSent(): boolean {
    return this.native.res.headersSent;
  }

  #head({ status = 200, headers = {} }: Reply): void {
    const { res } = this.native;
    res.statusCode = status;
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  }
}

type Way = (handle: Handle, line: string) => unknown;

const way =
  (answer: (res: ServerResponse, line: string) => unknown): Way =>
  ({ native: { res } }, line) =>
    answer(res as ServerResponse, line);

/** How node:http sets a cookie. */
export const nodeCookieWays: Record<string, Way> = {
  setHeader: way((res, line) => res.setHeader("Set-Cookie", line).end("ok")),
  "setHeader with a list": way((res, line) => res.setHeader("Set-Cookie", [line]).end("ok")),
  appendHeader: way((res, line) => res.appendHeader("Set-Cookie", line).end("ok")),
  setHeaders: way((res, line) => res.setHeaders(new Headers([["Set-Cookie", line]])).end("ok")),
  "writeHead with an object": way((res, line) => res.writeHead(200, { "Set-Cookie": line }).end("ok")),
  "writeHead with an object of lists": way((res, line) => res.writeHead(200, { "Set-Cookie": [line] }).end("ok")),
  "writeHead with a flat list": way((res, line) =>
    res.writeHead(200, ["Set-Cookie", line, "X-Other", "1"]).end("ok"),
  ),
  "writeHead with a reason and an object": way((res, line) =>
    res.writeHead(200, "Fine", { "set-cookie": line }).end("ok"),
  ),
  "setHeader before writeHead with other headers": way((res, line) =>
    res.setHeader("Set-Cookie", line).writeHead(200, { "X-Other": "1" }).end("ok"),
  ),
  "setHeader before writeHead with a flat list of other headers": way((res, line) =>
    res.setHeader("Set-Cookie", line).writeHead(200, ["X-Other", "1"]).end("ok"),
  ),
  "writeHead with an object, then write": way((res, line) => {
    res.writeHead(200, { "Set-Cookie": line });
    res.write("o");
    res.end("k");
  }),
  "write and end, each with a callback": way((res, line) => {
    res.setHeader("Set-Cookie", line).write("o", () => res.end("k", () => {}));
  }),
  "write of bytes, end of a latin1 text": way((res, line) => {
    res.setHeader("Set-Cookie", line).write(Buffer.from("o"));
    res.end("k", "latin1");
  }),
  "pipeline of a stream": way((res, line) => {
    res.setHeader("Set-Cookie", line);
    pipeline(Readable.from(["o", "k"]), res, () => {});
  }),
  "end called twice": way((res, line) => {
    res.setHeader("Set-Cookie", line).end("ok");
    res.end();
  }),
  "end without a body, later": way((res, line) => {
    setTimeout(() => res.setHeader("Set-Cookie", line).end(), 2);
  }),
  "setHeader, flushHeaders, end": way((res, line) => {
    res.setHeader("Set-Cookie", line);
    res.flushHeaders();
    res.end("ok");
  }),
};
