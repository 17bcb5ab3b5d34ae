/** The session libraries whose sessions are adopted, and their stores: installed when they are asked for. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

interface Npm {
  fromNpm(packages: Readonly<Record<string, string>>, options: { peers?: boolean }): string;
}

const { fromNpm } = (await import(new URL("../../scripts/from-npm.mjs", import.meta.url).href)) as Npm;

/** Every one of these, by the name it is imported by; npm installs them together. */
const PACKAGES: Readonly<Record<string, string>> = {
  "@fastify/cookie": "11.1.5",
  "@fastify/secure-session": "8.4.0",
  "@fastify/session": "11.1.3",
  "connect-pg-simple": "10.0.0",
  "connect-redis": "10.0.0",
  "connect-redis7": "npm:connect-redis@7.1.1",
  "cookie-session": "2.1.1",
  express: "5.3.0",
  "express-session": "1.19.0",
  fastify: "5.12.8",
  "iron-session": "9.0.1",
  "iron-session8": "npm:iron-session@8.0.4",
  koa: "3.3.0",
  "koa-generic-session": "2.3.1",
  "koa-session": "7.0.2",
  pg: "8.23.1",
  redis: "6.3.1",
  "session-file-store": "1.5.0",
};

const directory = fromNpm(PACKAGES, { peers: false });
const require = createRequire(join(directory, "_.js"));

/** A package, as CommonJS requires it; without types, as it may be any version. */
export function oldLibrary(name: string): any {
  return require(name);
}

/** The same for what is written as modules. */
export async function oldModule(name: string): Promise<any> {
  return import(pathToFileURL(require.resolve(name)).href);
}
