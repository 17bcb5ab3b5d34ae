import { CONNECT, EXPRESS, NODE_1, onConnect, onExpress, onNode } from "../frameworks.js";
import type { Framework, Io, Row } from "../row.js";

/** What Node itself does shows on one framework of each version of HTTP. */
const PLAIN: readonly Framework[] = ["connect", "http2"];

/** What programs hand to functions that want a text or bytes. */
const ODD_CHUNKS: Readonly<Record<string, () => unknown>> = {
  null: () => null,
  undefined: () => undefined,
  "42": () => 42,
  NaN: () => NaN,
  "10n": () => 10n,
  true: () => true,
  false: () => false,
  "{}": () => ({}),
  "[]": () => [],
  '["a", "b"]': () => ["a", "b"],
  "a symbol": () => Symbol("s"),
  "a date": () => new Date(0),
  "a string object": () => Object("text"),
  "an ArrayBuffer": () => new ArrayBuffer(3),
  "a DataView": () => new DataView(new ArrayBuffer(3)),
  "a promise": () => Promise.resolve("x"),
  '""': () => "",
  "no bytes": () => Buffer.alloc(0),
  "a Uint8Array": () => new Uint8Array([104, 105]),
};

const chunks = Object.entries(ODD_CHUNKS);

const ends = chunks.map(([name, value]) =>
  onNode(
    `res.end(${name})`,
    ({ res, touch, callback }) => {
      touch();
      res.end(value(), callback("end"));
    },
    { fault: "A1" },
  ),
);

const endsAfterWrite = ["null", "42", "{}", '["a", "b"]', '""'].map((name) =>
  onNode(
    `res.write(text), res.end(${name})`,
    ({ res, touch, note, callback }) => {
      touch();
      note("write", res.write("a", callback("write")));
      res.end(ODD_CHUNKS[name]!(), callback("end"));
    },
    { fault: "A1", whenSaveFails: "nothing" },
  ),
);

const writes = chunks.map(([name, value]) =>
  onConnect(
    `res.write(${name}), res.end(text)`,
    ({ res, touch, note, callback }) => {
      touch();
      note("write", res.write(value(), callback("write")));
      res.end("tail");
    },
    { fault: "A1", on: PLAIN },
  ),
);

const later = ["42", "{}", "null", '["a", "b"]'].map((name) =>
  onConnect(
    `await, then res.end(${name})`,
    async ({ res, touch }) => {
      touch();
      await new Promise((resolve) => setImmediate(resolve));
      res.end(ODD_CHUNKS[name]!());
    },
    { fault: "A1" },
  ),
);

/** The same where the program catches what Node throws, and answers something else. */
const caught = ["42", "{}", "null"].map((name) =>
  onNode(
    `res.end(${name}) in try, res.end(text) in catch`,
    ({ res, touch, note }) => {
      touch();
      try {
        res.end(ODD_CHUNKS[name]!());
      } catch (error) {
        note("thrown", (error as { code?: string }).code);
        res.statusCode = 400;
        res.end("bad");
      }
    },
    { fault: "A1" },
  ),
);

type Call = (io: Io) => unknown;

/** Calls of `end` and `write` with encodings and callbacks in every place. */
const CALLS: Readonly<Record<string, Call>> = {
  "res.end(callback)": ({ res, callback }) => res.end(callback("end")),
  "res.end(text, callback)": ({ res, callback }) => res.end("a", callback("end")),
  "res.end(text, encoding, callback)": ({ res, callback }) => res.end("a", "utf8", callback("end")),
  "res.end(undefined, callback)": ({ res, callback }) => res.end(undefined, callback("end")),
  "res.end(null, null, callback)": ({ res, callback }) => res.end(null, null, callback("end")),
  "res.end(text, undefined, callback)": ({ res, callback }) => res.end("a", undefined, callback("end")),
  "res.end(text, encoding, 42)": ({ res }) => res.end("a", "utf8", 42),
  "res.end(text, 42)": ({ res }) => res.end("a", 42),
  "res.end(text, {})": ({ res }) => res.end("a", {}),
  "res.end(hex, 'hex')": ({ res }) => res.end("68690a", "hex"),
  "res.end(base64, 'base64')": ({ res }) => res.end("aGk=", "base64"),
  "res.end(text, 'latin1')": ({ res }) => res.end("h\u00e9", "latin1"),
  "res.end(text, 'utf16le')": ({ res }) => res.end("hi", "utf16le"),
  "res.end(text, an unknown encoding)": ({ res }) => res.end("a", "klingon"),
  "res.end(a lone surrogate)": ({ res }) => res.end("a\ud800b"),
  "res.write(text, callback), res.end()": ({ res, callback, note }) => {
    note("write", res.write("a", callback("write")));
    res.end(callback("end"));
  },
  "res.write(text, encoding, callback), res.end()": ({ res, callback }) => {
    res.write("aGk=", "base64", callback("write"));
    res.end();
  },
  "res.write(text, an unknown encoding), res.end()": ({ res, callback }) => {
    res.write("a", "klingon", callback("write"));
    res.end();
  },
  "res.write(text, encoding, 42), res.end()": ({ res }) => {
    res.write("a", "utf8", 42);
    res.end();
  },
  "res.write(no bytes, callback), res.end(text)": ({ res, callback, note }) => {
    note("write", res.write(Buffer.alloc(0), callback("write")));
    res.end("b");
  },
  "res.write() without anything, res.end(text)": ({ res }) => {
    res.write();
    res.end("b");
  },
  "res.end(text).end": ({ res, note }) => note("answers itself", res.end("a") === res),
  "a callback of end that throws": ({ res }) => {
    res.end("a", () => {
      throw new Error("in a callback");
    });
  },
};

