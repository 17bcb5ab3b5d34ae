import { createServer } from "node:http";
import { actionOf, listen, sendError, sendJson, settle } from "./serving.mjs";

export const packages = [];
export const cookieOf = (req) => req.headers.cookie;
export const setCookie = (_req, res, line) => res.appendHeader("Set-Cookie", line);

/** `mount` makes a listener of a listener. */
export function serve({ mount = (listener) => listener, actions }) {
  return listen(
    createServer(
      mount((req, res) => {
        const failed = (error) => sendError(res, error);
        try {
          settle(actions[actionOf(req.url)](req, res), (body) => sendJson(res, body), failed);
        } catch (error) {
          failed(error);
        }
      }),
    ),
  );
}
