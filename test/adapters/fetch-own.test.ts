import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createAdaptorServer } from "@hono/node-server";
import { fromForm, fromParam, fromQuery, type SessionError } from "holdfast";
import { session, type FetchHandler, type FetchOptions, type Sessions } from "holdfast/fetch";
import { serveFetch } from "#dist/adapters/fetch-adapter.js";
import { WebHeaders } from "#dist/http/web-request.js";
import { settingsOf } from "#dist/session/request-options.js";
import { session as nodeSession } from "holdfast/node";
import { memoryStorage } from "holdfast/storage/memory";
import { listening, reported } from "../support/apps/serving.js";
import { Client } from "../support/client.js";
import { makeGate, watched } from "../support/storages.js";
import { incidents } from "../support/incidents.js";

const NativeResponse = Response;

interface Data {
  n: number;
  late: string;
}

type Handler = (request: Request, sessions: Sessions<Data>, ...rest: any[]) => Response | Promise<Response>;

const wrapped = (handler: Handler, options: FetchOptions = {}): FetchHandler<any[]> => {
  const sessions = session<Data>({ storage: memoryStorage(), ...options });
  return sessions((request: Request, ...rest: any[]) => handler(request, sessions, ...rest));
};

async function serving(t: TestContext, handler: Handler, options?: FetchOptions): Promise<Client> {
  const app = await listening(createAdaptorServer({ fetch: wrapped(handler, options) }) as never, [], reported);
  t.after(() => app.close());
  return new Client(app.origin);
}

/** A response of the runtime's own class, whatever server has replaced the global one. */
const NATIVE = (body: unknown, init?: ResponseInit): Response =>
  Reflect.construct(NativeResponse, [body, init]) as Response;

const asked = (path = "/", init?: RequestInit): Request => new Request(`http://localhost${path}`, init);
const cookieOf = (answer: Response): string =>
  answer.headers
    .getSetCookie()
    .map((line) => line.split(";")[0]!)
    .find((pair) => pair.startsWith("session_id=")) ?? "";

const counting: Handler = (request, sessions) => {
  const own = sessions.get(request);
  own.update("n", (n = 0) => n + 1);
  return Response.json({ n: own.get("n") }, { headers: { "Set-Cookie": "theme=dark" } });
};

test("a count grows over real HTTP, and the handler's own cookie stays", async (t) => {
  const client = await serving(t, counting);
  assert.equal((await client.get("/")).json().n, 1);
  assert.equal((await client.get("/")).json().n, 2);
  assert.deepEqual([...client.cookies.keys()].sort(), ["session_id", "theme"]);
});

test("env and ctx reach the handler, the storage, skip and the error handler", async () => {
  const storage = watched();
  storage.fail("get");
  const seen: unknown[] = [];
  const options: FetchOptions = {
    storage: (_request: Request, env: { storage: typeof storage }) => env.storage,
    skip: (request, env, ctx) => (seen.push(env.name, ctx), request.url.endsWith("/skip")),
    errorHandler: (error, _request, env) =>
      new Response(`${(error as SessionError).code} in ${env.name}`, { status: 599 }),
  };
  const handler = wrapped((_request, _sessions, env, ctx) => Response.json([env.name, ctx]), options);
  const env = { storage, name: "prod" };
  assert.deepEqual(await (await handler(asked("/skip"), env, "ctx")).json(), ["prod", "ctx"]);
  const failed = await handler(asked("/", { headers: { cookie: `session_id=${"A".repeat(43)}` } }), env, "ctx");
  assert.deepEqual([failed.status, await failed.text()], [599, "storage in prod"]);
  assert.deepEqual(seen, ["prod", "ctx", "prod", "ctx"]);
});

test("a failing save replaces the handler's response: 503, none of its headers, no error message", async () => {
  const storage = watched();
  storage.fail("create");
  const answer = await wrapped(counting, { storage })(asked());
  assert.deepEqual(
    [answer.status, await answer.text(), answer.headers.getSetCookie()],
    [503, "Service Unavailable", []],
  );
});

test("an exception of the handler is thrown again; changes to a stored session are saved, a new one is not created", async () => {
  const storage = watched();
  const handler = wrapped(
    (request, sessions) => {
      const answer = counting(request, sessions);
      if (request.url.endsWith("/throw")) throw new Error("thrown by the handler");
      return answer;
    },
    { storage },
  );
  await assert.rejects(async () => handler(asked("/throw")), /thrown by the handler/);
  assert.deepEqual(storage.counts, {});
  const cookie = cookieOf(await handler(asked()));
  await assert.rejects(async () => handler(asked("/throw", { headers: { cookie } })), /thrown by the handler/);
  assert.deepEqual(await (await handler(asked("/", { headers: { cookie } }))).json(), { n: 3 });
});

