/** Everything a handler can return, made anew for each request. What a runtime lacks throws there, bare or not. */

/** How a body is framed is the runtime's matter where its length is not known beforehand. */
export interface Kind {
  /** Its length is not known before it is produced: chunked or not may differ, bytes may not. */
  readonly isStream?: true;
  /** A server may end where it is asked to send one object twice. */
  readonly isSentOnce?: true;
  /** Caches that many share may keep it: a refresh that nobody asked for waits for another answer. */
  readonly isPublic?: true;
  /** Request headers that ask for it. */
  readonly headers?: Readonly<Record<string, string>>;
  make(): Response;
}

const encoder = new TextEncoder();
const bytes = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text);
const runtime = globalThis as {
  Bun?: { file(path: string): Blob };
  process?: { env?: Record<string, string | undefined> };
};

function form(): FormData {
  const fields = new FormData();
  fields.set("a", "1");
  fields.set("file", new Blob(["body { }"], { type: "text/css" }), "a.css");
  return fields;
}

function pieces(...texts: readonly string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const text of texts) controller.enqueue(bytes(text));
      controller.close();
    },
  });
}

function slowly(...texts: readonly string[]): ReadableStream<Uint8Array> {
  const left = [...texts];
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 3));
      const text = left.shift();
      if (text === undefined) controller.close();
      else controller.enqueue(bytes(text));
    },
  });
}

async function* generated(): AsyncGenerator<Uint8Array> {
  yield bytes("first ");
  yield bytes("second");
}

function changed(response: Response, change: (headers: Headers) => void): Response {
  change(response.headers);
  return response;
}

const SCRIPT = "console.log('module');\n".repeat(50);
const HTML = "<script>alert(document.cookie)</script>";
const body = (value: unknown, init?: ResponseInit): Response =>
  new Response(value as ConstructorParameters<typeof Response>[0], init);

const everywhere: Readonly<Record<string, Kind>> = {
  text: { make: () => body(HTML) },
  "text with headers": { make: () => body(HTML, { headers: { "x-own": "1" } }) },
  "text with Headers": { make: () => body(HTML, { headers: new Headers({ "x-own": "1" }) }) },
  "text with a list of headers": {
    make: () =>
      body(HTML, {
        headers: [
          ["x-own", "1"],
          ["X-Own", "2"],
        ],
      }),
  },
  "text with a type": { make: () => body(HTML, { status: 201, headers: { "Content-Type": "text/html" } }) },
  "text with a cookie": { make: () => body(HTML, { headers: { "Set-Cookie": "theme=dark; Path=/" } }) },
  "text with two cookies": {
    make: () =>
      body("x", {
        headers: [
          ["Set-Cookie", "a=1"],
          ["Set-Cookie", "b=2"],
          ["Content-Type", "text/css"],
        ],
      }),
  },
  "text with a length": { make: () => body("x", { headers: { "Content-Length": "1", "Content-Type": "text/css" } }) },
  "text, headers set later": { make: () => changed(body("x"), (headers) => headers.set("x-own", "1")) },
  "text, headers given and set later": {
    make: () => changed(body("x", { headers: { "x-first": "1" } }), (headers) => headers.append("x-own", "1")),
  },
  "text, Headers given and set later": {
    make: () =>
      changed(body("x", { headers: new Headers({ "x-first": "1" }) }), (headers) => headers.append("x-own", "1")),
  },
  "text, a status text": {
    make: () => body("x", { status: 202, statusText: "Fine by me", headers: { "Content-Type": "text/css" } }),
  },
  "text, large": { make: () => body("x".repeat(300_000), { headers: { "Content-Type": "text/css" } }) },
  "text, wide": { make: () => body("gr\u00fc\u00dfe \u2013 \u{1f600}") },
  "text, cacheable": {
    isPublic: true,
    make: () => body("x", { headers: { "Cache-Control": "max-age=60", "Content-Type": "text/css" } }),
  },
  "empty text": { make: () => body("") },
  "a number": { make: () => body(42) },
  null: { make: () => body(null) },
  "null with headers": { make: () => body(null, { headers: { "x-own": "1" } }) },
  nothing: { make: () => new Response() },
  "204": { make: () => body(null, { status: 204 }) },
  "205": { make: () => body(null, { status: 205 }) },
  "304": { make: () => body(null, { status: 304, headers: { ETag: '"a"' } }) },
  "404": { make: () => body("not here", { status: 404 }) },
  "599": { make: () => body("x", { status: 599 }) },
  Blob: { make: () => body(new Blob([HTML], { type: "text/x-own" })) },
  "Blob without a type": { make: () => body(new Blob([HTML])) },
  "Blob with headers": { make: () => body(new Blob([HTML], { type: "text/x-own" }), { headers: { "x-own": "1" } }) },
  "Blob, large": { make: () => body(new Blob(["y".repeat(300_000)], { type: "text/x-own" })) },
  FormData: { isSentOnce: true, make: () => body(form()) },
  URLSearchParams: { make: () => body(new URLSearchParams({ a: "1", b: "\u00fc" })) },
  ArrayBuffer: { make: () => body(bytes(HTML).buffer) },
  Uint8Array: { make: () => body(bytes(HTML)) },
  "Uint8Array of a text": { make: () => body(bytes("gr\u00fc\u00dfe")) },
  "Uint8Array with a type": { make: () => body(bytes(HTML), { headers: { "Content-Type": "image/png" } }) },
  DataView: { make: () => body(new DataView(bytes(HTML).buffer)) },
  JSON: { make: () => Response.json({ a: 1 }) },
  "JSON with headers": { make: () => Response.json({ a: 1 }, { status: 201, headers: { "x-own": "1" } }) },
  redirect: { make: () => Response.redirect("http://localhost/next", 303) },
  "redirect by hand": { make: () => body(null, { status: 302, headers: { Location: "/next" } }) },
  "a clone": { make: () => body(HTML).clone() },
  "a clone's original": {
    make: () => {
      const response = body(HTML, { headers: { "Content-Type": "text/css" } });
      response.clone();
      return response;
    },
  },
  "made of another's body": {
    isSentOnce: true,
    make: () => body(body(HTML).body, { headers: { "Content-Type": "text/css" } }),
  },
  "made from another": {
    make: () =>
      body(
        "again",
        body("x", { status: 203, headers: { "x-own": "1", "Content-Type": "text/css" } }) as ResponseInit,
      ),
  },
  frozen: { make: () => Object.freeze(body(HTML, { headers: { "Content-Type": "text/css" } })) },
  "stream, there at once": { isStream: true, make: () => body(pieces("first ", "second")) },
  "stream with a length": {
    isStream: true,
    make: () => body(pieces("first ", "second"), { headers: { "Content-Length": "12" } }),
  },
  "stream, empty": { isStream: true, make: () => body(pieces()) },
  "stream, slow": {
    isStream: true,
    make: () => body(slowly("first ", "second ", "third"), { headers: { "Content-Type": "text/event-stream" } }),
  },
  "stream, large": {
    isStream: true,
    make: () => body(pieces(...Array.from({ length: 40 }, (_, i) => String(i % 10).repeat(10_000)))),
  },
  "stream of bytes": {
    isStream: true,
    make: () =>
      body(
        new ReadableStream({
          type: "bytes",
          start: (controller) => (controller.enqueue(bytes("bytes")), controller.close()),
        }),
      ),
  },
  "stream of a TransformStream": {
    isStream: true,
    make: () => body(slowly("first ", "second").pipeThrough(new TransformStream())),
  },
  "stream of a Blob": { isStream: true, make: () => body(new Blob([HTML], { type: "text/x-own" }).stream()) },
  "async iterable": { isStream: true, make: () => body(generated()) },
  "a string object": { make: () => body(new String("boxed")) },
};