const calls = Object.entries(CALLS).map(([name, call]) =>
  onNode(
    name,
    (io) => {
      io.touch();
      call(io);
    },
    { fault: "A12" },
  ),
);

const ODD_STATUS: Readonly<Record<string, unknown>> = {
  "0": 0,
  "99": 99,
  "199": 199,
  "600": 600,
  "999": 999,
  "1000": 1000,
  "9999": 9999,
  "-1": -1,
  "200.5": 200.5,
  NaN: NaN,
  Infinity,
  null: null,
  undefined,
  '"200"': "200",
  '"ENOENT"': "ENOENT",
  "{}": {},
  "10n": 10n,
};

const isEndlessStatus = (name: string): boolean => name === "199";

const statuses = Object.entries(ODD_STATUS).map(([name, value]) =>
  onNode(
    `res.statusCode = ${name}`,
    ({ res, touch }) => {
      touch();
      res.statusCode = value as number;
      res.end("x");
    },
    { fault: "A1", on: [...CONNECT, "koa"], isEndless: isEndlessStatus(name) },
  ),
);

const heads = Object.entries(ODD_STATUS).map(([name, value]) =>
  onConnect(
    `res.writeHead(${name})`,
    ({ res, touch }) => {
      touch();
      res.writeHead(value as number);
      res.end("x");
    },
    { fault: "A1", on: PLAIN, isEndless: isEndlessStatus(name) },
  ),
);

const statusesOfExpress = Object.entries(ODD_STATUS).map(([name, value]) =>
  onExpress(
    `res.status(${name}).send(text)`,
    ({ res, touch }) => {
      touch();
      res.status(value).send("x");
    },
    { fault: "A1", isEndless: isEndlessStatus(name) },
  ),
);

const MESSAGES: Readonly<Record<string, unknown>> = {
  "with a line break": "a\nb",
  "with a header": "a\r\nX-Injected: 1",
  "with a NUL": "a\0b",
  "beyond latin1": "\u65e5\u672c",
  latin1: "caf\u00e9",
  empty: "",
  undefined,
  "42": 42,
  "of spaces": "  ",
};

const messages = Object.entries(MESSAGES).flatMap(([name, value]) => [
  onNode(
    `res.statusMessage ${name}`,
    ({ res, touch }) => {
      touch();
      res.statusMessage = value as string;
      res.end("x");
    },
    { fault: "A1", on: [...PLAIN, "koa"] },
  ),
  onConnect(
    `res.writeHead(200, a reason ${name})`,
    ({ res, touch }) => {
      touch();
      res.writeHead(200, value);
      res.end("x");
    },
    { fault: "A1", on: PLAIN },
  ),
]);

class Headed {
  "X-Own" = "1";
  get "X-Inherited"(): string {
    return "2";
  }
}

