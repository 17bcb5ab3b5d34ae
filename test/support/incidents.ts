import type { SessionEvent } from "holdfast";

/** The events of a session's ordinary life. */
const LIFE: ReadonlySet<string> = new Set(["created", "authenticated", "renewed", "ended", "absent"]);

/** A listener that is told of what is more than a session's ordinary life: most tests ask for nothing else. */
export function incidents(listen: (event: SessionEvent) => unknown): (event: SessionEvent) => void {
  return (event) => {
    if (!LIFE.has(event.type)) listen(event);
  };
}
