/**
 * One of the servers of these stories: a process of its own, with one application for each column. Its argument says
 * which; lines of JSON on its standard input then say which gates open and how time goes. It ends with its input, and
 * so with the test.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createInterface } from "node:readline";
import type { Session, SessionError } from "holdfast";
import expressSession from "holdfast/express-session";
import { session, type Sessions, type SessionRequest } from "holdfast/node";
import { testClock, type TestClock } from "holdfast/testing";
import { columnsOf, type Family, type Where } from "./columns.js";
import { MOST_SESSIONS } from "./server-options.js";
import { courses, Gates, holding, take, type Data, type Step } from "./steps.js";
import { incidents } from "../../support/incidents.js";
import { overProperties } from "../../support/over-properties.js";

/** What a server is started with. */
export interface Setup {
  readonly family: Family;
  /** When the clocks stand, epoch ms. */
  readonly start: number;
  /** True: the handlers change plain properties, those of the drop-in for express-session. */
  readonly isDropIn?: boolean;
  readonly columns: readonly { readonly name: string; readonly where: Where }[];
}

interface App {
  readonly time: TestClock;
  readonly events: string[];
  readonly sessions: Sessions<Data>;
  readonly listener: (req: IncomingMessage, res: ServerResponse) => void;
}

const setup = JSON.parse(process.argv[2]!) as Setup;
const gates = new Gates();
const known = await columnsOf(setup.family);
const apps = new Map<string, App>();
for (const [index, { name, where }] of setup.columns.entries())
  apps.set(name, await makeApp(name, where, `races-${index}`));

createInterface(process.stdin)
  .on("line", (line) => void obey(JSON.parse(line)))
  .on("close", () => process.exit());
const http = createServer((req, res) =>
  apps.get(decodeURIComponent(new URL(req.url!, "http://localhost").pathname.slice(1)))!.listener(req, res),
);
// No connection is ever closed from this side: a request sent at that moment would be lost.
http.keepAliveTimeout = 0;
http.listen(0, "localhost", () => tell({ port: (http.address() as { port: number }).port }));

/**
 * Time stands still but for what a test says; what waits for another try waits in real time, and no call is given up
 * because a machine is slow.
 */
async function makeApp(name: string, where: Where, namespace: string): Promise<App> {
  const storage = holding(await known.find((column) => column.name === name)!.open(where), gates);
  const time = testClock(setup.start);
  const clock = { now: () => time.now(), setTimer: realTimer };
  const events: string[] = [];
  const common = {
    storage,
    namespace,
    clock,
    idleTimeout: "30m",
    maxSessionsPerOwner: MOST_SESSIONS,
    storageTimeout: "5m",
    commitTimeout: "5m",
    onEvent: incidents(({ type }) => events.push(type)),
    errorHandler: (error: unknown, _req: IncomingMessage, res: ServerResponse) => refuse(error, res),
  } as const;
  if (setup.isDropIn) return { time, events, ...dropIn(common) };
  const sessions = session<Data>(common);
  return {
    time,
    events,
    sessions,
    listener: (req, res) => courses.run({ holds: [], noted: [] }, () => sessions(handle)(req, res)),
  };
}

function dropIn(common: object): Pick<App, "sessions" | "listener"> {
  const name = "session_id";
  const sessions = expressSession({ ...common, name, secret: "races", resave: false, saveUninitialized: false });
  return {
    sessions: sessions as unknown as Sessions<Data>,
    listener: (req, res) =>
      courses.run({ holds: [], noted: [] }, () =>
        sessions(req as never, res as never, (error) => {
          if (error) return refuse(error, res);
          // Like express-session it leaves the cookie of a session that ended; an application removes it.
          const session = overProperties(req);
          void handleWith(session, req, res, (steps) => {
            const isEmpty = session.keys().length === 0 && steps.some(([name]) => name === "reset");
            if (isEmpty || (req as { session?: unknown }).session === undefined)
              res.setHeader("Set-Cookie", `${name}=; Max-Age=0`);
          });
        }),
      ),
  };
}

/** The drop-in ends a session by a marker, not by removing its record. */
function heldAtMarker(step: Step): Step {
  return step[0] === "hold" && step[2] === "delete" ? ["hold", step[1], "update", step[3]] : step;
}

function realTimer(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
}

function handle(req: SessionRequest<Data>, res: ServerResponse): Promise<void> {
  return handleWith(req.session, req, res);
}

async function handleWith(
  session: Session<Data>,
  req: IncomingMessage,
  res: ServerResponse,
  before: (steps: readonly Step[]) => unknown = () => {},
): Promise<void> {
  const sent = JSON.parse(new URL(req.url!, "http://localhost").searchParams.get("steps")!) as Step[];
  const steps = setup.isDropIn ? sent.map(heldAtMarker) : sent;
  try {
    await take(steps, session, gates);
  } catch (error) {
    return refuse(error, res);
  }
  before(steps);
  res.end(JSON.stringify({ data: session.toJSON(), noted: courses.getStore()!.noted }));
}

function refuse(error: unknown, res: ServerResponse): void {
  const { status = 500, code = String(error) } = error as Partial<SessionError>;
  res.statusCode = status;
  res.end(JSON.stringify({ code, noted: courses.getStore()!.noted }));
}

/** What a test may tell a server; each is answered. */
const COMMANDS: Readonly<Record<string, (...args: any[]) => unknown>> = {
  standing: (gate: string, count: number) => gates.standing(gate, count),
  open: (gate: string) => gates.open(gate),
  advance: (column: string, ms: number) => apps.get(column)!.time.advance(ms),
  events: (column: string) => apps.get(column)!.events.splice(0),
  isThere: async (column: string, id: string) => (await apps.get(column)!.sessions.store.getById(id)) !== undefined,
  listByOwner: async (column: string, owner: string) =>
    (await apps.get(column)!.sessions.store.listByOwner(owner)).map(({ id }) => id),
  deleteByOwner: (column: string, owner: string, except?: string) =>
    apps.get(column)!.sessions.store.deleteByOwner(owner, except ? { except } : {}),
  delete: (column: string, id: string) => apps.get(column)!.sessions.store.delete(id),
  edit: (column: string, id: string, steps: Step[]) =>
    courses.run({ holds: [], noted: [] }, () =>
      apps.get(column)!.sessions.store.edit(id, (one) => take(steps, one, gates)),
    ),
};

async function obey({ number, name, args }: { number: number; name: string; args: unknown[] }): Promise<void> {
  try {
    tell({ number, value: await COMMANDS[name]!(...args) });
  } catch (error) {
    tell({ number, error: String(error) });
  }
}

function tell(what: unknown): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
