import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { testClock } from "holdfast/testing";
import {
  ADAPTERS,
  startApp,
  type AdapterName,
  type AppOptions,
  type Handle,
  type Routes,
} from "../../support/apps.js";
import { Client, type Answer, type Sent } from "../../support/client.js";
import { withService } from "../../support/services.js";
import { until } from "../../support/within.js";

const PUBLIC = { "cache-control": "public, max-age=3600, s-maxage=3600" };
const STATUSES = [301, 302, 303, 308, 404, 410];

const user = (h: Handle): string => h.session.get("user") ?? "nobody";
const put = (h: Handle): void => h.session.set("seen", `by ${user(h)}`);

/** An answer that says for whom it is, in its body or where it leads. */
const personal =
  (status: number, headers: Record<string, string>, before: (h: Handle) => unknown = () => {}): Routes[string] =>
  async (h) => {
    await before(h);
    const leads: Record<string, string> = status < 400 && status >= 300 ? { location: `/of/${user(h)}` } : {};
    return h.answer({ status, headers: { ...headers, ...leads }, body: `for ${user(h)}` });
  };

/** Pages that read the session, each called public and once left alone. */
const READING: Routes = {
  "/get": personal(200, PUBLIC),
  "/get/bare": personal(200, {}),
  "/get/page.css": personal(200, { ...PUBLIC, "content-type": "text/css" }),
  "/get/tagged": personal(200, { ...PUBLIC, etag: '"same"' }),
  "/json": (h) => h.answer({ headers: PUBLIC, body: JSON.stringify(h.session) }),
  "/keys": (h) =>
    h.answer({
      headers: PUBLIC,
      body: h.session
        .keys()
        .map((key) => h.session.get(key))
        .join(),
    }),
  "/stream": (h) => h.stream((write) => write(`for ${user(h)}`), { headers: PUBLIC }),
  ...Object.fromEntries(
    STATUSES.flatMap((status) => [
      [`/${status}`, personal(status, PUBLIC)],
      [`/${status}/bare`, personal(status, {})],
    ]),
  ),
};

/** Pages whose answer carries a token. */
const WRITING: Routes = {
  "/put": personal(200, PUBLIC, put),
  "/put/bare": personal(200, {}, put),
  "/put/page.css": personal(200, PUBLIC, put),
  ...Object.fromEntries([301, 303, 404].map((status) => [`/put/${status}`, personal(status, PUBLIC, put)])),
  "/save": personal(200, PUBLIC, (h) => h.session.save()),
  "/renew": personal(200, PUBLIC, (h) => {
    put(h);
    return h.session.regenerate();
  }),
  "/token": (h) => {
    put(h);
    return h.answer({ headers: PUBLIC, body: h.session.token });
  },
};

let pages = 0;
const plain =
  (status: number, headers: Record<string, string> = {}): Routes[string] =>
  (h) =>
    h.answer({ status, headers, body: `page ${++pages}` });

/** Pages for everybody. */
const PLAIN: Routes = {
  "/plain": plain(200, PUBLIC),
  "/plain/bare": plain(200),
  "/plain/due": plain(200, PUBLIC),
  "/plain/due/bare": plain(200),
  "/plain/301": plain(301, { location: "/plain" }),
  "/plain/404": plain(404),
};

const login: Routes[string] = async (h) => {
  await h.session.regenerate();
  h.session.set("user", await h.readBody());
  return h.answer({ body: "welcome" });
};

const end: Routes[string] = async (h) => {
  await h.session.destroy();
  return h.answer({ headers: PUBLIC, body: "ended" });
};