test("one Response object returned to many visitors never carries one visitor's token to another", async () => {
  const same = new Response(null, { status: 204 });
  const handler = wrapped((request, sessions) => {
    if (request.url.endsWith("/write")) sessions.get(request).set("n", 1);
    return same;
  });
  assert.notEqual(cookieOf(await handler(asked("/write"))), "");
  assert.deepEqual((await handler(asked())).headers.getSetCookie(), []);
});

test("one Response with a string, which @hono/node-server sends repeatedly, never carries one visitor's token to another", async (t) => {
  let same: Response | undefined;
  const handler: Handler = (request, sessions) => {
    if (request.url.endsWith("/write")) sessions.get(request).set("n", 1);
    return (same ??= new Response("the same", { headers: { "X-Own": "1" } }));
  };
  const client = await serving(t, handler);
  const writing = await client.get("/write");
  assert.deepEqual([writing.body, writing.headers["x-own"], writing.setCookies.length], ["the same", "1", 1]);
  client.cookies.clear();
  const other = await client.get("/");
  assert.deepEqual([other.body, other.headers["x-own"], other.setCookies], ["the same", "1", []]);
});

test("a string sent by @hono/node-server is not converted to a stream, whatever our headers are", async (t) => {
  const client = await serving(t, (request, sessions) => {
    sessions.get(request).set("n", 1);
    const text = new Response("a text", { status: 201 });
    return Object.defineProperty(text, "body", { get: () => assert.fail("a stream was made") });
  });
  for (const _ of ["a new session", "a stored one"]) {
    const answer = await client.get("/");
    assert.deepEqual([answer.status, answer.body, answer.headers["content-length"]], [201, "a text", "6"]);
  }
  assert.ok(client.cookies.has("session_id"));
});

test("immutable headers carry the token: a redirect of the platform", async () => {
  const handler = wrapped((request, sessions) => {
    sessions.get(request).set("n", 1);
    return Response.redirect("http://localhost/next", 303);
  });
  const answer = await handler(asked());
  assert.deepEqual([answer.status, answer.headers.get("location")], [303, "http://localhost/next"]);
  assert.notEqual(cookieOf(answer), "");
});

test("a response that needs no header of ours is handed on untouched", async () => {
  const own = new Response("untouched");
  assert.equal(await wrapped(() => own)(asked()), own);
});

test("a response that hands the connection over is handed on untouched, and starts no session", async () => {
  const storage = watched();
  const upgraded = Object.defineProperty(new Response(null), "status", { value: 101 });
  const handler = wrapped(
    (request, sessions) => {
      sessions.get(request).set("n", 1);
      return upgraded;
    },
    { storage },
  );
  assert.equal(await handler(asked()), upgraded);
  assert.deepEqual(storage.counts, {});
});

/** Streams two pieces; between them the session changes. */
const streaming: Handler = (request, sessions) => {
  const own = sessions.get(request);
  if (own.fresh) own.set("n", 1);
  const pieces = ["one ", "two"];
  return new Response(
    new ReadableStream<Uint8Array>({
      pull(controller) {
        const piece = pieces.shift();
        if (piece === undefined) return controller.close();
        controller.enqueue(new TextEncoder().encode(piece));
        if (pieces.length === 0) own.set("late", "changed in the stream");
      },
      cancel: () => own.set("late", "the client has gone"),
    }),
  );
};

const routed: Handler = (request, sessions) =>
  request.url.endsWith("/read") ? Response.json(sessions.get(request)) : streaming(request, sessions);

test("a change during the stream is stored before the end is seen", async (t) => {
  const client = await serving(t, routed);
  assert.equal((await client.get("/")).body, "one two");
  assert.deepEqual((await client.get("/read")).json(), { n: 1, late: "changed in the stream" });
});

test("a change at the moment when the client has disconnected is stored", async () => {
  const handler = wrapped(routed);
  const answer = await handler(asked());
  await answer.body!.cancel();
  assert.deepEqual(await (await handler(asked("/read", { headers: { cookie: cookieOf(answer) } }))).json(), {
    n: 1,
    late: "the client has gone",
  });
});

