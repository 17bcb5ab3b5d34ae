/**
 * Options of other session libraries, by name, and what to write here instead: for those who come from
 * express-session, cookie-session, koa-session, iron-session, the plugins of Fastify and Hono, connect's stores,
 * and Go Fiber.
 */

const UNSIGNED = "leave it out: a token is 256 random bits, which need no signature";
const NAME = 'write extractor: fromCookie("NAME")';
const LIFETIME = 'write idleTimeout: "30m", which moves with use, or absoluteTimeout: "24h", which does not';
const STORAGE = "write storage: redisStorage(client), or another storage";
const PREFIX = "write namespace: it begins every key";
const GENERATOR = "write keyGenerator, or leave it out: a token is 256 random bits";
const REFRESHED =
  "leave it out: deadline and cookie are refreshed as needed; refreshInterval: 0 does it on every request";
const inCookie = (name: string): string => `write cookie: { ${name} }`;

/** Beside the options of `session` and `createStore`. */
export const OTHER_OPTIONS: Readonly<Record<string, string>> = {
  secret: UNSIGNED,
  secrets: UNSIGNED,
  keys: UNSIGNED,
  signed: UNSIGNED,
  password:
    "leave it out: the cookie contains only a random token; encrypted(storage, [key]) encrypts what is stored",
  encryptionKey: "write storage: encrypted(storage, [key]), from holdfast/storage/encrypted",
  resave: "leave it out: only what was changed is saved",
  saveUninitialized: 'leave it out: nothing is stored before a value is set; storeNew: "always" stores every visitor',
  rolling: REFRESHED,
  renew: REFRESHED,
  autoCommit: "leave it out: a session is saved before its response is sent",
  unset: "leave it out: await session.destroy() ends a session",
  proxy: 'leave it out: with cookie.secure "auto" the cookie is Secure behind a proxy as well',
  trustProxy: 'leave it out: with cookie.secure "auto" the cookie is Secure behind a proxy as well',
  name: NAME,
  key: NAME,
  cookieName: NAME,
  sessionName: NAME,
  keyLookup: 'write extractor: keyLookup("cookie:NAME")',
  maxAge: LIFETIME,
  maxAgeSeconds: LIFETIME,
  ttl: LIFETIME,
  expires: LIFETIME,
  expiration: LIFETIME,
  expireAfterSeconds: LIFETIME,
  duration: LIFETIME,
  activeDuration: LIFETIME,
  genid: GENERATOR,
  idGenerator: GENERATOR,
  generateId: GENERATOR,
  sessionStore: STORAGE,
  driver: STORAGE,
  adapter: STORAGE,
  client: STORAGE,
  redis: STORAGE,
  prefix: PREFIX,
  keyPrefix: PREFIX,
  onError: "write errorHandler",
  logger: "write onEvent: it is called with everything that operators should know",
  cookieOptions: "write cookie: { … }",
  secure: inCookie("secure"),
  httpOnly: inCookie("httpOnly"),
  sameSite: inCookie("sameSite"),
  path: inCookie("path"),
  domain: inCookie("domain"),
  cookieSecure: inCookie("secure"),
  cookieHTTPOnly: inCookie("httpOnly"),
  cookieSameSite: inCookie("sameSite"),
  cookiePath: inCookie("path"),
  cookieDomain: inCookie("domain"),
  cookieSessionOnly: inCookie("sessionOnly"),
};

const COOKIE_LIFETIME =
  "write idleTimeout or absoluteTimeout beside cookie: the cookie lasts as long as its session, or until the " +
  "browser closes with sessionOnly: true";
const UNENCODED = "leave it out: a token needs no encoding";

/** Among the attributes of the cookie. */
export const OTHER_COOKIE_OPTIONS: Readonly<Record<string, string>> = {
  maxAge: COOKIE_LIFETIME,
  expires: COOKIE_LIFETIME,
  originalMaxAge: COOKIE_LIFETIME,
  name: 'write extractor: fromCookie("NAME") beside cookie',
  signed: UNSIGNED,
  secret: UNSIGNED,
  overwrite: "leave it out: a cookie replaces the one before",
  encode: UNENCODED,
  decode: UNENCODED,
};

/** Among the options of a login. */
export const OTHER_LOGIN_OPTIONS: Readonly<Record<string, string>> = {
  maxAge: LIFETIME,
  ttl: LIFETIME,
  expiresIn: LIFETIME,
  remember: 'write idleTimeout and absoluteTimeout for "remember me", or sessionOnly: true for the opposite',
  data: "leave it out: session.set(key, value) stores data",
};

const EXPIRES = "leave it out: an entry expires with its session";

/** Among the options of a storage. */
export const OTHER_STORAGE_OPTIONS: Readonly<Record<string, string>> = {
  ttl: EXPIRES,
  disableTTL: EXPIRES,
  expiration: EXPIRES,
  disableTouch: "leave it out: refreshInterval, an option of session(), limits how often a deadline moves",
  serializer: "leave it out: the store encodes values",
  tableName: 'write table: "NAME"',
  schemaName: 'write schema: "NAME"',
  createTableIfMissing: "leave it out: await storage.ensureSchema() creates the table",
  createDatabaseTable: "leave it out: await storage.ensureSchema() creates the table",
  pruneSessionInterval: "leave it out: storage.startSweep() removes what has expired",
  checkPeriod: "leave it out: what has expired is removed as it goes",
  max: "write maxEntries",
};
