/** Differences between answers without and with a session that are meant, or that a runtime leaves no way around. */
export interface Meant {
  /** Where. */
  readonly on: RegExp;
  /** In which rows. */
  readonly row: RegExp;
  readonly why: string;
  /** The header line that may be another, or be there only with a session. */
  readonly line: RegExp;
}

export const MEANT: readonly Meant[] = [
  {
    on: /^Bun/,
    row: /^HEAD (?:text, wide|Uint8Array of a text|Blob|FormData|URLSearchParams|Bun\.file)/,
    why: "Bun leaves the type out of its answer to HEAD as long as nobody looks at the headers; GET has it",
    line: /^content-type:/i,
  },
  {
    on: /^Bun/,
    row: /^GET Bun\.file, a range beyond it/,
    why: "Bun leaves the type out of a 416 as long as nobody looks at the headers",
    line: /^content-type:/i,
  },
  {
    on: /^Bun/,
    row: /^(?:GET|HEAD) Uint8Array of a text/,
    why: "in Bun a clone of a text beyond ASCII without a type looks like a clone of bytes, so both are sent as text",
    line: /^content-type:/i,
  },
  {
    on: /node-server (?!1\.0\.)[\d.]+$/,
    row: /^(?:GET|HEAD) text with a cookie: /,
    why: "two cookies take a Headers object, to which the server adds the type of a text where none is named",
    line: /^content-type: text\/plain/i,
  },
  {
    on: /in another shape/,
    row: /^(?:GET|HEAD|Hono) /,
    why: "a copy by the standard has the type that the standard gives a text, and is framed as the server frames it",
    line: /^(?:x-own|content-length|transfer-encoding|content-type):/i,
  },
];

/** Kinds that are not compared. */
export const LEFT_OUT: readonly { readonly on: RegExp; readonly kind: RegExp; readonly why: string }[] = [
  {
    on: /in another shape/,
    kind: /^frozen$/,
    why: "of a class that writes to the response when its body is asked for, nothing can be copied",
  },
];

interface CaseLeftOut {
  readonly on: string;
  /** Default all. */
  readonly adapter?: RegExp;
  readonly name: RegExp;
  readonly why: string;
}

/** A Worker's bridge to node:http. */
const ON_BRIDGE = { on: "workerd", adapter: /^(?!fetch$|hono$)/ };

/** Cases of the adapter suite that a runtime cannot play. */
const CASES_LEFT_OUT: readonly CaseLeftOut[] = [
  { on: "deno", name: /^HTTP\/2: /, why: "Deno 2.9.6 aborts now and then, by an assertion in its own nghttp2" },
  {
    ...ON_BRIDGE,
    name: /^a plain response carries the cookie of a first write|^login and logout: a new token/,
    why: "a Worker's node:http has no address of the client, so the cookie is Secure also on this machine",
  },
  {
    ...ON_BRIDGE,
    name: /^a cookie of the handler, set in every way of the framework/,
    why: "workerd fails a pipeline into a response, with or without a session",
  },
  {
    on: "workerd",
    adapter: /^koa$/,
    name: /stream|server-sent|at the end of the body|attack 95: the client|attack 96: caches: headers that target|a response that shared caches may store/,
    why: "workerd fails a pipeline into a response, with or without a session: Koa sends streams by one",
  },
  {
    ...ON_BRIDGE,
    name: /^a body that breaks/,
    why: "workerd never ends the body of a response that is destroyed, with or without a session",
  },
  {
    ...ON_BRIDGE,
    name: /^changes by the producer of a body during the last save|^a logger that reads the session after the (?:response|client disconnected)/,
    why: "workerd calls every response closed before it is answered, and says of none that its client is gone",
  },
];

/** Why a runtime leaves a case of the adapter suite out, if it does. */
export function caseLeftOut(runtime: string, adapter: string, name: string): string | undefined {
  return CASES_LEFT_OUT.find(
    (one) => one.on === runtime && (one.adapter?.test(adapter) ?? true) && one.name.test(name),
  )?.why;
}

/**
 * Differences in the rows of the answers matrix, on servers of other runtimes. One that is met by no row any more
 * fails the run.
 */
export interface AnswerMeant {
  readonly on: RegExp;
  readonly row: RegExp;
  /** Which of the differences. */
  readonly differs: RegExp;
  readonly why: string;
}