test("a client that disconnects while the next part is awaited: the change is stored once", async () => {
  const storage = watched();
  const handler = wrapped(
    (request, sessions) => {
      const own = sessions.get(request);
      own.set("n", 1);
      return new Response(
        new ReadableStream({ start: () => void setImmediate(() => own.set("late", "while waiting")) }),
      );
    },
    { storage },
  );
  const reader = (await handler(asked())).body!.getReader();
  const waiting = reader.read();
  await new Promise((resolve) => void setTimeout(resolve, 5));
  const gate = storage.park("update");
  const gone = reader.cancel();
  await gate.reached;
  gate.release();
  await Promise.all([gone, waiting]);
  assert.deepEqual(storage.counts, { create: 1, update: 1 });
});

test("a late change that cannot be stored breaks the body off", async () => {
  const storage = watched();
  const handler = wrapped(streaming, { storage });
  const answer = await handler(asked());
  storage.fail("update");
  await assert.rejects(answer.text(), { code: "storage" });
});

test("a form contains the token, and the handler still reads the body", async () => {
  const sessions = session<Data>({ storage: memoryStorage(), extractor: fromForm("s") });
  const { token } = await sessions.store.create({ n: 7 });
  const handler = sessions(async (request) =>
    Response.json([sessions.get(request).get("n"), (await request.formData()).get("s")]),
  );
  const answer = await handler(asked("/", { method: "POST", body: new URLSearchParams({ s: token }) }));
  assert.deepEqual(await answer.json(), [7, token]);
});

test("the query of an address without a path is read", async () => {
  const sessions = session<Data>({ storage: memoryStorage(), extractor: fromQuery("s") });
  const { token } = await sessions.store.create({ n: 7 });
  const handler = sessions((request) => Response.json(sessions.get(request)));
  assert.deepEqual(await (await handler(asked(`?s=${token}`))).json(), { n: 7 });
});

test("store pattern: save() sets the cookie in the given headers", async () => {
  const sessions = session<Data>({ storage: memoryStorage() });
  const headers = new Headers({ "Set-Cookie": "theme=dark" });
  const own = await sessions.open(asked(), headers);
  own.set("n", 1);
  await own.save();
  await own.save();
  assert.deepEqual(
    headers.getSetCookie().map((line) => line.split("=")[0]),
    ["theme", "session_id"],
  );
});

test("fromParam is refused without a router", () => {
  assert.throws(() => session({ extractor: fromParam("id") }), { name: "TypeError", message: /fromParam\("id"\)/ });
  assert.throws(() => nodeSession({ extractor: fromParam("id") }), {
    name: "TypeError",
    message: /fromParam\("id"\)/,
  });
});

test("a wrapper keeps the number of parameters, `this` and all arguments", async () => {
  const sessions = session<Data>({ storage: memoryStorage() });
  const lengths = [
    () => new Response(),
    (_request: Request) => new Response(),
    (_request: Request, _env: object, _ctx: object) => new Response(),
  ];
  assert.deepEqual(
    lengths.map((handler) => sessions(handler as FetchHandler<any[]>).length),
    [1, 1, 3],
  );
  const seen: unknown[] = [];
  const server = {
    name: "server",
    fetch: sessions(function (this: unknown, request: Request, ...rest: unknown[]) {
      seen.push((this as { name: string }).name, request.url, ...rest);
      return new Response();
    }),
  };
  await server.fetch(asked("/all"), 1, "two", undefined, null);
  assert.deepEqual(seen, ["server", "http://localhost/all", 1, "two", undefined, null]);
});

for (const [what, answer] of Object.entries({
  "a string": "the page",
  "an object (Object)": { status: 200 },
  null: null,
  "42": 42,
  "an array of 1": ["x"],
  "the function page": function page() {},
})) {
  test(`a handler that returns ${what}: an error says so, and its changes are kept`, async () => {
    const handler = wrapped((request, sessions) => {
      const counted = counting(request, sessions);
      return request.url.endsWith("/wrong") ? (answer as never) : counted;
    });
    const cookie = cookieOf(await handler(asked()));
    await assert.rejects(
      async () => handler(asked("/wrong", { headers: { cookie } })),
      (error: Error) => error instanceof TypeError && error.message.includes(`returned ${what}, not a Response`),
    );
    assert.deepEqual(await (await handler(asked("/", { headers: { cookie } }))).json(), { n: 3 });
  });
}

