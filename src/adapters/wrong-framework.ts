import { mistake } from "../errors.js";
import { kindOf } from "../util/assert.js";

/** A framework, recognised by what it passes to the functions that it calls. */
interface Framework {
  readonly name: string;
  readonly passes: (first: any, second: any) => boolean;
  /** True if it calls functions with the request and the response of Node. */
  readonly onNode: boolean;
  /** What to write there. */
  readonly write: string;
}

const from = (entry: string): string => `with session of holdfast/${entry}`;

/** The first that fits counts. */
const FRAMEWORKS: readonly Framework[] = [
  {
    name: "Fastify",
    passes: (first, second) => has(first, "addHook") || has(second, "hijack"),
    onNode: false,
    write: `app.register(session()), ${from("fastify")}`,
  },
  {
    name: "Koa",
    passes: (first) => has(first?.app, "callback"),
    onNode: false,
    write: `app.use(session()), ${from("koa")}`,
  },
  {
    name: "Hono",
    passes: (first) => has(first, "newResponse"),
    onNode: false,
    write: `app.use(session()), ${from("hono")}`,
  },
  {
    name: "h3, Nitro or Nuxt",
    passes: (first) =>
      has(first?.node?.res, "setHeader") || (has(first?.req?.headers, "get") && isObject(first.context)),
    onNode: false,
    write:
      `app.use(session()), ${from("h3")}; in Nuxt export default session(), ${from("nuxt")}, in ` +
      "server/middleware/session.ts",
  },
  {
    name: "Elysia",
    passes: (first) => has(first, "wrap") && has(first, "onRequest"),
    onNode: false,
    write: `new Elysia().use(session()), ${from("elysia")}`,
  },
  {
    name: "TanStack Start",
    passes: (first) => has(first, "next") && typeof first.handlerType === "string",
    onNode: false,
    write: `requestMiddleware: [session().middleware], ${from("tanstack-start")}`,
  },
  {
    name: "Express",
    passes: (first) => has(first?.app, "handle"),
    onNode: true,
    write: `app.use(session()), ${from("express")}`,
  },
  {
    name: "a server of fetch handlers",
    passes: (first) => has(first, "clone") && has(first?.headers, "get"),
    onNode: false,
    write: `session()(handler), ${from("fetch")}`,
  },
  {
    name: "a server of Node",
    passes: (_first, second) => has(second, "setHeader"),
    onNode: true,
    write: `createServer(session()(handler)), ${from("node")}`,
  },
];

/**
 * True if a framework has passed these arguments that does not call `(req, res, next)`. The response of an upgrade, or
 * of a library for sockets, may be incomplete.
 */
export function isElsewhere(args: readonly unknown[]): boolean {
  return found(args)?.onNode === false;
}

/**
 * Returns the error for an adapter in a framework that it is not for, or that is mounted in another way than its
 * framework needs.
 *
 * @param own - the entries of the adapter
 * @param args - what the framework has called it with
 * @returns a TypeError with the code `wrong-place`, which names the framework and what to write there
 * @example
 * ```ts
 * const refused = ctx.request ? undefined : wrongFramework("holdfast/koa", [ctx, next]);
 * ```
 */
export function wrongFramework(own: string, args: readonly unknown[]): TypeError {
  const framework = found(args);
  const by = framework ? `by ${framework.name}` : `with ${kindOf(args[0])}`;
  const write = framework?.write ?? "it as the page of your framework does";
  return mistake("wrong-place", `what session() of ${own} made was called ${by}; write ${write}`);
}

function found([first, second]: readonly unknown[]): Framework | undefined {
  return FRAMEWORKS.find(({ passes }) => passes(first, second));
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function has(value: any, method: string): boolean {
  return typeof value?.[method] === "function";
}
