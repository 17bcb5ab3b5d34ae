import type { ServerResponse } from "node:http";
import { isWorker } from "../util/builtin.js";
import { Notes, addedPrototype, read, slowPrototype } from "../util/request-objects.js";
import { headersSent, isHttp2 } from "./response-arguments.js";
import type { GateHooks } from "./gate-hooks.js";
import { ResponseGate, type Entry, type ResponseFunctions, type ResponsePatch } from "./response-gate.js";
import { heard, keyOf, listen } from "./listening.js";
import type { CallName } from "./response-state.js";
import { connectionOf } from "./delayed-destroy.js";

/** Property that holds the gate of a response. */
const GATE = Symbol("holdfast.gate");

interface Gated {
  [GATE]?: ResponseGate;
}

const NOTHING = { res: undefined, gate: undefined } as const;

/** The gates of responses whose prototype was changed, by their requests: see {@link slowPrototype}. */
const gates = new Notes<ResponseGate>();

/** Functions on a prototype, for all responses that inherit from it. */
interface Layer {
  readonly functions: ResponseFunctions;
  /** The functions that they replaced. */
  readonly native: ResponseFunctions;
}

/** The `writeHead` of each layer. */
const layerFunctions = new WeakSet<object>();

/** By the prototype that has the functions; null if it cannot have them. */
const layers = new WeakMap<object, Layer | null>();

/**
 * Prepares a response when its request arrives, so that the gate also handles calls whose function was evaluated
 * before the session was first used: `res.end(req.session.get("x"))`. Until the response is held, all calls are passed
 * on.
 */
export function prepareResponse(res: ServerResponse): void {
  const layer = layerOf(res);
  if (layer && isCovered(res, layer)) return;
  ownGate(res, layer);
  if (!layer) hearSenders(res);
}

/** Holds the first byte of a response until its middlewares are ready; see {@link ResponseGate}. */
export function holdResponse(res: ServerResponse, hooks: GateHooks): void {
  if (gateFor(res).hold(hooks)) res.on(OVER, closeGate);
}

/**
 * The event for the end of a response: its last byte was sent, or its client has disconnected. workerd emits `close`
 * for every response before it is sent, and does not report disconnected clients.
 */
export const OVER: "finish" | "close" = isWorker() ? "finish" : "close";

/** Responds instead of an error path that was too slow: its later output is ignored. */
export function respondInstead(res: ServerResponse, respond: () => void): void {
  gateFor(res).respondInstead(respond);
}

/** {@link prepareResponse} has made the gate if it cannot be that of the prototype. */
function gateFor(res: ServerResponse): ResponseGate {
  const layer = layerOf(res);
  return layer ? layeredGate(res, layer) : ownGate(res, null);
}

/** True if no function on the response replaces the ones on its prototype. */
function isCovered(res: ServerResponse, { functions }: Layer): boolean {
  const prototype = Object.getPrototypeOf(res) as ServerResponse;
  return NAMES.every((name) => !Object.hasOwn(res, name) && prototype[name] === functions[name]);
}

/** The gate of a response that has the functions itself. */
function ownGate(res: ServerResponse, layer: Layer | null): ResponseGate {
  const known = layer ? layeredGateOf(res) : (res as Gated)[GATE];
  if (known) return known;
  const gate = new ResponseGate(res, functionsOf(res), PATCH);
  setGate(res, gate, layer !== null);
  put(res, ABOVE);
  res.emit = emit;
  if ("flush" in res) res.flush = ABOVE.flush;
  return gate;
}

/** The gate of a response whose functions are on a prototype. */
function layeredGate(res: ServerResponse, { native }: Layer): ResponseGate {
  const known = layeredGateOf(res);
  if (known) return known;
  const gate = new ResponseGate(res, native, PATCH);
  setGate(res, gate, true);
  return gate;
}

/** Exceptions of a response's listeners have no caller to catch them. */
function emit(this: ServerResponse, ...args: unknown[]): boolean {
  const native = Object.getPrototypeOf(this) as ServerResponse;
  return listen(this, native.emit as AnyFunction, this, args) as boolean;
}

/**
 * True if a response was ended although not all of it was sent.
 *
 * @param res - the response
 * @returns true after `end`
 * @example
 * ```ts
 * const isSent = isResponseEnded(reply.raw);
 * ```
 */
export function isResponseEnded(res: ServerResponse): boolean {
  return gateOf(res)?.isEnded === true;
}

function gateOf(res: ServerResponse): ResponseGate | undefined {
  return (res as Gated)[GATE] ?? layeredGateOf(res);
}

/**
 * The last response that was looked up, and its gate: most are looked up several times in a row. Undefined after it
 * has closed.
 */
let last: { readonly res: ServerResponse | undefined; readonly gate: ResponseGate | undefined } = NOTHING;

/** Functions on a prototype look up the gate only here: reading a missing property is slowest. */
function layeredGateOf(res: ServerResponse): ResponseGate | undefined {
  if (last.res !== res) last = { res, gate: gates.get(keyOf(res)) };
  return last.gate;
}

