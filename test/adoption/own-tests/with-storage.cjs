"use strict";

/**
 * What express-session's own tests load as `../`: the drop-in with a storage of Holdfast wherever they pass a
 * MemoryStore. What they replace in that store to watch it or to make it fail is called by the storage.
 */
const dropIn = require(process.env.HOLDFAST_DROP_IN);
const { memoryStorage } = require(process.env.HOLDFAST_MEMORY);

function session(options) {
  if (!(options?.store instanceof dropIn.MemoryStore)) return dropIn(options);
  const { store, ...rest } = options;
  const watched = new WatchedStorage(store);
  const middleware = dropIn({ ...rest, storage: watched, storageTimeout: "1s" });
  let isReady = true;
  store.on("disconnect", () => (isReady = false)).on("connect", () => (isReady = true));
  watched.standIn();
  return (req, res, next) => {
    if (!isReady) return next();
    middleware(req, res, (error) => {
      watched.sessionStore ??= req.sessionStore;
      next(error);
    });
  };
}

class WatchedStorage {
  inner = memoryStorage();
  keys = new Set();
  sessionStore;
  #own = new Set();

  constructor(store) {
    this.store = store;
  }

  /** The methods of the store that the tests call tell what the storage has. */
  standIn() {
    const methods = {
      length: (done) => setImmediate(() => done(null, this.live().length)),
      all: (done) => setImmediate(() => done(null, Object.fromEntries(this.live().map((key) => [key, {}])))),
      clear: (done) => {
        this.inner = memoryStorage();
        this.keys.clear();
        setImmediate(() => done());
      },
      load: (id, done) => this.sessionStore.load(id, done),
      ...Object.fromEntries(
        ["get", "set"]
          .filter((name) => !Object.hasOwn(this.store, name))
          .map((name) => [name, (...args) => this.sessionStore[name](...args)]),
      ),
    };
    for (const method of Object.values(methods)) this.#own.add(method);
    Object.assign(this.store, methods);
  }

  live() {
    return [...this.keys].filter((key) => (this.inner.get(key)?.expiresAt ?? 0) > Date.now());
  }

  async get(key) {
    await this.#told("get", key);
    return this.inner.get(key);
  }

  async create(key, entry, call) {
    await this.#told("set", key, { cookie: {} });
    this.keys.add(key);
    return this.inner.create(key, entry, call);
  }

  async update(key, entry, version) {
    const isEnd = entry.value.includes('"s":""');
    await (isEnd ? this.#told("destroy", key) : this.#told("set", key, { cookie: {} }));
    if (isEnd) this.keys.delete(key);
    return this.inner.update(key, entry, version);
  }

  async touch(key, expiresAt, version) {
    await this.#told("touch", key, {});
    return this.inner.touch(key, expiresAt, version);
  }

  async delete(key, version) {
    await this.#told("destroy", key);
    this.keys.delete(key);
    return this.inner.delete(key, version);
  }

  /** Calls what a test has put in the place of a method. */
  #told(name, ...args) {
    const method = this.store[name];
    if (!Object.hasOwn(this.store, name) || this.#own.has(method)) return undefined;
    return new Promise((resolve, reject) => {
      method.call(this.store, ...args, (error) => (error ? reject(error) : resolve()));
    });
  }
}

module.exports = Object.assign(session, dropIn);
