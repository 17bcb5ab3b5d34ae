import type { IncomingMessage, ServerResponse } from "node:http";
import { fail } from "../adapters/node-adapter.js";
import type { GateHooks } from "../http/gate-hooks.js";
import { NodeHeaders } from "../http/node-request.js";
import { isResponse } from "../http/response-arguments.js";
import { holdResponse, prepareResponse } from "../http/response-patch.js";
import { environment, warn } from "../util/builtin.js";
import { ConnectRequest, type ConnectParts } from "./connect-request.js";
import { sessionFrom, Store, type ConnectStore } from "./connect-store.js";
import { warnOfDoubts, type DropInRequest, type DropInSettings } from "./dropin-options.js";
import { MemoryStore } from "./memory-store.js";
import { idIn, isUnderPath, noSecret, signingOf } from "./request-facts.js";
import { StoreCalls } from "./store-calls.js";

const requests = new WeakMap<object, ConnectRequest>();

/** Creates the middleware of the drop-in with a store for express-session. */
export function connectMiddleware(
  settings: DropInSettings,
  store: ConnectStore,
): (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void {
  if (store instanceof MemoryStore && environment("NODE_ENV") === "production")
    warn("holdfast: MemoryStore keeps sessions in this process alone; set `storage`, or another `store`");
  const calls = new StoreCalls(store, settings.clock, settings.storeTimeout);
  const parts: ConnectParts = { settings, store, calls };
  let isConnected = true;
  store.on?.("disconnect", () => (isConnected = false));
  store.on?.("connect", () => (isConnected = true));
  // Another middleware may use the same object: express-session has its function in the same place.
  const others = store.generate;
  store.generate = (req) => {
    const request = requests.get(req);
    if (request) request.generate();
    else others?.call(store, req);
  };
  createOurs(store, () => settings.clock.now());
  const { cookie } = settings;
  const path = typeof cookie === "function" ? {} : cookie;
  return (req: DropInRequest, res, next) => {
    if (req.session || !isConnected || !isUnderPath(req, path)) return next();
    warnOfDoubts(settings);
    const signed = signingOf(settings, req);
    if (!signed) return next(noSecret());
    req.sessionStore = store;
    const failed = (error: unknown): void => fail(settings, [req, res], error, next);
    const request = new ConnectRequest(parts, req, idIn(req, settings, signed), failed);
    requests.set(req, request);
    const ready = (): void => {
      if (isResponse(res)) new ConnectResponse(res, request).hold();
      next();
    };
    try {
      const loading = request.load();
      if (loading) return void loading.then(ready, failed);
    } catch (error) {
      return failed(error);
    }
    ready();
  };
}

/**
 * A store of express-session's own class makes that library's sessions: for a request of the drop-in it makes those of
 * the drop-in. Requests of express-session beside it, and records without a request, are left to the store.
 */
function createOurs(store: ConnectStore, now: () => number): void {
  const theirs = store.createSession;
  if (store instanceof Store || typeof theirs !== "function") return;
  store.createSession = (req, data) =>
    requests.has(req) ? sessionFrom(req, data, now) : theirs.call(store, req, data);
}

/** The steps around the response. */
class ConnectResponse extends NodeHeaders implements GateHooks {
  readonly #res: ServerResponse;
  readonly #request: ConnectRequest;

  constructor(res: ServerResponse, request: ConnectRequest) {
    super(res);
    this.#res = res;
    this.#request = request;
    prepareResponse(res);
  }

  hold(): void {
    holdResponse(this.#res, this);
  }

  before(): Promise<void> | undefined {
    return this.#request.before();
  }

  headers(): void {
    this.#request.headers(this);
  }

  after(): Promise<void> | undefined {
    return this.#request.after();
  }

  /** Nothing was stored for the client yet: it is, if the handler ends its response. */
  gone(): void {}

  failed(error: unknown): void {
    this.#request.refuse(error);
  }
}