const HEADERS: Readonly<Record<string, () => unknown>> = {
  "an object": () => ({ "X-A": "1", "x-b": "2" }),
  "an object with numbers": () => ({ "X-A": 1, "Content-Length": 1 }),
  "an object with lists": () => ({ "X-A": ["1", "2"], "Set-Cookie": ["a=1", "b=2"] }),
  "an empty list as a value": () => ({ "X-A": [] }),
  "undefined as a value": () => ({ "X-A": undefined }),
  "null as a value": () => ({ "X-A": null }),
  "an object as a value": () => ({ "X-A": {} }),
  "a line break in a value": () => ({ "X-A": "a\r\nX-B: c" }),
  "a bare LF in a value": () => ({ "X-A": "a\nb" }),
  "text beyond latin1 in a value": () => ({ "X-A": "\u65e5" }),
  "a name with a space": () => ({ "X A": "1" }),
  "an empty name": () => ({ "": "1" }),
  "a name that is no token": () => ({ "X\r\nY": "1" }),
  "one name twice, differently written": () => ({ "X-A": "1", "x-a": "2" }),
  "an object without a prototype": () => Object.assign(Object.create(null), { "X-A": "1" }),
  "an instance of a class": () => new Headed(),
  "a Map": () => new Map([["X-A", "1"]]),
  "a web Headers object": () => new Headers({ "X-A": "1" }),
  "a flat list": () => ["X-A", "1", "X-B", "2"],
  "a flat list with a name twice": () => ["X-A", "1", "X-A", "2"],
  "a flat list with cookies": () => ["Set-Cookie", "a=1", "Set-Cookie", "b=2"],
  "a list as a value in a flat list": () => ["Set-Cookie", ["a=1", "b=2"], "X-A", "1"],
  "a list of pairs": () => [
    ["X-A", "1"],
    ["X-B", "2"],
  ],
  "an odd list": () => ["X-A", "1", "X-B"],
  "an empty list": () => [],
  "undefined in a flat list": () => ["X-A", undefined],
  "a number in a flat list": () => ["X-A", 1],
  "a line break in a flat list": () => ["X-A", "a\r\nb"],
  "Transfer-Encoding chunked": () => ({ "Transfer-Encoding": "chunked" }),
  "Connection: close": () => ({ Connection: "close" }),
  "Connection: keep-alive": () => ({ Connection: "keep-alive" }),
  "a Date of its own": () => ({ Date: "Thu, 01 Jan 1970 00:00:00 GMT" }),
  "Content-Length in a flat list": () => ["Content-Length", "1"],
  "Cache-Control public": () => ({ "Cache-Control": "public, max-age=60", Vary: "Accept" }),
  null: () => null,
  "42": () => 42,
  "a text": () => "X-A: 1",
};

const headers = Object.entries(HEADERS).flatMap(([name, value]) => [
  onConnect(
    `res.writeHead(200, ${name})`,
    ({ res, touch }) => {
      touch();
      res.writeHead(200, value());
      res.end("x");
    },
    { fault: "A21", on: [...PLAIN, "express"] },
  ),
  onConnect(
    `res.setHeader, res.writeHead(200, "Fine", ${name})`,
    ({ res, touch, note }) => {
      res.setHeader("X-A", "before");
      res.setHeader("X-Z", "kept");
      touch();
      res.writeHead(200, "Fine", value());
      note("X-A", String(res.getHeader("X-A")));
      note("X-B", String(res.getHeader("X-B")));
      res.end("x");
    },
    { fault: "A21", on: PLAIN },
  ),
]);

const SET: Readonly<Record<string, Call>> = {
  "setHeader(name, undefined)": ({ res }) => res.setHeader("X-A", undefined),
  "setHeader(name with a space)": ({ res }) => res.setHeader("X A", "1"),
  "setHeader(name, line break)": ({ res }) => res.setHeader("X-A", "a\r\nb"),
  "setHeader(name, list)": ({ res }) => res.setHeader("X-A", ["1", "2"]),
  "setHeader(name, 42)": ({ res }) => res.setHeader("X-A", 42),
  "setHeader(42, text)": ({ res }) => res.setHeader(42, "1"),
  "setHeaders(Map)": ({ res }) =>
    res.setHeaders(
      new Map([
        ["X-A", "1"],
        ["X-B", "2"],
      ]),
    ),
  "setHeaders(Headers)": ({ res }) =>
    res.setHeaders(
      new Headers([
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"],
      ]),
    ),
  appendHeader: ({ res }) => {
    res.appendHeader("X-A", "1");
    res.appendHeader("X-A", ["2", "3"]);
  },
  "appendHeader(Set-Cookie)": ({ res }) => {
    res.appendHeader("Set-Cookie", "a=1");
    res.appendHeader("set-cookie", "b=2");
  },
  "setHeader(Set-Cookie, text)": ({ res }) => res.setHeader("Set-Cookie", "a=1"),
  "setHeader(SET-COOKIE, list)": ({ res }) => res.setHeader("SET-COOKIE", ["a=1", "b=2"]),
  "setHeader(Content-Length)": ({ res }) => res.setHeader("Content-Length", 1),
  "setHeader(Transfer-Encoding)": ({ res }) => res.setHeader("Transfer-Encoding", "chunked"),
  "removeHeader(Date)": ({ res }) => res.removeHeader("Date"),
  "removeHeader(Connection)": ({ res }) => res.removeHeader("Connection"),
  "removeHeader(Content-Length)": ({ res }) => res.removeHeader("Content-Length"),
  "removeHeader(Transfer-Encoding)": ({ res }) => res.removeHeader("Transfer-Encoding"),
  "sendDate = false": ({ res }) => void (res.sendDate = false),
  "shouldKeepAlive = false": ({ res }) => void (res.shouldKeepAlive = false),
  "useChunkedEncodingByDefault = false": ({ res }) => void (res.useChunkedEncodingByDefault = false),
  "Vary and Cache-Control of its own": ({ res }) => {
    res.setHeader("Vary", "Origin");
    res.setHeader("Cache-Control", "no-cache");
  },
};

