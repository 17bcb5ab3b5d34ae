/** What is passed to a storage by mistake. */
import type { Mistake } from "./mistake.js";

const of = (driver: string, call: string, ...imports: string[]): string =>
  [...imports, `import { ${driver}Storage } from "holdfast/storage/${driver}";`, `${driver}Storage(${call});`].join(
    "\n",
  );

const IOREDIS = 'import { Redis } from "ioredis";\nconst io = new Redis({ lazyConnect: true, password: "hunter2" });';
/** As the binding of a Worker has them. */
const KV = "const KV = { get() {}, put() {}, list() {}, delete() {}, getWithMetadata() {} };";
const DB = "const DB = { prepare() {}, batch() {}, exec() {}, withSession() {} };";
const EITHER = "write d1Storage(env.DB) or durableStorage(env.SESSIONS), of holdfast/storage/cloudflare";
const PG = 'import pg from "pg";\nconst pool = new pg.Pool({ password: "hunter2" });';

export const CLIENTS: readonly Mistake[] = [
  {
    mistake: "redis: a URL",
    program: of("redis", '"redis://shop:hunter2@localhost"'),
    says: "holdfast: redisStorage: a string has neither sendCommand (clients of redis) nor call (clients of ioredis and iovalkey); write redisStorage(createClient(…)) or redisStorage(new Redis(…))",
    code: "wrong-client",
  },
  {
    mistake: "redis: a promise of a client",
    program: of("redis", 'createClient().on("error", () => {}).connect()', 'import { createClient } from "redis";'),
    says: "holdfast: redisStorage: client is a Promise; write redisStorage(await …)",
    code: "wrong-client",
  },
  {
    mistake: "redis: the class",
    program: of("redis", "Redis", 'import { Redis } from "ioredis";'),
    says: "holdfast: redisStorage: the function Redis has neither sendCommand (clients of redis) nor call (clients of ioredis and iovalkey); write redisStorage(createClient(…)) or redisStorage(new Redis(…))",
    code: "wrong-client",
  },
  {
    mistake: "redis: { client }, as in connect-redis",
    program: of("redis", "{ client: io }", IOREDIS),
    says: "holdfast: redisStorage: an object (Object) has neither sendCommand (clients of redis) nor call (clients of ioredis and iovalkey); write redisStorage(createClient(…)) or redisStorage(new Redis(…))",
    code: "wrong-client",
  },
  {
    mistake: "redis: ttl",
    program: of("redis", "io, { ttl: 3600 }", IOREDIS),
    says: 'holdfast: redisStorage has no option "ttl"; leave it out: an entry expires with its session',
  },
  {
    mistake: "redis: a pool of pg",
    program: of("redis", "pool", PG),
    says: "holdfast: redisStorage: an object (BoundPool) has neither sendCommand (clients of redis) nor call (clients of ioredis and iovalkey); write redisStorage(createClient(…)) or redisStorage(new Redis(…))",
    code: "wrong-client",
  },
  {
    mistake: "redis: a pipeline",
    program: of("redis", "io.pipeline()", IOREDIS),
    says: "holdfast: redisStorage: client is a pipeline or a multi() of ioredis; write redisStorage(redis), the client itself",
    code: "wrong-client",
  },
  {
    mistake: "redis: a KV namespace of Cloudflare",
    program: of("redis", "KV", KV),
    says: `holdfast: redisStorage: client is a KV namespace of Cloudflare, which cannot keep sessions: a write compares no version, and a read may be 60 seconds old, so that a logout is undone; ${EITHER}`,
    code: "wrong-client",
  },
  {
    mistake: "storage: a KV namespace of Cloudflare",
    program: `import { createStore } from "holdfast";\n${KV}\ncreateStore({ storage: KV });`,
    says: `holdfast: storage is an object (Object); ${EITHER}; it is a KV namespace of Cloudflare, which cannot keep sessions: a write compares no version, and a read may be 60 seconds old, so that a logout is undone; this one lacks create, update, touch`,
  },
  {
    mistake: "sqlite: a D1 database of Cloudflare",
    program: of("sqlite", "DB", DB),
    says: "holdfast: sqliteStorage: client is a D1 database of Cloudflare; write d1Storage(env.DB), of holdfast/storage/cloudflare",
    code: "wrong-client",
  },
  {
    mistake: "cloudflare: a binding that is missing",
    program: 'import { d1Storage } from "holdfast/storage/cloudflare";\nconst env = {};\nd1Storage(env.DB);',
    says: 'holdfast: d1Storage: database is undefined; write env.DB, with "d1_databases": [{ "binding": "DB", … }] in wrangler.jsonc',
    code: "wrong-client",
  },
  {
    mistake: "postgres: a URL",
    program: of("postgres", '"postgres://shop:hunter2@localhost/shop"'),
    says: "holdfast: postgresStorage: client is a string; write a Pool or Client of pg or a PGlite (this has no query()), or the sql of postgres (this has no unsafe())",
    code: "wrong-client",
  },
  {
    mistake: "postgres: the options of a pool",
    program: of("postgres", '{ host: "localhost", password: "hunter2" }'),
    says: "holdfast: postgresStorage: client is an object (Object); write a Pool or Client of pg or a PGlite (this has no query()), or the sql of postgres (this has no unsafe())",
    code: "wrong-client",
  },
  {
    mistake: "postgres: a client of redis",
    program: of("postgres", "io", IOREDIS),
    says: "holdfast: postgresStorage: client is an object (EventEmitter); write a Pool or Client of pg or a PGlite (this has no query()), or the sql of postgres (this has no unsafe())",
    code: "wrong-client",
  },
  {
    mistake: "postgres: a PrismaClient",
    program: of("postgres", "{ $connect() {}, $transaction() {} }"),
    says: "holdfast: postgresStorage: client is a PrismaClient; write postgresStorage(pool), the pg.Pool that new PrismaPg(pool) was made with",
    code: "wrong-client",
  },
  {
    mistake: "postgres: tableName, as in connect-pg-simple",
    program: of("postgres", 'pool, { tableName: "session" }', PG),
    says: 'holdfast: postgresStorage has no option "tableName"; write table: "NAME"',
  },
  {
    mistake: "postgres: a schema in the name of the table",
    program: of("postgres", 'pool, { table: "public.sessions" }', PG),
    says: 'holdfast: table is "public.sessions"; write a name of letters, digits and _, at most 48, that begins with no digit',
  },
  {
    mistake: "mysql: a URL",
    program: of("mysql", '"mysql://shop:hunter2@localhost/shop"'),
    says: "holdfast: mysqlStorage: client is a string; write a pool or connection of mysql2 (this has no promise()), mysql2/promise or mariadb (this has no execute())",
    code: "wrong-client",
  },
  {
    mistake: "mysql: a pool of pg",
    program: of("mysql", "pool", PG),
    says: "holdfast: mysqlStorage: client is an object (BoundPool); write a pool or connection of mysql2 (this has no promise()), mysql2/promise or mariadb (this has no execute())",
    code: "wrong-client",
  },
  {
    mistake: "sqlite: a file",
    program: of("sqlite", '"./sessions.db"'),
    says: "holdfast: sqliteStorage: database is a string; write a database of better-sqlite3, node:sqlite or bun:sqlite (this has no prepare()), or a client of @libsql/client (this has no execute() and reconnect())",
    code: "wrong-client",
  },
  {
    mistake: "memcached: a server",
    program: of("memcached", '"localhost:11211"'),
    says: 'holdfast: memcachedStorage: a string lacks gets, add, cas; write memcachedStorage(new MemcacheClient({ server: "localhost:11211" }))',
    code: "wrong-client",
  },
  {
    mistake: "deno-kv: without --unstable-kv there is no Deno.openKv",
    program:
      'import { denoKvStorage } from "holdfast/storage/deno-kv";\ndenoKvStorage(await globalThis.Deno?.openKv());',
    says: "holdfast: denoKvStorage: undefined lacks get, list, atomic; write denoKvStorage(await Deno.openKv()), and start Deno with --unstable-kv",
    code: "wrong-client",
  },
  {
    mistake: "deno-kv: a file",
    program: 'import { denoKvStorage } from "holdfast/storage/deno-kv";\ndenoKvStorage("./sessions.kv");',
    says: "holdfast: denoKvStorage: a string lacks get, list, atomic; write denoKvStorage(await Deno.openKv()), and start Deno with --unstable-kv",
    code: "wrong-client",
  },
  {
    mistake: "deno-kv: a promise",
    program:
      'import { denoKvStorage } from "holdfast/storage/deno-kv";\ndenoKvStorage(Promise.resolve({ get() {}, list() {}, atomic() {} }));',
    says: "holdfast: denoKvStorage: client is a Promise; write denoKvStorage(await …)",
    code: "wrong-client",
  },
  {
    mistake: "mongodb: the client",
    program: of(
      "mongodb",
      'new MongoClient("mongodb://shop:hunter2@localhost")',
      'import { MongoClient } from "mongodb";',
    ),
    says: 'holdfast: mongodbStorage: client is a MongoClient; write mongodbStorage(client.db().collection("sessions"))',
    code: "wrong-client",
  },
  {
    mistake: "mongodb: the database",
    program: of(
      "mongodb",
      'new MongoClient("mongodb://shop:hunter2@localhost").db()',
      'import { MongoClient } from "mongodb";',
    ),
    says: 'holdfast: mongodbStorage: client is a database or a connection; write mongodbStorage(db.collection("sessions"))',
    code: "wrong-client",
  },
  {
    mistake: "dynamodb: no table",
    program: of("dynamodb", "{ getItem() {}, putItem() {}, updateItem() {}, deleteItem() {} }"),
    says: "holdfast: dynamodbStorage: an object (Object) has neither getItem, putItem, updateItem, deleteItem, scan, describeTable nor get, put, update, delete, scan; write dynamodbStorage(new DynamoDB({ … }), { table })",
    code: "wrong-client",
  },
  {
    mistake: "upstash: a client of ioredis",
    program: of("upstash", "io", IOREDIS),
    says: "holdfast: upstashStorage: client is a client of ioredis or iovalkey; write redisStorage(redis), of holdfast/storage/redis",
    code: "wrong-client",
  },
  {
    mistake: "redis: a client of @upstash/redis",
    program: of(
      "redis",
      'new Upstash({ url: "https://x.upstash.io", token: "hunter2" })',
      'import { Redis as Upstash } from "@upstash/redis";',
    ),
    says: "holdfast: redisStorage: client is a client of @upstash/redis; write upstashStorage(redis), of holdfast/storage/upstash",
    code: "wrong-client",
  },
  {
    mistake: "encrypted: a key without brackets",
    program:
      'import { encrypted } from "holdfast/storage/encrypted";\nimport { memoryStorage } from "holdfast/storage/memory";\nencrypted(memoryStorage(), "hunter2");',
    says: "holdfast: encrypted: keys is a string; write an array of keys; the first one encrypts",
  },
  {
    mistake: "encrypted: a password",
    program:
      'import { encrypted } from "holdfast/storage/encrypted";\nimport { memoryStorage } from "holdfast/storage/memory";\nencrypted(memoryStorage(), ["hunter2"]);',
    says: "holdfast: encrypted: keys[0] is not 32 bytes; write crypto.randomBytes(32), or its base64url or hex string",
  },
  {
    mistake: "openStorage: the address of something else",
    program: 'import { openStorage } from "holdfast/open";\nawait openStorage("https://shop:hunter2@localhost");',
    says: "holdfast: openStorage: this is not the URL of a storage; write redis://HOST:PORT, postgres://USER@HOST/DATABASE, mysql://USER@HOST/DATABASE, mongodb://HOST/DATABASE, dynamodb://REGION/TABLE, memcached://HOST:PORT or sqlite:FILE",
  },
];
