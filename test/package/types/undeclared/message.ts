import type { Session } from "holdfast";

export function visits(session: Session): unknown {
  return session.get("visits");
}
