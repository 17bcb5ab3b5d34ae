import { HTTPException } from "hono/http-exception";
import { setCookie } from "hono/cookie";
import { stream, streamSSE, streamText } from "hono/streaming";
import { onFetch, onHono } from "../frameworks.js";
import type { Row } from "../row.js";
import { soon, touching } from "../sources.js";

const encoder = new TextEncoder();

/** A stream of texts, which may fail after some. */
function texts(pieces: readonly string[], failsAt = Infinity): ReadableStream<Uint8Array> {
  let i = 0;
  return new ReadableStream({
    async pull(controller) {
      await soon();
      if (i === failsAt) return controller.error(new Error("the source broke"));
      const piece = pieces[i++];
      if (piece === undefined) controller.close();
      else controller.enqueue(encoder.encode(piece));
    },
  });
}

let made: Response | undefined;
/** A Worker makes none while it loads. */
const shared = (): Response => (made ??= new Response("shared", { headers: { "X-A": "1" } }));

/** Every kind of answer that a web handler can give. */
const RESPONSES: Readonly<Record<string, () => Response | Promise<Response>>> = {
  "new Response(text)": () => new Response("hello"),
  "new Response()": () => new Response(),
  "new Response(null, 204)": () => new Response(null, { status: 204 }),
  "new Response(null, 304)": () => new Response(null, { status: 304, headers: { ETag: '"a"' } }),
  "new Response(empty text)": () => new Response(""),
  "new Response(bytes)": () => new Response(new Uint8Array([104, 105])),
  "new Response(ArrayBuffer)": () => new Response(new Uint8Array([104, 105]).buffer),
  "new Response(Blob)": () => new Response(new Blob(["hello"], { type: "text/x-blob" })),
  "new Response(URLSearchParams)": () => new Response(new URLSearchParams({ a: "1" })),
  "new Response(a stream)": () => new Response(texts(["a", "b", "c"])),
  "new Response(a stream with Content-Length)": () =>
    new Response(texts(["abc"]), { headers: { "Content-Length": "3" } }),
  "new Response(an async iterable)": () =>
    new Response(
      (async function* () {
        yield encoder.encode("a");
        yield encoder.encode("b");
      })() as never,
    ),
  "new Response(a stream that fails at its start)": () => new Response(texts([], 0)),
  "new Response(a stream that fails midway)": () => new Response(texts(["a", "b"], 1)),
  "new Response(a large text)": () => new Response("x".repeat(300_000)),
  "new Response(text, a status of its own)": () => new Response("x", { status: 418, statusText: "Teapot" }),
  "new Response(HTML)": () => new Response("<p>x", { headers: { "Content-Type": "text/html" } }),
  "new Response with cookies": () =>
    new Response("x", {
      headers: [
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"],
        ["X-A", "1"],
      ],
    }),
  "new Response with a public Cache-Control": () =>
    new Response("x", { headers: { "Cache-Control": "public, max-age=60" } }),
  "Response.json": () => Response.json({ a: 1 }),
  "Response.redirect": () => Response.redirect("http://localhost/elsewhere", 303),
  "a response that was cloned": () => new Response("hello").clone(),
  "a response that requests share, cloned": () => shared().clone() as Response,
  "a response that is frozen": () => Object.freeze(new Response("hello")),
  "a response later": async () => {
    await soon();
    return new Response("later");
  },
  "a response with a Date of its own": () =>
    new Response("x", { headers: { Date: "Thu, 01 Jan 1970 00:00:00 GMT" } }),
};

const BREAKS = /fails/;

const responses = Object.entries(RESPONSES).flatMap(([name, make]) => {
  const options = BREAKS.test(name) ? ({ whenSaveFails: "last resort" } as const) : {};
  return [
    onFetch(
      name,
      ({ touch }) => {
        touch();
        return make();
      },
      options,
    ),
    onFetch(
      `HEAD, ${name}`,
      ({ touch }) => {
        touch();
        return make();
      },
      { ...options, asked: { method: "HEAD" } },
    ),
    onHono(
      name,
      ({ touch }) => {
        touch();
        return make();
      },
      options,
    ),
  ];
});

type FetchHandler = Parameters<typeof onFetch>[1];

const FETCH: Readonly<Record<string, FetchHandler>> = {
  "throw an error": () => {
    throw new Error("sorry");
  },
  "reject later": async () => {
    await soon();
    throw new Error("sorry");
  },
  "throw a Response": () => {
    throw new Response("thrown", { status: 401 });
  },
  "answer undefined": () => undefined,
  "answer null": () => null,
  "answer 42": () => 42,
  "answer the request's body": ({ request }) => new Response(request.body),
};

const fetchOnly = Object.entries(FETCH).map(([name, call]) =>
  onFetch(
    name,
    touching(call),
    name === "answer the request's body"
      ? { asked: { method: "POST", body: "hello" } }
      : { fault: "B4", whenSaveFails: name.startsWith("answer") ? "last resort" : "as bare" },
  ),
);

