/**
 * The kit that every adapter is made with: read a request, give the session a place, send the response when it is
 * stored. docs/reference/adapter.md shows how to write one, `adapterSuite` of `holdfast/testing` tests it.
 *
 * @module
 */
export * from "./common-exports.js";

export { wrongFramework } from "./wrong-framework.js";
export { requestSettings, type RequestSettings, type SessionOptions } from "../session/request-options.js";
export type { RequestSession, ResponseHost } from "../session/request-session.js";
export { openSession, readSession, requestSessionOf } from "../session/lookup.js";
export type { SessionAccess } from "../contracts/session-access.js";
export type { DataBy, Schemas, TypedBy } from "../contracts/schema.js";
export {
  assertNoParams,
  isPlaced,
  mount,
  placeSession,
  protection,
  refuseAssignment,
  SESSION_PROPERTY,
  withAccess,
  type CrossOriginChecks,
} from "./adapter-core.js";

export type { RequestView, ResponseHeaders } from "../http/request-view.js";
export { parsedFields, type Fields } from "../http/form.js";

// Requests and responses of the web.
export { serveFetch, type FetchContext, type FetchResult, type Served } from "./fetch-adapter.js";
export {
  isHandedOver,
  isResponse,
  responseWith,
  WebHeaders,
  WebView,
  type ResponseHooks,
} from "../http/web-request.js";

// Frameworks that know the route of a request when they call a middleware.
export { answeringProtection, EventView, refuseSession, type RouteParams } from "./event-adapter.js";

// Frameworks that pass the session to handlers as a value.
export { lazySession } from "./session-proxy.js";

// Frameworks that load an application's modules more than once in a process.
export { sharedMemory } from "./adapter-core.js";

// Frameworks whose handlers set headers or cookies beside their result.
export { serveHeaders, type ServedWithHeaders } from "./headers-adapter.js";
export { jarHeaders, type CookieJar, type JarAttributes } from "./cookie-jar.js";

// Requests whose response can carry no cookie.
export { readOnly } from "./session-proxy.js";

// Requests and responses of Node.
export {
  HeldResponse,
  nodeOpeners,
  onClose,
  sendLastResort,
  serving,
  toRead,
  type NodeContext,
  type NodeOpeners,
  type Serve,
} from "./node-adapter.js";
export { NodeHeaders, NodeView } from "../http/node-request.js";
export { clearResponse, isHttp2 } from "../http/response-arguments.js";
export { isResponseEnded } from "../http/response-patch.js";
export { socketOf, type Connection } from "../http/delayed-destroy.js";
export { asDropped } from "../http/error-path.js";
export type { GateHooks } from "../http/gate-hooks.js";