/** A file that a runtime can serve by itself. */
function file(): Blob {
  return runtime.Bun!.file(runtime.process!.env!["HOLDFAST_TEST_FILE"]!);
}

const onBun: Readonly<Record<string, Kind>> = {
  "Bun.file": { make: () => body(file()) },
  "Bun.file with headers": { make: () => body(file(), { headers: { "x-own": "1" } }) },
  "Bun.file, a range": { make: () => body(file()), headers: { Range: "bytes=3-9" } },
  "Bun.file, a range beyond it": { make: () => body(file()), headers: { Range: "bytes=999999-" } },
  "Bun.file, a slice": { make: () => body(file().slice(3, 9), { headers: { "x-own": "1" } }) },
  "Bun.file, its stream": { isStream: true, make: () => body(file().stream()) },
  "stream that is direct": {
    isStream: true,
    make: () =>
      body(
        new ReadableStream({
          type: "direct",
          pull: (controller: { write(text: string): void; close(): void }) => (
            controller.write("direct"),
            controller.close()
          ),
        } as never),
      ),
  },
  "a generator function": { isStream: true, make: () => body(generated) },
};

/** gzip of "compressed by the handler". */
const GZIP = "H4sIAAAAAAAC/0vOzy0oSi0uTk1RSKpUKMlIVchIzEvJSS0CAIsa/2wZAAAA";

const onWorkerd: Readonly<Record<string, Kind>> = {
  "compressed by hand": {
    headers: { "Accept-Encoding": "gzip" },
    make: () =>
      body(
        Uint8Array.from(atob(GZIP), (character) => character.charCodeAt(0)),
        { headers: { "Content-Encoding": "gzip" }, encodeBody: "manual" } as ResponseInit,
      ),
  },
  "compressed by the runtime": {
    headers: { "Accept-Encoding": "gzip" },
    make: () => body(HTML, { headers: { "Content-Encoding": "gzip" } }),
  },
  "a length that is promised": {
    isStream: true,
    make: () => {
      const { readable, writable } = new (
        globalThis as unknown as {
          FixedLengthStream: new (length: number) => TransformStream<Uint8Array, Uint8Array>;
        }
      ).FixedLengthStream(5);
      const writer = writable.getWriter();
      void writer
        .write(bytes("fixed"))
        .then(() => writer.close())
        .catch(() => {});
      return body(readable);
    },
  },
};

/** The kinds of this runtime, by name. */
export const KINDS: Readonly<Record<string, Kind>> = {
  ...everywhere,
  ...(runtime.Bun && onBun),
  ...("FixedLengthStream" in globalThis && onWorkerd),
};

/** What a file holds that `HOLDFAST_TEST_FILE` names. */
export const FILE_CONTENT: string = SCRIPT;
