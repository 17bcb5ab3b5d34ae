import type { Request } from "express";
import { findSession } from "holdfast/express";
import { findPerson, type Person } from "./people.js";

/** What every page shows of its visitor. */
export interface Visit {
  readonly person: Person | undefined;
  /** True if the session could not be loaded: then nobody knows who the visitor is. */
  readonly isUnknown?: boolean;
  readonly cart: readonly string[];
  /** Shown once, on the next page. */
  readonly message?: string | undefined;
}

/** The visit of a request. */
export function visitOf(req: Request): Visit {
  const session = findSession(req);
  if (!session) return { person: undefined, isUnknown: true, cart: [] };
  return { person: findPerson(session.owner), cart: session.get("cart") ?? [] };
}

/** The same for a page: it shows the waiting message, which is then removed. */
export async function pageVisit(req: Request): Promise<Visit> {
  const visit = visitOf(req);
  return { ...visit, message: await req.session.take("message") };
}

/** Shows a message on the next page, once. */
export function say(req: Request, message: string): void {
  req.session.set("message", message);
}

/** A text field of a form. */
export function field(req: Request, name: string): string {
  const value: unknown = req.body?.[name];
  return typeof value === "string" ? value : "";
}