type HonoHandler = Parameters<typeof onHono>[1];
type HonoWay = readonly [call: HonoHandler, options?: NonNullable<Parameters<typeof onHono>[2]>];

const HONO: Readonly<Record<string, HonoWay>> = {
  "c.json": [({ c }) => c.json({ a: 1 })],
  "c.html": [({ c }) => c.html("<p>x")],
  "c.body(null, 204)": [({ c }) => c.body(null, 204)],
  "c.body(bytes)": [({ c }) => c.body(new Uint8Array([104, 105]))],
  "c.body(a stream)": [({ c }) => c.body(texts(["a", "b"]))],
  "c.body(a stream that fails midway)": [({ c }) => c.body(texts(["a", "b"], 1)), { whenSaveFails: "last resort" }],
  "c.redirect": [({ c }) => c.redirect("/elsewhere")],
  "c.notFound": [({ c }) => c.notFound()],
  "c.header, c.status, c.text": [
    ({ c }) => {
      c.header("X-A", "1");
      c.status(201);
      return c.text("x");
    },
  ],
  "c.header of a line break": [
    ({ c }) => {
      c.header("X-A", "a\r\nb");
      return c.text("x");
    },
  ],
  "c.header with append": [
    ({ c }) => {
      c.header("X-A", "1", { append: true });
      c.header("X-A", "2", { append: true });
      return c.text("x");
    },
  ],
  "c.text(text, 1000)": [({ c }) => c.text("x", 1000 as never), { fault: "A1" }],
  "setCookie, c.json": [
    ({ c }) => {
      setCookie(c, "a", "1");
      setCookie(c, "b", "2");
      return c.json({});
    },
  ],
  "throw HTTPException": [
    () => {
      throw new HTTPException(401, { message: "no" });
    },
    { whenSaveFails: "last resort" },
  ],
  "throw HTTPException with a response": [
    () => {
      throw new HTTPException(401, { res: new Response("own", { status: 401, headers: { "X-A": "1" } }) });
    },
    { whenSaveFails: "last resort" },
  ],
  "throw an error": [
    () => {
      throw new Error("sorry");
    },
    { whenSaveFails: "last resort" },
  ],
  "answer undefined": [() => undefined, { whenSaveFails: "last resort" }],
  "stream()": [
    ({ c }) =>
      stream(c, async (out) => {
        await out.write("a");
        await soon();
        await out.write("b");
      }),
  ],
  "streamText()": [
    ({ c }) =>
      streamText(c, async (out) => {
        await out.writeln("a");
        await out.writeln("b");
      }),
  ],
  "streamSSE()": [
    ({ c }) =>
      streamSSE(c, async (out) => {
        await out.writeSSE({ data: "a" });
        await out.writeSSE({ data: "b" });
      }),
  ],
  "HEAD, c.json": [({ c }) => c.json({ a: 1 }), { asked: { method: "HEAD" } }],
  "c.text with a public Cache-Control": [
    ({ c }) => c.text("x", 200, { "Cache-Control": "public, max-age=60" }),
    { fault: "A22" },
  ],
};

const honoOnly = Object.entries(HONO).map(([name, [call, options]]) => onHono(name, touching(call), options));

const around: readonly Row[] = [
  onHono(
    "a middleware before the session sets a header after next()",
    ({ c, touch }) => {
      touch();
      return c.text("x");
    },
    {
      fault: "A24",
      around: {
        before: [
          async (c: any, next: () => Promise<void>) => {
            await next();
            c.header("X-After", "1");
          },
        ],
      },
    },
  ),
  onHono(
    "a middleware behind the session sets a header after next()",
    ({ c, touch }) => {
      touch();
      return c.text("x");
    },
    {
      fault: "A24",
      around: {
        after: [
          async (c: any, next: () => Promise<void>) => {
            await next();
            c.header("X-After", "1");
          },
        ],
      },
    },
  ),
  onHono(
    "a middleware before the session replaces the response",
    ({ c, touch }) => {
      touch();
      return c.text("x");
    },
    {
      whenSaveFails: "last resort",
      around: {
        before: [
          async (c: any, next: () => Promise<void>) => {
            await next();
            c.res = new Response(`[${await c.res.text()}]`, c.res);
          },
        ],
      },
    },
  ),
  onHono(
    "onError answers 200",
    ({ touch }) => {
      touch();
      throw new Error("sorry");
    },
    {
      whenSaveFails: "last resort",
      around: { prepare: (app) => app.onError((_error: unknown, c: any) => c.text("an error page")) },
    },
  ),
  onHono(
    "onError redirects",
    ({ c, touch }) => {
      touch();
      return c.text("x");
    },
    { around: { prepare: (app) => app.onError((_error: unknown, c: any) => c.redirect("/sorry")) } },
  ),
];

/** Answers of Hono and of plain fetch handlers. */
export const webWays: readonly Row[] = [...responses, ...fetchOnly, ...honoOnly, ...around];
