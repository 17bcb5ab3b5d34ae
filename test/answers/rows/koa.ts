import { createReadStream } from "node:fs";
import { PassThrough, Readable } from "node:stream";
import { LARGE, MISSING, SMALL } from "../files.js";
import { onKoa } from "../frameworks.js";
import type { Options, Row } from "../row.js";
import { failing, soon } from "../sources.js";

type Handler = Parameters<typeof onKoa>[1];
type Way = readonly [call: Handler, options?: Omit<Options, "on">];

const BODIES: Readonly<Record<string, () => unknown>> = {
  text: () => "hello",
  HTML: () => "<p>hello",
  "an empty text": () => "",
  bytes: () => Buffer.from("hello"),
  "an object": () => ({ a: 1 }),
  "a list": () => [1],
  null: () => null,
  undefined: () => undefined,
  "a number": () => 42,
  "a small file": () => createReadStream(SMALL),
  "a large file": () => createReadStream(LARGE),
  "a stream of texts": () => Readable.from(["a", "b"]),
  "a PassThrough that ends later": () => {
    const body = new PassThrough();
    body.write("a");
    setTimeout(() => body.end("b"), 10);
    return body;
  },
  "a file that is missing": () => createReadStream(MISSING),
  "a stream that fails at its start": () => Readable.from(failing([])),
  "a stream that fails midway": () => Readable.from(failing(["a", "b"])),
  "a web stream": () => Readable.toWeb(Readable.from(["a", "b"])),
  "a Blob": () => new Blob(["hello"]),
  "a Response": () => new Response("hello", { status: 201, headers: { "X-A": "1" } }),
};

const FAILS = /missing|fails/;

const bodies = Object.entries(BODIES).flatMap(([name, value]) => {
  const options: Omit<Options, "on"> = FAILS.test(name) ? { fault: "A18", whenSaveFails: "last resort" } : {};
  return [
    onKoa(
      `ctx.body = ${name}`,
      ({ ctx, touch }) => {
        touch();
        ctx.body = value();
      },
      options,
    ),
    onKoa(
      `HEAD, ctx.body = ${name}`,
      ({ ctx, touch }) => {
        touch();
        ctx.body = value();
      },
      { ...options, asked: { method: "HEAD" } },
    ),
  ];
});

