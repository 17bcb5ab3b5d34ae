import { createReadStream, openSync, closeSync } from "node:fs";
import { once } from "node:events";
import { finished, PassThrough, pipeline, Readable, Transform, Writable } from "node:stream";
import { pipeline as pipelinePromise } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { LARGE, MISSING, SMALL } from "../files.js";
import { CONNECT, NODE_1, onConnect, onNode } from "../frameworks.js";
import type { Framework, Io, Options, Row } from "../row.js";
import { failing, soon, touching } from "../sources.js";

const PLAIN: readonly Framework[] = ["connect", "http2", "express", "koa"];
const BIG = "x".repeat(300_000);

async function* pieces(count: number, size: number): AsyncGenerator<Buffer> {
  for (let i = 0; i < count; i++) yield Buffer.alloc(size, 97 + (i % 26));
}

const tell =
  ({ callback }: Io, name: string) =>
  (error?: unknown): void =>
    callback(name)(error);

const WAYS: Readonly<Record<string, readonly [call: (io: Io) => unknown, options?: Options]>> = {
  "a small file, pipe": [({ res }) => void createReadStream(SMALL).pipe(res), { fault: "A4" }],
  "a large file, pipe": [({ res }) => void createReadStream(LARGE).pipe(res), { fault: "A4" }],
  "a small file, pipeline": [
    (io) => void pipeline(createReadStream(SMALL), io.res, tell(io, "pipeline")),
    { fault: "A4" },
  ],
  "a large file, pipeline": [
    (io) => void pipeline(createReadStream(LARGE), io.res, tell(io, "pipeline")),
    { fault: "A4" },
  ],
  "a large file through a transform, pipeline": [
    (io) => void pipeline(createReadStream(LARGE), new PassThrough(), io.res, tell(io, "pipeline")),
  ],
  "a large file through gzip, pipeline": [
    (io) => void pipeline(createReadStream(LARGE), createGzip(), io.res, tell(io, "pipeline")),
  ],
  "a large file, await pipeline": [
    ({ res }) => pipelinePromise(createReadStream(LARGE), res),
    { whenSaveFails: "last resort" },
  ],
  "a file that is missing, pipe, nobody listens": [
    ({ res }) => void createReadStream(MISSING).pipe(res),
    { isEndless: true },
  ],
  "a file that is missing, pipe, an error page": [
    ({ res }) => {
      const file = createReadStream(MISSING);
      file.on("error", () => {
        res.statusCode = 404;
        res.end("missing");
      });
      file.pipe(res);
    },
  ],
  "a file that is missing, pipeline": [
    (io) => void pipeline(createReadStream(MISSING), io.res, tell(io, "pipeline")),
    { fault: "A28", whenSaveFails: "as bare" },
  ],
  "a file that is missing, await pipeline": [
    ({ res }) => pipelinePromise(createReadStream(MISSING), res),
    { fault: "A28", on: CONNECT, whenSaveFails: "as bare" },
  ],
  "a source that fails at its start, pipeline": [
    (io) => void pipeline(Readable.from(failing([])), io.res, tell(io, "pipeline")),
    { fault: "A28", whenSaveFails: "as bare" },
  ],
  "a source that fails midway, pipeline": [
    (io) => void pipeline(Readable.from(failing(["a", "b"])), io.res, tell(io, "pipeline")),
    { whenSaveFails: "nothing" },
  ],
  "a source that fails midway, await pipeline": [
    ({ res }) => pipelinePromise(Readable.from(failing(["a", "b"])), res),
    { on: CONNECT, whenSaveFails: "nothing" },
  ],
  "a source that fails midway, pipe, destroy": [
    ({ res }) => {
      const source = Readable.from(failing(["a", "b"]));
      source.on("error", () => res.destroy());
      source.pipe(res);
    },
    { whenSaveFails: "nothing" },
  ],
  "a source that fails at once, pipe, an error page": [
    ({ res }) => {
      const source = Readable.from(failing([]));
      source.on("error", () => {
        res.statusCode = 500;
        res.end("broken");
      });
      source.pipe(res);
    },
  ],
  "a source that fails midway, pipe, res.end": [
    ({ res }) => {
      const source = Readable.from(failing(["a", "b"]));
      source.on("error", () => res.end("broken"));
      source.pipe(res);
    },
  ],
  "a source that is destroyed, pipeline": [
    (io) => {
      const source = new PassThrough();
      pipeline(source, io.res, tell(io, "pipeline"));
      source.write("a");
      io.later(150, () => source.destroy());
    },
    { whenSaveFails: "nothing" },
  ],
  "Readable.from(texts), pipe": [({ res }) => void Readable.from(["a", "b", "c"]).pipe(res)],
  "many pieces, pipe": [({ res }) => void Readable.from(pieces(50, 20_000)).pipe(res)],
  "many pieces, pipeline with a generator": [({ res }) => pipelinePromise(pieces(30, 5000), res)],
  "one write, larger than all buffers": [
    ({ res, callback }) => {
      res.write(BIG, callback("write"));
      res.end(callback("end"));
    },
  ],
  "res.end(a large text)": [({ res, callback }) => res.end(BIG, callback("end"))],
  "writes until write answers false, then drain": [
    async ({ res, note }) => {
      for (let i = 0; i < 12; i++) if (!res.write(Buffer.alloc(20_000, 97))) await once(res, "drain");
      res.end();
      note("all written");
    },
    { fault: "A4" },
  ],
  "writes of one byte, drain awaited where write answers false": [
    async ({ res, note }) => {
      for (const text of ["a", "b", "c"]) if (!res.write(text)) await once(res, "drain");
      res.end();
      note("all written");
    },
    { fault: "A4" },
  ],
  "what write answers": [
    ({ res, note }) => {
      note("1 byte", res.write("x"));
      res.end("y");
    },
    { fault: "A4" },
  ],
  "what write answers for 100 kB": [
    ({ res, note }) => {
      res.once("drain", () => {
        note("drained");
        res.end("y");
      });
      note("100 kB", res.write(Buffer.alloc(100_000, 97)));
    },
    { fault: "A4" },
  ],
  "drain listeners that are moved elsewhere": [
    ({ res, note }) => {
      const { on } = res;
      const moved: (() => void)[] = [];
      res.on = function (name: string, listener: () => void) {
        if (name !== "drain") return on.call(this, name, listener);
        moved.push(listener);
        return this;
      };
      const source = Readable.from(["a", "b", "c"]);
      source.pipe(res);
      res.on("finish", () => note("moved", moved.length > 0));
    },
    { fault: "A4" },
  ],
  "stream.finished(res)": [
    ({ res, callback }) => {
      finished(res, callback("finished"));
      res.end("x");
    },
  ],
  "Readable.toWeb(…).pipeTo(Writable.toWeb(res))": [
    async ({ res, note }) => {
      await (Readable.toWeb(createReadStream(LARGE)) as ReadableStream).pipeTo(Writable.toWeb(res) as WritableStream);
      note("piped");
    },
    { fault: "A12", on: NODE_1 },
  ],
  "a web stream's reader, res.write of each piece": [
    async ({ res, note }) => {
      for await (const piece of Readable.toWeb(createReadStream(LARGE)) as AsyncIterable<Uint8Array>)
        if (!res.write(piece)) await once(res, "drain");
      res.end();
      note("piped");
    },
  ],
  "Content-Length set, pipe": [
    ({ res }) => {
      res.setHeader("Content-Length", 6);
      Readable.from(["abc", "def"]).pipe(res);
    },
  ],
  "an object stream turned to lines": [
    ({ res }) => {
      const lines = new Transform({
        writableObjectMode: true,
        transform: (value, _encoding, done) => done(null, `${JSON.stringify(value)}\n`),
      });
      Readable.from([{ a: 1 }, { b: 2 }])
        .pipe(lines)
        .pipe(res);
    },
  ],
  "server-sent events": [
    ({ res, later }) => {
      res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
      res.flushHeaders();
      for (let i = 0; i < 3; i++) later(i * 4, () => res.write(`data: ${i}\n\n`));
      later(20, () => res.end());
    },
  ],
  "flushHeaders, then nothing for a while": [
    ({ res, later }) => {
      res.setHeader("X-A", "1");
      res.flushHeaders();
      later(15, () => res.end("x"));
    },
  ],
  "flushHeaders twice, then res.end(text)": [
    ({ res }) => {
      res.flushHeaders();
      res.flushHeaders();
      res.end("x");
    },
  ],
  "flushHeaders, then setHeader": [
    ({ res, note }) => {
      res.flushHeaders();
      try {
        res.setHeader("X-A", "1");
      } catch (error) {
        note("thrown", (error as { code?: string }).code);
      }
      res.end("x");
    },
  ],
  "flushHeaders, then statusCode": [
    ({ res, note }) => {
      res.flushHeaders();
      res.statusCode = 500;
      note("headersSent", res.headersSent);
      res.end("x");
    },
  ],
  "cork, writes, uncork": [
    ({ res, note }) => {
      res.cork();
      note("write", res.write("a"));
      note("write", res.write("b"));
      res.uncork();
      res.end("c");
    },
  ],
  "cork, writes, end without uncork": [
    ({ res }) => {
      res.cork();
      res.write("a");
      res.write("b");
      res.end("c");
    },
  ],
  "cork, uncork later": [
    ({ res, later }) => {
      res.cork();
      res.write("a");
      later(5, () => {
        res.uncork();
        res.end("b");
      });
    },
  ],
  writableHighWaterMark: [
    ({ res, note }) => {
      note("mark", res.writableHighWaterMark);
      res.write("a");
      res.end("b");
    },
    { on: NODE_1 },
  ],
};

