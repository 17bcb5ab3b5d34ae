/** What comes of making sessions, told in words. */
import { session } from "holdfast/fetch";
import { session as honoSession } from "holdfast/hono";

function outcome(): string {
  try {
    return [session(), honoSession()].map(() => "made").join();
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    return `${code}: ${message}`;
  }
}

(globalThis as { outcome?: string }).outcome = outcome();
