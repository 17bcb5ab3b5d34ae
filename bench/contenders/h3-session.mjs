import { clearSession, useSession } from "h3";
import { DATA } from "../kinds.mjs";

const OPTIONS = { password: "a secret of at least thirty-two characters", idleTimeout: 1800 };

/** As its documentation has it. The session is in the cookie: nothing is stored, and nothing can be ended. */
export function make() {
  return { actions: ACTIONS };
}

const ACTIONS = {
  async read(event) {
    const { data } = await useSession(event, OPTIONS);
    return { name: data.name };
  },
  async write(event) {
    const session = await useSession(event, OPTIONS);
    await session.update(({ count }) => ({ count: count + 1 }));
    return { count: session.data.count };
  },
  async login(event) {
    const { data } = await useSession(event, OPTIONS);
    await clearSession(event, OPTIONS);
    const renewed = await useSession(event, OPTIONS);
    await renewed.update({ ...data, user: 7 });
    return { user: renewed.data.user };
  },
  async seed(event) {
    const session = await useSession(event, OPTIONS);
    await session.update(DATA);
    return { ok: true };
  },
};
