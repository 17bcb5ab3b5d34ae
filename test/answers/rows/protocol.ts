import { createServer } from "node:http";
import { CONNECT, nodeApp, onConnect, onExpress, onNode } from "../frameworks.js";
import type { App, Framework, Io, Options, Row } from "../row.js";
import { soon, touching } from "../sources.js";
import type { Wire } from "../wire.js";

const PLAIN: readonly Framework[] = ["connect", "http2", "express", "koa"];
const ON_1: readonly Framework[] = ["node", "connect", "express", "koa"];

const BODIES: Readonly<Record<string, (io: Io) => unknown>> = {
  "res.end(text)": ({ res }) => res.end("hello"),
  "res.end()": ({ res }) => res.end(),
  "res.write, res.end": ({ res, note }) => {
    note("write", res.write("hel"));
    res.end("lo");
  },
  "Content-Length and res.end(text)": ({ res }) => {
    res.setHeader("Content-Length", 5);
    res.end("hello");
  },
  "writeHead and res.end(text)": ({ res }) => res.writeHead(200, { "Content-Type": "text/plain" }).end("hello"),
  "Content-Length in writeHead, res.write, res.end": ({ res }) => {
    res.writeHead(200, { "Content-Length": "5" });
    res.write("hel");
    res.end("lo");
  },
};

const row = (name: string, call: (io: Io) => unknown, options: Options = {}): Row =>
  onNode(name, touching(call), { on: PLAIN, ...options });

const everyBody = Object.entries(BODIES).flatMap(([name, call]) => [
  row(`HEAD, ${name}`, call, { asked: { method: "HEAD" } }),
  row(`HTTP/1.0, ${name}`, call, { on: ON_1, asked: { version: "1.0" } }),
  row(`HTTP/1.0 with keep-alive, ${name}`, call, {
    on: ON_1,
    asked: { version: "1.0", headers: { Connection: "keep-alive" } },
  }),
  row(`Connection: close, ${name}`, call, { on: ON_1, asked: { headers: { Connection: "close" } } }),
  row(`POST whose body nobody reads, ${name}`, call, { asked: { method: "POST", body: "a".repeat(2000) } }),
]);

const everyBodyless = [204, 205, 304].flatMap((status) =>
  Object.entries(BODIES).map(([name, call]) =>
    row(`status ${status}, ${name}`, (io) => {
      io.res.statusCode = status;
      return call(io);
    }),
  ),
);

/** Several requests in one packet. */
function pipelined(wire: Wire, count: number): Promise<boolean> {
  wire.send(Array.from({ length: count }, (_, i) => wire.textOf({ path: `/${i}` })).join(""));
  for (let i = 0; i < count; i++) wire.expect();
  return wire.answered(count);
}

/** Three requests in one packet, and one more on the same connection. */
async function threeAtOnce(wire: Wire): Promise<void> {
  await pipelined(wire, 3);
  await wire.next();
}

