import { CONNECT, onConnect, onExpress, onNode } from "../frameworks.js";
import type { Framework, Io, Options, Row } from "../row.js";
import { soon, touching } from "../sources.js";

const PLAIN: readonly Framework[] = ["connect", "http2", "express"];

/** What a program does after an answer, or beside one. */
const TWICE: Readonly<Record<string, readonly [call: (io: Io) => unknown, options?: Options]>> = {
  "res.json, then next()": [
    ({ res, next }) => {
      res.json({ a: 1 });
      next();
    },
    { fault: "A7" },
  ],
  "res.send, then next(error)": [
    ({ res, next }) => {
      res.send("first");
      next(new Error("late"));
    },
    { whenSaveFails: "nothing", fault: "A7" },
  ],
  "res.json, then throw": [
    ({ res }) => {
      res.json({ a: 1 });
      throw new Error("late");
    },
    { whenSaveFails: "nothing", fault: "A7" },
  ],
  "res.json, then reject": [
    async ({ res }) => {
      res.json({ a: 1 });
      await soon();
      throw new Error("late");
    },
    { whenSaveFails: "nothing", fault: "A7" },
  ],
  "res.json, then reject at once": [
    async ({ res }) => {
      res.json({ a: 1 });
      throw new Error("late");
    },
    { whenSaveFails: "nothing", fault: "A7" },
  ],
  "res.json, finally { if (!res.writableEnded) 500 }": [
    ({ res }) => {
      try {
        res.json({ a: 1 });
      } finally {
        if (!res.writableEnded) res.status(500).end("not ended");
      }
    },
    { fault: "A7" },
  ],
  "res.json, if (!res.headersSent) next()": [
    ({ res, next }) => {
      res.json({ a: 1 });
      if (!res.headersSent) next();
    },
    { fault: "A7" },
  ],
  "res.json, await, if (!res.headersSent) next()": [
    async ({ res, next }) => {
      res.json({ a: 1 });
      await soon();
      if (!res.headersSent) next();
    },
    { fault: "A7" },
  ],
  "res.json, if (!res.finished) 500": [
    ({ res }) => {
      res.json({ a: 1 });
      if (!res.finished) res.status(500).end();
    },
    { fault: "A7" },
  ],
  "res.status(401).json without return, then res.status(200).json(secret)": [
    ({ res }) => {
      res.status(401).json({ error: "no" });
      res.status(200).json({ secret: 42 });
    },
    { whenSaveFails: "nothing", fault: "A8" },
  ],
  "res.status(401).json, await, res.status(200).json(secret)": [
    async ({ res }) => {
      res.status(401).json({ error: "no" });
      await soon();
      res.status(200).json({ secret: 42 });
    },
    { whenSaveFails: "nothing", fault: "A8" },
  ],
  "res.status(401).end(), then res.end(secret)": [
    ({ res }) => {
      res.on("error", () => {});
      res.status(401).end("no");
      res.statusCode = 200;
      res.end("secret");
    },
    { fault: "A8" },
  ],
  "res.json twice": [
    ({ res }) => {
      res.json({ a: "first" });
      res.json({ a: "the second, longer" });
    },
    { whenSaveFails: "nothing", fault: "A9" },
  ],
  "res.json twice, the second in try": [
    ({ res, note }) => {
      res.json({ a: "first" });
      try {
        res.json({ a: "the second, longer" });
      } catch (error) {
        note("thrown", (error as { code?: string }).code);
      }
    },
    { fault: "A9" },
  ],
  "res.json twice with await": [
    async ({ res }) => {
      res.json({ a: "first" });
      await soon();
      res.json({ a: "the second, longer" });
    },
    { whenSaveFails: "nothing", fault: "A9" },
  ],
  "res.redirect, then res.send": [
    ({ res }) => {
      res.redirect("/elsewhere");
      res.send("the page");
    },
    { whenSaveFails: "nothing", fault: "A9" },
  ],
  "res.send, then res.redirect": [
    ({ res }) => {
      res.send("the page");
      res.redirect("/elsewhere");
    },
    { whenSaveFails: "nothing", fault: "A9" },
  ],
  "res.sendStatus, then res.send": [
    ({ res }) => {
      res.sendStatus(403);
      res.send("the page");
    },
    { whenSaveFails: "nothing", fault: "A9" },
  ],
  "next() twice": [
    ({ next }) => {
      next();
      next();
    },
  ],
  "next(), then res.send": [
    ({ res, next }) => {
      next();
      res.send("late");
    },
  ],
};

