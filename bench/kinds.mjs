/** The kinds of request that are measured, what they answer, and the session they meet. */

/** `path` and `method` of each; whether it brings the session's cookie; and what `check` sees wrong in an answer. */
export const KINDS = {
  R: {
    says: "read one value of a live session",
    method: "GET",
    path: "/read",
    brings: true,
    check: ({ body }) => body !== '{"name":"Ada Lovelace"}',
  },
  W: { says: "write one value", method: "POST", path: "/write", brings: true, check: wrongCount },
  T: { says: "a session is present and not asked for", method: "GET", path: "/plain", brings: true, check: notPlain },
  N: { says: "first visit, nothing written", method: "GET", path: "/plain", brings: false, check: notPlain },
  L: {
    says: "login: a new token, one value written",
    method: "POST",
    path: "/login",
    brings: true,
    check: wrongLogin,
  },
};

/**
 * The order they are measured in: those in which most contenders take part come first. A server that nobody asks for
 * eight seconds is slower for long afterwards (V8 gives back memory and compiled code), so whoever takes part in few
 * kinds must not wait for the others.
 */
export const MEASURED = ["T", "N", "R", "W", "L"];

/** Before anything is measured each connection gets a session of its own. */
export const SEED = { method: "POST", path: "/seed", begins: true };

export const PLAIN = { ok: true };

/** What `read`, `write` and `login` answer where there is no session. */
export const CONSTANTS = {
  seed: PLAIN,
  read: { name: "Ada Lovelace" },
  write: { count: 1 },
  login: { user: 7 },
  plain: PLAIN,
};

/** The data of a session whose JSON takes this many bytes. */
export function sessionData(bytes) {
  const data = {
    name: "Ada Lovelace",
    user: 7,
    count: 0,
    roles: ["customer", "editor"],
    cart: [
      { item: "anchor", price: 12.5 },
      { item: "rope", price: 3 },
    ],
    note: "",
  };
  return { ...data, note: "x".repeat(bytes - JSON.stringify(data).length) };
}

/** The session of the benchmark. */
export const DATA = sessionData(600);

/** Each connection's count goes up by one with each write, or a write was lost. */
function wrongCount({ body, connection, holds }) {
  const count = Number(/^\{"count":(\d+)\}$/.exec(body)?.[1]);
  const isWrong = holds ? count !== connection.count + 1 : count !== 1;
  connection.count = count;
  return isWrong;
}

function notPlain({ body }) {
  return body !== '{"ok":true}';
}

function wrongLogin({ body, hasNewCookie, holds }) {
  return body !== '{"user":7}' || hasNewCookie !== holds;
}
