/** What node:http leaves to the application. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

/** The fields of a form that was posted; empty if the request has no body. */
export async function formOf(req: IncomingMessage): Promise<URLSearchParams> {
  return new URLSearchParams(await text(req));
}

/** Sends a page; without one, redirects to `otherwise`. */
export function send(res: ServerResponse, page: string | undefined, otherwise: string = "/"): void {
  if (page === undefined) return redirect(res, otherwise);
  res.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(page);
}

export function redirect(res: ServerResponse, to: string): void {
  res.writeHead(303, { Location: to }).end();
}