test("undefined after an upgrade is passed on: changes that need no new token are stored", async () => {
  const storage = watched();
  const handler = wrapped(
    (request, sessions) => {
      const answer = counting(request, sessions);
      return request.url.endsWith("/upgrade") ? (undefined as never) : answer;
    },
    { storage },
  );
  assert.equal(await handler(asked("/upgrade")), undefined);
  assert.deepEqual(storage.counts, {});
  const cookie = cookieOf(await handler(asked()));
  assert.equal(await handler(asked("/upgrade", { headers: { cookie } })), undefined);
  assert.deepEqual(await (await handler(asked("/", { headers: { cookie } }))).json(), { n: 3 });
});

const thrownBy = (answer: () => unknown): Promise<unknown> =>
  (async () => answer())().then(
    () => assert.fail("nothing was thrown"),
    (thrown: unknown) => thrown,
  );

test("a thrown Response is thrown again with the session cookie, after storing; the object itself is not changed", async () => {
  const storage = watched();
  const own = Response.redirect("http://localhost/home", 303);
  const handler = wrapped(
    async (request, sessions) => {
      await sessions.get(request).regenerate();
      sessions.get(request).set("n", 7);
      throw own;
    },
    { storage },
  );
  const thrown = (await thrownBy(() => handler(asked()))) as Response;
  assert.deepEqual(
    [thrown.status, thrown.headers.get("location"), storage.counts],
    [303, "http://localhost/home", { create: 1 }],
  );
  assert.notEqual(cookieOf(thrown), "");
  assert.deepEqual(own.headers.getSetCookie(), []);
});

test("a thrown Response without changes is thrown again itself; one whose save fails is replaced by a 503", async () => {
  const storage = watched();
  const own = new Response("thrown");
  const handler = wrapped(
    (request, sessions) => {
      if (request.url.endsWith("/write")) sessions.get(request).set("n", 1);
      throw own;
    },
    { storage },
  );
  assert.equal(await thrownBy(() => handler(asked())), own);
  storage.fail("create");
  const answer = await handler(asked("/write"));
  assert.deepEqual([answer.status, answer.headers.getSetCookie()], [503, []]);
});

test("what a handler throws, not an error: a write to a known session is kept, a login is not half done", async () => {
  const storage = watched();
  const events: string[] = [];
  const control = { digest: "NEXT_REDIRECT;replace;/;307;" };
  const handler = wrapped(
    async (request, sessions) => {
      const own = sessions.get(request);
      if (request.url.endsWith("/read")) return Response.json(own);
      if (request.url.endsWith("/login")) await own.regenerate();
      own.update("n", (n = 0) => n + 1);
      if (request.url.endsWith("/begin")) return new Response();
      throw control;
    },
    { storage, onEvent: incidents(({ type }) => void events.push(type)) },
  );
  const cookie = cookieOf(await handler(asked("/begin")));
  const again = async (path: string): Promise<Response> => handler(asked(path, { headers: { cookie } }));
  assert.equal(await thrownBy(() => again("/write")), control);
  assert.equal(await thrownBy(() => again("/login")), control);
  assert.deepEqual([await (await again("/read")).json(), events], [{ n: 2 }, ["unsaved"]]);
});

/** What an adapter of a framework does that makes its own answer of what is thrown, as Next does of `redirect()`. */
function served(
  sessions: Sessions<Data>,
  request: Request,
  handle: () => unknown,
  carrier: Headers | undefined,
): Promise<Response | undefined> {
  return serveFetch({
    settings: settingsOf(sessions) as Parameters<typeof serveFetch>[0]["settings"],
    context: [request],
    handle,
    carrierOf: async () => carrier && new WebHeaders(carrier),
  });
}

test("a framework that provides the headers of its error response: a login is stored, and its cookie is set there", async () => {
  const storage = watched();
  const sessions = session<Data>({ storage });
  const request = asked();
  const [headers, control] = [new Headers(), { digest: "NEXT_REDIRECT" }];
  const login = async (): Promise<never> => {
    await sessions.get(request).regenerate();
    sessions.get(request).set("n", 7);
    throw control;
  };
  assert.equal(await thrownBy(() => served(sessions, request, login, headers)), control);
  const [line] = headers.getSetCookie();
  assert.match(line!, /^session_id=/);
  assert.equal(headers.get("cache-control"), "no-store");
  const next = asked("/", { headers: { cookie: line!.split(";")[0]! } });
  assert.deepEqual(await (await sessions(() => Response.json(sessions.get(next)))(next)).json(), { n: 7 });
});

