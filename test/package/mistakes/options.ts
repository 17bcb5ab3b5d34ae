/** Mistakes in options: each throws when the middleware, the store or the extractor is created. */
import type { Mistake } from "./mistake.js";

const session = (options: string): string => `import { session } from "holdfast/express";\nsession(${options});`;
const store = (options: string): string => `import { createStore } from "holdfast";\ncreateStore(${options});`;

export const OPTIONS: readonly Mistake[] = [
  // As other libraries call it.
  {
    mistake: "secret, as in express-session",
    program: session('{ secret: "hunter2" }'),
    says: 'holdfast: session has no option "secret"; leave it out: a token is 256 random bits, which need no signature',
  },
  {
    mistake: "keys, as in cookie-session",
    program: session('{ keys: ["hunter2"] }'),
    says: 'holdfast: session has no option "keys"; leave it out: a token is 256 random bits, which need no signature',
  },
  {
    mistake: "password, as in iron-session",
    program: session('{ password: "hunter2" }'),
    says: 'holdfast: session has no option "password"; leave it out: the cookie contains only a random token; encrypted(storage, [key]) encrypts what is stored',
  },
  {
    mistake: "resave",
    program: session("{ resave: false }"),
    says: 'holdfast: session has no option "resave"; leave it out: only what was changed is saved',
  },
  {
    mistake: "saveUninitialized",
    program: session("{ saveUninitialized: false }"),
    says: 'holdfast: session has no option "saveUninitialized"; leave it out: nothing is stored before a value is set; storeNew: "always" stores every visitor',
  },
  {
    mistake: "rolling",
    program: session("{ rolling: true }"),
    says: 'holdfast: session has no option "rolling"; leave it out: deadline and cookie are refreshed as needed; refreshInterval: 0 does it on every request',
  },
  {
    mistake: "name",
    program: session('{ name: "sid" }'),
    says: 'holdfast: session has no option "name"; write extractor: fromCookie("NAME")',
  },
  {
    mistake: "cookieName",
    program: session('{ cookieName: "sid" }'),
    says: 'holdfast: session has no option "cookieName"; write extractor: fromCookie("NAME")',
  },
  {
    mistake: "key, as in koa-session",
    program: session('{ key: "koa.sess" }'),
    says: 'holdfast: session has no option "key"; write extractor: fromCookie("NAME")',
  },
  {
    mistake: "maxAge",
    program: session("{ maxAge: 86400000 }"),
    says: 'holdfast: session has no option "maxAge"; write idleTimeout: "30m", which moves with use, or absoluteTimeout: "24h", which does not',
  },
  {
    mistake: "ttl",
    program: session("{ ttl: 3600 }"),
    says: 'holdfast: session has no option "ttl"; write idleTimeout: "30m", which moves with use, or absoluteTimeout: "24h", which does not',
  },
  {
    mistake: "expiration, as in Go Fiber",
    program: session('{ expiration: "24h" }'),
    says: 'holdfast: session has no option "expiration"; write idleTimeout: "30m", which moves with use, or absoluteTimeout: "24h", which does not',
  },
  {
    mistake: "genid",
    program: session("{ genid: () => crypto.randomUUID() }"),
    says: 'holdfast: session has no option "genid"; write keyGenerator, or leave it out: a token is 256 random bits',
  },
  {
    mistake: "unset",
    program: session('{ unset: "destroy" }'),
    says: 'holdfast: session has no option "unset"; leave it out: await session.destroy() ends a session',
  },
  {
    mistake: "proxy",
    program: session("{ proxy: true }"),
    says: 'holdfast: session has no option "proxy"; leave it out: with cookie.secure "auto" the cookie is Secure behind a proxy as well',
  },
  {
    mistake: "prefix",
    program: session('{ prefix: "sess:" }'),
    says: 'holdfast: session has no option "prefix"; write namespace: it begins every key',
  },
  {
    mistake: "secure beside cookie",
    program: session("{ secure: true }"),
    says: 'holdfast: session has no option "secure"; write cookie: { secure }',
  },
  {
    mistake: "cookieOptions",
    program: session("{ cookieOptions: {} }"),
    says: 'holdfast: session has no option "cookieOptions"; write cookie: { … }',
  },
  {
    mistake: "cookieSameSite, as in Go Fiber",
    program: session('{ cookieSameSite: "Lax" }'),
    says: 'holdfast: session has no option "cookieSameSite"; write cookie: { sameSite }',
  },
  {
    mistake: "cookie.maxAge",
    program: session("{ cookie: { maxAge: 86400000 } }"),
    says: 'holdfast: cookie has no option "maxAge"; write idleTimeout or absoluteTimeout beside cookie: the cookie lasts as long as its session, or until the browser closes with sessionOnly: true',
  },
  {
    mistake: "cookie.expires",
    program: session("{ cookie: { expires: new Date(0) } }"),
    says: 'holdfast: cookie has no option "expires"; write idleTimeout or absoluteTimeout beside cookie: the cookie lasts as long as its session, or until the browser closes with sessionOnly: true',
  },
  {
    mistake: "cookie.name",
    program: session('{ cookie: { name: "sid" } }'),
    says: 'holdfast: cookie has no option "name"; write extractor: fromCookie("NAME") beside cookie',
  },
  {
    mistake: "cookie.signed",
    program: session("{ cookie: { signed: true } }"),
    says: 'holdfast: cookie has no option "signed"; leave it out: a token is 256 random bits, which need no signature',
  },
  {
    mistake: "store: a store of connect",
    program: session("{ store: { get() {}, set() {}, destroy() {}, touch() {}, client: { password: 'hunter2' } } }"),
    says: "holdfast: store is an object (Object); write the result of createStore({ storage }); a storage is passed as `storage`, and stores of express-session and connect are not storages: storage: redisStorage(client), or another",
  },
  {
    mistake: "storage: a store of connect",
    program: session("{ storage: { get() {}, set() {}, destroy() {}, touch() {} } }"),
    says: "holdfast: storage is an object (Object); write redisStorage(client), postgresStorage(pool), memoryStorage() or another storage; this one lacks create, update, delete",
  },
  // Misspelt.
  {
    mistake: "idletimeout",
    program: session('{ idletimeout: "30m" }'),
    says: 'holdfast: session has no option "idletimeout" (did you mean "idleTimeout"?)',
  },
  {
    mistake: "idleTimout",
    program: session('{ idleTimout: "30m" }'),
    says: 'holdfast: session has no option "idleTimout" (did you mean "idleTimeout"?)',
  },
  {
    mistake: "storge",
    program: session("{ storge: undefined }"),
    says: 'holdfast: session has no option "storge" (did you mean "storage"?)',
  },
  {
    mistake: "cookie.samesite",
    program: session('{ cookie: { samesite: "lax" } }'),
    says: 'holdfast: cookie has no option "samesite" (did you mean "sameSite"?)',
  },
  {
    mistake: "onEvents",
    program: store("{ onEvents() {} }"),
    says: 'holdfast: createStore has no option "onEvents" (did you mean "onEvent"?)',
  },
  {
    mistake: "an option that nothing resembles",
    program: store("{ frobnicate: 1 }"),
    says: 'holdfast: createStore has no option "frobnicate"; it has storage, namespace, idleTimeout, anonymousIdleTimeout, absoluteTimeout, refreshInterval, retiredFor, storageTimeout, commitTimeout, maxRecordBytes, maxSessionsPerOwner, keyGenerator, types, schema, invalid, clock, onEvent',
  },
  // Durations.
  {
    mistake: "minutes as a bare number",
    program: session("{ idleTimeout: 30 }"),
    says: 'holdfast: idleTimeout is 30; it must be at least one second; did you mean "30m" or "30s"? A bare number is milliseconds',
  },
  {
    mistake: "a number without a unit",
    program: session('{ idleTimeout: "30" }'),
    says: 'holdfast: idleTimeout is "30"; write a duration: milliseconds, or a number with its unit: "500ms", "90s", "30m", "24h", "7d"',
  },
  {
    mistake: "a duration in words",
    program: session('{ idleTimeout: "30 minutes" }'),
    says: 'holdfast: idleTimeout is "30 minutes"; write a duration: milliseconds, or a number with its unit: "500ms", "90s", "30m", "24h", "7d"',
  },
  {
    mistake: "no timeout",
    program: session("{ idleTimeout: Infinity }"),
    says: 'holdfast: idleTimeout is Infinity; write a duration: milliseconds, or a string like "30m"',
  },
  {
    mistake: "an absolute timeout shorter than the idle one",
    program: session('{ idleTimeout: "2h", absoluteTimeout: "1h" }'),
    says: 'holdfast: absoluteTimeout is "1h"; it must be at least the idle timeout (7200000 ms), or left out',
  },
  {
    mistake: "a refresh that comes too late",
    program: session('{ refreshInterval: "1h" }'),
    says: 'holdfast: refreshInterval is "1h"; it must be below the idle timeout (1800000 ms), or sessions in use would end; leave it out for a tenth of that',
  },
  // Storages.
  {
    mistake: "storage: a URL",
    program: session('{ storage: "redis://shop:hunter2@localhost" }'),
    says: "holdfast: storage is a string; write redisStorage(client), postgresStorage(pool), memoryStorage() or another storage; this one lacks get, create, update, touch, delete",
  },
  {
    mistake: "storage: a client",
    program:
      'import { createClient } from "redis";\n' +
      session('{ storage: createClient({ url: "redis://shop:hunter2@localhost" }) }'),
    says: "holdfast: storage is an object (Class); write redisStorage(client), postgresStorage(pool), memoryStorage() or another storage; this one lacks create, update, delete",
  },
  {
    mistake: "storage: a Map",
    program: session("{ storage: new Map() }"),
    says: "holdfast: storage is an object (Map); write redisStorage(client), postgresStorage(pool), memoryStorage() or another storage; this one lacks create, update, touch",
  },
  {
    mistake: "storage: a promise of one",
    program: session("{ storage: Promise.resolve({}) }"),
    says: "holdfast: storage is an object (Promise); write what it resolves to: await …; this one lacks get, create, update, touch, delete",
  },
  {
    mistake: "store: a storage",
    program: 'import { memoryStorage } from "holdfast/storage/memory";\n' + session("{ store: memoryStorage() }"),
    says: "holdfast: store is an object (MemoryStorage); write the result of createStore({ storage }); a storage is passed as `storage`, and stores of express-session and connect are not storages: storage: redisStorage(client), or another",
  },
  {
    mistake: "options beside a ready store",
    program: 'import { createStore } from "holdfast";\n' + session('{ store: createStore(), idleTimeout: "1h" }'),
    says: "holdfast: idleTimeout is a string; write it into createStore({ idleTimeout }): a ready `store` has its options already",
  },
  {
    mistake: "a function as the storage of a store",
    program: 'import { memoryStorage } from "holdfast/storage/memory";\n' + store("{ storage: memoryStorage }"),
    says: "holdfast: storage is the function memoryStorage; write its result: memoryStorage(…); this one lacks get, create, update, touch, delete",
  },
  // Places of the token, and its cookie.
  {
    mistake: "extractor: a string",
    program: session('{ extractor: "cookie:sid" }'),
    says: 'holdfast: extractor is "cookie:sid"; write fromCookie(…), fromHeader(…), chain(…) …',
  },
  {
    mistake: "extractor: a function that makes one",
    program: 'import { fromCookie } from "holdfast";\n' + session("{ extractor: fromCookie }"),
    says: "holdfast: extractor is the function fromCookie; write its result: fromCookie(…)",
  },
  {
    mistake: "one cookie twice",
    program:
      'import { chain, fromCookie } from "holdfast";\n' +
      session('{ extractor: chain(fromCookie("a"), fromCookie("a")) }'),
    says: "holdfast: the extractor writes the cookie a twice; name each place once",
  },
  {
    mistake: "an empty chain",
    program: 'import { chain } from "holdfast";\nchain();',
    says: "holdfast: chain() has no members; write chain(fromCookie(), fromHeader(…))",
  },
  {
    mistake: "a space in the cookie's name",
    program: 'import { fromCookie } from "holdfast";\nfromCookie("my session");',
    says: 'holdfast: fromCookie is "my session"; write a cookie name of letters, digits and - _ . like "session_id"',
  },
  {
    mistake: "__Host- with a domain",
    program:
      'import { fromCookie } from "holdfast";\n' +
      session('{ extractor: fromCookie("__Host-sid"), cookie: { domain: "example.com" } }'),
    says: 'holdfast: cookie.domain is "example.com"; write no domain: the name __Host-sid tells browsers to require a cookie for one host only',
  },
  {
    mistake: "__Host- without Secure",
    program:
      'import { fromCookie } from "holdfast";\n' +
      session('{ extractor: fromCookie("__Host-sid"), cookie: { secure: false } }'),
    says: 'holdfast: cookie.secure is false; write true or "auto": the name __Host-sid tells browsers to require a cookie that is Secure',
  },
  {
    mistake: "sameSite misspelt",
    program: session('{ cookie: { sameSite: "laxx" } }'),
    says: 'holdfast: cookie.sameSite is "laxx"; write "lax" or "strict" or "none"',
  },
  {
    mistake: "secure: a string",
    program: session('{ cookie: { secure: "true" } }'),
    says: 'holdfast: cookie.secure is "true"; write true, false or "auto"',
  },
  {
    mistake: "domain: an origin",
    program: session('{ cookie: { domain: "https://example.com" } }'),
    says: 'holdfast: cookie.domain is "https://example.com"; write a domain like "example.com"',
  },
  {
    mistake: "fromParam where no router is",
    program:
      'import { fromParam } from "holdfast";\nimport { session } from "holdfast/node";\nsession({ extractor: fromParam("sid") });',
    says: 'holdfast: extractor is fromParam("sid"), and here are no route parameters; write fromQuery, fromCustom, or use the adapter of your router',
  },
  // Functions and words.
  {
    mistake: "skip: a path",
    program: session('{ skip: "/health" }'),
    says: "holdfast: skip is a string; write (context) => boolean",
  },
  {
    mistake: "onEvent: an object",
    program: session("{ onEvent: console }"),
    says: "holdfast: onEvent is an object (Object); write ({ type, id, cause }) => …",
  },
  {
    mistake: "errorHandler: a status",
    program: session("{ errorHandler: 503 }"),
    says: "holdfast: errorHandler is 503; write (error, context) => …",
  },
  {
    mistake: "load: an unknown word",
    program: session('{ load: "eagerly" }'),
    says: 'holdfast: load is "eagerly"; write "eager" or "lazy"',
  },
  {
    mistake: "a truth value as a word",
    program: session('{ asyncLocalStorage: "true" }'),
    says: 'holdfast: asyncLocalStorage is "true"; write true or false',
  },
  {
    mistake: "keyGenerator: a word",
    program: session('{ keyGenerator: "uuid" }'),
    says: "holdfast: keyGenerator is a string; write () => an unguessable text",
  },
  {
    mistake: "namespace with a colon",
    program: session('{ namespace: "shop:" }'),
    says: 'holdfast: namespace is "shop:"; write 1 to 64 letters, digits and . _ -',
  },
  {
    mistake: "no session for an owner",
    program: session("{ maxSessionsPerOwner: 0 }"),
    says: "holdfast: maxSessionsPerOwner is 0; it must be a whole number of at least 1",
  },
  {
    mistake: "schema: one for the whole session",
    program: session('{ schema: { "~standard": { version: 1, vendor: "x", validate() {} } } }'),
    says: "holdfast: schema is an object (Object); write a schema for each key: { cart: …, user: … }",
  },
  {
    mistake: "a schema that is a parser",
    program: session("{ schema: { cart: { parse() {} } } }"),
    says: "holdfast: schema.cart is an object (Object); write a Standard Schema (zod 3.24 or later, valibot 1, arktype 2 …)",
  },
  {
    mistake: "a class without its codec",
    program: session("{ types: { money: class Money {} } }"),
    says: "holdfast: type money is the function Money; write { class, encode, decode }",
  },
  {
    mistake: "clock: the class Date",
    program: session("{ clock: Date }"),
    says: "holdfast: clock is the function Date; write { now(): ms, setTimer(ms, callback): cancel }",
  },
  {
    mistake: "a promise of the options",
    program: session("Promise.resolve({})"),
    says: "holdfast: session: options is an object (Promise); write session(await …)",
  },
  {
    mistake: "a storage instead of options",
    program: 'import { memoryStorage } from "holdfast/storage/memory";\n' + session("memoryStorage()"),
    says: "holdfast: session: options is an object (MemoryStorage); write session({ storage })",
  },
];