const twice = Object.entries(TWICE).map(([name, [call, options]]) => onExpress(name, touching(call), options));

/** The same with Node's own functions. */
const OWN: Readonly<Record<string, readonly [call: (io: Io) => unknown, options?: Options]>> = {
  "res.end, then res.end, with a listener for errors": [
    ({ res, callback, note }) => {
      res.on("error", (error: { code?: string }) => note("error", error.code));
      res.end("first", callback("first end"));
      res.end("second", callback("second end"));
    },
    { fault: "A9" },
  ],
  "res.end, then res.end without a listener": [
    ({ res }) => {
      res.end("first");
      res.end("second");
    },
    { fault: "A9" },
  ],
  "res.end, then res.end() without a text": [
    ({ res, callback }) => {
      res.end("first", callback("first end"));
      res.end(callback("second end"));
    },
    { fault: "A9" },
  ],
  "res.end, await, res.end() without a text": [
    async ({ res, callback, later }) => {
      res.end("first", callback("first end"));
      later(80, () => res.end(callback("second end")));
    },
    { fault: "A9" },
  ],
  "res.end, then res.write": [
    ({ res, callback, note }) => {
      res.on("error", (error: { code?: string }) => note("error", error.code));
      res.end("first");
      note("write", res.write("second", callback("write")));
    },
    { fault: "A9" },
  ],
  "res.end, later res.write": [
    ({ res, callback, note, later }) => {
      res.on("error", (error: { code?: string }) => note("error", error.code));
      res.end("first");
      later(80, () => note("write", res.write("second", callback("write"))));
    },
    { fault: "A9" },
  ],
  "res.end, then res.writeHead": [
    ({ res, note }) => {
      res.end("first");
      try {
        res.writeHead(500, { "X-Late": "1" });
      } catch (error) {
        note("thrown", (error as { code?: string }).code);
      }
    },
    { fault: "A7" },
  ],
  "res.end, then res.setHeader": [
    ({ res, note }) => {
      res.end("first");
      try {
        res.setHeader("X-Late", "1");
      } catch (error) {
        note("thrown", (error as { code?: string }).code);
      }
    },
    { fault: "A7" },
  ],
  "res.end, then res.statusCode = 500": [
    ({ res }) => {
      res.end("first");
      res.statusCode = 500;
      res.statusMessage = "Late";
    },
    { fault: "A7" },
  ],
  "res.end, then res.flushHeaders": [
    ({ res }) => {
      res.end("first");
      res.flushHeaders();
    },
    { fault: "A7" },
  ],
  "res.write, then res.statusCode = 500": [
    ({ res }) => {
      res.write("a");
      res.statusCode = 500;
      res.end("b");
    },
    { fault: "A10" },
  ],
  "res.write, await, res.statusCode = 500, res.end": [
    async ({ res }) => {
      res.write("a");
      await soon();
      res.statusCode = 500;
      res.end("b");
    },
    { fault: "A10" },
  ],
  "res.write, then res.setHeader": [
    ({ res, note }) => {
      res.write("a");
      try {
        res.setHeader("X-Late", "1");
      } catch (error) {
        note("thrown", (error as { code?: string }).code);
      }
      res.end("b");
    },
    { fault: "A10" },
  ],
  "res.write, then res.removeHeader": [
    ({ res, note }) => {
      res.setHeader("X-Early", "1");
      res.write("a");
      try {
        res.removeHeader("X-Early");
      } catch (error) {
        note("thrown", (error as { code?: string }).code);
      }
      res.end("b");
    },
    { fault: "A10" },
  ],
  "res.write, then res.writeHead": [
    ({ res, note }) => {
      res.write("a");
      try {
        res.writeHead(500);
      } catch (error) {
        note("thrown", (error as { code?: string }).code);
      }
      res.end("b");
    },
    { fault: "A10" },
  ],
  "res.writeHead twice": [
    ({ res, note }) => {
      res.writeHead(200, { "X-A": "1" });
      try {
        res.writeHead(500, { "X-B": "2" });
      } catch (error) {
        note("thrown", (error as { code?: string }).code);
      }
      res.end("x");
    },
  ],
  "res.writeHead, then res.setHeader": [
    ({ res, note }) => {
      res.writeHead(200, { "X-A": "1" });
      try {
        res.setHeader("X-B", "2");
      } catch (error) {
        note("thrown", (error as { code?: string }).code);
      }
      res.end("x");
    },
  ],
  "res.writeHead, then res.statusCode": [
    ({ res }) => {
      res.writeHead(200);
      res.statusCode = 500;
      res.end("x");
    },
  ],
  "res.writeHead(...).end(text)": [({ res }) => void res.writeHead(201, { "X-A": "1" }).end("x")],
  "res.writeHead alone, res.end later": [
    ({ res, later }) => {
      res.writeHead(200, { "X-A": "1" });
      later(10, () => res.end("x"));
    },
  ],
  "res.write, then throw": [
    ({ res }) => {
      res.write("a");
      throw new Error("sorry");
    },
    { whenSaveFails: "nothing", fault: "A11" },
  ],
  "res.write, then reject": [
    async ({ res }) => {
      res.write("a");
      await soon();
      throw new Error("sorry");
    },
    { whenSaveFails: "nothing", fault: "A11" },
  ],
  "res.write again and again, whatever happens": [
    ({ res, later, callback }) => {
      res.on("error", () => {});
      res.write("a", callback("write 1"));
      later(1, () => res.write("b", callback("write 2")));
      later(60, () => res.write("c", callback("write 3")));
      later(70, () => res.end("d", callback("end")));
    },
    { fault: "A11" },
  ],
  "res.end later": [({ res, later }) => later(10, () => res.end("late"))],
  "res.write and res.end in different turns": [
    async ({ res }) => {
      for (const text of ["a", "b", "c"]) {
        res.write(text);
        await soon();
      }
      res.end();
    },
  ],
};