const WAYS: Readonly<Record<string, Way>> = {
  "nothing at all": [() => {}],
  "ctx.status = 201 alone": [({ ctx }) => void (ctx.status = 201)],
  "ctx.status = 204 and a body": [
    ({ ctx }) => {
      ctx.body = "x";
      ctx.status = 204;
    },
  ],
  "ctx.status = 304 and a body": [
    ({ ctx }) => {
      ctx.body = "x";
      ctx.status = 304;
    },
  ],
  "ctx.status = 1000": [({ ctx }) => void (ctx.status = 1000), { fault: "A1" }],
  "ctx.message with a line break": [
    ({ ctx }) => {
      ctx.body = "x";
      ctx.message = "a\nb";
    },
    { fault: "A1" },
  ],
  "ctx.redirect": [({ ctx }) => ctx.redirect("/elsewhere")],
  "ctx.redirect, then a body": [
    ({ ctx }) => {
      ctx.redirect("/elsewhere");
      ctx.body = "moved";
    },
  ],
  "ctx.throw(400, text)": [({ ctx }) => ctx.throw(400, "bad")],
  "ctx.throw(503)": [({ ctx }) => ctx.throw(503)],
  "ctx.body, then throw": [
    ({ ctx }) => {
      ctx.body = "x";
      throw new Error("sorry");
    },
  ],
  "throw an error with headers": [
    () => {
      throw Object.assign(new Error("no"), { status: 401, expose: true, headers: { "WWW-Authenticate": "Basic" } });
    },
  ],
  "throw a text ": [
    () => {
      throw "sorry";
    },
  ],
  "ctx.body twice": [
    ({ ctx }) => {
      ctx.body = { a: 1 };
      ctx.body = "second";
    },
  ],
  "a stream as the body, replaced by a text": [
    ({ ctx }) => {
      ctx.body = createReadStream(LARGE);
      ctx.body = "second";
    },
  ],
  "ctx.set of a line break": [
    ({ ctx }) => {
      ctx.set("X-A", "a\r\nb");
      ctx.body = "x";
    },
  ],
  "ctx.set of lists, ctx.append, ctx.vary": [
    ({ ctx }) => {
      ctx.set("X-A", ["1", "2"]);
      ctx.append("Set-Cookie", "a=1");
      ctx.append("Set-Cookie", "b=2");
      ctx.vary("Origin");
      ctx.body = "x";
    },
  ],
  "ctx.cookies.set": [
    ({ ctx }) => {
      ctx.cookies.set("a", "1");
      ctx.body = "x";
    },
  ],
  "ctx.length of its own": [
    ({ ctx }) => {
      ctx.body = Readable.from(["abc"]);
      ctx.length = 3;
    },
  ],
  "ctx.flushHeaders, then a body": [
    ({ ctx }) => {
      ctx.flushHeaders();
      ctx.body = "x";
    },
  ],
  "ctx.flushHeaders and a stream, server-sent events": [
    ({ ctx, later }) => {
      const body = new PassThrough();
      ctx.set("Content-Type", "text/event-stream");
      ctx.flushHeaders();
      ctx.body = body;
      later(5, () => body.write("data: 1\n\n"));
      later(60, () => body.end());
    },
  ],
  "ctx.attachment": [
    ({ ctx }) => {
      ctx.attachment("a.txt");
      ctx.body = "x";
    },
  ],
  "ctx.res.end without ctx.respond = false": [({ ctx }) => void ctx.res.end("raw")],
  "ctx.res.write, then ctx.body": [
    ({ ctx }) => {
      ctx.res.write("raw");
      ctx.body = "second";
    },
  ],
  "an ETag, If-None-Match: 304": [
    ({ ctx }) => {
      ctx.body = "x";
      ctx.etag = "a";
      if (ctx.fresh) ctx.status = 304;
    },
    { asked: { headers: { "If-None-Match": '"a"' } } },
  ],
  "ctx.body after await": [
    async ({ ctx }) => {
      await soon();
      ctx.body = "x";
    },
  ],
  "a body with a public Cache-Control": [
    ({ ctx }) => {
      ctx.set("Cache-Control", "public, max-age=60");
      ctx.body = "x";
    },
    { fault: "A22" },
  ],
};

const ways = Object.entries(WAYS).map(([name, [call, options]]) =>
  onKoa(
    name.trim() === name ? name : `${name.trim()} on Koa's own path`,
    async (io) => {
      io.touch();
      await call(io);
    },
    options,
  ),
);

const around: readonly Row[] = [
  onKoa(
    "a middleware before the session sets headers after next()",
    ({ ctx, touch }) => {
      touch();
      ctx.body = "x";
    },
    {
      around: {
        before: [
          async (ctx: any, next: () => Promise<void>) => {
            await next();
            ctx.set("X-After", "1");
          },
        ],
      },
    },
  ),
  onKoa(
    "a middleware before the session replaces the body",
    ({ ctx, touch }) => {
      touch();
      ctx.body = "x";
    },
    {
      whenSaveFails: "error path",
      around: {
        before: [
          async (ctx: any, next: () => Promise<void>) => {
            await next();
            ctx.body = `[${ctx.body}]`;
          },
        ],
      },
    },
  ),
  onKoa(
    "a middleware before the session answers what is thrown",
    ({ touch }) => {
      touch();
      throw new Error("sorry");
    },
    { around: { before: [catching] } },
  ),
  onKoa(
    "a middleware behind the session answers what is thrown",
    ({ touch }) => {
      touch();
      throw new Error("sorry");
    },
    { around: { after: [catching] } },
  ),
];

/** What applications have for errors. */
async function catching(ctx: any, next: () => Promise<void>): Promise<void> {
  try {
    await next();
  } catch (error) {
    ctx.status = (error as { status?: number }).status ?? 500;
    ctx.body = { error: true };
  }
}

/** Koa's own ways. */
export const koaWays: readonly Row[] = [...bodies, ...ways, ...around];
