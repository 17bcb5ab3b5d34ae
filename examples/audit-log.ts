/**
 * A security log as JSON lines: logins, step-ups, renewals and ends, when and from where. It meets OWASP ASVS 5.0 V16;
 * docs/reference/events.md lists the requirements.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { hostname } from "node:os";
import express, { type Request, type RequestHandler } from "express";
import type { SessionEvent } from "holdfast";
import { session } from "holdfast/express";
import { announce, port } from "./listening.js";

/** Which request an event belongs to: events come while it is handled. */
const requests = new AsyncLocalStorage<Request>();

/** The events about security; `created` and `absent` belong to the lifecycle of visitors. */
const LOGGED: ReadonlySet<string> = new Set(
  "authenticated impersonation-ended renewed ended retired-token unreadable".split(" "),
);

const onEvent = ({ type, id, owner, actor, reason, from }: SessionEvent): void => {
  const isAbsence = type === "absent" && reason !== "none";
  if (LOGGED.has(type) || isAbsence) log(type, { owner, actor, session: id, before: from }, reason);
};

interface Who {
  readonly owner?: string | undefined;
  /** Who really acts, if it is not the owner. */
  readonly actor?: string | undefined;
  /** The id of a session: a hash. Its token is never logged. */
  readonly session?: string | undefined;
  readonly before?: string | undefined;
}

/** One line: when, what, who, where. */
function log(what: string, who: Who, reason?: string): void {
  const req = requests.getStore();
  const from = req && { address: req.ip, method: req.method, path: req.path, agent: req.get("user-agent") };
  const where = { service: "shop", host: hostname(), process: process.pid, ...from };
  console.log(asciiLine({ when: new Date().toISOString(), what, reason, who, where }));
}

/** JSON on one line, in ASCII: client data can neither start a line nor move a terminal's cursor. */
function asciiLine(entry: object): string {
  const escaped = (sign: string): string => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(entry).replace(/[^\x20-\x7e]/g, escaped);
}

const followed: RequestHandler = (req, _res, next) => requests.run(req, next);

const app = express();
app.use(followed, express.urlencoded({ extended: false }), session({ onEvent }));

app.get("/", (req, res) => void res.json({ owner: req.session.owner ?? null }));

app.post("/login", async (req, res) => {
  const { name, password } = req.body ?? {};
  if (name !== "ines" || password !== "tidewater") {
    // The typed name is not logged: users may type a password into that field.
    log("login-refused", {}, "credentials");
    return void res.sendStatus(401);
  }
  await req.session.authenticate("user-1");
  res.redirect("/");
});

app.post("/logout", async (req, res) => {
  await req.session.destroy();
  res.redirect("/");
});

app.post("/logout-everywhere", async (req, res) => {
  const { owner, store } = req.session;
  if (owner !== undefined) await store.deleteByOwner(owner);
  res.redirect("/");
});

const server = app.listen(port, () => announce(server));