/** Where nobody catches what the program throws, it ends the process, and there is nothing to compare. */
const own = Object.entries(OWN).map(([name, [call, options]]) => onNode(name, touching(call), options));

/** What a response says of itself. */
const looks = onNode(
  "what the response says of itself",
  ({ res, touch, note }) => {
    const look = (when: string): void => {
      for (const name of ["headersSent", "writableEnded", "finished", "writableFinished", "statusCode", "destroyed"])
        note(`${when} ${name}`, res[name]);
      note(`${when} X-A`, res.getHeader("X-A"));
      note(
        `${when} names`,
        res
          .getHeaderNames()
          .filter((one: string) => !/^(set-cookie|cache-control|vary|:status)$/.test(one))
          .join(),
      );
      note(`${when} hasHeader`, res.hasHeader("x-a"));
    };
    touch();
    look("at first");
    res.setHeader("X-A", "1");
    look("after setHeader");
    res.writeHead(201);
    look("after writeHead");
    res.write("a");
    look("after write");
    res.end("b");
    look("after end");
    res.on("finish", () => look("at finish"));
  },
  { fault: "A7" },
);

const looksAtEnd = onNode(
  "what the response says of itself after res.end(text)",
  ({ res, touch, note }) => {
    touch();
    res.end("x");
    for (const name of ["headersSent", "writableEnded", "finished", "writableFinished"]) note(name, res[name]);
    res.on("close", () => note("at close", `${res.writableEnded} ${res.writableFinished} ${res.finished}`));
  },
  { fault: "A7" },
);

