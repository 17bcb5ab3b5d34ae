"use strict";

/**
 * What express-session's own tests load as `../`: the drop-in with a storage of Holdfast wherever they pass a
 * MemoryStore. What they replace in that store to watch it or to make it fail is called by the storage.
 */
const { AsyncLocalStorage } = require("node:async_hooks");
const dropIn = require(process.env.HOLDFAST_DROP_IN);
const { memoryStorage } = require(process.env.HOLDFAST_MEMORY);

/** Set while a test itself calls a method of the store: what the storage then does is no call of the middleware. */
const byTest = new AsyncLocalStorage();
/** The storage of each store: two applications with one store have one storage. */
const storages = new WeakMap();

function session(options) {
  if (!(options?.store instanceof dropIn.MemoryStore)) return dropIn(options);
  const { store, ...rest } = options;
  const watched = storages.get(store) ?? new WatchedStorage(store);
  storages.set(store, watched);
  const middleware = dropIn({ ...rest, storage: watched, storageTimeout: "1s" });
  let isReady = true;
  store.on("disconnect", () => (isReady = false)).on("connect", () => (isReady = true));
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
  /** The callbacks of `#told`: a method that a test has wrapped passes them on to the stand-in, which is done then. */
  #callbacks = new WeakSet();

  constructor(store) {
    this.store = store;
    this.#standIn();
  }

  /** The methods of the store that the tests call tell what the storage has. */
  #standIn() {
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
          .map((name) => [
            name,
            (...args) => {
              const done = args.pop();
              if (this.#callbacks.has(done)) return done();
              const outside = (...result) => byTest.exit(done, ...result);
              return byTest.run(true, () => this.sessionStore[name](...args, outside));
            },
          ]),
      ),
    };
    for (const method of Object.values(methods)) this.#own.add(method);
    Object.assign(this.store, methods);
  }

  live() {
    return [...this.keys].filter((key) => (this.inner.get(key)?.expiresAt ?? 0) > Date.now());
  }

  /** A store says ENOENT for a session that it does not have, a storage returns nothing. */
  async get(key, ...rest) {
    try {
      await this.#told("get", key);
    } catch (error) {
      if (error.code === "ENOENT") return undefined;
      throw error;
    }
    return this.inner.get(key, ...rest);
  }

  async create(key, entry, ...rest) {
    await this.#told("set", key, { cookie: {} });
    this.keys.add(key);
    return this.inner.create(key, entry, ...rest);
  }

  async update(key, entry, ...rest) {
    const isEnd = entry.value.includes('"s":""');
    await (isEnd ? this.#told("destroy", key) : this.#told("set", key, { cookie: {} }));
    if (isEnd) this.keys.delete(key);
    return this.inner.update(key, entry, ...rest);
  }

  async touch(key, ...rest) {
    await this.#told("touch", key, {});
    return this.inner.touch(key, ...rest);
  }

  async delete(key, ...rest) {
    await this.#told("destroy", key);
    this.keys.delete(key);
    return this.inner.delete(key, ...rest);
  }

  /** Calls what a test has put in the place of a method. */
  #told(name, ...args) {
    const method = this.store[name];
    if (byTest.getStore() || !Object.hasOwn(this.store, name) || this.#own.has(method)) return undefined;
    return new Promise((resolve, reject) => {
      const done = (error) => (error ? reject(error) : resolve());
      this.#callbacks.add(done);
      method.call(this.store, ...args, done);
    });
  }
}

module.exports = Object.assign(session, dropIn);
