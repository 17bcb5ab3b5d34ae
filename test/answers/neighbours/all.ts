import type { Row } from "../row.js";
import { expressPackages } from "./express.js";
import { fastifyPackages } from "./fastify.js";
import { honoPackages } from "./hono.js";
import { koaPackages } from "./koa.js";
import { reactRouter } from "./react-router.js";
import { serverless } from "./serverless.js";
import { serverPackages } from "./servers.js";
import { socketPackages } from "./sockets.js";
import { wrappers } from "./wrappers.js";

/**
 * What other packages do with an answer, beside the session. `npm test` plays what the names choose, `npm run
 * answers` all.
 */
export const neighbours: readonly Row[] = [
  ...short(
    wrappers,
    /^compression (?:before|after)|^(?!compression).* before the session, small json$|^the usual eight.*(?:json|stream|error)$/,
  ),
  ...short(
    expressPackages,
    /, (?:immutable|a stream|an answer that breaks off|a file|it fires|text\/html|an error)$|^serve-static before|alone$/,
  ),
  ...short(reactRouter, /GET \/(?:small|events|headers)$/),
  ...short(
    serverPackages,
    /^(?:polka|restify, res.send, return|h3.*(?:inside|outside), (?:an object|send)$|tinyhttp.*(?:json|error)$|NestJS)/,
  ),
  ...short(
    fastifyPackages,
    /^@fastify\/\S+ before the session, (?:a large object|a stream|a web response|immutable|request.file|GET \/small)/,
  ),
  ...short(
    koaPackages,
    /before the session, (?:a text|a stream|a file|immutable)|, 304$|^koa-send$|-router, GET \/b$/,
  ),
  ...short(honoPackages, /^hono\/(?:compress|etag) \w+ the session, (?:small json|a stream|a web response|304)$/),
  ...short(socketPackages, /^(?!socket\.io)|^socket\.io.*(?:polling|websocket)$/),
  ...short(
    serverless,
    /, API Gateway 2, (?:small json|a stream|pieces with callbacks|a redirect with a cookie|an error)$/,
  ),
];

function short(rows: readonly Row[], names: RegExp): Row[] {
  return rows.map((row) => (names.test(row.name) ? row : Object.assign({}, row, { isLong: true })));
}