const ways = Object.entries(WAYS).map(([name, [call, options]]) =>
  onNode(name, touching(call), { on: PLAIN, ...options }),
);

/** The session is used once the first byte is out. */
const late: readonly Row[] = [
  onConnect(
    "res.write, then the session, then res.end",
    ({ res, touch }) => {
      res.write("a");
      touch();
      res.end("b");
    },
    { fault: "A13", whenSaveFails: "as bare" },
  ),
  onConnect(
    "res.flushHeaders, a while, the session, res.end",
    ({ res, touch, later }) => {
      res.flushHeaders();
      later(5, () => {
        touch();
        res.end("b");
      });
    },
    { fault: "A13", whenSaveFails: "as bare" },
  ),
  onConnect(
    "the session, res.write, the session again later, res.end",
    async ({ res, touch }) => {
      touch();
      res.write("a");
      await soon();
      touch();
      res.end("b");
    },
    { fault: "A13" },
  ),
  onConnect(
    'the session used in a "finish" listener',
    ({ res, touch }) => {
      res.on("finish", () => touch());
      res.end("x");
    },
    { fault: "A27", whenSaveFails: "as bare" },
  ),
  onConnect(
    'the session used in a "close" listener',
    ({ res, touch }) => {
      res.on("close", () => touch());
      res.end("x");
    },
    { fault: "A27", whenSaveFails: "as bare" },
  ),
  onConnect(
    "the session used in the callback of res.end",
    ({ res, touch }) => {
      res.end("x", () => touch());
    },
    { fault: "A27", whenSaveFails: "as bare" },
  ),
  onConnect(
    "the session used in the callback of res.write",
    ({ res, touch }) => {
      res.write("x", () => {
        touch();
        res.end("y");
      });
    },
    { fault: "A27", whenSaveFails: "as bare" },
  ),
  onConnect(
    "the session used, and again in a finish listener",
    ({ res, touch }) => {
      touch();
      res.on("finish", () => touch());
      res.end("x");
    },
    { fault: "A27" },
  ),
];

/** Ways that need a file descriptor. */
const descriptor = onConnect("a stream of a descriptor, closed at the end", ({ res, touch, stage }) => {
  touch();
  const fd = openSync(SMALL, "r");
  stage.onEnd(() => closeSync(fd));
  createReadStream("", { fd, autoClose: false }).pipe(res);
});

/** Bodies in pieces. */
export const streams: readonly Row[] = [...ways, ...late, descriptor];
