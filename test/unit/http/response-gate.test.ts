import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { setImmediate, setTimeout } from "node:timers/promises";
import fc from "fast-check";
import { holdResponse, prepareResponse } from "#dist/http/response-patch.js";
import { within } from "../../support/within.js";
import type { GateHooks } from "#dist/http/gate-hooks.js";

/** One thing that a handler does to its response; `act` may throw. */
interface Step {
  readonly says: string;
  act(res: ServerResponse, note: (what: string) => void): unknown;
}

type Mode = "bare" | "nothing to wait for" | "stored later" | "changed during the body";

const step = (says: string, act: Step["act"]): Step => ({ says, act });
const shown = (value: unknown): string =>
  JSON.stringify(value, (_key, one: unknown) => (one instanceof Uint8Array ? `bytes ${one.length}` : one)) ??
  String(value);

const CHUNKS: readonly unknown[] = [
  "a",
  "ä",
  "",
  Buffer.from("b"),
  new Uint8Array(3),
  "x".repeat(100),
  null,
  undefined,
  42,
  {},
  true,
];
/** One with nothing but the status may be written twice while it is held: some packages do that for Node. */
const HEADS: readonly unknown[][] = [
  [201, "Made"],
  [200, { "X-Head": "1", "Set-Cookie": ["own=1", "own=2"] }],
  [404, "Gone, maybe", { "content-type": "text/plain" }],
  [200, ["X-A", "1", "Set-Cookie", "list=1"]],
  [200, ["Set-Cookie", ["a=1", "b=2"]]],
  [204, "Empty"],
  [304, { etag: '"1"' }],
  [99],
  [1000],
  ["ENOENT"],
];
const STATUSES: readonly unknown[] = [200, 201, 404, 500, 204, "202"];

const STEPS: fc.Arbitrary<Step> = fc.oneof(
  fc
    .constantFrom(...CHUNKS)
    .map((chunk) =>
      step(`write(${shown(chunk)})`, (res, note) =>
        res.write(chunk as string, (error) => note(`written ${codeOf(error)}`)),
      ),
    ),
  fc
    .constantFrom(...CHUNKS)
    .map((chunk) =>
      step(
        `end(${shown(chunk)})`,
        (res, note) =>
          void res.end(chunk as string, ((error?: Error) => note(`ended ${codeOf(error)}`)) as () => void),
      ),
    ),
  fc.constant(step("end()", (res) => void res.end())),
  fc
    .constantFrom(...HEADS)
    .map((head) =>
      step(`writeHead(${shown(head)})`, (res) => void (res.writeHead as (...args: unknown[]) => unknown)(...head)),
    ),
  fc
    .constantFrom(...STATUSES)
    .map((status) => step(`statusCode = ${shown(status)}`, (res) => void (res.statusCode = status as number))),
  fc.constant(step("statusMessage = …", (res) => void (res.statusMessage = "Mine"))),
  fc
    .constantFrom("X-One", "Set-Cookie", "Content-Length")
    .map((name) =>
      step(`setHeader(${name})`, (res) => void res.setHeader(name, name === "Content-Length" ? "1" : "v=1")),
    ),
  fc.constant(step("removeHeader", (res) => res.removeHeader("X-One"))),
  fc.constant(step("appendHeader", (res) => void res.appendHeader("X-One", "more"))),
  fc.constant(step("flushHeaders", (res) => res.flushHeaders())),
  fc.constant(step("a turn of the event loop", async () => setImmediate())),
  fc.constant(step("a while", async () => setTimeout(3))),
  fc.constant(step("what it shows", (res) => [res.headersSent, res.writableEnded, res.finished, res.statusCode])),
);

function codeOf(error: unknown): string {
  return error ? ((error as { code?: string }).code ?? String(error)) : "well";
}

let current: (req: IncomingMessage, res: ServerResponse) => unknown;
const server = createServer((req, res) => void current(req, res));
before(async () => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)));
after(() => server.close());

