import { getIronSession, webCookies } from "iron-session";
import { DATA } from "../kinds.mjs";

const OPTIONS = { password: "a secret of at least thirty-two characters", cookieName: "session", ttl: 1800 };

/** As its README has it. The session is in the cookie: nothing is stored, and nothing can be ended. */
export function make({ framework }) {
  const open = framework === "fetch" ? onFetch : (req, res) => getIronSession(req, res, OPTIONS);
  const saved = (change, answered) => async (request, answer) => {
    const session = await open(request, answer);
    change(session);
    await session.save();
    return answered(session);
  };
  return {
    actions: {
      async read(request, answer) {
        const { name } = await open(request, answer);
        return { name };
      },
      write: saved(
        (session) => session.count++,
        ({ count }) => ({ count }),
      ),
      login: saved(
        (session) => (session.user = 7),
        ({ user }) => ({ user }),
      ),
      seed: saved(
        (session) => Object.assign(session, DATA),
        () => ({ ok: true }),
      ),
    },
  };
}

function onFetch(request, answer) {
  answer.headers = new Headers();
  return getIronSession(webCookies(request, answer.headers), OPTIONS);
}
