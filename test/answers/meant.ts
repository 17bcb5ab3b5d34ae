import type { ColumnName, StorageName } from "./columns.js";
import type { Framework } from "./row.js";

/** A difference from the bare program that is meant. */
export interface Meant {
  readonly row: string | RegExp;
  /** Everywhere, where it does not say. */
  readonly on?: readonly Framework[];
  readonly columns?: readonly ColumnName[];
  readonly storages?: readonly StorageName[];
  /** Which of the differences. */
  readonly differs: RegExp;
  readonly why: string;
}

const SOCKETS = /^(?:ws|express-ws|@fastify\/websocket|socket\.io)\b/;

/** What no server takes for a piece of a body. */
const ODD_CHUNK =
  /res\.(?:end|write)\((?:|null|undefined|42|NaN|10n|true|false|\{\}|\[.*\]|an? (?:symbol|date|string object|promise|ArrayBuffer))\)/;

/** Every difference that is meant. An entry that covers none any more fails the run. */
export const MEANT: readonly Meant[] = [
  {
    row: /^hono\/etag before the session, 304$/,
    columns: ["first visit", "due"],
    differs: /^(?:stored, and no cookie|headers: )/,
    why: "hono/etag before the session makes a 304 of its own without Set-Cookie; behind the session the cookie goes out",
  },
  {
    row: /^hono\/timeout before the session, it fires$/,
    columns: ["first visit", "save fails"],
    differs: /^(?:stored, and no cookie$|status line: |body: )/,
    why: "a timeout before the session answers while the handler goes on: what it writes then is stored, and nobody is told",
  },
  {
    row: SOCKETS,
    columns: ["save fails"],
    differs: /^(?:saved|edited): (?:saved|storage): /,
    why: "a message handler hears of a failed save where it saves",
  },
  {
    row: SOCKETS,
    columns: ["visitor", "first visit"],
    differs: /^(?:used|saved): (?:seen|saved|answered): /,
    why: "a WebSocket has no answer that could bring a new token: `answered` says so",
  },
  {
    row: /^socket\.io, io\.engine\.use\(sessions\), /,
    columns: ["written", "save fails", "save slow"],
    differs: /^used: (?:seen|answered): /,
    why: "socket.io keeps the request that opened the connection by polling: it was answered long ago; store.edit changes what is stored",
  },
  {
    row: ODD_CHUNK,
    on: ["http2"],
    differs: /^(?:status line|headers|body): /,
    why: "HTTP/2 sends its head before it refuses a piece, so that no error can be answered; here it is refused before: an error page instead of an empty 200",
  },
  {
    row: /an unknown encoding/,
    on: ["http2", "connect", "express", "express4", "koa"],
    differs: /^(?:connection|number of answers|status line|framing|whole|headers|body|event finish): /,
    why: "Node refuses an unknown encoding after the head, so that no error can be answered; here it is refused before: an error page instead of an answer broken off",
  },
  {
    row: "more bytes than Content-Length says, strictly",
    on: ["connect", "express", "koa"],
    differs: /^(?:connection|number of answers|event finish): /,
    why: "Node refuses a body of another length after the head, so that nothing else can be answered; here it is refused before, and what the program answers then goes out",
  },
  {
    row: /^res\.write\(text\), res\.end\((?:42|\{\}|\["a", "b"\])\)$/,
    on: ["koa"],
    differs: /^number of answers: bare 0, here 1$/,
    why: "Node keeps back what was written if it refuses the last piece; here that was refused before Node kept anything back. Both never end, since Koa answers no error then",
  },
  {
    row: "more bytes in pieces, strictly, nobody catches",
    on: ["connect", "express"],
    differs: /^(?:connection|number of answers): bare/,
    why: "the same: what was written is out before the connection is closed, which the program does then",
  },
  {
    row: "res.writeHead(200, one name twice, differently written)",
    on: ["connect"],
    differs: /^headers: bare \["X-A: 1","x-a: 2",.*here \["X-A: 1","X-A: 2",/,
    why: "headers are put onto the response, so that those of the session can be added: a name keeps the spelling it had first",
  },
  {
    row: /^res\..*writeHead\(200, (?:"Fine", )?a name that is no token\)$/,
    on: ["http2"],
    columns: ["save fails"],
    differs: /^(?:number of answers|status line|body): error path /,
    why: "such a name breaks an HTTP/2 stream off in Node as well, and the error page still has it: nothing is answered before the save could fail",
  },
  {
    row: "res.end, then res.end() without a text",
    on: ["node", "connect", "express", "express4", "koa"],
    differs: /^callback of second end: /,
    why: "Node tells the callback of a second end of an error if all bytes are out; here they are not yet, and as with a slow client it is called once they are",
  },
  {
    row: "res.end, then res.write",
    on: ["http2"],
    differs: /^(?:connection|number of answers|body): /,
    why: "HTTP/2 breaks an ended answer off if something is written after it; here the ended answer stands, as over HTTP/1",
  },
  {
    row: "res.stream.respond of HTTP/2, past the response",
    on: ["http2"],
    columns: ["save fails"],
    differs: /^the answer is seen though the save failed: /,
    why: "what goes to the HTTP/2 stream past its response cannot be held",
  },
  {
    row: /^(?:res\.write, then the session, then res\.end|res\.flushHeaders, a while, the session, res\.end)$/,
    columns: ["first visit"],
    differs: /./,
    why: "the first write of a visitor throws `answered` where it is called if the first byte is out: no cookie can follow it. In a timer nobody catches that, and the process ends, as it does if `res.setHeader` is called there",
  },
  {
    row: /^(?:res\.write, then the session, then res\.end|res\.flushHeaders, a while, the session, res\.end|the session used in the callback of res\.write)$/,
    columns: ["save fails"],
    differs: /^(?:connection|number of answers|body|event finish): /,
    why: "what is written after the first byte is saved before the last one; if that fails, the body is broken off, so that it does not look complete",
  },
  {
    row: "res.assignSocket of a stream, res.write, res.end",
    columns: ["first visit"],
    differs: /^stored, and no cookie$/,
    why: "this program passes the body of an inner response on, and none of its headers",
  },
  {
    row: "reply.header of a line break",
    on: ["fastify"],
    differs: /^status line: bare "HTTP\/1\.1 500 OK", here "HTTP\/1\.1 500 Internal Server Error"$/,
    why: "Node keeps the reason of a status whose head it refused; here it was refused before",
  },
  {
    row: 'return "x", and an error handler that throws',
    on: ["fastify"],
    columns: ["save fails"],
    differs: /^(?:status line|body): error path .*500.*here .*503/,
    why: "an error handler of Fastify finds the status of the failure, as for what a handler throws; so one that throws itself leaves 503",
  },
  {
    row: "answer undefined",
    on: ["hono"],
    // Whether a response that its server gave up is told to have finished, differs from Node to Node.
    differs: /^(?:connection|number of answers|framing|headers|body|event finish): bare/,
    why: "without a session the server fails on it and closes the connection; here it is an error that Hono answers",
  },
  {
    row: "answer undefined",
    on: ["fetch"],
    differs: /^(?:connection|number of answers|headers|body|event finish): bare/,
    why: "a server that gets undefined from a handler fails in another way if it gets a promise of it, and a handler with a session is one that returns a promise",
  },
  {
    row: "answer 42",
    on: ["fetch"],
    differs: /^(?:connection|number of answers|headers|body|event finish): bare/,
    why: "what is no Response is an error that names it, before the server fails on it",
  },
  {
    row: /^answer (?:null|42)$/,
    on: ["fetch"],
    columns: ["save fails"],
    differs: /^(?:status line|framing|body): error path/,
    why: "what a fetch handler throws goes on to its server, whatever becomes of the session",
  },
  {
    row: "throw a Response",
    on: ["fetch"],
    columns: ["first visit", "save fails"],
    differs: /^(?:stored, and no cookie$|(?:status line|framing|headers|body): bare)/,
    why: "a Response that is thrown is an answer for whoever catches it, and has the cookie; in this program nobody does. A failed save is answered",
  },
  {
    row: "answer the request's body",
    on: ["fetch"],
    differs:
      /^(?:framing: bare "chunked", here "length"|headers: bare .*"transfer-encoding: chunked".*here .*"content-length: 5")/,
    why: "whether a stream's length is known depends on how soon its end is there; a body that is there at once is sent with its length",
  },
  {
    row: /^(?:HEAD, )?new Response\(a stream that fails midway\)$/,
    on: ["fetch"],
    differs: /^(?:connection|number of answers|status line|headers|event finish|stored, and no cookie$)/,
    why: "the beginning of a body is read to see whether it is all; the server learns before its head that the body breaks, and answers 500 instead of half a body",
  },
  {
    row: /^a middleware before the session (?:sets a header after next\(\)|replaces the response)$/,
    on: ["hono"],
    differs:
      /^headers: bare .*"content-type: text\/plain;charset=UTF-8".*here .*"content-type: text\/plain; charset=UTF-8"/,
    why: "the type that nobody gave is written by whoever needs it first, and Hono's server and the platform write it with and without a space",
  },
];
