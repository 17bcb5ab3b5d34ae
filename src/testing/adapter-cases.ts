import type { AdapterClient, Received } from "./adapter-client.js";

type NewClient = () => AdapterClient;

/** What has to hold in every framework, by name. */
export const ADAPTER_CASES: Readonly<Record<string, (newClient: NewClient) => Promise<void>>> = {
  "a visitor whose session is not used gets no cookie, and nothing is stored": visitor,
  "a visitor whose session is only read gets no cookie, and nothing is stored": reader,
  "a cookie that is no token is no session, and no error": strangers,
  "a value is stored before its cookie is sent, and two visitors have two sessions": write,
  "a form keeps what was typed": form,
  "fifty overlapping increments are all counted": increments,
  "a login sends a new token with the framework's own redirect, and keeps the data": login,
  "a token from before a login opens nothing": oldToken,
  "a guard lets only those pass who are logged in": guard,
  "a stream arrives whole, after its session is stored": stream,
  "an exception is an error of the framework, and what was written before it is kept": thrown,
  "a storage that is down is an error, never an empty session": down,
  "a storage that cannot write is an error, and no cookie is sent": readOnly,
  "a logout removes the cookie, and the token opens nothing": logout,
  "a slow request does not undo a logout": slow,
};

/** What `/data` returns. */
interface Data {
  readonly owner: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

async function visitor(newClient: NewClient): Promise<void> {
  const before = await count(newClient);
  const received = await newClient().get("/untouched");
  check(received.status === 200, `GET /untouched returned ${received.status}`);
  check(received.cookies.length === 0, "the response has a session cookie");
  check((await count(newClient)) === before, "something was stored");
}

async function reader(newClient: NewClient): Promise<void> {
  const before = await count(newClient);
  const client = newClient();
  const { owner, data } = await dataOf(client);
  check(owner === null && Object.keys(data).length === 0, "the session of a visitor is not empty");
  check(client.token === undefined, "the response has a session cookie");
  check((await count(newClient)) === before, "something was stored");
}

async function strangers(newClient: NewClient): Promise<void> {
  for (const token of ["x", "A".repeat(43), "%00", "A".repeat(3000), '"quoted"']) {
    const client = newClient();
    client.token = token;
    const { owner } = await dataOf(client);
    check(owner === null, `${token.slice(0, 9)} opens a session`);
  }
}

async function write(newClient: NewClient): Promise<void> {
  const [ann, bob] = [newClient(), newClient()];
  const received = succeeded(await ann.post("/set", { key: "name", value: "ann" }), "POST /set");
  check(received.cookies.length === 1, `the response has ${received.cookies.length} session cookies`);
  for (const attribute of [/; Max-Age=[1-9]\d*/i, /; Path=\//i, /; HttpOnly/i, /; SameSite=Lax/i])
    check(attribute.test(received.cookies[0]!), `the cookie has no ${attribute.source}`);
  check(/no-store/.test(received.headers.get("cache-control") ?? ""), "the response may be stored by caches");
  await bob.post("/set", { key: "name", value: "bob" });
  check((await dataOf(ann)).data["name"] === "ann", "the value was not stored");
  check((await dataOf(bob)).data["name"] === "bob", "two visitors share a session");
}

async function form(newClient: NewClient): Promise<void> {
  const client = newClient();
  const value = "a&b=c+d %20 é 日本 \u{1f600}";
  succeeded(await client.post("/set", { key: "text", value }), "POST /set");
  check((await dataOf(client)).data["text"] === value, "the value differs from what was sent");
}

async function increments(newClient: NewClient): Promise<void> {
  const client = newClient();
  succeeded(await client.post("/set", { key: "other", value: "kept" }), "POST /set");
  const all = await Promise.all(Array.from({ length: 50 }, () => client.copy().post("/increment")));
  for (const received of all) succeeded(received, "POST /increment");
  const { data } = await dataOf(client);
  check(data["n"] === 50, `50 increments made ${String(data["n"])}`);
  check(data["other"] === "kept", "another key was lost");
}

async function login(newClient: NewClient): Promise<void> {
  const client = newClient();
  await client.post("/set", { key: "cart", value: "rope" });
  const before = client.token;
  const received = await client.post("/login", { user: "ann" });
  check(isRedirect(received, "/account"), `POST /login returned ${shown(received)}, not a redirect to /account`);
  check(received.cookies.length === 1, `the redirect has ${received.cookies.length} session cookies`);
  check(client.token !== undefined && client.token !== before, "the token is still the one from before the login");
  const { owner, data } = await dataOf(client);
  check(owner === "ann", "the session behind the redirect's cookie has no owner");
  check(data["cart"] === "rope", "the data from before the login was lost");
}

async function oldToken(newClient: NewClient): Promise<void> {
  const client = newClient();
  await client.post("/set", { key: "cart", value: "rope" });
  const before = client.copy();
  await client.post("/login", { user: "ann" });
  const { owner, data } = await dataOf(before);
  check(owner === null && Object.keys(data).length === 0, "the old token still opens the session");
  check((await dataOf(client)).owner === "ann", "the old token ended the session");
}

async function guard(newClient: NewClient): Promise<void> {
  const client = newClient();
  const refused = await client.get("/account");
  check(refused.status !== 200, "GET /account lets a visitor pass");
  check(refused.status < 500, `GET /account returned ${refused.status} to a visitor`);
  await client.post("/login", { user: "ann" });
  const { text } = succeeded(await client.get("/account"), "GET /account after the login");
  check(text.includes("ann"), "GET /account does not name the owner");
}

async function stream(newClient: NewClient): Promise<void> {
  const client = newClient();
  const { text } = succeeded(await client.get("/stream"), "GET /stream");
  check(text === "one\ntwo\nthree\n", `the body is ${JSON.stringify(text)}`);
  check(client.token !== undefined, "the response has no session cookie");
  check((await dataOf(client)).data["streamed"] === "yes", "what was written before the first byte was not stored");
}

async function thrown(newClient: NewClient): Promise<void> {
  const client = newClient();
  await client.post("/set", { key: "name", value: "ann" });
  const received = await client.get("/throw");
  check(received.status >= 500, `GET /throw returned ${received.status}`);
  const { data } = await dataOf(client);
  check(data["name"] === "ann", "the session was lost");
  check(data["thrown"] === "yes", "what was written before the exception was lost");
  const other = newClient();
  await other.get("/throw");
  if (other.token !== undefined)
    check((await dataOf(other)).data["thrown"] === "yes", "the cookie names a session that was not stored");
}

async function down(newClient: NewClient): Promise<void> {
  const client = newClient();
  await client.post("/login", { user: "ann" });
  await during("down", newClient, async () => {
    for (const received of [await client.copy().get("/data"), await client.copy().post("/increment")]) {
      check(received.status >= 500, `a request returned ${received.status} while the storage was down`);
      check(received.cookies.length === 0, "a cookie was sent while the storage was down");
    }
  });
  check((await dataOf(client)).owner === "ann", "the session was lost");
}

async function readOnly(newClient: NewClient): Promise<void> {
  const [client, other] = [newClient(), newClient()];
  await client.post("/set", { key: "name", value: "ann" });
  await during("read-only", newClient, async () => {
    const failed = [
      await client.copy().post("/set", { key: "name", value: "eve" }),
      await client.copy().post("/login", { user: "eve" }),
      await other.post("/set", { key: "name", value: "eve" }),
      await other.get("/stream"),
    ];
    for (const received of failed) {
      check(received.status >= 500, `${shown(received)} although nothing could be stored`);
      check(received.cookies.length === 0, "a cookie was sent although nothing could be stored");
    }
    check((await dataOf(client)).data["name"] === "ann", "reading fails while the storage is read-only");
  });
  check((await dataOf(client)).data["name"] === "ann", "a failed write has an effect");
}

async function logout(newClient: NewClient): Promise<void> {
  const client = newClient();
  await client.post("/login", { user: "ann" });
  const before = client.copy();
  const received = await client.post("/logout");
  check(isRedirect(received, "/untouched"), `POST /logout returned ${shown(received)}, not a redirect to /untouched`);
  check(received.cookies.length === 1 && client.token === undefined, "the response does not remove the cookie");
  const { owner, data } = await dataOf(before.copy());
  check(owner === null && Object.keys(data).length === 0, "the token still opens the session");
  const again = before.copy();
  await again.post("/set", { key: "name", value: "eve" });
  check(again.token !== before.token, "a write with an ended token stored a session under it");
}

async function slow(newClient: NewClient): Promise<void> {
  const client = newClient();
  await client.post("/login", { user: "ann" });
  const before = client.copy();
  const late = client.copy();
  const waiting = late.get("/slow");
  await new Promise((resolve) => setTimeout(resolve, 100));
  await client.post("/logout");
  const received = await waiting;
  const isRestored = received.cookies.some((line) => line.includes(before.token!));
  check(!isRestored, "a response after the logout carries the cookie from before it");
  for (const one of [before, late])
    check((await dataOf(one)).owner === null, "the slow request restored the session");
}

async function during(state: string, newClient: NewClient, act: () => Promise<void>): Promise<void> {
  await newClient().get(`/storage?do=${state}`);
  try {
    await act();
  } finally {
    await newClient().get("/storage?do=up");
  }
}

async function count(newClient: NewClient): Promise<number> {
  const { text } = succeeded(await newClient().get("/storage?do=count"), "GET /storage?do=count");
  return Number(text);
}

async function dataOf(client: AdapterClient): Promise<Data> {
  const { text } = succeeded(await client.get("/data"), "GET /data");
  return JSON.parse(text) as Data;
}

function succeeded(received: Received, what: string): Received {
  check(received.status === 200, `${what} returned ${shown(received)}`);
  return received;
}

function shown({ status, text }: Received): string {
  return `${status} ${JSON.stringify(text.slice(0, 80))}`;
}

function isRedirect({ status, headers }: Received, to: string): boolean {
  const location = new URL(headers.get("location") ?? "/none", "http://localhost");
  return status >= 300 && status < 400 && location.pathname.endsWith(to);
}

/** Fails the case with what does not hold. */
function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}