await withService("nginx", ({ url }) => {
  suite("attack 97: two people behind a shared cache", () => {
    for (const { name } of ADAPTERS) {
      test(`${name}: a page that reads the session is each one's own, whatever its status and headers`, async (t) => {
        const town = await Town.at(t, url, name, { ...READING, "/login": login });
        const [ines, mara] = await town.loggedIn("Ines", "Mara");
        for (const path of Object.keys(READING)) {
          for (const method of ["GET", "HEAD", "GET"]) {
            for (const person of [ines, mara, town.visitor()]) {
              const answer = await person.ask(path, { method });
              if (method === "GET" && path.startsWith("/get")) assert.equal(answer.body, `for ${person.user}`, path);
              if (answer.headers.location) assert.equal(answer.headers.location, `/of/${person.user}`, path);
              if (!path.endsWith("/bare")) assert.notEqual(answer.headers["x-cache"], "HIT", path);
            }
          }
        }
      });

      test(`${name}: a page with a cookie: each visitor gets her own cookie, every time`, async (t) => {
        const town = await Town.at(
          t,
          url,
          name,
          { ...WRITING, "/login": login, "/end": end },
          { sessions: { refreshInterval: 0 } },
        );
        const [ines, mara] = await town.loggedIn("Ines", "Mara");
        for (const path of Object.keys(WRITING)) {
          for (const person of [ines, mara, town.visitor(), town.visitor(), ines]) {
            const answer = await person.ask(path);
            assert.deepEqual(
              [answer.headers["x-cache"], answer.headers["cache-control"]],
              ["MISS", "no-store"],
              path,
            );
            assert.equal(answer.setCookies.length, 1, path);
          }
        }
        assert.equal((await ines.ask("/end")).body, "ended");
        assert.equal((await mara.ask("/put")).body, "for Mara", "one logout is not everybody's");
        await mara.ask("/end");
        assert.equal((await mara.ask("/put")).body, "for nobody");
      });

      test(`${name}: a shared page is cached, also with a session and a cookie that is due, which waits for a page that is not shared`, async (t) => {
        const clock = testClock();
        const town = await Town.at(t, url, name, { ...PLAIN, "/login": login }, { sessions: { clock } });
        const [ines, mara] = await town.loggedIn("Ines", "Mara");
        for (const path of ["/plain", "/plain/bare", "/plain/301", "/plain/404"]) {
          const first = await ines.ask(path);
          const others = [await mara.ask(path), await town.visitor().ask(path)];
          assert.deepEqual(
            [first, ...others].map(({ headers }) => headers["x-cache"]),
            ["MISS", "HIT", "HIT"],
            path,
          );
          assert.deepEqual(
            others.map(({ body }) => body),
            [first.body, first.body],
            path,
          );
        }
        clock.advance("10m");
        for (const [person, kept] of [
          [ines, "MISS"],
          [mara, "HIT"],
          [town.visitor(), "HIT"],
        ] as const) {
          const page = await person.ask("/plain/due");
          assert.deepEqual(
            [page.headers["x-cache"], page.headers["cache-control"], page.setCookies],
            [kept, PUBLIC["cache-control"], []],
          );
        }
        for (const person of [ines, mara]) {
          const due = await person.ask("/plain/due/bare");
          assert.deepEqual(
            [due.headers["x-cache"], due.headers["cache-control"], due.setCookies.length],
            ["MISS", "no-store", 1],
          );
        }
        for (const expected of ["MISS", "HIT"])
          assert.equal((await town.visitor().ask("/plain/due/bare")).headers["x-cache"], expected);
        assert.deepEqual((await ines.ask("/plain/due/bare")).setCookies, []);
      });
    }

    test("a page that loads the session late is each one's own", async (t) => {
      const late: Routes = {
        "/late": async (h) =>
          h.answer({ headers: PUBLIC, body: `for ${(await h.loadSession()).get("user") ?? "nobody"}` }),
        "/login": async (h) => login(await loaded(h)),
      };
      const town = await Town.at(t, url, "express", late, { sessions: { load: "lazy" } });
      for (const person of [...(await town.loggedIn("Ines", "Mara")), town.visitor()])
        assert.equal((await person.ask("/late")).body, `for ${person.user}`);
    });

    test("a visitor who requests the same page at the same time waits for the other, and gets her own page", async (t) => {
      const town = await Town.at(t, url, "express", { ...READING, ...WRITING, "/login": login });
      const [ines, mara] = await town.loggedIn("Ines", "Mara");
      for (const path of ["/get", "/put"]) {
        const answers = await Promise.all([ines, mara].map((person) => person.ask(path)));
        assert.deepEqual(
          answers.map(({ body }) => body),
          ["for Ines", "for Mara"],
        );
      }
    });

    test("a 304 that validates a cached page carries no visitor's cookie", async (t) => {
      const tagged: Routes[string] = (h) => {
        const isKnown = h.native.req.headers["if-none-match"] === '"same"';
        return h.answer({
          status: isKnown ? 304 : 200,
          headers: { "cache-control": "public, max-age=1", etag: '"same"' },
          ...(isKnown ? {} : { body: "for everybody" }),
        });
      };
      const town = await Town.at(
        t,
        url,
        "node",
        { "/tagged": tagged, "/login": login },
        { sessions: { refreshInterval: 0 } },
      );
      const [ines, mara] = await town.loggedIn("Ines", "Mara");
      assert.equal((await town.visitor().ask("/tagged")).headers["x-cache"], "MISS");
      await until(
        "the page to be asked for again on behalf of Ines",
        async () => (await ines.ask("/tagged")).headers["x-cache"] === "REVALIDATED",
        20_000,
      );
      for (const person of [mara, town.visitor(), ines])
        assert.equal((await person.ask("/tagged")).body, "for everybody");
      assert.equal((await mara.ask("/tagged", { headers: { "if-none-match": '"same"' } })).status, 304);
    });

    test("this proxy does hand on what careless applications call public: a cookie, and a page", async (t) => {
      const careless: Routes = {
        "/cookie": (h) =>
          h.answer({
            headers: { ...PUBLIC, "set-cookie": `session_id=${"t".repeat(30)}${++pages}; Path=/` },
            body: "welcome",
          }),
        "/page": (h) => h.answer({ headers: PUBLIC, body: `for ${h.native.req.headers["x-user"]}` }),
      };
      const town = await Town.at(t, url, "express", careless, { sessions: [] });
      const [ines, mara] = [town.person("Ines"), town.person("Mara")];
      await ines.ask("/cookie");
      await assert.rejects(mara.ask("/cookie"), /Mara was answered a token of Ines/);
      await ines.ask("/page", { headers: { "x-user": "Ines" } });
      await assert.rejects(mara.ask("/page", { headers: { "x-user": "Mara" } }), /Mara was answered a page of Ines/);
    });
  });
});

