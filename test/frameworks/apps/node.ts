import { session as connectSession } from "holdfast/connect";
import { session as nodeSession, type Session } from "holdfast/node";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { Readable } from "node:stream";
import type { Framework } from "../framework.js";
import { ownVersion, packageIn } from "../packages.js";
import { story, storyOptions, type StoryData } from "../story.js";
import { listen } from "./listen.js";

const OPTIONS = storyOptions((req: IncomingMessage) => req.url);

type Handled = IncomingMessage & { readonly session: Session<StoryData> };

function redirect(res: ServerResponse, to: string): void {
  res.writeHead(303, { Location: to }).end();
}

const fieldsOf = async (req: IncomingMessage): Promise<Record<string, string>> =>
  Object.fromEntries(new URLSearchParams(await text(req)));

/** The routes without a framework. */
async function handle(req: Handled, res: ServerResponse): Promise<unknown> {
  const { pathname, searchParams } = new URL(req.url!, "http://localhost");
  if (pathname === "/storage") return res.end(story.storage(searchParams.get("do")));
  if (pathname === "/untouched") return res.end("untouched");
  if (pathname === "/data") return res.end(JSON.stringify(story.data(req.session)));
  if (pathname === "/set") return res.end(story.set(req.session, await fieldsOf(req)));
  if (pathname === "/increment") return res.end(story.increment(req.session));
  if (pathname === "/throw") return story.throw(req.session);
  if (pathname === "/slow") return res.end(await story.slow(req.session));
  if (pathname === "/stream") return Readable.from(story.stream(req.session)).pipe(res);
  return handleLogin(pathname, req, res);
}

async function handleLogin(path: string, req: Handled, res: ServerResponse): Promise<unknown> {
  if (path === "/login") return story.login(req.session, await fieldsOf(req)).then(() => redirect(res, "/account"));
  if (path === "/logout") return story.logout(req.session).then(() => redirect(res, "/untouched"));
  const account = story.account(req.session);
  return account === undefined ? redirect(res, "/untouched") : res.end(account);
}

/** `node:http`, in the version of Node that runs. */
export const node: Framework = {
  name: "node:http",
  versions: [process.versions.node],
  start: () => {
    const sessions = nodeSession<StoryData>(OPTIONS);
    return listen(sessions((req, res) => handle(req, res)));
  },
};

/** connect, whose error path is its own. */
export const connect: Framework = {
  name: "connect",
  versions: [ownVersion("connect")],
  async start(version) {
    const { default: make } = await packageIn("connect", version);
    const app = make();
    app.use(connectSession<StoryData>(OPTIONS));
    app.use((req: Handled, res: ServerResponse, next: (error: unknown) => void) => void handle(req, res).catch(next));
    app.use((error: { status?: number }, _req: unknown, res: ServerResponse, _next: unknown) => {
      res.statusCode = error.status ?? 500;
      res.end("failed");
    });
    return listen(app as RequestListener);
  },
};
