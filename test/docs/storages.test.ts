import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { createClient } from "@libsql/client";
import mysql from "mysql2/promise";
import pg from "pg";
import { createClient as createRedis } from "redis";
import { awsSdkPath } from "../support/dynamodb-clients.js";
import { connectMongodb } from "../support/mongodb-clients.js";
import { withService, type Service } from "../support/services.js";
import { SQLITE_RUNTIMES } from "../support/sqlite-runtimes.js";
import { commandOf } from "../runtimes/start.js";
import { TOKEN, UpstashFront } from "../support/upstash-front.js";
import { compiled, moduleOf, pageAt, pages, run } from "./pages.js";

const directory = mkdtempSync(join(tmpdir(), "holdfast-docs-"));
const file = join(directory, "sessions.db");
/** Where the pages say that a server is, and which of ours takes its place. */
const PLACES: Readonly<Record<string, string>> = {
  "redis://localhost:6379": "redis",
  "postgres://localhost/app": "postgres",
  "mysql://localhost/app": "mariadb",
  "localhost:11211": "memcached",
  "mongodb://localhost:27017/app": "mongodb",
  "http://localhost:8000": "dynamodb",
};
const servers = new Map<string, Service>();
for (const name of Object.values(PLACES)) await withService(name, (server) => servers.set(name, server));
const replaced = Object.entries(PLACES).flatMap(([place, name]) =>
  servers.has(name) ? [[place, addressOf(servers.get(name)!)]] : [],
);
const front = servers.has("redis") ? await UpstashFront.start(servers.get("redis")!.url) : undefined;
const result = await compiled({
  ...Object.fromEntries(replaced),
  "sessions.db": file,
  ...(front && { "https://one-12345.upstash.io": front.url }),
});
if (servers.has("dynamodb")) {
  const page = join(result.directory, `${moduleOf(pageAt("storages/dynamodb"))}.js`);
  const client = pathToFileURL(awsSdkPath("client-dynamodb")).href;
  writeFileSync(page, readFileSync(page, "utf8").replaceAll("@aws-sdk/client-dynamodb", client));
}
after(() => {
  front?.stop();
  result.remove();
  rmSync(directory, { recursive: true, force: true });
});

/** Of each page: what is stored under a key, read past the library as the page shows it. */
const STORED: Readonly<Record<string, (key: string) => Promise<string>>> = {
  redis: fromRedis,
  encrypted: fromRedis,

  async postgres(key) {
    const client = new pg.Client({ connectionString: servers.get("postgres")!.url });
    await client.connect();
    const { rows } = await client.query({
      text: "SELECT key, version, expires_at, convert_from(value, 'UTF8') FROM holdfast_sessions WHERE key = $1",
      values: [key],
      rowMode: "array",
    });
    await client.end();
    return asRow(rows[0]!);
  },

  async mysql(key) {
    const connection = await mysql.createConnection(servers.get("mariadb")!.url);
    const sql =
      "SELECT CAST(`key` AS CHAR), CAST(version AS CHAR), expires_at, CAST(value AS CHAR) FROM holdfast_sessions WHERE `key` = ?";
    const [rows] = await connection.query({ sql, rowsAsArray: true }, [key]);
    await connection.end();
    return asRow((rows as unknown[][])[0]!);
  },

  async sqlite(key) {
    const client = createClient({ url: `file:${file}` });
    const { rows } = await client.execute({
      sql: "SELECT key, version, expires_at, CAST(value AS TEXT) FROM holdfast_sessions WHERE key = ?",
      args: [key],
    });
    client.close();
    return asRow([0, 1, 2, 3].map((i) => rows[0]![i]));
  },

  async mongodb(key) {
    const { client, collection } = await connectMongodb(servers.get("mongodb")!, {}, "sessions");
    const { _id, version, expiresAt, value } = (await collection.findOne({ _id: key as never }))!;
    await client.close();
    return asRow([_id, version, expiresAt.getTime(), value]).replace(/^key /, "_id ");
  },

  memcached(key) {
    const { port, host } = servers.get("memcached")!;
    return new Promise((resolve, reject) => {
      const socket = connect(port, host, () => socket.write(`get ${key}\r\n`));
      socket
        .setEncoding("utf8")
        .once("error", reject)
        .once("data", (text: string) => {
          socket.destroy();
          resolve(`${key}\n${text.slice(text.indexOf("\r\n") + 2, text.lastIndexOf("\r\nEND"))}`);
        });
    });
  },
};

async function fromRedis(key: string): Promise<string> {
  const client = await createRedis({ url: servers.get("redis")!.url }).connect();
  const value = await client.get(key);
  await client.close();
  return `${key}\n${value}`;
}

