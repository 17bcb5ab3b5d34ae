import type { Request } from "express";
import { findSession } from "holdfast/express";
import { findPerson, type Person } from "./people.js";

/** What every page shows of whoever looks at it. */
export interface Visit {
  readonly person: Person | undefined;
  readonly cart: readonly string[];
  /** What is to be said once, on the next page. */
  readonly message?: string | undefined;
}

/** The visit of a request; a stranger's where the session could not be loaded. */
export function visitOf(req: Request): Visit {
  const session = findSession(req);
  return { person: findPerson(session?.owner), cart: session?.get("cart") ?? [] };
}

/** The same for a page: it shows the message that waits for it, which is gone then. */
export async function pageVisit(req: Request): Promise<Visit> {
  const visit = visitOf(req);
  return { ...visit, message: await req.session.take("message") };
}

/** Says something on the next page, once. */
export function say(req: Request, message: string): void {
  req.session.set("message", message);
}

/** A text field of a form. */
export function field(req: Request, name: string): string {
  const value: unknown = req.body?.[name];
  return typeof value === "string" ? value : "";
}