const looksLikeExpress = onExpress(
  "what the response says of itself after res.json",
  async ({ res, touch, note }) => {
    touch();
    res.json({ a: 1 });
    note("at once", `${res.headersSent} ${res.writableEnded} ${res.finished} ${res.get("Content-Length")}`);
    await soon();
    note("a turn later", `${res.headersSent} ${res.writableEnded} ${res.finished}`);
  },
  { fault: "A7" },
);

/** Where the session is first asked for. */
const first: readonly Row[] = [
  onNode(
    "res.writeHead(200, headers whose value asks for the session)",
    ({ res, touch }) => {
      res.writeHead(200, { "X-N": touch() });
      res.end("x");
    },
    { fault: "A29" },
  ),
  onNode(
    "res.write(text whose argument asks for the session)",
    ({ res, touch }) => {
      res.write(touch());
      res.end();
    },
    { fault: "A29" },
  ),
  onNode(
    "res.setHeader whose argument asks for the session",
    ({ res, touch }) => {
      res.setHeader("X-N", touch());
      res.end("x");
    },
    { fault: "A29" },
  ),
  onNode(
    "const { end } = res, then the session, then end.call",
    ({ res, touch }) => {
      const { end } = res;
      touch();
      end.call(res, "x");
    },
    { fault: "A29" },
  ),
  onNode(
    "const write = res.write.bind(res), then the session",
    ({ res, touch }) => {
      const write = res.write.bind(res);
      touch();
      write("x");
      res.end();
    },
    { fault: "A29" },
  ),
  onExpress("res.send(text whose argument asks for the session)", ({ res, touch }) => void res.send(touch()), {
    fault: "A29",
  }),
  onExpress("res.json({ n: asks for the session })", ({ res, touch }) => void res.json({ n: touch() }), {
    fault: "A29",
  }),
  onExpress(
    "res.status(201).end(text whose argument asks for the session)",
    ({ res, touch }) => void res.status(201).end(touch()),
    { fault: "A29" },
  ),
  onExpress(
    "res.json whose toJSON asks for the session",
    ({ res, touch }) => void res.json({ toJSON: () => ({ n: touch() }) }),
    { fault: "A29" },
  ),
  onExpress(
    "res.send, an object whose getter asks for the session",
    ({ res, touch }) => {
      res.send({
        get n() {
          return touch();
        },
      });
    },
    { fault: "A29" },
  ),
];

type ErrorHandler = (error: any, req: any, res: any, next: (error?: unknown) => void) => unknown;