function setGate(res: ServerResponse, gate: ResponseGate, isSlow: boolean): void {
  if (!isSlow) return void ((res as Gated)[GATE] = gate);
  gates.set(keyOf(res), gate);
  last = { res, gate };
}

function closeGate(this: ServerResponse): void {
  gateOf(this)?.close();
}

const NAMES = ["writeHead", "flushHeaders", "write", "end"] as const;

function functionsOf(res: ServerResponse): ResponseFunctions {
  const { writeHead, flushHeaders, write, end, flush } = res as ServerResponse & ResponseFunctions;
  return flush ? { writeHead, flushHeaders, write, end, flush } : { writeHead, flushHeaders, write, end };
}

function put(target: ResponseFunctions, { writeHead, flushHeaders, write, end }: ResponseFunctions): void {
  target.writeHead = writeHead;
  target.flushHeaders = flushHeaders;
  target.write = write;
  target.end = end;
}

type Route = (res: ServerResponse, name: CallName, args: readonly unknown[]) => unknown;

/**
 * The same function objects are used for all responses: closures for each would keep their scope alive until the next
 * major garbage collection.
 */
function routed(route: Route): ResponseFunctions {
  return {
    writeHead(this: ServerResponse, ...args: unknown[]) {
      return route(this, "writeHead", args);
    },
    flushHeaders(this: ServerResponse, ...args: unknown[]) {
      return route(this, "flushHeaders", args);
    },
    write(this: ServerResponse, ...args: unknown[]) {
      return route(this, "write", args);
    },
    end(this: ServerResponse, ...args: unknown[]) {
      return route(this, "end", args);
    },
    flush(this: ServerResponse, ...args: unknown[]) {
      return route(this, "flush", args);
    },
  } as unknown as ResponseFunctions;
}

const entering = (entry: Entry): ResponseFunctions =>
  routed((res, name, args) => {
    const gate = gateOf(res)!;
    return gate.call(name, args, gate.functions, entry);
  });

/** For functions on the response itself. */
const ABOVE = entering("above");
/**
 * For a response whose save failed: code that patched it before has the earlier functions, and belongs to the
 * discarded response.
 */
const ERROR = entering("error");

const PATCH: ResponsePatch = {
  freeze(res) {
    if (layerOf(res) || Object.hasOwn(res, "headersSent")) return;
    const prototype = Object.getPrototypeOf(res) as object;
    const known = frozenOf.get(prototype) ?? partsOf(frozen(Object.getPrototypeOf, gateOf, res));
    frozenOf.set(prototype, known);
    putMethods(res, known.methods);
    for (const [name, getter] of known.getters) Object.defineProperty(res, name, getter);
  },
  isPatchedOver(res) {
    const writeHead = read(res, "writeHead");
    return writeHead !== ABOVE.writeHead && writeHead !== ERROR.writeHead && !layerFunctions.has(writeHead);
  },
  putOnTop(res) {
    res.writeHead = ABOVE.writeHead;
  },
  openErrorPath(res) {
    put(res, ERROR);
  },
};

/** The properties that `freeze` adds to a response. */
interface Frozen {
  readonly methods: Partial<FrozenMethods>;
  readonly getters: readonly (readonly [string, PropertyDescriptor])[];
}

type FrozenMethods = Pick<ServerResponse, keyof typeof ACTIONS | "destroy" | "writeEarlyHints">;

/** Assigned by their names: defining them, or assigning all in a loop, takes several times as long. */
function putMethods(res: ServerResponse, methods: Partial<FrozenMethods>): void {
  if (methods.setHeader) res.setHeader = methods.setHeader;
  if (methods.setHeaders) res.setHeaders = methods.setHeaders;
  if (methods.appendHeader) res.appendHeader = methods.appendHeader;
  if (methods.removeHeader) res.removeHeader = methods.removeHeader;
  if (methods.destroy) res.destroy = methods.destroy;
  if (methods.writeEarlyHints) res.writeEarlyHints = methods.writeEarlyHints;
}

/** The properties that `freeze` adds, by prototype. */
const frozenOf = new WeakMap<object, Frozen>();

function partsOf(properties: PropertyDescriptorMap): Frozen {
  const all = Object.entries(properties);
  const methods = all.filter(([, { get }]) => !get).map(([name, { value }]): [string, unknown] => [name, value]);
  return {
    methods: Object.fromEntries(methods) as Partial<FrozenMethods>,
    getters: all.filter(([, { get }]) => get),
  };
}

/**
 * If a prototype was inserted between a response and its class, the lowest such prototype has the functions for all
 * responses. Not if it was inserted after the response had got its own functions.
 */
function layerOf(res: ServerResponse): Layer | null {
  const base = slowPrototype(res);
  return base && !read(res as Gated, GATE) ? layerAt(base) : null;
}

function layerAt(base: object): Layer | null {
  const known = layers.get(base);
  if (known !== undefined) return known;
  const layer = Object.isExtensible(base) && "writeHead" in base ? addLayer(base as ServerResponse) : null;
  layers.set(base, layer);
  return layer;
}

