import { createRequire } from "node:module";
import { join } from "node:path";

interface Npm {
  fromNpm(packages: Record<string, string>): string;
}

const { fromNpm } = (await import(new URL("../../../scripts/from-npm.mjs", import.meta.url).href)) as Npm;

/** What is run beside the session, in versions for every Node that it runs on; docs/frameworks/neighbours.md has them all. */
export const NEIGHBOURS: Readonly<Record<string, string>> = {
  "@codegenie/serverless-express": "4.17.1",
  "@fastify/compress": "9.2.0",
  "@fastify/http-proxy": "11.6.3",
  "@fastify/multipart": "10.1.9",
  "@fastify/static": "10.1.11",
  "@fastify/websocket": "11.3.7",
  "@nestjs/common": "12.5.1",
  "@nestjs/core": "12.5.1",
  "@nestjs/platform-express": "12.5.1",
  "@react-router/express": "7.18.4",
  "@tinyhttp/app": "3.0.11",
  "body-parser": "2.4.0",
  compression: "1.8.2",
  "connect-timeout": "1.9.1",
  "cookie-parser": "1.4.7",
  cors: "2.8.6",
  errorhandler: "1.5.2",
  "express-rate-limit": "8.7.5",
  "express-session": "1.19.0",
  "express-ws": "5.0.2",
  h3: "1.15.11",
  helmet: "8.3.0",
  "http-proxy-middleware": "3.0.11",
  "koa-compress": "5.2.2",
  "koa-router": "14.0.0",
  "koa-send": "5.0.1",
  "koa-static": "5.0.0",
  "method-override": "3.0.0",
  morgan: "1.12.1",
  multer: "2.5.0",
  "next-connect": "1.0.0",
  "on-headers": "1.1.0",
  passport: "0.7.0",
  polka: "0.5.2",
  "response-time": "2.3.4",
  restify: "11.1.0",
  "serve-static": "2.2.1",
  "serverless-http": "4.0.0",
  "socket.io": "4.8.4",
  "socket.io-client": "4.8.4",
  ws: "8.23.0",
};

/** What those packages want beside them. */
const PEERS: Readonly<Record<string, string>> = {
  express: "5.3.0",
  react: "19.3.1",
  "react-dom": "19.3.1",
  "react-router": "7.18.4",
  "reflect-metadata": "0.2.2",
  rxjs: "7.8.2",
};

const load = createRequire(join(fromNpm({ ...NEIGHBOURS, ...PEERS }), "_.js"));

/** Loads one of the packages, when a row needs it. */
export function neighbour(name: string): any {
  const loaded = load(name) as any;
  return typeof loaded === "function" ? loaded : (loaded.default ?? loaded);
}

/** Loads one whose exports are wanted by name. */
export function exportsOf(name: string): any {
  return load(name);
}

/** The file that is loaded under a name. */
export function pathOf(name: string): string {
  return load.resolve(name);
}