/** Runs a program of steps on a response; returns all that its handler and its client saw. */
async function played(steps: readonly Step[], mode: Mode): Promise<object> {
  const seen: string[] = [];
  const told: string[] = [];
  const note = (what: string): void => void told.push(what);
  let done!: () => void;
  const isDone = new Promise<void>((resolve) => (done = resolve));
  current = async (_req, res) => {
    // Whether Node emits it depends on how much was sent by then.
    res.on("error", () => {});
    if (mode !== "bare") hold(res, mode);
    for (const { act } of steps) {
      try {
        seen.push(shown(await act(res, note)));
      } catch (error) {
        seen.push(codeOf(error));
      }
    }
    finish(res);
    done();
  };
  const [wire] = await within(2000, steps.map(({ says }) => says).join("; "), Promise.all([wireOf(), isDone]));
  await setImmediate();
  // What Node tells of an end after the end depends on how much was sent by then.
  const owed = told
    .filter((one) => one !== "ended ERR_STREAM_WRITE_AFTER_END")
    .map((one) => one.replace("ERR_STREAM_ALREADY_FINISHED", "well"))
    .sort();
  return { seen, told: owed, wire: plain(wire.replace(/^Date: .*\r\n/m, "")) };
}

/** All that a client receives, until the connection is closed. */
function wireOf(): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  return text(socket);
}

/**
 * Versions of Node differ in the order of the headers that `writeHead` is given as a list, and in how much goes into
 * a chunk.
 */
function plain(wire: string): string {
  const [head = "", ...rest] = wire.split("\r\n\r\n");
  const [status, ...headers] = head.split("\r\n");
  const body = rest.join("\r\n\r\n");
  const isChunked = headers.some((line) => /^transfer-encoding: chunked$/i.test(line));
  return [status, ...headers.sort(), "", isChunked ? unchunked(body) : body].join("\r\n");
}

/** The bytes of a chunked body, and whether its end came. */
function unchunked(body: string): string {
  const bytes = Buffer.from(body);
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf("\r\n", at);
    const size = parseInt(bytes.toString("latin1", at, end), 16);
    if (size === 0) return `${text} (whole)`;
    text += bytes.toString("utf8", end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
  return text;
}

/** What an error path does. */
function finish(res: ServerResponse): void {
  if (res.writableEnded) return;
  if (!res.headersSent) res.statusCode = 500;
  res.statusMessage = "";
  res.end();
}

function hold(res: ServerResponse, mode: Mode): void {
  const later = async (): Promise<void> => setTimeout(1);
  const hooks: GateHooks = {
    before: () => (mode === "stored later" ? later() : undefined),
    headers() {},
    after: () => (mode === "changed during the body" ? later() : undefined),
    gone() {},
    failed: (error) => assert.fail(String(error)),
  };
  prepareResponse(res);
  holdResponse(res, hooks);
}

test("whatever a handler does to its response, it and its client see what they see without a session", async () => {
  const program = fc.array(STEPS, { minLength: 1, maxLength: 7 });
  await fc.assert(
    fc.asyncProperty(
      program,
      fc.constantFrom<Mode>("nothing to wait for", "stored later", "changed during the body"),
      async (steps, mode) => {
        const [bare, held] = [await played(steps, "bare"), await played(steps, mode)];
        assert.deepEqual(held, bare, steps.map(({ says }) => says).join("; "));
      },
    ),
    { numRuns: Number(process.env["HOLDFAST_GATE_RUNS"] ?? 300), endOnFailure: false },
  );
});

test("a status given as a string is a number after the response has ended, whatever is waited for", async () => {
  const steps: Step[] = [
    { says: "a status as text", act: (res) => void (res.statusCode = "202" as unknown as number) },
    { says: "end()", act: (res) => void res.end() },
    { says: "what it shows", act: (res) => res.statusCode },
  ];
  for (const mode of ["nothing to wait for", "stored later", "changed during the body"] as const) {
    assert.deepEqual(await played(steps, mode), await played(steps, "bare"), mode);
  }
});

/** Node sends a broken head before it finds this one out; here it is found out first. */
const BROKEN_BARE = "write of an unknown encoding";

test("A11, A12: whatever a handler does while its save fails, only the error path responds, and each callback is called once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(STEPS, { minLength: 1, maxLength: 7 }), fc.boolean(), async (steps, isAsync) => {
      const told: string[] = [];
      let owed = 0;
      current = async (_req, res) => {
        prepareResponse(res);
        holdResponse(res, failing(res, isAsync));
        for (const { says, act } of steps) {
          const before = told.length;
          try {
            await act(res, (what) => told.push(what));
            if (takesCallback(says)) owed++;
          } catch (error) {
            assert.equal(told.length, before, codeOf(error));
          }
        }
        finish(res);
      };
      const wire = await within(2000, steps.map(({ says }) => says).join("; "), wireOf());
      assert.equal(
        plain(wire.replace(/^Date: .*\r\n/m, "")),
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 6\r\n\r\nfailed",
      );
      await setImmediate();
      assert.equal(told.length, owed, `${told.join(", ")} of ${owed}`);
    }),
    { numRuns: Number(process.env["HOLDFAST_GATE_RUNS"] ?? 300), endOnFailure: false },
  );
});

