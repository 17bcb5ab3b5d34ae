import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { count, type Handler, type Program } from "../program.js";

/** Every way to send a response while the session is written: what is on the wire stays what it would be. */

const FILE = fileURLToPath(new URL("responses.js", import.meta.url));

function sending(
  name: string,
  handler: Handler,
  more: Partial<Program> & { method?: string; headers?: Record<string, string> } = {},
): Program {
  const { method = "GET", headers = {}, ...rest } = more;
  return {
    name: `sent by ${name}`,
    routes: {
      "/send": (req, res, next, kit) => {
        req.session.n = (req.session.n ?? 0) + 1;
        return handler(req, res, next, kit);
      },
    },
    visit: async (client) => {
      await client.get("/send", { method, headers });
      await client.get("/send", { method, headers });
      await client.get("/data");
    },
    ...rest,
  };
}

const ways: readonly Program[] = [
  sending("end()", (_req, res) => res.end()),
  sending("end(text)", (_req, res) => res.end("hello")),
  sending("end(text, encoding)", (_req, res) => res.end("aGVsbG8=", "base64")),
  sending("end(text, callback)", (_req, res, _next, { note }) => res.end("hello", () => note("called back"))),
  sending("end(callback)", (_req, res, _next, { note }) => res.end(() => note("called back"))),
  sending("end(bytes)", (_req, res) => res.end(Buffer.from([0, 1, 2, 255]))),
  sending("end(null)", (_req, res) => res.end(null)),
  sending("end(undefined)", (_req, res) => res.end(undefined)),
  sending("write, then end", (_req, res) => {
    res.write("one ");
    res.end("two");
  }),
  sending("write, later end", (_req, res) => {
    res.write("one ");
    setImmediate(() => res.end("two"));
  }),
  sending("write of a length that was set", (_req, res) => {
    res.setHeader("Content-Length", "8");
    res.write("one ");
    res.end("two!");
  }),
  sending("end with a length that was set", (_req, res) => {
    res.setHeader("Content-Length", "5");
    res.end("hello");
  }),
  sending("end with a length of zero", (_req, res) => {
    res.setHeader("Content-Length", "0");
    res.end();
  }),
  sending("writeHead, then end", (_req, res) => {
    res.writeHead(201, { "X-Own": "1" });
    res.end("made");
  }),
  sending("writeHead with a reason", (_req, res) => {
    res.writeHead(299, "All Good", { "Content-Type": "text/plain" });
    res.end("good");
  }),
  sending("flushHeaders, then end", (_req, res) => {
    res.flushHeaders();
    res.end("flushed");
  }),
  sending("a Set-Cookie of one's own before", (_req, res) => {
    res.setHeader("Set-Cookie", "mine=1; Path=/");
    res.end("cookies");
  }),
  sending("two Set-Cookie lines of one's own", (_req, res) => {
    res.setHeader("Set-Cookie", ["mine=1", "yours=2"]);
    res.end("cookies");
  }),
  sending("res.cookie", (_req, res) => res.cookie("mine", "1").end("cookies")),
  sending("Set-Cookie in writeHead", (_req, res) => {
    res.writeHead(200, { "Set-Cookie": "mine=1" });
    res.end("cookies");
  }),
  sending("res.send", (_req, res) => res.send("<p>hello</p>")),
  sending("res.json", (_req, res) => res.json({ a: [1, 2] })),
  sending("res.sendStatus", (_req, res) => res.sendStatus(202)),
  sending("res.redirect", (_req, res) => res.redirect("/elsewhere")),
  sending("res.redirect 301", (_req, res) => res.redirect(301, "/elsewhere")),
  sending("204 without a body", (_req, res) => res.status(204).end()),
  sending("304 by hand", (_req, res) => {
    res.statusCode = 304;
    res.end();
  }),
  sending("res.sendFile", (_req, res) => res.sendFile(FILE, { lastModified: false, etag: false })),
  sending("a file's stream, piped", (_req, res) => createReadStream(FILE).pipe(res)),
  sending("a pipeline", async (_req, res) => pipeline(Readable.from(["one ", "two ", "three"]), res)),
  sending("many writes", (_req, res) => {
    for (let i = 0; i < 200; i += 1) res.write(`line ${i}\n`);
    res.end();
  }),
  sending("a large body", (_req, res) => res.end("x".repeat(300_000))),
  sending("res.format", (_req, res) => res.format({ text: () => res.send("text"), json: () => res.json({}) })),
  sending("a stream that fails", (_req, res) => {
    res.write("half");
    setImmediate(() => res.destroy());
  }),
  sending("next() into a 404", (_req, _res, next) => next()),
  sending("next(error)", (_req, _res, next) => next(new Error("refused"))),
  sending("next(error) with a status", (_req, _res, next) => next(Object.assign(new Error("no"), { status: 418 }))),
];