export const ANSWERS_MEANT: readonly AnswerMeant[] = [
  {
    on: /^(?:Bun|workerd)/,
    row: /^answer (?:null|42|undefined)$/,
    differs: /./,
    why: "what is no Response is refused by Holdfast or Hono in words of their own, where Bun answers 204 and workerd in its own words",
  },
  {
    on: /^Deno/,
    row: /^answer (?:null|42|undefined)$/,
    differs: /^(?:headers|status line|body): /,
    why: "what is no Response is refused by Holdfast or Hono in words of their own",
  },
  {
    on: /./,
    row: /^throw a Response$/,
    differs: /^(?:stored, and no cookie$|status line: |headers: |body: )/,
    why: "a Response that is thrown is an error to these runtimes: they answer 500; if its session cannot be stored it is a 503",
  },
  {
    on: /^Bun/,
    row: /^HEAD, new Response\((?:Blob|URLSearchParams)\)$/,
    differs: /^headers: /,
    why: "Bun leaves the type out of its answer to HEAD as long as nobody looks at the headers; GET has it",
  },
  {
    on: /^Bun/,
    row: /stream(?:\)|\(\))$|^answer the request's body$/,
    differs:
      /^(?:framing: bare "chunked", here "length"$|headers: bare \["date: …","transfer-encoding: chunked"\], here \["content-length: \d+",(?:"content-type: application\/octet-stream",)?"date: …"\]$)/,
    why: "Bun sends a stream that has ended by the time it is answered as one piece, and one of a request's body with a type",
  },
  {
    on: /^Bun/,
    row: /stream that fails/,
    differs: /^bytes beyond the answers: bare "(?:HTTP\/1.1 200 OK\\r\\n)?", here "HTTP\/1.1 200 OK\\r\\n/,
    why: "Bun breaks the connection off in the midst of the head, if the stream fails at once; then the session's lines may be out",
  },
  {
    on: /^Deno/,
    row: /a response that is frozen$/,
    differs:
      /^(?:stored, and no cookie$|status line: |body: |headers: bare \["content-length: 21","date: …"\], here \["content-length: 21","content-type: text\/plain)/,
    why: "Deno cannot send a frozen response, with or without a session: it answers 500, or Hono does, with a type",
  },
  {
    on: /^workerd/,
    row: /^HEAD, new Response\(a stream that fails/,
    differs: /^stored, and no cookie$/,
    why: "workerd answers 500 to HEAD if the stream fails, with or without a session",
  },
  {
    on: /^workerd/,
    row: /a response that requests share, cloned$/,
    differs: /./,
    why: "a Worker's Response belongs to the request that made it: bare, the next one fails as well",
  },
];

/**
 * What cannot be played, by the name of a runtime and of an adapter or a storage's client. That a client is lacking
 * is tried.
 */
const NOT_PLAYED: readonly { readonly on: RegExp; readonly suite: RegExp; readonly why: string }[] = [
  {
    on: /^workerd$/,
    suite: /^adapters\/fastify$/,
    why: 'Fastify 5.12.8 does not start in a Worker: a plugin "did not start in time"',
  },
  { on: /^(?!bun$)/, suite: /^storages\/bun:sqlite$/, why: "only Bun has bun:sqlite" },
  { on: /^(?!bun$)/, suite: /^storages\/Bun\./, why: "only Bun has Bun.RedisClient and Bun.SQL" },
  { on: /^(?!deno$)/, suite: /^storages\/Deno\.Kv$/, why: "only Deno has Deno.openKv" },
  { on: /^(?!workerd$)/, suite: /^storages\/(?:D1|Durable Objects)$/, why: "only a Worker has bindings" },
  { on: /^node20$/, suite: /^storages\/node:sqlite$/, why: "Node 20 has no node:sqlite" },
  {
    on: /^node20$/,
    suite: /^storages\/better-sqlite3$/,
    why: "better-sqlite3 13, built for newer Nodes, ends the process of Node 20; version 12 would be compiled for it",
  },
  { on: /^workerd$/, suite: /sqlite|libsql/, why: "a Worker has no files" },
  {
    on: /^workerd$/,
    suite: /^storages\/DynamoDB$/,
    why: "the AWS SDK is installed apart from what the Worker of the tests is made of",
  },
  {
    on: /^workerd$/,
    suite: /^storages\/(?:mysql2(?!.*disableEval)|memcache-client)/,
    why: "it makes code from text, which a Worker refuses; mysql2 does without if it is told `disableEval`",
  },
];

/** Why a runtime does not play a suite, if it does not. */
export function notPlayed(runtime: string, suite: string): string | undefined {
  return NOT_PLAYED.find((one) => one.on.test(runtime) && one.suite.test(suite))?.why;
}
