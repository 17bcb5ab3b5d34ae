import { builtinModule } from "../util/builtin.js";
import { hostMemory } from "./nuxt-memory.js";
import { SESSION_ROUTE } from "./nuxt-pages.js";

/** The part of Nuxt's object for modules that is used. */
export interface Nuxt {
  readonly options: {
    readonly dev: boolean;
    readonly serverDir: string;
    readonly buildDir: string;
    readonly build: { readonly templates: unknown[] };
    readonly modules: unknown[];
    _installedModules?: InstalledModule[];
  };
  hook(name: string, run: (given: any) => void): void;
}

/** A module as Nuxt calls it. */
export interface NuxtModule {
  (options: any, nuxt: any): void;
  /**
   * What Nuxt knows of the module before it calls it.
   *
   * @returns its name, and the versions of Nuxt that it is for
   */
  getMeta(): Promise<object>;
}

interface InstalledModule {
  readonly module: unknown;
  entryPath?: string | undefined;
}

interface NitroConfig {
  plugins?: string[];
  handlers?: object[];
  routeRules?: Record<string, object>;
  imports?: { imports?: object[] } | false;
}

const ENTRY = "holdfast/nuxt";
const TEMPLATE = "holdfast";
const TYPES = "types/holdfast.d.ts";

/**
 * The module of Nuxt: `modules: ["holdfast/nuxt"]` in `nuxt.config.ts`. It makes `useSession` known to pages and to
 * server routes, declares the types, and keeps the memory of a development server.
 *
 * @param _options - none
 * @param nuxt - given by Nuxt
 * @example
 * ```ts
 * export default defineNuxtConfig({ modules: ["holdfast/nuxt"] });
 * ```
 */
export const nuxtModule: NuxtModule = Object.assign(setUp, {
  getMeta: async () => ({ name: "holdfast", compatibility: { nuxt: ">=4.0.0" } }),
});

function setUp(_options: unknown, nuxt: Nuxt): void {
  allowImports(nuxt);
  if (nuxt.options.dev) hostMemory();
  nuxt.hook("nitro:config", extendServer);
  nuxt.hook("imports:extend", (imports: object[]) => {
    imports.push({ name: "useSession", from: `#build/${TEMPLATE}` });
  });
  addTypes(nuxt);
}

/**
 * Nuxt forbids applications to import the entry of a module, since most contain code for builds. This entry has none:
 * `session` of the same name is what `server/middleware` imports. Nuxt 4.0 looks for names in the list of modules,
 * later versions for paths in that of installed modules. The source for pages imports a file, not the entry: in
 * Nuxt 4.0 its bundler has read the list already.
 */
function allowImports({ options }: Nuxt): void {
  const { modules } = options;
  options["_installedModules"] ??= [];
  const { _installedModules: installed } = options;
  for (const [i, name] of modules.entries()) if (name === ENTRY) modules[i] = [ENTRY, {}];
  const push = installed.push.bind(installed);
  installed.push = (...added) => {
    for (const one of added) if (one.module === nuxtModule) one.entryPath = undefined;
    return push(...added);
  };
}

function extendServer(config: NitroConfig): void {
  (config.plugins ??= []).push(pathOf(new URL("./h3-plugin.js", import.meta.url)));
  (config.handlers ??= []).push({
    route: SESSION_ROUTE,
    method: "get",
    handler: pathOf(new URL("./nuxt-route.js", import.meta.url)),
  });
  (config.routeRules ??= {})[SESSION_ROUTE] = { cache: false, isr: false, prerender: false };
  if (!config.imports) return;
  // h3 has a function of the same name, which seals data in a cookie.
  (config.imports.imports ??= []).push({ name: "useSession", as: "useSession", from: ENTRY, priority: 10 });
}

/** The path of a file, for bundlers. */
function pathOf(file: URL): string {
  return builtinModule<typeof import("node:url")>("node:url")!.fileURLToPath(file);
}

function addTypes(nuxt: Nuxt): void {
  const { options } = nuxt;
  const middleware = middlewareOf(options.serverDir);
  options.build.templates.push(
    { filename: `${TEMPLATE}.ts`, write: true, getContents: () => pageSource(middleware) },
    { filename: TYPES, write: true, getContents: () => EVENT_TYPES },
  );
  const reference = ({ references }: { references: object[] }): void => {
    references.push({ path: `${options.buildDir}/${TYPES}` });
  };
  nuxt.hook("prepare:types", reference);
  nuxt.hook("nitro:prepare:types", reference);
}

/** The middleware, whose type says what pages get; undefined if it is in another file. */
function middlewareOf(serverDir: string): string | undefined {
  const { existsSync } = builtinModule<typeof import("node:fs")>("node:fs")!;
  const file = `${serverDir}/middleware/session`;
  return ["ts", "mts", "js", "mjs"].some((extension) => existsSync(`${file}.${extension}`)) ? file : undefined;
}

/** A line of the sources below. */
const line = (names: string, from: string): string => `import ${names} from ${JSON.stringify(from)};`;

const payloadSource = (middleware: string | undefined): string =>
  middleware === undefined
    ? line("type { Owner as Payload }", ENTRY)
    : `${line("type { PayloadOf }", ENTRY)}
${line("type sessions", middleware)}

type Payload = PayloadOf<typeof sessions>;`;

const pageSource = (middleware: string | undefined): string => `${payloadSource(middleware)}
${line("{ onNuxtReady, useNuxtApp, useRequestEvent, useState }", "#imports")}
${line("type { UseSession }", ENTRY)}
${line("{ pageSessions }", pathOf(new URL("./nuxt-pages.js", import.meta.url)).replaceAll("\\", "/"))}

const fetch = (path: string): Promise<unknown> => $fetch(path);

export const useSession: UseSession<Payload> = pageSessions<Payload>({
  useState,
  useNuxtApp,
  useRequestEvent,
  onNuxtReady,
  fetch,
});
`;

const EVENT_TYPES = `${line("type { Session, SessionData }", ENTRY)}

declare module "h3" {
  interface H3EventContext {
    /** The session, by the middleware of ${ENTRY}. */
    readonly session: Session<SessionData>;
  }
}

export {};
`;
