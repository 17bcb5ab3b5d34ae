/** What sessions promise, told in a few requests: whatever the client, all of it holds. */
import assert from "node:assert/strict";
import { createStore, type Storage } from "holdfast";
import { session } from "holdfast/fetch";

interface Data {
  readonly n: number;
  readonly cart: readonly string[];
}

/** Somebody of this process: the list of an owner's sessions grows with each login. */
const INES = `ines-${crypto.randomUUID()}`;

/** Requests that overlap. */
const OVERLAPPING = 6;

class Browser {
  readonly #handle: (work: Work) => (request: Request) => Promise<Response>;
  cookie = "";

  constructor(handle: (work: Work) => (request: Request) => Promise<Response>) {
    this.#handle = handle;
  }

  /** One request; answers what the handler returned. */
  async visit<T>(work: (session: SessionOf) => T | Promise<T>): Promise<T> {
    let told: T | undefined;
    const headers: Record<string, string> = this.cookie ? { cookie: this.cookie } : {};
    const answer = await this.#handle(async (current) => void (told = await work(current)))(
      new Request("http://localhost/", { headers }),
    );
    for (const line of answer.headers.getSetCookie()) this.cookie = line.split(";")[0]!;
    return told as T;
  }
}

type SessionOf = ReturnType<ReturnType<typeof session<Data>>["get"]>;
type Work = (session: SessionOf) => unknown;

/** Each story, by what it shows. */
export const STORIES: Readonly<Record<string, (storage: Storage) => Promise<void>>> = {
  async "a visitor who changes nothing gets no cookie"(storage) {
    const browser = browserOf(storage);
    assert.equal(await browser.visit((current) => current.get("n")), undefined);
    assert.equal(browser.cookie, "");
  },

  async "what one request stores, the next one reads"(storage) {
    const browser = browserOf(storage);
    await browser.visit((current) => current.set("cart", ["rope", "Schäkel ⚓", "'\"\\\u0000"]));
    assert.deepEqual(await browser.visit((current) => current.get("cart")), ["rope", "Schäkel ⚓", "'\"\\\u0000"]);
  },

  async "of requests that overlap none is lost"(storage) {
    const browser = browserOf(storage);
    await browser.visit((current) => current.set("n", 0));
    const visits = Array.from({ length: OVERLAPPING }, () =>
      browser.visit((current) => current.update("n", (n = 0) => n + 1)),
    );
    await Promise.all(visits);
    assert.equal(await browser.visit((current) => current.get("n")), OVERLAPPING);
  },

  async "a login gives another token, and the earlier one opens nothing"(storage) {
    const browser = browserOf(storage);
    await browser.visit((current) => current.set("cart", ["rope"]));
    const thief = browserOf(storage);
    thief.cookie = browser.cookie;
    await browser.visit((current) => current.authenticate(INES));
    assert.notEqual(browser.cookie, thief.cookie);
    assert.deepEqual(await browser.visit((current) => [current.owner, current.get("cart")]), [INES, ["rope"]]);
    assert.equal(await thief.visit((current) => current.owner), undefined);
  },

  async "a logout ends the session for whoever has its cookie"(storage) {
    const browser = browserOf(storage);
    await browser.visit((current) => current.authenticate(INES));
    const copy = browserOf(storage);
    copy.cookie = browser.cookie;
    await browser.visit((current) => current.destroy());
    assert.equal(await copy.visit((current) => current.owner), undefined);
  },

  async "all sessions of an owner are listed, and end at once"(storage) {
    const owner = crypto.randomUUID();
    const store = createStore<Data>({ storage, storageTimeout: "20s", commitTimeout: "40s" });
    const browsers = [browserOf(storage), browserOf(storage)];
    for (const browser of browsers) await browser.visit((current) => current.authenticate(owner));
    assert.equal((await store.listByOwner(owner)).length, browsers.length);
    assert.equal(await store.deleteByOwner(owner), browsers.length);
    for (const browser of browsers) assert.equal(await browser.visit((current) => current.owner), undefined);
  },
};

function browserOf(storage: Storage): Browser {
  let failure: unknown;
  const sessions = session<Data>({
    storage,
    storageTimeout: "20s",
    commitTimeout: "40s",
    errorHandler(error) {
      failure = error;
      return new Response(null, { status: 503 });
    },
  });
  return new Browser((work) => async (request) => {
    const answer = await sessions(async (asked) => {
      await work(sessions.get(asked));
      return new Response(null, { status: 204 });
    })(request);
    if (answer.status !== 204) throw failure as Error;
    return answer;
  });
}