const connections: readonly Row[] = [
  row("three requests in one packet", ({ req, res }) => res.end(req.url), { on: ON_1, ask: threeAtOnce }),
  row(
    "three requests in one packet, the first answered last",
    ({ req, res, later }) => {
      if (req.url === "/0") later(20, () => res.end("first"));
      else res.end(req.url);
    },
    { on: ON_1, ask: threeAtOnce },
  ),
  row(
    "three requests in one packet, answered in pieces",
    async ({ req, res }) => {
      res.write("a");
      await soon();
      res.end(req.url);
    },
    { on: ON_1, ask: threeAtOnce },
  ),
  row("five requests on one connection, one after the other", ({ req, res }) => res.end(req.url), {
    on: ON_1,
    ask: async (wire) => {
      for (let i = 0; i < 5; i++) {
        wire.request({ path: `/${i}` });
        await wire.answered(i + 1);
      }
      await wire.next();
    },
  }),
  row("a request in two packets", ({ res }) => res.end("x"), {
    on: ON_1,
    ask: async (wire) => {
      const text = wire.textOf({ path: "/" });
      wire.send(text.slice(0, 20));
      await soon();
      wire.send(text.slice(20));
      wire.expect();
      await wire.answered(1);
      await wire.next();
    },
  }),
  row("the client closes its side after the request", ({ res, later }) => later(5, () => res.end("x")), {
    on: ON_1,
    ask: async (wire) => {
      wire.request();
      wire.finish();
      await wire.answered(1);
      await wire.gone();
      await wire.elsewhere();
    },
    isRace: true,
    whenSaveFails: "nothing",
  }),
  row(
    "Expect: 100-continue, the body is read",
    async ({ req, res }) => {
      let text = "";
      for await (const piece of req) text += piece;
      res.end(text);
    },
    {
      on: ON_1,
      ask: async (wire) => {
        wire.send(wire.textOf({ method: "POST", headers: { Expect: "100-continue", "Content-Length": "4" } }));
        wire.expect("POST");
        await wire.until(() => wire.received.includes("100 Continue"));
        wire.send("body");
        await wire.answered(1);
        await wire.next();
      },
    },
  ),
  row("a body that comes slowly, answered before it is there", ({ res }) => res.end("x"), {
    on: ON_1,
    ask: async (wire) => {
      wire.send(wire.textOf({ method: "POST", headers: { "Content-Length": "6" } }));
      wire.expect("POST");
      await wire.answered(1);
      wire.send("abcdef");
      await wire.next();
    },
  }),
  row(
    "a chunked body, echoed in pieces",
    async ({ req, res }) => {
      for await (const piece of req) res.write(piece);
      res.end();
    },
    {
      on: ON_1,
      ask: async (wire) => {
        wire.send(wire.textOf({ method: "POST", headers: { "Transfer-Encoding": "chunked" } }));
        wire.expect("POST");
        wire.send("3\r\nabc\r\n");
        await soon();
        wire.send("3\r\ndef\r\n0\r\n\r\n");
        await wire.answered(1);
        await wire.next();
      },
    },
  ),
  row("OPTIONS *", ({ res }) => res.end("x"), { on: ["connect"], asked: { method: "OPTIONS", path: "*" } }),
];

const before: readonly Row[] = [
  row("writeContinue, then res.end", ({ res, callback }) => {
    res.writeContinue(callback("continue"));
    res.end("x");
  }),
  row("writeProcessing, then res.end", ({ res, callback }) => {
    res.writeProcessing(callback("processing"));
    res.end("x");
  }),
  row(
    "writeProcessing, a while, res.end",
    ({ res, later }) => {
      res.writeProcessing();
      later(5, () => res.end("x"));
    },
    { on: ON_1 },
  ),
  row("writeEarlyHints, then res.end", ({ res, callback }) => {
    res.writeEarlyHints({ link: ["</a.css>; rel=preload; as=style"] }, callback("hints"));
    res.end("x");
  }),
  row("writeEarlyHints, a while, res.end", ({ res, later }) => {
    res.writeEarlyHints({ link: "</a.css>; rel=preload; as=style", "x-trace": "1" });
    later(5, () => res.end("x"));
  }),
  row("writeEarlyHints with a bad link", ({ res }) => {
    res.writeEarlyHints({ link: 42 });
    res.end("x");
  }),
  row(
    "writeEarlyHints after res.end",
    ({ res, note }) => {
      res.end("x");
      try {
        note("hints", res.writeEarlyHints({ link: "</a.css>; rel=preload; as=style" }));
      } catch (error) {
        note("thrown", (error as { code?: string }).code);
      }
    },
    { on: ["http2"] },
  ),
  row("trailers", ({ res }) => {
    res.setHeader("Trailer", "X-Sum");
    res.write("a");
    res.addTrailers({ "X-Sum": "1" });
    res.end("b");
  }),
  row(
    "trailers in a flat list, chunked by writeHead",
    ({ res }) => {
      res.writeHead(200, { Trailer: "X-Sum", "Transfer-Encoding": "chunked" });
      res.addTrailers([["X-Sum", "1"]]);
      res.end("b");
    },
    { on: ON_1 },
  ),
  row("trailers and res.end(text) alone", ({ res }) => {
    res.addTrailers({ "X-Sum": "1" });
    res.end("b");
  }),
  row(
    "trailers with a line break",
    ({ res }) => {
      res.setHeader("Trailer", "X-Sum");
      res.write("a");
      res.addTrailers({ "X-Sum": "a\r\nb" });
      res.end("b");
    },
    { whenSaveFails: "nothing" },
  ),
];