const ERROR_HANDLERS: Readonly<Record<string, readonly [ErrorHandler, Options?]>> = {
  "answers 500": [(_error, _req, res, _next) => res.status(500).send("sorry")],
  "answers 200": [(_error, _req, res, _next) => res.status(200).send("an error page")],
  "answers with res.end and no status": [(_error, _req, res, _next) => res.end("an error page")],
  redirects: [(_error, _req, res, _next) => res.redirect("/sorry")],
  "answers 404": [(_error, _req, res, _next) => res.sendStatus(404)],
  "answers 204": [(_error, _req, res, _next) => res.status(204).end()],
  "answers later with 200": [
    (_error, _req, res, _next) => void setTimeout(() => res.status(200).send("an error page"), 5),
  ],
  "redirects later": [
    async (_error, _req, res, _next) => {
      await soon();
      res.redirect("/sorry");
    },
  ],
  "answers JSON with the error's status": [
    (error, _req, res, _next) => res.status(error.status ?? 500).json({ error: true }),
  ],
  "answers a status that is none": [
    (error, _req, res, _next) => res.status(error.nothing).json({ error: true }),
    { fault: "A2" },
  ],
  "answers 1000": [(_error, _req, res, _next) => res.status(1000).send("sorry"), { fault: "A1" }],
  "writes in pieces": [
    async (_error, _req, res, _next) => {
      res.statusCode = 500;
      res.write("so");
      await soon();
      res.end("rry");
    },
  ],
  "hands the error on": [(error, _req, _res, next) => next(error)],
  throws: [
    () => {
      throw new Error("in the error handler");
    },
  ],
  "answers and hands the error on": [
    (error, _req, res, next) => {
      res.status(500).send("sorry");
      next(error);
    },
    { fault: "A7", whenSaveFails: "nothing" },
  ],
  "answers twice": [
    (_error, _req, res, next) => {
      res.status(500).send("sorry");
      try {
        res.status(500).send("very sorry");
      } catch (error) {
        next(error);
      }
    },
    { fault: "A9", whenSaveFails: "nothing" },
  ],
  "answers only if (!res.headersSent)": [
    (error, _req, res, next) => {
      if (res.headersSent) return next(error);
      res.status(500).send("sorry");
    },
  ],
  "does not answer (the client waits)": [() => {}, { isEndless: true }],
};

/** Express counts the parameters of an error handler. */
const asErrorHandler =
  (handler: ErrorHandler): ErrorHandler =>
  (error, req, res, next) =>
    handler(error, req, res, next);

const errorHandlers = Object.entries(ERROR_HANDLERS).flatMap(([name, [handler, options]]) => [
  onExpress(
    `throw, and an error handler that ${name}`,
    ({ touch }) => {
      touch();
      throw new Error("sorry");
    },
    { whenSaveFails: "last resort", ...options, around: { last: [asErrorHandler(handler)] } },
  ),
  onExpress(
    `res.send, and an error handler that ${name}`,
    ({ res, touch }) => {
      touch();
      res.set("X-Handler", "1").status(202).send("well");
    },
    { on: ["express"], ...options, fault: "A11", around: { last: [asErrorHandler(handler)] } },
  ),
  onExpress(
    `res.write again and again, and an error handler that ${name}`,
    async ({ res, touch }) => {
      touch();
      res.on("error", () => {});
      for (const text of ["a", "b", "c"]) {
        res.write(text);
        await soon();
      }
      res.end("d");
    },
    { on: ["express"], ...options, fault: "A11", around: { last: [asErrorHandler(handler)] } },
  ),
]);

/** What is thrown. */
const THROWN: Readonly<Record<string, unknown>> = {
  undefined,
  null: null,
  "a text": "sorry",
  "an error with status 418": Object.assign(new Error("teapot"), { status: 418 }),
  "an error with statusCode 404 and headers": Object.assign(new Error("no"), {
    statusCode: 404,
    headers: { "X-Error": "1" },
  }),
  "an error with status 99": Object.assign(new Error("no"), { status: 99 }),
  'an error with status "ENOENT"': Object.assign(new Error("no"), { status: "ENOENT" }),
  "an error with status 200": Object.assign(new Error("no"), { status: 200 }),
  "an object": { status: 400 },
};

const thrown = Object.entries(THROWN).flatMap(([name, value]) => [
  onConnect(
    `next(${name})`,
    ({ next, touch }) => {
      touch();
      next(value);
    },
    { on: PLAIN },
  ),
  onConnect(
    `throw ${name}`,
    ({ touch }) => {
      touch();
      throw value;
    },
    { on: ["connect", "express", "koa"] },
  ),
]);