const takesCallback = (says: string): boolean =>
  says.startsWith("write(") || (says.startsWith("end(") && says !== "end()");

function failing(res: ServerResponse, isAsync: boolean): GateHooks {
  const page = (): void => {
    res.statusCode = 503;
    res.statusMessage = "";
    res.end("failed");
  };
  return {
    before: async () => setTimeout(1).then(() => Promise.reject(new Error("the save failed"))),
    headers: () => assert.fail("nothing was stored"),
    after: () => undefined,
    gone() {},
    failed: () => (isAsync ? void setTimeout(3).then(page) : page()),
  };
}

/** Arguments that Node takes from nobody, with the code it says so with. */
const REFUSED: readonly (readonly [says: string, code: string, act: (res: ServerResponse) => unknown])[] = [
  ["write(null)", "ERR_STREAM_NULL_VALUES", (res) => res.write(null as never)],
  ["write(42)", "ERR_INVALID_ARG_TYPE", (res) => res.write(42 as never)],
  [BROKEN_BARE, "ERR_UNKNOWN_ENCODING", (res) => res.write("x", "nonsense" as never)],
  ["end({})", "ERR_INVALID_ARG_TYPE", (res) => res.end({} as never)],
  ["end of a list, as a query string makes it", "ERR_INVALID_ARG_TYPE", (res) => res.end(["a", "b"] as never)],
  ["writeHead(1000)", "ERR_HTTP_INVALID_STATUS_CODE", (res) => res.writeHead(1000)],
  ["writeHead with a line break", "ERR_INVALID_CHAR", (res) => res.writeHead(200, "two\r\nlines")],
  ["writeHead with a header that has one", "ERR_INVALID_CHAR", (res) => res.writeHead(200, { "x-bad": "a\r\nb" })],
  [
    "writeHead with an undefined header",
    "ERR_HTTP_INVALID_HEADER_VALUE",
    (res) => res.writeHead(200, { "x-bad": undefined }),
  ],
  ["writeHead with half a pair", "ERR_INVALID_ARG_VALUE", (res) => res.writeHead(200, ["x-odd"])],
  [
    "end under the status 9999",
    "ERR_HTTP_INVALID_STATUS_CODE",
    (res) => Object.assign(res, { statusCode: 9999 }).end(),
  ],
  [
    "end under a status that is a word",
    "ERR_HTTP_INVALID_STATUS_CODE",
    (res) => Object.assign(res, { statusCode: "ENOENT" }).end(),
  ],
  [
    "end under a message with a line break",
    "ERR_INVALID_CHAR",
    (res) => Object.assign(res, { statusMessage: "a\nb" }).end(),
  ],
];

for (const [says, code, act] of REFUSED) {
  for (const mode of ["bare", "nothing to wait for", "stored later", "changed during the body"] as const) {
    if (mode === "bare" && says === BROKEN_BARE) continue;
    test(`A1: ${says} throws at the call, ${mode}, and the error page is sent`, async () => {
      const page = step("the error page", (res) => {
        for (const name of res.getHeaderNames()) res.removeHeader(name);
        res.statusMessage = "";
        res.writeHead(500, { "Content-Length": 4 });
        res.end("page");
      });
      const { seen, wire } = (await played([step(says, act), page], mode)) as { seen: string[]; wire: string };
      assert.equal(seen[0], code);
      assert.equal(wire, "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 4\r\n\r\npage");
    });
  }
}
