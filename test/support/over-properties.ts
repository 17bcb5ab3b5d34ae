import type { IncomingMessage } from "node:http";
import type { Session } from "holdfast";
import expressSession, { getSession, update } from "holdfast/express-session";

type Data = Record<string, any>;
type Request = IncomingMessage & {
  session: Data & { regenerate(): Promise<void>; save(): Promise<void>; destroy(): Promise<void> };
};

const made = new WeakMap<object, Session<Data>>();

/** True if `req.session` has plain properties. */
export function hasProperties(request: IncomingMessage): boolean {
  return (request as Partial<Request>).session instanceof expressSession.Session;
}

/**
 * The session of a request of the drop-in for express-session: its data are the plain properties of `req.session`,
 * `reset`, `destroy` and `save` are its methods, and everything else is the session behind it.
 */
export function overProperties(request: IncomingMessage): Session<Data> {
  const req = request as Request;
  const known = made.get(req);
  if (known) return known;
  const native = getSession<Data>(req);
  const own: Partial<Session<Data>> = {
    get: (key) => req.session?.[key],
    has: (key) => req.session !== undefined && Object.hasOwn(req.session, key) && req.session[key] !== undefined,
    keys: () => Object.keys(req.session ?? {}).filter((key) => key !== "cookie"),
    set: (key, value) => {
      req.session[key] = value;
    },
    delete: (key) => void delete req.session[key],
    update: (key, change) => void update(req, key as never, change as never),
    toJSON: () => Object.fromEntries(Object.entries(req.session ?? {}).filter(([key]) => key !== "cookie")),
    reset: () => req.session.regenerate(),
    destroy: () => (req.session === undefined ? native.destroy() : req.session.destroy()),
    save: () => (req.session === undefined ? native.save() : req.session.save()),
  };
  const session = new Proxy(native, {
    get(_target, name) {
      const value: unknown = Object.hasOwn(own, name)
        ? own[name as keyof typeof own]
        : Reflect.get(native, name, native);
      return typeof value === "function" ? value.bind(native) : value;
    },
  });
  made.set(req, session);
  return session;
}