/** `memcache-client` takes an address without a scheme. */
function addressOf({ url }: Service): string {
  return url.replace(/^memcached:\/\//, "");
}

function asRow([key, version, expiresAt, value]: readonly unknown[]): string {
  return `key         ${key}\nversion     ${version}\nexpires_at  ${expiresAt}\nvalue       ${value}`;
}

/** The first lines of a page make `storage`; then a session is stored in it, and found again. */
const STORE = `
  import { createStore } from "holdfast";
  const { storage } = await import(process.argv.at(-1));
  const store = createStore({ storage });
  const { id, token } = await store.create({ userId: 1, cart: ["anchor", "rope", "wall-hook"] });
  if ((await store.getByToken(token))?.get("userId") !== 1) throw new Error("it is not there");
  console.log("holdfast:" + id.slice(id.indexOf("_") + 1));
  process.exit();
`;

function onNode(name: string, module: string): string[] {
  const program = name === "sqlite" ? SQLITE_RUNTIMES["node:sqlite"] : process.execPath;
  return [program, "--input-type=module", "-e", STORE, module];
}

/** Deno takes no arguments with a program on the command line. */
function onDeno(module: string): string[] {
  const program = join(result.directory, "deno-kv-store.js");
  writeFileSync(program, STORE);
  return [...commandOf("deno", pathToFileURL(program).href).flat(), module];
}

/** A page whose server this machine lacks was told of above. That of Cloudflare is run in a Worker, by `runtimes`. */
const tried = pages.filter(
  ({ path, name, text }) =>
    path.startsWith("docs/storages/") &&
    !["README", "drivers", "cloudflare"].includes(name) &&
    Object.entries(PLACES).every(([place, server]) => servers.has(server) || !text.includes(place)) &&
    (front || name !== "upstash"),
);

for (const page of tried) {
  const { name, path, blocks } = page;
  test(`${path}: its first lines keep sessions, as it shows them`, async () => {
    const module = join(result.directory, `${moduleOf(page)}.js`);
    const [program, ...args] = name === "deno-kv" ? onDeno(module) : onNode(name, module);
    const env = {
      ...process.env,
      NODE_NO_WARNINGS: "1",
      UPSTASH_TOKEN: TOKEN,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      DENO_DIR: directory,
      SESSION_KEY: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url"),
    };
    const { output, code } = await run(program!, args, env);
    assert.equal(code, 0, output);
    const key = /^holdfast:[\w-]{43}$/m.exec(output)?.[0] ?? "";
    const shown = blocks.find(({ language, heading }) => language === "text" && heading === "What is stored");
    const read = STORED[name];
    assert.equal(shown === undefined, read === undefined, "a page that shows what is stored is compared with it");
    if (shown && read) assert.equal(alike(shown.code), alike(await read(key)), `stored is\n${await read(key)}`);
  });
}

test("the printed schema is the one that each page shows", async () => {
  for (const [name, make] of [
    ["postgres", "postgresStorage"],
    ["mysql", "mysqlStorage"],
    ["sqlite", "sqliteStorage"],
    ["cloudflare", "d1Storage"],
  ] as const) {
    const client =
      name === "cloudflare" ? "{ prepare() {}, batch() {} }" : "{ query() {}, execute() {}, prepare() {} }";
    const { output } = await run(process.execPath, [
      "--input-type=module",
      "-e",
      `import { ${make} } from "holdfast/storage/${name}"; console.log(${make}(${client}).schemaSql());`,
    ]);
    const shown = pageAt(`storages/${name}`).blocks.find(({ language }) => language === "sql");
    assert.equal(plain(shown?.code ?? ""), plain(output), output);
  }
});

/** What differs from session to session is made the same: hash, checksum, write id, version, time. */
function alike(text: string): string {
  return text
    .replace(/\be1\.[\w-]{8}\.[\w-]+/g, "<sealed>")
    .replace(/[\w-]{43}/g, "<hash>")
    .replace(/"w":"[\w-]{6}"/g, "<write>")
    .replace(/\b1:[0-9a-z]{1,7}\n/g, "<checksum>\n")
    .replace(/\b(000)?\d{13}\b/g, "<$1time>")
    .replace(/(?<![\w-])[\w-]{12}(?=[.\n])/g, "<version>")
    .trimEnd();
}

/** Long statements are broken into lines on the page. */
function plain(sql: string): string {
  return sql.replace(/\s+/g, " ").replace(/\( /g, "(").replace(/ \)/g, ")").trim();
}