/** A program that tells how long its body is, and is wrong. */
const LENGTHS: Readonly<Record<string, readonly [call: (io: Io) => unknown, options?: Options]>> = {
  "more bytes than Content-Length says": [
    ({ res }) => {
      res.setHeader("Content-Length", 2);
      res.end("abcd");
    },
    { isEndless: true },
  ],
  "fewer bytes than Content-Length says": [
    ({ res }) => {
      res.setHeader("Content-Length", 10);
      res.end("abcd");
    },
    { isEndless: true },
  ],
  "more bytes in pieces than Content-Length says": [
    ({ res }) => {
      res.writeHead(200, { "Content-Length": 2 });
      res.write("ab");
      res.end("cd");
    },
    { isEndless: true },
  ],
  "more bytes than Content-Length says, strictly": [
    ({ res, note }) => {
      res.strictContentLength = true;
      res.setHeader("Content-Length", 2);
      try {
        res.end("abcd");
      } catch (error) {
        note("thrown", (error as { code?: string }).code);
        res.end("ab");
      }
    },
    { on: ON_1, isEndless: true },
  ],
  "fewer bytes than Content-Length says, strictly": [
    ({ res, note }) => {
      res.strictContentLength = true;
      res.writeHead(200, { "Content-Length": 10 });
      res.write("ab");
      try {
        res.end("cd");
      } catch (error) {
        note("thrown", (error as { code?: string }).code);
        res.destroy();
      }
    },
    { on: ON_1, isEndless: true, whenSaveFails: "nothing" },
  ],
  "more bytes in pieces, strictly, nobody catches": [
    ({ res }) => {
      res.strictContentLength = true;
      res.writeHead(200, { "Content-Length": 2 });
      res.write("ab");
      res.end("cd");
    },
    { on: ["connect", "express"], isEndless: true, whenSaveFails: "nothing" },
  ],
  "Content-Length and Transfer-Encoding": [
    ({ res }) => {
      res.setHeader("Content-Length", 2);
      res.setHeader("Transfer-Encoding", "chunked");
      res.end("ab");
    },
    { on: ON_1 },
  ],
  "Content-Length 0 and res.end()": [
    ({ res }) => {
      res.setHeader("Content-Length", 0);
      res.end();
    },
  ],
  "Content-Length that is no number": [
    ({ res }) => {
      res.setHeader("Content-Length", "many");
      res.end("ab");
    },
    { on: ["connect"], isEndless: true },
  ],
};

const lengths = Object.entries(LENGTHS).map(([name, [call, options]]) => row(name, call, options));

const DESTROYED: Readonly<Record<string, readonly [call: (io: Io) => unknown, options?: Options]>> = {
  "res.destroy() before anything": [({ res }) => void res.destroy()],
  "res.destroy(error) before anything": [
    ({ res, note }) => {
      res.on("error", (error: Error) => note("error", error.message));
      res.destroy(new Error("sorry"));
    },
  ],
  "res.write, then res.destroy()": [
    ({ res }) => {
      res.write("a");
      res.destroy();
    },
  ],
  "res.end, then res.destroy()": [
    ({ res }) => {
      res.end("a");
      res.destroy();
    },
  ],
  "res.write, a while, res.destroy()": [
    ({ res, later }) => {
      res.write("a");
      later(150, () => res.destroy());
    },
  ],
  "res.destroy(), then res.end(text, callback)": [
    ({ res, callback }) => {
      res.on("error", () => {});
      res.destroy();
      res.end("a", callback("end"));
    },
    { fault: "A12" },
  ],
  "res.destroy(), then res.write(text, callback)": [
    ({ res, callback, note }) => {
      res.on("error", () => {});
      res.destroy();
      note("write", res.write("a", callback("write")));
    },
    { fault: "A12" },
  ],
  "res.destroy(), then what the response says": [
    ({ res, note }) => {
      res.destroy();
      note("destroyed", `${res.destroyed} ${res.headersSent} ${res.writableEnded}`);
    },
    { on: ON_1 },
  ],
  "req.destroy() before anything": [({ req }) => void req.destroy()],
  "req.socket.destroy() before anything": [({ req }) => void req.socket.destroy(), { on: ON_1 }],
  "req.socket.destroy(), then res.end": [
    ({ req, res, callback }) => {
      req.socket.destroy();
      res.end("x", callback("end"));
    },
    { on: ON_1, fault: "A12" },
  ],
  "req.socket.destroy(), a while, res.end": [
    ({ req, res, callback, later }) => {
      req.socket.destroy();
      later(10, () => res.end("x", callback("end")));
    },
    { on: ON_1, fault: "A12" },
  ],
  "req.socket.end(), then res.end": [
    ({ req, res }) => {
      req.socket.end();
      res.end("x");
    },
    { on: ON_1 },
  ],
  "res.end, then req.socket.destroySoon()": [
    ({ req, res }) => {
      res.end("x");
      req.socket.destroySoon();
    },
    { on: ON_1 },
  ],
  "res.write, req.destroy(), res.end": [
    ({ req, res, callback }) => {
      res.on("error", () => {});
      res.write("a", callback("write"));
      req.destroy();
      res.end("b", callback("end"));
    },
    { on: ON_1, fault: "A12" },
  ],
  "res.stream.close() of HTTP/2": [({ res }) => void res.stream.close(), { on: ["http2"] }],
  "res.stream.respond of HTTP/2, past the response": [
    ({ res }) => {
      res.stream.respond({ ":status": 200, "x-raw": "1" });
      res.stream.end("raw");
    },
    { on: ["http2"] },
  ],
  "res.stream.session.destroy() of HTTP/2": [({ res }) => void res.stream.session.destroy(), { on: ["http2"] }],
};

