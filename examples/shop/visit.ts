import type { Request } from "express";
import { findSession } from "holdfast/express";
import { findPerson, type Person } from "./people.js";

/** What every page shows of whoever looks at it. */
export interface Visit {
  readonly person: Person | undefined;
  readonly cart: readonly string[];
}

/** The visit of a request; a stranger's where the session could not be loaded. */
export function visitOf(req: Request): Visit {
  const session = findSession(req);
  return { person: findPerson(session?.owner), cart: session?.get("cart") ?? [] };
}

/** A text field of a form. */
export function field(req: Request, name: string): string {
  const value: unknown = req.body?.[name];
  return typeof value === "string" ? value : "";
}
