import {
  chain,
  fiberDefaults,
  fromAuthHeader,
  fromCookie,
  fromCustom,
  fromForm,
  fromHeader,
  fromParam,
  fromQuery,
  type Clock,
  type Extractor,
  type SessionOptions,
  type Storage,
} from "holdfast";
import type { Config, ExtractorConfig } from "./format.js";

/**
 * One middleware that an application of a scenario is to mount; `skip` and `errorHandler` are the framework's to
 * write.
 */
export interface Mounting {
  readonly options: Omit<SessionOptions, "skip" | "errorHandler" | "storage"> & { storage: Storage };
  readonly isMounted: boolean;
  readonly route: string | undefined;
  readonly skipPath: string | undefined;
  readonly errorHandler: Config["errorHandler"];
}

/** Where a scenario's sessions are kept, and its time. */
export interface Ground {
  readonly storages: readonly [outer: Storage, inner: Storage];
  readonly clock: Clock;
}

/** The middlewares of a config, the outer one first. Throws what the library throws of it. */
export function mountings(config: Config, { storages, clock }: Ground): Mounting[] {
  const [outer, inner] = storages;
  const own = mounting(config, outer, clock);
  const { second } = config;
  return second ? [own, mounting({ pattern: config.pattern, ...second }, inner, clock)] : [own];
}

function mounting(config: Config, storage: Storage, clock: Clock): Mounting {
  const {
    idleTimeout,
    absoluteTimeout,
    extractor,
    cookie,
    keyGenerator,
    pattern = "middleware",
    route,
    skipPath,
    errorHandler,
  } = config;
  const options = {
    ...fiberDefaults,
    ...(idleTimeout !== undefined && { idleTimeout }),
    ...(absoluteTimeout !== undefined && { absoluteTimeout }),
    ...(extractor && { extractor: extractorOf(extractor) }),
    ...(keyGenerator && { keyGenerator: GENERATORS[keyGenerator] }),
    cookie: { ...fiberDefaults.cookie, ...cookie },
    storage,
    clock,
  };
  return { options, isMounted: pattern === "middleware", route, skipPath, errorHandler };
}

const GENERATORS = { constant: (): string => "A".repeat(43), empty: (): string => "" };

const MAKERS: Readonly<Record<Exclude<ExtractorConfig["kind"], "custom" | "chain">, (key: any) => Extractor>> = {
  cookie: fromCookie,
  header: fromHeader,
  authHeader: fromAuthHeader,
  query: fromQuery,
  form: fromForm,
  param: fromParam,
};

function extractorOf({ kind, key, chain: members = [], source = "other" }: ExtractorConfig): Extractor {
  if (kind === "chain") return chain(...members.map(extractorOf));
  if (kind === "custom")
    return fromCustom({ extract: (view) => view.headers(String(key).toLowerCase())[0], source, key: String(key) });
  return MAKERS[kind](key);
}

/** The options that a framework's `session()` takes: its own way to read the path and to answer `down`. */
export function optionsFor<C extends readonly unknown[]>(
  { options, skipPath, errorHandler }: Mounting,
  pathOf: (request: NoInfer<C>[0]) => string,
  down: (...context: C) => unknown,
): never {
  const hooks = {
    ...(skipPath !== undefined && { skip: (...context: C) => pathOf(context[0]) === skipPath }),
    ...(errorHandler && {
      errorHandler: (_error: unknown, ...context: C) => (errorHandler === "send503" ? down(...context) : undefined),
    }),
  };
  return { ...options, ...hooks } as never;
}

/** Route parameters of a path, or undefined where the route is another: for servers that have no router. */
export function routed(route: string, path: string): Record<string, string> | undefined {
  const [pattern, parts] = [route.split("/"), path.split("/")];
  if (pattern.length !== parts.length) return undefined;
  if (!pattern.every((part, at) => part.startsWith(":") || part === parts[at])) return undefined;
  return Object.fromEntries(
    pattern.flatMap((part, at) => (part.startsWith(":") ? [[part.slice(1), parts[at]!]] : [])),
  );
}
