/**
 * The programs of docs/migrate/authjs.md and docs/migrate/lucia.md are run: the real libraries log a user in, in a real
 * database, and the page's application goes on with that session.
 */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test, type TestContext } from "node:test";
import type { AdoptionSource } from "holdfast/adopt";
import { session } from "holdfast/node";
import { compiled, pageAt } from "../docs/pages.js";
import { clientOf, programsOf, type Module } from "../docs/running.js";
import { Client } from "../support/client.js";
import { service } from "../support/services.js";
import { importedFrom } from "./programs/packages.js";

/** Installed for these tests alone. */
const PACKAGES: Readonly<Record<string, string>> = {
  "@auth/core": "0.41.3",
  "@auth/pg-adapter": "1.11.3",
  "@lucia-auth/adapter-postgresql": "3.1.2",
  lucia: "3.2.2",
};
const DAY_MS = 86_400_000;
const library = (file: string): Promise<any> => importedFrom(PACKAGES, file);

const { Pool } = createRequire(import.meta.url)("pg") as { Pool: new (options: object) => any };
const { url } = await service("postgres");
const pages = [pageAt("migrate/authjs"), pageAt("migrate/lucia")];
const result = await compiled({ "new Pool()": `new Pool({ connectionString: ${JSON.stringify(url)} })` }, pages);
const pool = new Pool({ connectionString: url });
after(async () => {
  result.remove();
  await pool.end();
});

async function programOf(t: TestContext, page: number, program: number): Promise<Module> {
  const module = await programsOf(pages[page]!, result.directory)[program]!.run();
  if (module["pool"]) t.after(() => module["pool"].end());
  return module;
}

before(() => assert.equal(result.says, ""));

test("Auth.js with a database: its session goes on once, and is removed there", async (t) => {
  for (const table of [
    'users (id SERIAL PRIMARY KEY, name TEXT, email TEXT, "emailVerified" TIMESTAMPTZ, image TEXT)',
    'sessions (id SERIAL PRIMARY KEY, "userId" INTEGER, expires TIMESTAMPTZ NOT NULL, "sessionToken" TEXT NOT NULL)',
  ])
    await pool.query(`CREATE TABLE ${table}`);
  const adapter = (await library("@auth/pg-adapter/index.js")).default(pool);
  const { id: userId } = await adapter.createUser({ name: "Ann", email: "ann@example.com", emailVerified: null });
  const sessionToken = crypto.randomUUID();
  await adapter.createSession({ sessionToken, userId, expires: new Date(Date.now() + DAY_MS) });
  const cookie = `__Secure-authjs.session-token=${sessionToken}`;
  const { Auth } = await library("@auth/core/index.js");
  const config = { adapter, secret: "a secret", trustHost: true, basePath: "/auth", providers: [] };
  const theirs = async (): Promise<any> =>
    (await Auth(new Request("https://shop.example/auth/session", { headers: { cookie } }), config)).json();
  assert.equal((await theirs()).user.name, "Ann");
  const { app } = await programOf(t, 0, 0);
  const client = await clientOf(t, app);
  assert.equal((await client.get("/", { headers: { cookie } })).body, "hello Ann");
  assert.equal((await client.get("/")).body, "hello Ann");
  assert.equal(await theirs(), null);
});

test("Auth.js with a JWT: the user who signed in there goes on, and a forged token is nobody", async (t) => {
  const { fromAuthjsToken, secret } = await programOf(t, 0, 1);
  const { Auth } = await library("@auth/core/index.js");
  const { decode } = await library("@auth/core/jwt.js");
  const Credentials = (await library("@auth/core/providers/credentials.js")).default;
  const authorize = ({ name }: { name: string }): object => ({ id: "42", name });
  const providers = [Credentials({ credentials: { name: {} }, authorize })];
  const config = { secret, trustHost: true, basePath: "/auth", providers };
  const cookie = await signedIn((request) => Auth(request, config));
  const origin = await serving(t, fromAuthjsToken(decode));
  const client = new Client(origin);
  assert.equal((await client.get("/", { headers: { cookie } })).body, "42");
  assert.equal((await client.get("/")).body, "42");
  for (const forged of [`${cookie}x`, cookie.replace("=ey", "=ez"), "__Secure-authjs.session-token=nothing"])
    assert.equal((await new Client(origin).get("/", { headers: { cookie: forged } })).body, "nobody");
});

/** Signs in with the form of Auth.js; returns the cookie of the session. */
async function signedIn(auth: (request: Request) => Promise<Response>): Promise<string> {
  const first = await auth(new Request("https://shop.example/auth/csrf"));
  const { csrfToken } = (await first.json()) as { csrfToken: string };
  const response = await auth(
    new Request("https://shop.example/auth/callback/credentials", {
      method: "POST",
      headers: {
        cookie: first.headers
          .getSetCookie()
          .map((line) => line.split(";")[0])
          .join("; "),
      },
      body: new URLSearchParams({ csrfToken, name: "Ann" }),
    }),
  );
  const line = response.headers.getSetCookie().find((one) => one.startsWith("__Secure-authjs.session-token="));
  assert.ok(line, `${response.status} ${response.headers.get("location")}`);
  return line.split(";")[0]!;
}

async function serving(t: TestContext, source: AdoptionSource): Promise<string> {
  const sessions = session({ adopt: [source] });
  const client = await clientOf(
    t,
    sessions((req, res) => void res.end(sessions.get(req).owner ?? "nobody")),
  );
  return client.origin;
}

test("Lucia: its session goes on once, and is removed there; a session of nobody is none", async (t) => {
  await pool.query("CREATE TABLE auth_user (id TEXT PRIMARY KEY)");
  await pool.query(
    "CREATE TABLE session (id TEXT PRIMARY KEY, user_id TEXT NOT NULL, expires_at TIMESTAMPTZ NOT NULL)",
  );
  await pool.query("INSERT INTO auth_user VALUES ('123')");
  const { Lucia } = await library("lucia/dist/index.js");
  const { NodePostgresAdapter } = await library("@lucia-auth/adapter-postgresql/dist/index.js");
  const lucia = new Lucia(new NodePostgresAdapter(pool, { user: "auth_user", session: "session" }));
  const { id } = await lucia.createSession("123", {});
  const cookie = lucia.createSessionCookie(id).serialize().split(";")[0] as string;
  const { app } = await programOf(t, 1, 0);
  const client = await clientOf(t, app);
  assert.equal((await client.get("/", { headers: { cookie: "auth_session=forged" } })).body, "nobody");
  assert.equal((await client.get("/", { headers: { cookie } })).body, "user 123");
  assert.equal((await client.get("/")).body, "user 123");
  assert.equal((await lucia.validateSession(id)).session, null);
  await client.post("/logout");
  assert.equal((await client.get("/", { headers: { cookie } })).body, "nobody");
});
