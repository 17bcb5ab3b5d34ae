import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

interface Npm {
  fromNpm(packages: Readonly<Record<string, string>>): string;
}

const { fromNpm } = (await import(new URL("../../../scripts/from-npm.mjs", import.meta.url).href)) as Npm;

/** What stands on express-session's `req.session`, and on the sessions of Fastify and Koa. */
export const PACKAGES: Readonly<Record<string, string>> = {
  "@fastify/cookie": "11.1.5",
  "@fastify/csrf-protection": "8.0.2",
  "@fastify/flash": "6.0.5",
  "@fastify/formbody": "9.0.1",
  "@fastify/passport": "4.0.3",
  "@koa/router": "15.7.0",
  "@nestjs/common": "12.5.1",
  "@nestjs/core": "12.5.1",
  "@nestjs/platform-express": "12.5.1",
  "connect-flash": "0.1.1",
  "cookie-parser": "1.4.7",
  "csrf-csrf": "4.0.3",
  "csrf-sync": "4.2.1",
  csurf: "1.11.0",
  express: "5.3.0",
  "express-openid-connect": "3.4.0",
  fastify: "5.12.8",
  grant: "5.4.24",
  "keycloak-connect": "26.1.1",
  koa: "3.3.0",
  "koa-bodyparser": "4.4.1",
  "koa-csrf": "5.0.1",
  "koa-passport": "6.0.0",
  lusca: "1.7.0",
  passport: "0.7.0",
  "passport-local": "1.0.0",
  "passport-oauth2": "1.8.0",
  "reflect-metadata": "0.2.2",
  rxjs: "7.8.2",
  "socket.io": "4.8.4",
  "socket.io-client": "4.8.4",
  "tiny-csrf": "1.1.6",
  ws: "8.23.0",
};

let directory: string | undefined;
const load = (): NodeJS.Require => createRequire(join((directory ??= fromNpm(PACKAGES)), "_.js"));

/** One of the packages, as CommonJS requires it. They are installed when the first is asked for. */
export function required(name: string): any {
  return load()(name);
}

/** One that is written as modules. */
export async function imported(name: string): Promise<any> {
  return import(pathToFileURL(load().resolve(name)).href);
}

/** A file of packages that are installed apart from the others. */
export async function importedFrom(packages: Readonly<Record<string, string>>, file: string): Promise<any> {
  return import(pathToFileURL(join(fromNpm(packages), "node_modules", ...file.split("/"))).href);
}