const heads: readonly Program[] = [
  sending("HEAD, res.send", (_req, res) => res.send("hello"), { method: "HEAD" }),
  sending("HEAD, end(text)", (_req, res) => res.end("hello"), { method: "HEAD" }),
  sending(
    "HEAD, end() with a length",
    (_req, res) => {
      res.setHeader("Content-Length", "5");
      res.end();
    },
    { method: "HEAD", issues: "expressjs/session#75" },
  ),
  sending("HEAD, res.json", (_req, res) => res.json({ a: 1 }), { method: "HEAD" }),
  sending("POST", (_req, res) => res.end("posted"), { method: "POST" }),
  sending("DELETE", (_req, res) => res.end("deleted"), { method: "DELETE" }),
  sending("OPTIONS", (_req, res) => res.end("options"), { method: "OPTIONS" }),
  sending("a conditional GET that matches", (_req, res) => res.set("ETag", '"v1"').send("hello"), {
    headers: { "if-none-match": '"v1"' },
    name: "sent by a 304 of Express",
  }),
  sending("a conditional GET that does not match", (_req, res) => res.set("ETag", '"v2"').send("hello"), {
    headers: { "if-none-match": '"v1"' },
    name: "sent by a 200 beside If-None-Match",
  }),
];

const twice: readonly Program[] = [
  sending(
    "end twice",
    (_req, res) => {
      res.end("first");
      res.end("second");
    },
    { issues: "expressjs/session#766" },
  ),
  sending("end twice without a body", (_req, res) => {
    res.end();
    res.end();
  }),
  sending("end, then write", (_req, res, _next, { note }) => {
    res.on("error", (error: Error & { code?: string }) => note(`error ${error.code}`));
    res.end("first");
    res.write("second");
  }),
  sending("end, then setHeader", (_req, res, _next, { note }) => {
    res.end("first");
    try {
      res.setHeader("X-Late", "1");
      note("set");
    } catch (error) {
      note((error as { code?: string }).code);
    }
  }),
  sending(
    "res.json twice",
    (_req, res, next) => {
      res.json({ first: 1 });
      try {
        res.json({ second: 2 });
      } catch (error) {
        next(error);
      }
    },
    { issues: "expressjs/session#766" },
  ),
  sending("end, then next()", (_req, res, next) => {
    res.end("ended");
    next();
  }),
  sending(
    "end, then next(error)",
    (_req, res, next) => {
      res.end("ended");
      next(new Error("late"));
    },
    { issues: "expressjs/session#244" },
  ),
  sending("headersSent after end", (_req, res, _next, { note }) => {
    note(`before ${res.headersSent} ${res.writableEnded}`);
    res.end("ended");
    note(`after ${res.headersSent} ${res.writableEnded}`);
  }),
];

const LATE: Readonly<Record<string, Handler>> = {
  "/late": (req, res) => {
    res.write("one ");
    setImmediate(() => {
      req.session.late = true;
      res.end("two");
    });
  },
  "/late-regenerate": (req, res) => {
    res.write("one ");
    setImmediate(() => {
      req.session.regenerate((error?: unknown) => res.end(error ? "refused" : "regenerated"));
    });
  },
  "/late-destroy": (req, res) => {
    res.write("one ");
    setImmediate(() => req.session.destroy((error?: unknown) => res.end(error ? "refused" : "destroyed")));
  },
  "/after": (req, res) => {
    res.end("ended");
    req.session.after = true;
  },
  "/finish": (req, res) => {
    res.on("finish", () => (req.session.finished = true));
    res.end("ended");
  },
};

const late: readonly Program[] = Object.keys(LATE).flatMap((path) =>
  [true, false].map((isKnown) => ({
    name: `written late: ${path}, ${isKnown ? "a session" : "a visitor"}`,
    routes: LATE,
    visit: async (client) => {
      if (isKnown) await client.get("/count");
      await client.get(path);
      await client.rest();
      await client.get("/data");
    },
  })),
);

const connections: readonly Program[] = [
  {
    name: "pipelined requests, reading and writing",
    visit: async (client) => {
      await client.get("/count");
      await client.pipelined(["/read", "/data", "/none"]);
      await client.pipelined(["/count"]);
      await client.get("/data");
    },
  },
  {
    name: "pipelined visits",
    options: { saveUninitialized: true },
    visit: async (client) => {
      await client.pipelined(["/none", "/none"]);
    },
  },
  {
    name: "Expect: 100-continue",
    routes: { "/up": (req, res) => req.resume().on("end", () => count(req, res, () => {}, undefined as never)) },
    visit: async (client) => {
      await client.get("/up", { method: "POST", body: "a body", headers: { expect: "100-continue" } });
      await client.get("/data");
    },
  },
];

/** The programs of this file. */
export const RESPONSES: readonly Program[] = [...ways, ...heads, ...twice, ...late, ...connections];