/** The same handle once its session is loaded. */
async function loaded(h: Handle): Promise<Handle> {
  await h.loadSession();
  return h;
}

/** An application behind the proxy, and everybody who goes there. */
class Town {
  readonly #proxy: string;
  readonly #host: string;
  readonly #people: Person[] = [];

  private constructor(proxy: string, port: number) {
    this.#proxy = proxy;
    this.#host = `${port}.shop.test`;
  }

  static async at(
    t: { after(end: () => unknown): void },
    proxy: string,
    adapter: AdapterName,
    routes: Routes,
    options: AppOptions = {},
  ): Promise<Town> {
    const app = await startApp(adapter, options, routes);
    t.after(() => app.close());
    return new Town(proxy, app.port);
  }

  person(name: string): Person {
    const person = new Person(name, new Client(this.#proxy), this.#host, this.#people);
    this.#people.push(person);
    return person;
  }

  /** Somebody who was never there before. */
  visitor(): Person {
    return this.person("nobody");
  }

  async loggedIn(...names: [string, string]): Promise<[Person, Person]> {
    const [one, two] = [this.person(names[0]), this.person(names[1])];
    for (const person of [one, two])
      assert.equal((await person.ask("/login", { method: "POST", body: person.user })).setCookies.length, 1);
    return [one, two];
  }
}

/** Checks, at every answer, that nothing in it belongs to somebody else. */
class Person {
  readonly user: string;
  readonly #client: Client;
  readonly #host: string;
  readonly #everybody: readonly Person[];
  readonly tokens: Set<string> = new Set<string>();

  constructor(user: string, client: Client, host: string, everybody: readonly Person[]) {
    this.user = user;
    this.#client = client;
    this.#host = host;
    this.#everybody = everybody;
  }

  async ask(path: string, sent: Sent = {}): Promise<Answer> {
    const answer = await this.#client.send(path, { ...sent, headers: { ...sent.headers, host: this.#host } });
    const text = `${answer.body} ${JSON.stringify(answer.headers)}`;
    for (const other of this.#everybody) {
      if (other === this) continue;
      assert.ok(
        ![...other.tokens].some((token) => text.includes(token)),
        `${path}: ${this.user} was answered a token of ${other.user}`,
      );
      assert.ok(
        other.user === this.user || !text.includes(other.user) || other.user === "nobody",
        `${path}: ${this.user} was answered a page of ${other.user}`,
      );
    }
    for (const token of this.#client.cookies.values()) this.tokens.add(token);
    return answer;
  }
}
