import type { Difference } from "./compare.js";
import type { Side } from "./program.js";

/** A difference from express-session that is meant. */
export interface Meant {
  /** The programs, by a part of their names or a pattern; all of them, where it is left out. */
  readonly program?: string | RegExp;
  /** Where it shows; both, where it is left out. */
  readonly side?: Side;
  /** The observations that differ, by a pattern. */
  readonly field: RegExp;
  readonly theirs?: RegExp;
  readonly ours?: RegExp;
  /** The promise of the README that it follows from. */
  readonly promise?: "P1" | "P2" | "P3" | "P4" | "P5" | "P6" | "P7";
  readonly why: string;
}

const RESPONSE = "status|body|errors|framing|set-cookie \\d+|header [\\w-]+";
const CONTENTS = "data #\\d+|cookie #\\d+|count|calls";
const EVERYTHING = new RegExp(`^(${RESPONSE}|${CONTENTS}|noted|uncaught)$`);

/** All of them. An entry that nothing shows any more fails the run of all programs. */
export const MEANT: readonly Meant[] = [
  // Headers and bytes
  {
    field: /^header cache-control$/,
    theirs: /^(|public, max-age=0)$/,
    ours: /^(no-store|private, max-age=0)$/,
    promise: "P7",
    why: "a response with a session's cookie is not for caches, which would give the cookie to others",
  },
  { field: /^header vary$/, ours: /(^|, )Cookie$/, why: "a response that depends on the session says so to caches" },
  {
    field: /^framing$/,
    theirs: /^chunked$/,
    ours: /^length \d+$/,
    promise: "P4",
    why: "the whole response waits for the store; express-session sends its head and all but the last byte before",
  },
  {
    program: "sent by headersSent after end",
    field: /^noted$/,
    why: "a response looks ended once end() was called, as Node's does",
  },
  {
    program: "sent by end, then write",
    field: /^(body|noted|framing)$/,
    why: "what is written after end() is an error, as in Node; express-session sends it behind the ended body",
  },
  {
    program: "sent by end(callback)",
    field: EVERYTHING,
    why: "end(callback) calls it, as in Node; express-session fails with the function as a chunk",
  },
  {
    program: "sent by a stream that fails",
    field: EVERYTHING,
    promise: "P4",
    why: "the head waits for the store, so that a response destroyed before has none; what was written is stored",
  },

  // Calls of the store
  {
    side: "store",
    field: /^calls$/,
    theirs: /set/,
    ours: /get/,
    promise: "P3",
    why: "reads again immediately before it writes, and writes only what this request changed beside what is there",
  },
  {
    program: /regenerate|login|logout|register|passport|visitor|unset|written late/i,
    side: "store",
    field: /^calls$/,
    theirs: /destroy|set set/,
    promise: "P5",
    why: "a session is stored once, at the end, and what was never stored is not destroyed",
  },
  {
    program: /regenerate|^destroy|save with a callback|^save twice|destroy twice/,
    field: /^noted$/,
    theirs: /called back with \[null/,
    ours: /called back with \[\]/,
    why: "callbacks of what has succeeded are called without arguments",
  },
  {
    program: /^(login and logout|logout and what|passport|regenerate|a login|at the same time: two logins)/,
    field: EVERYTHING,
    theirs: /^(\{\}|\d+|\{"expires.*|connect\.sid=.*|get touch|get destroy set|get set destroy set|destroy set)$/,
    promise: "P5",
    why: "a regenerated session in which nothing was put is not stored and has no cookie, as any visitor's",
  },
  {
    program: "regenerate without a callback",
    field: /^(uncaught|calls)$/,
    why: "it works; express-session ends the process",
  },

  // Failures of the store
  {
    program: /^(get|set|touch|destroy) (passes an error on|throws|never calls back)/,
    field: EVERYTHING,
    promise: "P6",
    why:
      "a failing store is a 503 through the error path before the response, and the session stays as it was; " +
      "express-session sends a response first, none at all, or ends the process. A deadline that cannot be moved " +
      "is an event, no failure",
  },

  // Bad input of the application
  {
    program: /^a session that is given (circular data|the request|a BigInt|an object whose toJSON throws)/,
    field: EVERYTHING,
    why: "an error that names the key, before the response; express-session never responds, or loses its error page",
  },
  {
    program: /^a session that is given (100 kB|a million bytes|deep nesting)/,
    side: "storage",
    field: EVERYTHING,
    why: "records are limited by maxRecordBytes (64 KiB), and values by 100 levels",
  },
  {
    program: /^(req\.session = (an|a|true)|req\.session is replaced)/,
    field: EVERYTHING,
    why: "an error that says what to write; express-session never responds",
  },
  {
    program: /^a key called "(save|cookie|constructor|toString)"/,
    field: EVERYTHING,
    why: "the key is kept, or the error says why not; express-session never responds, or drops it when it is read",
  },
  {
    program: /^(a store that gives back|sessionStore\.set of a record without a cookie)/,
    field: /^(body|errors|framing)$/,
    theirs: /Cannot read properties|^length/,
    why: "the error says that the record is not express-session's",
  },

  // Options
  {
    program: /^made with (genid that is no function|unset of another value|an empty array of secrets)/,
    field: /^constructor$/,
    ours: /^TypeError: holdfast: /,
    why: "the message names the library and what to write",
  },
  {
    program: /^made with (no secret|an empty secret)/,
    field: /^(body|errors|framing)$/,
    ours: /secret is required|^length/,
    why: "the message names the library and what to write",
  },
  {
    program: "made with a name with a character that cookies do not allow",
    field: /./,
    why: "refused when the middleware is made; express-session responds without a cookie, and then with an error",
  },
  {
    program: /^cookie (maxAge: (Infinity|NaN|a string)|sameSite: something|priority: something|as a string)/,
    field: EVERYTHING,
    promise: "P4",
    why: "what no cookie can hold is an error before the response, not after it; nothing is stored without a cookie",
  },
  {
    program: /^a session's own cookie: (expires an invalid Date|maxAge a string|replaced by an object)/,
    field: EVERYTHING,
    promise: "P4",
    why: "what no cookie can hold is an error before the response, not after it; nothing is stored without a cookie",
  },
  {
    program: /^cookie expires: a string/,
    field: EVERYTHING,
    why: "is read as a date; express-session never responds",
  },
  {
    program: /^(cookie expires: false|a session's own cookie: (expires false|maxAge undefined))/,
    field: /^(cookie #\d+|body|set-cookie 1)$/,
    why: "is stored as null: the cookie of a browser session",
  },
  {
    program: "cookie as a function, secure: auto",
    field: EVERYTHING,
    why: "the attributes that a function returns may be auto, too; express-session fails with an invalid option",
  },
  {
    program: "cookie maxAge: a fraction of a millisecond",
    field: /^(cookie|body|framing)/,
    why: "the fraction is kept as it was given",
  },
  {
    program: /^genid: (a number|undefined|an empty string|a promise)/,
    field: EVERYTHING,
    why: "an error that says it; express-session keeps nothing, without a word",
  },
  {
    program: "genid: the same id twice, by two visitors",
    side: "storage",
    field: EVERYTHING,
    promise: "P6",
    why: "an id that exists is never given to another visitor",
  },

  // Ids and cookies of strangers
  {
    program: /^(a stranger's cookie: in quotation marks|the cookie in quotation marks)/,
    field: /^(body|calls|framing)$/,
    why: "a value in quotation marks is another value: with them other cookies could be hidden in it",
  },
  {
    program: "a stranger's cookie: an id of 8000 characters",
    side: "store",
    field: /^calls$/,
    promise: "P6",
    why: "the store is not asked for what no id can be",
  },
  {
    program: "req.sessionID = a string",
    field: EVERYTHING,
    why: "its documentation calls sessionID read-only: the session is stored under its own id; express-session loses it",
  },
  {
    program: "two applications with two names",
    field: /^set-cookie 2$/,
    why: "a middleware whose session was taken away sends no cookie; express-session sends the other's id under its name",
  },
  {
    program: "two applications with two names",
    side: "storage",
    field: /^(data|cookie) #2$/,
    why: "two middlewares of one storage have a namespace each: the first does not see the sessions of the second",
  },

  // What is stored
  {
    program: "save() by hand, of a visitor and of a session",
    side: "storage",
    field: /^(set-cookie 1|data #1|cookie #1)$/,
    promise: "P4",
    why: "a session that was saved by hand gets its cookie; express-session stores one that nobody can ask for",
  },
  {
    program: /^(unset (left out|keep)): (delete|null-later)/,
    side: "store",
    field: /^calls$/,
    theirs: /^get$/,
    ours: /^get touch$/,
    why: "its deadline moved before the first byte, when the session was still there",
  },
  {
    program: /^a store that gives back (keys of a session's methods|a key called __proto__)/,
    side: "store",
    field: /^(calls|count)$/,
    promise: "P5",
    why: "what was not changed is not stored again; express-session compares with keys that it has dropped itself",
  },
  {
    program: "get calls back twice",
    side: "store",
    field: /^calls$/,
    why: "the second call of a callback does nothing; express-session runs the handler again",
  },
  {
    program: "sessionStore.generate, as old logins use it",
    side: "storage",
    field: /^(data|cookie) #1$/,
    promise: "P2",
    why: "the old id opens nothing any more",
  },
  {
    program: /^written late: \/(late, a visitor|late-regenerate)/,
    field: EVERYTHING,
    promise: "P4",
    why: "after the first byte nothing is stored whose cookie cannot be sent; on a storage regenerate() says so",
  },
  {
    program: "written late: /after, a session",
    side: "store",
    field: EVERYTHING,
    promise: "P3",
    why: "what is written while the response waits for the store is stored, too",
  },
  {
    program:
      /^(cookie (maxAge: (0|-1)|expires: a Date of the past)|a session's own cookie: (maxAge 0|expires a Date of the past))/,
    side: "storage",
    field: /^(data #\d+|cookie #\d+|set-cookie 1)$/,
    why: "such a session is stored, and expires a millisecond later; there is no record without a lifetime",
  },
  {
    program: /^the session that was is another object/,
    field: EVERYTHING,
    promise: "P5",
    why: "a regenerated session in which nothing was put is not stored and has no cookie, as any visitor's",
  },

  // Requests that overlap
  {
    program: /^at the same time: (two requests write two keys|a reader that ends last, resave)/,
    field: /^(data #1|body)$/,
    promise: "P3",
    why: "both keep what they wrote, and a reader writes nothing back",
  },
  {
    program: /^(at the same time: a (writer|reader) that ends after a logout|a stranger removes the session)/,
    field: /^(calls|count|data #1|cookie #1|body|framing)$/,
    promise: "P1",
    why: "a session that was ended stays ended; express-session stores it again",
  },
  {
    program: /^at the same time: (a (writer|reader) that ends after a login|two logins)/,
    field: EVERYTHING,
    promise: "P2",
    why: "the old id stays dead, its late response has no cookie, and of two logins one counts",
  },
  {
    program: /^(regenerate: the old id opens nothing|passport-local, resave and saveUninitialized)/,
    side: "storage",
    field: EVERYTHING,
    promise: "P2",
    why: "a late request with the id from before the login stores nothing and gets no cookie, which would replace the new one",
  },

  // The storage's own deadlines
  {
    side: "storage",
    field: /^cookie #\d+$/,
    theirs: /"expires":(null|"[^"]*")/,
    ours: /"expires":(null|"[^"]*")/,
    promise: "P5",
    why: "the deadline is the record's; it moves at most once per refreshInterval, and a browser session has one, too",
  },
  {
    program: /^(reload keeps the cookie's deadline|a cookie's properties, read)/,
    side: "storage",
    field: /^body$/,
    promise: "P5",
    why: "the deadline that a handler reads is the one that will be stored; it moves at most once per refreshInterval",
  },
  {
    program: /^(cookie (maxAge: a Date|expires: a Date|maxAge, then expires|as a function of the request))/,
    side: "storage",
    field: /^set-cookie 1$/,
    why: "the age of a cookie counts from the session's last use, and the attributes of a function are those of the request",
  },
  {
    side: "storage",
    field: /^body$/,
    theirs: /"expires":"/,
    ours: /"expires":"/,
    promise: "P5",
    why: "the deadline that a handler reads is the stored one, which moves at most once per refreshInterval",
  },
];

/** A test of express-session's own that is meant to fail. */
export interface OwnTest {
  /** The end of its title. */
  readonly test: string;
  readonly side?: Side;
  readonly promise?: Meant["promise"];
  readonly why: string;
}

/** All of them. One that passes fails the run. */
export const OWN_TESTS: readonly OwnTest[] = [
  { test: "should pass session fetch error", promise: "P6", why: "expects 500; a failing store is 503" },
  {
    test: "should pass session touch error",
    promise: "P6",
    why: "waits for an error after the response; a refresh that fails is an event, and is tried again",
  },
  {
    test: "should pass session save error",
    promise: "P4",
    why: "expects 200 and an error after it; the error is the response",
  },
  {
    test: "should pass session destroy error",
    promise: "P4",
    why: "expects 200 and an error after it; the error is the response",
  },
  {
    test: "should forward errors setting cookie",
    promise: "P4",
    why: "expects a response without its cookie and an error after it; the error is the response",
  },
  {
    test: "should have saved session with updated cookie expiration",
    side: "storage",
    promise: "P5",
    why: "expects a write for a request that changed nothing; its deadline moves at most once per refreshInterval",
  },
  {
    test: "resave option should default to true",
    side: "storage",
    promise: "P3",
    why: "expects a write of what was not changed: it could undo what another request changed",
  },
  {
    test: "should force save on unmodified session",
    side: "storage",
    promise: "P3",
    why: "expects a write of what was not changed: it could undo what another request changed",
  },
];

/** The entry that a difference is listed under. */
export function meantBy(
  { field, theirs, ours }: Difference,
  program: string,
  side: Side,
  entries: readonly Meant[] = MEANT,
): Meant | undefined {
  // No entry covers a response that never comes.
  if (field === "status" && ours === "0 no response") return undefined;
  return entries.find(
    (entry) =>
      (entry.program === undefined || names(entry.program, program)) &&
      (entry.side === undefined || entry.side === side) &&
      entry.field.test(field) &&
      (entry.theirs === undefined || entry.theirs.test(theirs ?? "")) &&
      (entry.ours === undefined || entry.ours.test(ours ?? "")),
  );
}

function names(pattern: string | RegExp, name: string): boolean {
  return typeof pattern === "string" ? name.includes(pattern) : pattern.test(name);
}