const destroyed = Object.entries(DESTROYED).map(([name, [call, options]]) =>
  row(name, call, { whenSaveFails: "nothing", ...options }),
);

const timers: readonly Row[] = [
  row(
    "res.setTimeout whose callback answers",
    ({ res }) => {
      res.setTimeout(20, () => {
        res.statusCode = 503;
        res.end("too slow");
      });
    },
    { on: ON_1 },
  ),
  row(
    "res.setTimeout that does not come",
    ({ res, later }) => {
      res.setTimeout(5000, () => res.end("too slow"));
      later(5, () => res.end("in time"));
    },
    { on: ON_1 },
  ),
  row("req.setTimeout without a callback", ({ req }) => void req.setTimeout(20), {
    on: ON_1,
    whenSaveFails: "as bare",
  }),
  row(
    "a timer answers 503, the handler answers later",
    ({ res, later, note }) => {
      later(5, () => {
        if (res.headersSent) return;
        res.statusCode = 503;
        res.end("too slow");
      });
      later(15, () => {
        if (res.headersSent || res.writableEnded) return note("too late");
        res.end("well");
      });
    },
    { fault: "A8" },
  ),
];

/** Listens for the body itself. */
const checkContinue: Row = {
  name: "Expect: 100-continue, a checkContinue listener answers",
  on: ["connect"],
  app: (stage): App => {
    const app = nodeApp(stage, ({ res, touch }) => {
      touch();
      res.end("x");
    }) as (req: unknown, res: unknown) => void;
    const server = createServer(app as never);
    return server.on("checkContinue", (req, res) => {
      res.writeContinue();
      app(req, res);
    });
  },
  ask: async (wire) => {
    wire.send(wire.textOf({ method: "POST", headers: { Expect: "100-continue", "Content-Length": "4" } }));
    wire.expect("POST");
    await wire.until(() => wire.received.includes("100 Continue"));
    wire.send("body");
    await wire.answered(1);
    await wire.next();
  },
};

const conditional: readonly Row[] = [
  onExpress(
    "res.send with an ETag, If-None-Match: 304",
    ({ res, touch }) => {
      touch();
      res.set("ETag", '"a"').send("hello");
    },
    { asked: { headers: { "If-None-Match": '"a"' } } },
  ),
  onExpress(
    "res.send, Range is not honoured",
    ({ res, touch }) => {
      touch();
      res.send("hello");
    },
    { asked: { headers: { Range: "bytes=0-1" } } },
  ),
  onConnect(
    "206 by hand",
    ({ res, touch }) => {
      touch();
      res.writeHead(206, { "Content-Range": "bytes 0-1/5", "Content-Length": 2 });
      res.end("he");
    },
    { on: CONNECT },
  ),
];

/** What HTTP itself offers: methods, versions, connections, lengths, trailers, ends. */
export const protocol: readonly Row[] = [
  ...everyBody,
  ...everyBodyless,
  ...connections,
  ...before,
  ...lengths,
  ...destroyed,
  ...timers,
  checkContinue,
  ...conditional,
];