function addLayer(base: ServerResponse): Layer {
  const native = functionsOf(base);
  const functions = routed((res, name, args) => {
    const gate = layeredGateOf(res);
    if (!gate) return Reflect.apply(native[name] as AnyFunction, res, heard(res, args) as unknown[]);
    return gate.call(name, args, native, gate.functions === native ? "above" : "below");
  });
  const below = Object.getPrototypeOf(base) as object;
  layerFunctions.add(functions.writeHead);
  Object.defineProperties(base, {
    ...frozen(() => below, layeredGateOf, base),
    ...sendersOf(base),
    emit: emitOf(below),
  });
  put(base, functions);
  return { functions, native };
}

type AnyFunction = (...args: unknown[]) => unknown;

/** Returns the object whose property would be used without the gate. */
type Below = (res: ServerResponse) => object;

type GateOf = (res: ServerResponse) => ResponseGate | undefined;

/**
 * Properties that report that the head was sent, or that the response was ended: true also if the head is fixed, or
 * the response was ended but not sent.
 */
function shownBy(
  below: Below,
  gateOf: GateOf,
  names: readonly ("headersSent" | "writableEnded" | "finished")[],
): PropertyDescriptorMap {
  return Object.fromEntries(
    names.map((name): [string, PropertyDescriptor] => [
      name,
      {
        configurable: true,
        get(this: ServerResponse) {
          const gate = gateOf(this);
          const isSo = name === "headersSent" ? gate?.isHeadFixed : gate?.isEnded;
          return isSo === true || Reflect.get(below(this), name, this);
        },
      },
    ]),
  );
}

const ACTIONS = { setHeader: "set", setHeaders: "set", appendHeader: "append", removeHeader: "remove" } as const;

/** Methods that throw in Node after the head was sent. */
function refusedBy(below: Below, gateOf: GateOf, res: ServerResponse): PropertyDescriptorMap {
  const names = (Object.keys(ACTIONS) as (keyof typeof ACTIONS)[]).filter((name) => typeof res[name] === "function");
  return Object.fromEntries(
    names.map((name): [string, PropertyDescriptor] => [
      name,
      method(function (...args) {
        const gate = gateOf(this);
        if (gate?.isHeadFixed) throw headersSent(this, ACTIONS[name]);
        if (gate?.isDropped) return this;
        return Reflect.apply(Reflect.get(below(this), name) as AnyFunction, this, args);
      }),
    ]),
  );
}

/**
 * Destroying a held response closes its connection after the bytes are sent. Code of the discarded response cannot
 * destroy the error response.
 */
function destroyOf(below: Below, gateOf: GateOf): PropertyDescriptor {
  return method(function (...args) {
    const gate = gateOf(this);
    if (gate?.isDropped) return this;
    const native = (): unknown => Reflect.apply(Reflect.get(below(this), "destroy") as AnyFunction, this, args);
    const connection = gate?.isHeadFixed ? connectionOf(this) : undefined;
    if (!gate || !connection) return native();
    if (gate.isEnded || isHttp2(this)) connection.destroy(args[0]);
    else gate.destroyAfterwards(native);
    return this;
  });
}

/** The same on a prototype. */
function emitOf(below: object): PropertyDescriptor {
  return method(function (...args) {
    const wasHeard = listen(this, Reflect.get(below, "emit") as AnyFunction, this, args);
    if (args[0] === "close") last = NOTHING;
    return wasHeard;
  });
}

/** Methods of Express whose callback runs after everything is sent. */
const SENDERS = ["sendFile", "sendfile", "download"] as const;

/** The prototypes that have them. */
const senders = new WeakSet<object>();

function hearSenders(res: ServerResponse): void {
  const base = addedPrototype(res);
  if (!base || senders.has(base)) return;
  senders.add(base);
  if (Object.isExtensible(base)) Object.defineProperties(base, sendersOf(base));
}

function sendersOf(base: object): PropertyDescriptorMap {
  const known = base as Partial<Record<string, AnyFunction>>;
  const names = SENDERS.filter((name) => typeof known[name] === "function");
  return Object.fromEntries(
    names.map((name): [string, PropertyDescriptor] => {
      const send = known[name]!;
      return [
        name,
        method(function (...args) {
          return Reflect.apply(send, this, heard(this, args) as unknown[]);
        }),
      ];
    }),
  );
}

/** HTTP/2 sends no early hints after the head. */
function hintsOf(below: Below, gateOf: GateOf): PropertyDescriptor {
  return method(function (...args) {
    if (gateOf(this)?.isHeadFixed) return false;
    return Reflect.apply(Reflect.get(below(this), "writeEarlyHints") as AnyFunction, this, args);
  });
}

function method(value: (this: ServerResponse, ...args: unknown[]) => unknown): PropertyDescriptor {
  return { value, configurable: true, writable: true };
}

function frozen(below: Below, gate: GateOf, res: ServerResponse): PropertyDescriptorMap {
  const own = { ...refusedBy(below, gate, res), destroy: destroyOf(below, gate) };
  if (!isHttp2(res)) return { ...shownBy(below, gate, ["headersSent"]), ...own };
  return {
    ...shownBy(below, gate, ["headersSent", "writableEnded", "finished"]),
    ...own,
    writeEarlyHints: hintsOf(below, gate),
  };
}