test("the same if the save fails, or without such headers: a 503 and no cookie, or nothing stored", async () => {
  const storage = watched();
  const sessions = session<Data>({ storage });
  const control = { digest: "NEXT_REDIRECT" };
  const login = (request: Request) => (): never => {
    sessions.get(request).set("n", 7);
    throw control;
  };
  const [first, second, headers] = [asked(), asked(), new Headers()];
  assert.equal(await thrownBy(() => served(sessions, first, login(first), undefined)), control);
  assert.deepEqual(storage.counts, {});
  storage.fail("create");
  assert.equal((await served(sessions, second, login(second), headers))?.status, 503);
  assert.deepEqual([...headers], []);
});

test("a body that is available immediately is not read twice, and its response can be returned again", async () => {
  const same = NATIVE("the same", { headers: { "Content-Type": "text/css" } });
  const handler = wrapped((request, sessions) => {
    sessions.get(request).update("n", (n = 0) => n + 1);
    return same;
  });
  const first = await handler(asked());
  const cookie = cookieOf(first);
  for (const _ of [1, 2, 3])
    assert.equal(await (await handler(asked("/", { headers: { cookie } }))).text(), "the same");
  assert.deepEqual([await first.text(), same.bodyUsed, same.headers.getSetCookie()], ["the same", false, []]);
});

test("a body of the runtime's own that is produced while it is sent: each piece in its time, a change stored before the end, once", async () => {
  const storage = watched();
  const steps: string[] = [];
  const gate = makeGate();
  const handler = wrapped(
    (request, sessions) => {
      const own = sessions.get(request);
      if (request.url.endsWith("/begin")) return (own.set("n", 1), new Response());
      async function* produced(): AsyncGenerator<Uint8Array> {
        yield new TextEncoder().encode("one ");
        steps.push("first");
        await gate.pass();
        own.set("late", "in the midst");
        yield new TextEncoder().encode("two");
      }
      return NATIVE(produced());
    },
    { storage },
  );
  const cookie = cookieOf(await handler(asked("/begin")));
  storage.forget();
  const reader = (await handler(asked("/", { headers: { cookie } }))).body!.getReader();
  assert.equal(new TextDecoder().decode((await reader.read()).value), "one ");
  gate.release();
  assert.equal(new TextDecoder().decode((await reader.read()).value), "two");
  assert.deepEqual([(await reader.read()).done, steps, storage.counts], [true, ["first"], { get: 1, update: 1 }]);
});

test("a body of the runtime's own that fails, at once or later, fails as it would; what was written is kept", async () => {
  const handler = wrapped((request, sessions) => {
    const own = sessions.get(request);
    own.update("n", (n = 0) => n + 1);
    if (!request.url.endsWith("/fail")) return Response.json(own);
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode("one ");
      throw new Error("the source broke");
    }
    return NATIVE(failing());
  });
  const cookie = cookieOf(await handler(asked()));
  await assert.rejects(
    async () => (await handler(asked("/fail", { headers: { cookie } }))).text(),
    /the source broke/,
  );
  assert.deepEqual(await (await handler(asked("/", { headers: { cookie } }))).json(), { n: 3 });
});

test("a body that fails during the save: no unhandled rejection, the response is as without a session", async () => {
  const storage = watched();
  const handler = wrapped(
    (request, sessions) => {
      sessions.get(request).set("n", 1);
      return NATIVE(
        new ReadableStream({
          start: (controller) => void setTimeout(() => controller.error(new Error("the source broke")), 1),
        }),
      );
    },
    { storage },
  );
  storage.delay(15, "create");
  const answer = await handler(asked());
  assert.notEqual(cookieOf(answer), "");
  await assert.rejects(answer.text(), /the source broke/);
});

test("what was fetched from elsewhere is passed on, its body untouched", async (t) => {
  const elsewhere = await serving(t, () => new Response("from elsewhere", { headers: { "X-Own": "1" } }));
  const handler = wrapped(async (request, sessions) => {
    sessions.get(request).update("n", (n = 0) => n + 1);
    return fetch(`${elsewhere.origin}/`);
  });
  const first = await handler(asked());
  const second = await handler(asked("/", { headers: { cookie: cookieOf(first) } }));
  for (const answer of [first, second])
    assert.deepEqual([answer.headers.get("x-own"), await answer.text()], ["1", "from elsewhere"]);
});
