import { currentSession, findCurrentSession, loadCurrentSession, type Session, type SessionData } from "holdfast/als";
import { session } from "holdfast/node";
import { check, type Same } from "../expect.js";

export const sessions = session({ asyncLocalStorage: true });
// @ts-expect-error true or false
session({ asyncLocalStorage: "yes" });

export async function anywhere(): Promise<void> {
  const own = currentSession();
  check<Same<typeof own, Session<SessionData>>>();
  const visits = findCurrentSession()?.get("visits");
  check<Same<typeof visits, number | undefined>>();
  const other = await loadCurrentSession<{ cart: string[] }>();
  check<Same<typeof other, Session<{ cart: string[] }>>>();
  // @ts-expect-error there is no such key
  own.get("visit");
}