const around: readonly Row[] = [
  onConnect(
    "nobody answers: the framework's own 404",
    ({ next, touch }) => {
      touch();
      next();
    },
    { on: CONNECT },
  ),
  onConnect(
    "a middleware behind the session writes a header, the handler answers",
    ({ res, touch }) => {
      touch();
      res.end("x");
    },
    { around: { after: [(_req: unknown, res: any, next: () => void) => (res.setHeader("X-After", "1"), next())] } },
  ),
  onConnect(
    "a middleware before the session writes headers, the handler answers",
    ({ res, touch }) => {
      touch();
      res.end("x");
    },
    {
      around: {
        before: [
          (_req: unknown, res: any, next: () => void) => (
            res.setHeader("X-Before", "1"),
            res.setHeader("Set-Cookie", ["a=1", "b=2"]),
            next()
          ),
        ],
      },
    },
  ),
  onConnect(
    "a wrapper of res.end before the session throws once",
    ({ res, touch }) => {
      touch();
      res.end("x");
    },
    { fault: "A3", around: { before: [throwsOnce("end")] } },
  ),
  onConnect(
    "a wrapper of res.writeHead before the session throws once",
    ({ res, touch }) => {
      touch();
      res.writeHead(200);
      res.end("x");
    },
    { fault: "A3", around: { before: [throwsOnce("writeHead")] } },
  ),
  onConnect(
    "a wrapper of res.write before the session throws once",
    ({ res, touch }) => {
      touch();
      res.write("x");
      res.end("y");
    },
    { fault: "A3", around: { before: [throwsOnce("write")] } },
  ),
  onConnect(
    "a wrapper of res.end behind the session throws once",
    ({ res, touch }) => {
      touch();
      res.end("x");
    },
    { fault: "A3", around: { after: [throwsOnce("end")] } },
  ),
  onConnect(
    "wrappers of every function before the session",
    ({ res, touch, note, callback }) => {
      touch();
      note("write", res.write("x", callback("write")));
      res.end("y", callback("end"));
    },
    { fault: "A3", around: { before: [wraps] } },
  ),
  onConnect(
    "wrappers of every function behind the session",
    ({ res, touch, note, callback }) => {
      touch();
      note("write", res.write("x", callback("write")));
      res.end("y", callback("end"));
    },
    { around: { after: [wraps] } },
  ),
  onConnect("an async handler that is not waited for rejects, a listener answers", ({ res, touch, note }) => {
    touch();
    void Promise.reject(new Error("sorry")).catch((error: Error) => {
      note("caught", error.message);
      res.end("sorry");
    });
  }),
  onNode("res.end in a microtask", ({ res, touch }) => {
    touch();
    queueMicrotask(() => res.end("x"));
  }),
  onNode("res.end in process.nextTick", ({ res, touch }) => {
    touch();
    process.nextTick(() => res.end("x"));
  }),
  onNode("the session used in a later turn, res.end", async ({ res, touch }) => {
    await soon();
    touch();
    res.end("x");
  }),
  onNode("the session used between two pieces of a program, res.end", ({ res, touch, later }) => {
    res.setHeader("X-A", "1");
    later(5, () => {
      touch();
      res.end("x");
    });
  }),
];

/** Wraps a function of a response; the wrapper throws the first time it is called. */
function throwsOnce(name: "end" | "write" | "writeHead") {
  return (_req: unknown, res: any, next: () => void): void => {
    const inner = res[name];
    let isFirst = true;
    res[name] = function (this: unknown, ...args: unknown[]) {
      if (isFirst) {
        isFirst = false;
        throw new Error("in a wrapper");
      }
      return inner.apply(this, args);
    };
    next();
  };
}

/** Wraps as many packages do. */
function wraps(_req: unknown, res: any, next: () => void): void {
  for (const name of ["writeHead", "write", "end", "flushHeaders"]) {
    const inner = res[name];
    res[name] = function (this: unknown, ...args: unknown[]) {
      return inner.apply(this, args);
    };
  }
  next();
}

/** Answers in odd orders: twice, too late, wrapped, thrown beside. */
export const orders: readonly Row[] = [
  ...twice,
  ...own,
  looks,
  looksAtEnd,
  looksLikeExpress,
  ...first,
  ...errorHandlers,
  ...thrown,
  ...around,
];
