/** What the servers of all frameworks share. */
import { STATUS_CODES } from "node:http";

const NAMES = { "/read": "read", "/write": "write", "/login": "login", "/seed": "seed", "/plain": "plain" };

/** The action that a path asks for. */
export function actionOf(path) {
  return NAMES[path];
}

/** Hands the result of an action on, at once where it is no promise: a bare server waits for nothing. */
export function settle(result, done, failed) {
  if (typeof result?.then === "function") result.then(done, failed);
  else done(result);
}

/**
 * Listens on a free port of the loopback interface; answers the server. Connections stay open while others are
 * measured.
 */
export function listen(server) {
  server.keepAliveTimeout = 0;
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", () => resolve(server));
  });
}

/** An answer of JSON. */
export function sendJson(res, body) {
  const text = JSON.stringify(body);
  res.setHeader("Content-Type", "application/json; charset=utf-8");
  res.setHeader("Content-Length", Buffer.byteLength(text));
  res.end(text);
}

/** What failed is shown where the benchmark runs, and makes the measurement fail. */
export function sendError(res, error) {
  console.error(error);
  res.statusCode = 500;
  res.end(STATUS_CODES[500]);
}