const set = Object.entries(SET).flatMap(([name, call]) => [
  onConnect(
    `res.${name}, res.end(text)`,
    (io) => {
      io.touch();
      call(io);
      io.res.end("x");
    },
    { on: [...PLAIN, "express"] },
  ),
  onConnect(
    `res.${name}, res.write(text), res.end(text)`,
    (io) => {
      io.touch();
      call(io);
      io.note("write", io.res.write("x"));
      io.res.end("y");
    },
    { on: PLAIN, isEndless: name === "setHeader(Content-Length)" },
  ),
]);

const fromQueries = [
  onExpress(
    "res.end(req.query.name) for ?name=a&name=b",
    ({ req, res, touch }) => {
      touch();
      res.end(req["query"].name);
    },
    { fault: "A1", asked: { path: "/?name=a&name=b" } },
  ),
  onExpress(
    "res.write(req.query.name) for ?name=a&name=b",
    ({ req, res, touch }) => {
      touch();
      res.write(req["query"].name);
      res.end();
    },
    { fault: "A1", asked: { path: "/?name=a&name=b" } },
  ),
  onExpress(
    "res.end(req.query.missing)",
    ({ req, res, touch }) => {
      touch();
      res.end(req["query"].missing);
    },
    { fault: "A1" },
  ),
  onExpress(
    "res.redirect(req.query.to) for ?to=a&to=b",
    ({ req, res, touch }) => {
      touch();
      res.redirect(req["query"].to);
    },
    { fault: "A1", asked: { path: "/?to=a&to=b" } },
  ),
  onExpress(
    "res.set(name, req.query.v) for a line break",
    ({ req, res, touch }) => {
      touch();
      res.set("X-A", req["query"].v).send("x");
    },
    { fault: "A1", asked: { path: "/?v=a%0d%0ab" } },
  ),
  onExpress(
    "res.status(Number(req.query.status)) for ?status=x",
    ({ req, res, touch }) => {
      touch();
      res.status(Number(req["query"].status)).send("x");
    },
    { fault: "A1", asked: { path: "/?status=x" } },
  ),
];

const unlikeOthers = [
  onNode(
    "res.statusCode = 100 and a body",
    ({ res, touch }) => {
      touch();
      res.statusCode = 100;
      res.end("x");
    },
    { isEndless: true, on: [...NODE_1] },
  ),
  onNode(
    "res.statusCode = 101 and a body",
    ({ res, touch }) => {
      touch();
      res.statusCode = 101;
      res.end("x");
    },
    { isEndless: true, on: [...NODE_1] },
  ),
  onConnect(
    "an error handler that answers res.status(undefined)",
    ({ touch }) => {
      touch();
      throw new Error("sorry");
    },
    {
      fault: "A2",
      on: EXPRESS,
      whenSaveFails: "last resort",
      around: {
        last: [(_error: unknown, _req: unknown, res: any, _next: unknown) => res.status(undefined).send("sorry")],
      },
    },
  ),
  onConnect(
    "an error handler that answers res.end({})",
    ({ touch }) => {
      touch();
      throw new Error("sorry");
    },
    {
      fault: "A2",
      on: CONNECT,
      whenSaveFails: "last resort",
      around: { last: [(_error: unknown, _req: unknown, res: any, _next: unknown) => res.end({})] },
    },
  ),
];

/** Wrong and odd arguments. */
export const wrongArguments: readonly Row[] = [
  ...ends,
  ...endsAfterWrite,
  ...writes,
  ...later,
  ...caught,
  ...calls,
  ...statuses,
  ...heads,
  ...statusesOfExpress,
  ...messages,
  ...headers,
  ...set,
  ...fromQueries,
  ...unlikeOthers,
];
