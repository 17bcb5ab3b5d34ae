/** The plainest Worker. Where no session can be made it answers why. */
import { session, type Sessions } from "holdfast/fetch";

interface Data {
  n: number;
}

function made(): { sessions: Sessions<Data> } | { why: Error & { code?: string } } {
  try {
    return { sessions: session<Data>() };
  } catch (error) {
    return { why: error as Error };
  }
}

const outcome = made();

function counting(sessions: Sessions<Data>): (request: Request) => Promise<Response> {
  return sessions((request: Request) => {
    sessions.get(request).update("n", (n = 0) => n + 1);
    return Response.json(sessions.get(request));
  });
}

export default {
  fetch:
    "sessions" in outcome
      ? counting(outcome.sessions)
      : (): Response => new Response(`${outcome.why.code}: ${outcome.why.message}`, { status: 500 }),
};
