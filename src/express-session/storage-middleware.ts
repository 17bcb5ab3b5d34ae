import type { IncomingMessage, ServerResponse } from "node:http";
import { NodeResponse, fail, serving, type NodeContext } from "../adapters/node-adapter.js";
import { SessionError } from "../errors.js";
import { single, type Extractor } from "../extractors/extractor.js";
import { storeSettings, type StoreSettings } from "../session/options.js";
import { requestSessionOf } from "../session/lookup.js";
import { requestSettings, type RequestSettings } from "../session/request-options.js";
import type { RequestSession } from "../session/request-session.js";
import { partsOf, storeOf } from "../session/store.js";
import { warnOfDoubts, type DropInRequest, type DropInSettings } from "./dropin-options.js";
import type { ConnectStore } from "./connect-store.js";
import { hintOverwritten, idIn, isUnderPath, noSecret, signingOf } from "./request-facts.js";
import type { Attributes } from "./session-cookie.js";
import { COOKIE_KEY, StorageRequest } from "./storage-request.js";
import { storageStore } from "./storage-store.js";

/** A middleware of Express and connect. */
export type Middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;

const DAY = "24h";
const SECOND = 1000;
/** Of an id. */
const MOST_CHARACTERS = 1024;
/** By the settings of each middleware: behind `req.session = undefined` a second one has a separate session. */
const requests = new WeakMap<DropInSettings, WeakMap<object, StorageRequest>>();

/** Creates the middleware of the drop-in with a storage, and what identifies its sessions. */
export function storageMiddleware(settings: DropInSettings): {
  readonly middleware: Middleware;
  readonly request: RequestSettings;
} {
  const own = ownSettings(settings);
  const store = storeOf<any>(own);
  const sessionStore = storageStore(partsOf(store)!, settings);
  sessionStore.generate = (req) => requests.get(settings)?.get(req)?.generate();
  const base = requestSettings<NodeContext, unknown>([
    {
      store,
      extractor: signedId(settings),
      storeNew: settings.saveUninitialized ? "always" : "written",
      skip: (req: DropInRequest) => !takes(req, settings),
      ...(settings.own.adopt && { adopt: settings.own.adopt }),
      ...(settings.errorHandler && { errorHandler: settings.errorHandler as never }),
    },
  ]);
  const request: RequestSettings = Object.freeze({
    ...base,
    movesWhenSaved: true,
    drawToken: (context: unknown) => checkedId(settings.genid(context as DropInRequest)),
    replyWriter: (reply, headers) =>
      requests
        .get(settings)
        ?.get(reply.view.context as object)
        ?.reply(reply, headers),
  } satisfies RequestSettings);
  return { middleware: overProperties(settings, request, sessionStore), request };
}

/**
 * The middleware of request settings whose sessions are used through plain properties. A session that is loaded later
 * has none.
 *
 * @param settings - of the drop-in
 * @param request - of the middleware
 * @param sessionStore - `req.sessionStore`
 */
export function overProperties(
  settings: DropInSettings,
  request: RequestSettings,
  sessionStore?: ConnectStore,
): Middleware {
  const own = new WeakMap<object, StorageRequest>();
  requests.set(settings, own);
  const serve = serving(request, {
    place: () => {},
    hold: (requestSession, context, next) => new DropInResponse(own, requestSession, context, next),
  });
  return (req: DropInRequest, res, next) => {
    if (!takes(req, settings)) return next();
    warnOfDoubts(settings);
    if (!signingOf(settings, req)) return next(noSecret());
    req.sessionStore = sessionStore;
    serve([req, res], (error) => {
      if (error !== undefined || own.has(req)) return next(error);
      const found = requestSessionOf(req, request)?.found;
      if (!found) return next();
      try {
        const failed = (thrown: unknown): void => fail(settings, [req, res], thrown, next);
        own.set(req, new StorageRequest(settings, req, found, failed));
      } catch (thrown) {
        return next(thrown);
      }
      next();
    });
  };
}

/** True if the request gets a session: it has none yet, and is below the path of the cookie. */
function takes(req: DropInRequest, { cookie }: DropInSettings): boolean {
  return !req.session && isUnderPath(req, typeof cookie === "function" ? {} : cookie);
}

/** The settings of the store: the idle timeout is the `maxAge` of the cookie. */
function ownSettings(settings: DropInSettings): StoreSettings {
  const { storage, own, rolling, cookie } = settings;
  const { errorHandler: _errorHandler, adopt: _adopt, onEvent, idleTimeout = DAY, refreshInterval, ...rest } = own;
  const checked = storeSettings({
    ...rest,
    ...(storage !== undefined && { storage }),
    idleTimeout,
    ...(refreshInterval !== undefined && { refreshInterval }),
    onEvent: (event) => {
      onEvent?.(event);
      if (event.type === "overwritten" && event.cause !== COOKIE_KEY) hintOverwritten(undefined, String(event.cause));
    },
  });
  const idle = typeof cookie === "function" ? checked.idle : idleOf(cookie, checked.idle);
  const usual = Math.min(Math.max(idle / 10, SECOND), 5 * 60 * SECOND, idle / 2);
  return Object.freeze({
    ...checked,
    idle,
    anonymousIdle: idle,
    refreshInterval:
      refreshInterval === undefined ? (rolling ? 0 : usual) : Math.min(checked.refreshInterval, idle / 2),
    marksEnds: true,
  });
}

/** A cookie that is expired when it is sent has a session that is expired when it is stored. */
function idleOf(cookie: Attributes, usual: number): number {
  const last = Object.keys(cookie).findLast((name) => name === "maxAge" || name === "expires");
  const ms = cookie.originalMaxAge ?? cookie[last as "maxAge" | "expires"];
  const length = ms instanceof Date ? ms.valueOf() - Date.now() : ms;
  return typeof length === "number" && Number.isFinite(length) ? Math.max(length, 1) : usual;
}

function checkedId(id: unknown): string {
  if (typeof id === "string" && id !== "" && id.length <= MOST_CHARACTERS) return id;
  throw new SessionError("bad-generator", `genid returned no string of 1 to ${MOST_CHARACTERS} characters`);
}

/** Finds the id in the signed cookie. */
function signedId(settings: DropInSettings): Extractor {
  return single(
    "cookie",
    settings.name,
    "first",
    ({ context }) => {
      const req = context as DropInRequest;
      const id = idIn(req, settings, signingOf(settings, req));
      return { first: id, count: id === undefined ? 0 : 1 };
    },
    (token) => settings.signed?.encode(token) ?? token,
  );
}

/** Before the first and the last byte, it is looked at what the handler did with `req.session`. */
class DropInResponse extends NodeResponse {
  readonly #requests: WeakMap<object, StorageRequest>;
  readonly #req: object;

  constructor(
    requests: WeakMap<object, StorageRequest>,
    requestSession: RequestSession,
    context: NodeContext,
    next: (error?: unknown) => void,
  ) {
    super(requestSession, context, next);
    this.#requests = requests;
    this.#req = context[0];
  }

  override before(): Promise<void> | undefined {
    this.#requests.get(this.#req)?.settle();
    return super.before();
  }

  override after(): Promise<void> | undefined {
    this.#requests.get(this.#req)?.settle();
    return super.after();
  }
}
