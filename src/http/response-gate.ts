import type { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { allBegun, begun, failureOf, finished, settle, type GateHooks, type Failure } from "./gate-hooks.js";
import { ErrorPath } from "./error-path.js";
import {
  checkCall,
  checkFirstCall,
  checkLength,
  clearResponse,
  headersSent,
  isBodyless,
  isDestroyed,
  isHttp2,
  statusOf,
  streamDestroyed,
  toStatus,
  writeAfterEnd,
} from "./response-arguments.js";
import { applyHead, underStatus, type HeadArguments } from "./response-head.js";
import { heard } from "./listening.js";
import { isFast, readSlow } from "../util/request-objects.js";
import {
  callbackOf,
  HeldCalls,
  isEnded,
  isHeadFixed,
  VERDICTS,
  type Callback,
  type CallName,
  type HeldCall,
  type Phase,
} from "./response-state.js";
import { DelayedDestroy, lookEnded, lookOpen, socketOf } from "./delayed-destroy.js";

/** The functions of a response that send bytes. */
export type ResponseFunctions = Pick<ServerResponse, Exclude<CallName, "flush">> & { flush?: () => void };

/**
 * Which function was called: one that the gate added to the response (`above`); the original one, called by code that
 * patched the response before the gate (`below`); one that was added for the error path after a failed save (`error`).
 */
export type Entry = "above" | "below" | "error";

/** How the gate changes its response. */
export interface ResponsePatch {
  /** From now on headers are refused, and reported as sent, as long as the gate says so. */
  freeze(res: ServerResponse): void;
  /** True if other code has replaced the gate's `writeHead`. */
  isPatchedOver(res: ServerResponse): boolean;
  /** After that code was called, `writeHead` is the gate's again. */
  putOnTop(res: ServerResponse): void;
  /** From now on calls enter as `error`. */
  openErrorPath(res: ServerResponse): void;
}

type Call = HeldCall<ResponseFunctions>;

const NONE: readonly GateHooks[] = [];

/**
 * Holds the first byte of a response until the middlewares are ready. For the handler, the response always behaves
 * like Node's own: arguments are checked at the call, an ended response is final. Only sending is delayed. After a
 * failed save, the handler's response is discarded, and only the error path can send another one.
 */
export class ResponseGate {
  readonly res: ServerResponse;
  /** The functions to call in the end: Node's, or those of code that patched the response before. */
  readonly functions: ResponseFunctions;
  readonly #patch: ResponsePatch;
  #phase: Phase = "open";
  /** The innermost middleware first. */
  #hooks: readonly GateHooks[] = NONE;
  #held: HeldCalls<ResponseFunctions> | undefined = undefined;
  #errorPath: ErrorPath | undefined = undefined;
  #destroy: DelayedDestroy | undefined = undefined;

  constructor(res: ServerResponse, functions: ResponseFunctions, patch: ResponsePatch) {
    this.res = res;
    this.functions = functions;
    this.#patch = patch;
  }

  /** True if status and headers are final although nothing was sent. */
  get isHeadFixed(): boolean {
    return isHeadFixed(this.#phase);
  }

  /** True if the running code belongs to a discarded response: its effects are ignored. */
  get isDropped(): boolean {
    return this.#errorPath !== undefined && !this.#errorPath.isRunning;
  }

  /** True if the handler has ended its response although not all of it was sent. */
  get isEnded(): boolean {
    return isEnded(this.#phase);
  }

  /**
   * Holds the response for another middleware. If the first or last byte was already sent, its hooks run immediately.
   * Returns true for the first middleware.
   */
  hold(hooks: GateHooks): boolean {
    const isFirst = this.#hooks === NONE;
    const { res } = this;
    if (this.#phase === "open" && (isFast(res) ? res.headersSent : readSlow(res, "headersSent")))
      this.#phase = res.writableEnded ? "closed" : "sending";
    if (this.#phase !== "open") settle(begun(hooks));
    if (this.#phase === "closed" || this.isEnded) settle(finished(hooks));
    else this.#hooks = [hooks, ...this.#hooks];
    if (this.#phase === "open" && isDestroyed(res)) hooks.gone();
    return isFirst;
  }

  /** Handles one call to the response. Returns or throws what Node would. */
  call(name: CallName, given: readonly unknown[], functions: ResponseFunctions, entry: Entry): unknown {
    const args = heard(this.res, given);
    if (this.#errorPath && !this.#admits(this.#errorPath, entry)) return this.#drop(name, args);
    if (this.#hooks.length === 0) return apply(functions, this.res, name, args);
    switch (VERDICTS[this.#phase][name]) {
      case "pass":
        return apply(functions, this.res, name, args);
      case "begin":
        return this.#begin(name, args, functions, entry);
      case "take":
        applyHead(this.res, args as HeadArguments);
        return this.res;
      case "hold":
        return this.#hold(name, args, functions);
      case "finish":
        return this.#finish(args, functions);
      case "late":
        return this.#late(name, args);
      case "refuse":
        return this.#refuse(args);
      case "ignore":
        return undefined;
    }
  }

  /**
   * The response is closed: its last byte was sent, or the client has disconnected. A handler that has not responded
   * yet may still do so: its session is stored before.
   */
  close(): void {
    const phase = this.#phase;
    this.#errorPath?.end();
    if (phase === "sending") this.#phase = "closed";
    if (phase === "open") for (const hooks of this.#hooks) hooks.gone();
    if (phase === "sending") settle(this.#after());
  }

  /** After a failed save: true if a call belongs to the error path. */
  #admits(path: ErrorPath, entry: Entry): boolean {
    const isAdmitted = entry === "error" ? path.isRunning : entry === "below" && this.#phase !== "open";
    if (isAdmitted && this.#hooks.length === 0) this.#phase = "closed";
    return isAdmitted;
  }

  /** The first call that sends a byte. */
  #begin(name: CallName, args: readonly unknown[], functions: ResponseFunctions, entry: Entry): unknown {
    if (isDestroyed(this.res)) {
      this.#leave();
      return apply(functions, this.res, name, args);
    }
    checkFirstCall(this.res, name, args);
    if (name !== "writeHead" && this.#phase === "open" && this.#patch.isPatchedOver(this.res)) {
      this.#announce();
      return this.call(name, args, functions, entry);
    }
    const call: Call = {
      name,
      args: name === "writeHead" ? applyHead(this.res, args as HeadArguments) : args,
      target: functions,
    };
    this.#phase = name === "end" ? "ended" : "waiting";
    const waiting = this.#before();
    if (waiting) return this.#wait(waiting, call);
    return this.#send(call);
  }

  /** The handler responds to a client that has disconnected: Node drops the response, the session is stored. */
  #leave(): void {
    this.close();
    const before = this.#before();
    this.#phase = "closed";
    settle(before ? before.then(() => this.#after()) : this.#after());
  }

  /**
   * Node calls `writeHead` when it writes the first part: code that replaced it (`on-headers`) is notified now that
   * the head is about to be sent.
   */
  #announce(): void {
    const { res } = this;
    this.#phase = "announcing";
    try {
      res.writeHead(res.statusCode);
    } finally {
      if (this.#phase === "announcing") this.#phase = "open";
    }
    this.#patch.putOnTop(res);
  }

  /** What must be done before the first byte, for all middlewares; undefined if there is nothing to wait for. */
  #before(): Promise<void> | undefined {
    return this.#hooks.length === 1 ? begun(this.#hooks[0]!) : allBegun(this.#hooks);
  }

  #wait(waiting: Promise<void>, call: Call): unknown {
    const hooks = this.#hooks;
    this.res.statusCode = toStatus(this.res.statusCode);
    this.#freeze();
    waiting.then(
      () => this.#release(),
      (error: unknown) => this.#fail(failureOf(error, hooks)),
    );
    return this.#keep(call);
  }

  #hold(name: CallName, args: readonly unknown[], target: ResponseFunctions): unknown {
    checkCall(this.res, name, args);
    checkLength(this.res, name, args, this.#held!.length);
    if (name === "end") this.#phase = "ended";
    return this.#keep({ name, args, target });
  }

  /** From now on the head is fixed, and calls are held. */
  #freeze(): void {
    const { res } = this;
    const [status, message] = statusOf(res);
    this.#patch.freeze(res);
    this.#held = new HeldCalls(status, message);
    if (isHttp2(res)) this.#delayed.guard();
  }

  #keep(call: Call): unknown {
    const hasRoom = this.#held!.add(call, this.res.writableHighWaterMark ?? Infinity);
    if (call.name === "end" && lookEnded(this.res)) this.#delayed.guard();
    if (call.name !== "write") return returned(call.name, this.res);
    return hasRoom && !(isHttp2(this.res) && isBodyless(this.res));
  }

  /** The session is stored: makes the held calls, with the status that was set when they were made. */
  #release(): void {
    const { res } = this;
    const held = this.#held!;
    const wasEnded = this.isEnded;
    this.#held = undefined;
    if (wasEnded) lookOpen(res);
    try {
      underStatus(res, held, () => {
        this.#open();
        this.#replay(held);
      });
    } catch (error) {
      return this.#fail({ error, of: [] });
    }
    this.#destroy?.allow();
  }

  #replay({ calls, isFull }: HeldCalls<ResponseFunctions>): void {
    const { res } = this;
    // If the connection is closed and the response was not notified yet, Node keeps written data and never calls back.
    const isLost = !isDestroyed(res) && socketOf(res)?.destroyed === true;
    let mustWait = false;
    for (const { name, args, target } of calls) {
      if (name === "end") this.#finish(args, target);
      else if (name === "write" && isLost) notify(callbackOf(args), streamDestroyed());
      else if (apply(target, res, name, args) === false) mustWait = true;
    }
    if (this.#phase !== "sending") return;
    if (isDestroyed(res)) this.close();
    else if (isFull && !mustWait) process.nextTick(() => void res.emit("drain"));
  }

  #send({ name, args, target }: Call): unknown {
    try {
      this.#open();
    } catch (error) {
      this.#fail({ error, of: [] });
      return returned(name, this.res);
    }
    return name === "end" ? this.#finish(args, target) : this.#handOver(name, args, target);
  }

  /**
   * The exception of a function that wraps Node's is thrown to the caller. If nothing was sent, another response can
   * follow, with the headers of the session.
   */
  #handOver(name: CallName, args: readonly unknown[], functions: ResponseFunctions): unknown {
    try {
      return apply(functions, this.res, name, args);
    } catch (error) {
      if (!this.res.headersSent) this.#phase = "open";
      throw error;
    }
  }

  /** From now on calls are passed on, after the headers of the session. */
  #open(): void {
    this.#phase = "sending";
    for (const hooks of this.#hooks) hooks.headers();
  }

  /** The last call: changes made while the body was sent are stored before the client sees the end. */
  #finish(args: readonly unknown[], functions: ResponseFunctions): unknown {
    checkCall(this.res, "end", args);
    const pending = this.#after();
    if (!pending) {
      this.#phase = "closed";
      return this.#handOver("end", args, functions);
    }
    if (!this.res.headersSent) this.res.statusCode = toStatus(this.res.statusCode);
    this.#phase = "finishing";
    this.#freeze();
    pending.then(
      () => this.#end(functions, args),
      (error: unknown) => this.#breakOff(error, args),
    );
    return this.#keep({ name: "end", args, target: functions });
  }

  #end(functions: ResponseFunctions, args: readonly unknown[]): void {
    const held = this.#held!;
    this.#held = undefined;
    this.#phase = "closed";
    lookOpen(this.res);
    try {
      underStatus(this.res, held, () => void apply(functions, this.res, "end", args));
    } catch (error) {
      return this.#breakOff(error, args);
    }
    this.#destroy?.allow();
  }

  /** Changes are not stored, or the end cannot be sent: the response must not look complete. */
  #breakOff(error: unknown, args: readonly unknown[]): void {
    this.#held = undefined;
    this.#phase = "closed";
    lookOpen(this.res);
    notify(callbackOf(args), error);
    this.res.destroy();
    this.#destroy?.allow();
  }

  #after(): Promise<void> | undefined {
    if (this.#hooks.length === 1) return finished(this.#hooks[0]!);
    const [first, ...others] = this.#hooks.map(finished).filter((one) => one !== undefined);
    return others.length === 0 ? first : Promise.all([first, ...others]).then(() => {});
  }

  /** Calls after `end`. An error event without a listener would end the process, although nothing is lost. */
  #late(name: CallName, args: readonly unknown[]): unknown {
    const { res } = this;
    if (name === "write") checkCall(res, name, args);
    const callback = callbackOf(args);
    if (name === "end" && isHttp2(res)) {
      notify(callback, undefined);
      return res;
    }
    if (name === "end" && (!args[0] || args[0] === callback)) {
      if (callback) res.once("finish", callback);
      return res;
    }
    const error = writeAfterEnd();
    notify(callback, error);
    if (!isHttp2(res)) process.nextTick(() => void (res.listenerCount("error") > 0 && res.emit("error", error)));
    return name === "write" ? false : res;
  }

  /** Some patches call `writeHead` with the current status before each part: that is not a second head. */
  #refuse(args: readonly unknown[]): unknown {
    if (args.length === 1 && args[0] === this.res.statusCode) return this.res;
    throw headersSent(this.res, "write");
  }

  /** If nothing was sent, the handler's response is discarded, and the error path responds. */
  #fail({ error, of }: Failure): void {
    const { res } = this;
    const wasEnded = this.isEnded;
    const responder = of[0] ?? this.#hooks[0]!;
    for (const callback of this.#held?.callbacks ?? []) notify(callback, error);
    this.#held = undefined;
    this.#hooks = this.#hooks.filter((hooks) => !of.includes(hooks));
    this.#phase = "open";
    if (wasEnded) lookOpen(res);
    this.#destroy?.allowAfterError();
    if (res.headersSent) this.#phase = "closed";
    else if (of.length > 0) clearResponse(res);
    this.#runErrorPath(() => responder.failed(error), [res, ...emittersOf(res)]);
  }

  /** From now on only the given function can send. */
  respondInstead(respond: () => void): void {
    this.#errorPath?.end();
    this.#runErrorPath(respond, []);
  }

  #runErrorPath(work: () => void, emitters: readonly EventEmitter[]): void {
    const { res } = this;
    this.#patch.freeze(res);
    this.#patch.openErrorPath(res);
    this.#errorPath = new ErrorPath();
    this.#errorPath.run(work, emitters);
    if (isDestroyed(res)) this.#errorPath.end();
  }

  /** A call that belongs to the discarded response. */
  #drop(name: CallName, args: readonly unknown[]): unknown {
    notify(callbackOf(args), writeAfterEnd());
    return name === "write" ? true : returned(name, this.res);
  }

  /**
   * The response was destroyed while a part of its body is held: destroys it after that part is sent, unless the error
   * path responds instead.
   */
  destroyAfterwards(destroy: () => void): void {
    this.#delayed.postpone(destroy);
  }

  get #delayed(): DelayedDestroy {
    return (this.#destroy ??= new DelayedDestroy(this.res));
  }
}

function apply(functions: ResponseFunctions, res: ServerResponse, name: CallName, args: readonly unknown[]): unknown {
  return Reflect.apply(functions[name] as (...all: unknown[]) => unknown, res, args);
}

/** Other emitters that an error path may listen to before it responds. */
function emittersOf(res: ServerResponse): readonly EventEmitter[] {
  const req = res.req as ServerResponse["req"] | undefined;
  const socket = socketOf(res);
  return [req, socket].filter((one) => typeof one?.on === "function") as EventEmitter[];
}

function returned(name: CallName, res: ServerResponse): ServerResponse | undefined {
  return name === "writeHead" || name === "end" ? res : undefined;
}

/** Calls a callback asynchronously, as Node does. */
function notify(callback: Callback | undefined, error: unknown): void {
  if (callback) process.nextTick(callback, error);
}
