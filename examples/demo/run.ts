import type { RequestListener } from "node:http";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Backend } from "./backends.js";
import type { Cable } from "./cable.js";
import { stories, type ExperimentName } from "./experiments.js";
import type { Happening } from "./happenings.js";
import { observedStorage, observedStore, type PeerStore } from "./observed.js";
import { Recorder } from "./recorder.js";
import { holdfastApp } from "./subjects/holdfast.js";
import { Visitor, type Line } from "./visitor.js";

/** The libraries, in the order of the columns. */
export const SIDES = ["express-session", "holdfast"] as const;
export type Side = (typeof SIDES)[number];

const { expressSessionApp } = (await import(
  new URL("../../demo/subjects/express-session.mjs", import.meta.url).href
)) as { expressSessionApp(options: { store: PeerStore; slowQuery(): Promise<void> }): RequestListener };

/**
 * Plays an experiment against one application, which is started for it: real requests to a real server. Resolves when
 * the result was told.
 */
export async function run(
  name: ExperimentName,
  side: Side,
  backend: Backend,
  tell: (happening: Happening) => void,
): Promise<void> {
  const recorder = new Recorder(tell);
  let work = async (): Promise<void> => {};
  const slowQuery = (): Promise<void> => work();
  const { app, cable, close } = await applicationOf(side, backend, recorder, slowQuery);
  const server = createServer((req, res) => recorder.serve(Number(req.headers["x-request"]), () => app(req, res)));
  try {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    let requests = 0;
    let visitors = 0;
    const line: Line = { origin: `http://127.0.0.1:${port}`, recorder, keyOf: KEYS[side], next: () => requests++ };
    const result = await stories[name]({
      cable,
      visitor: () => new Visitor(line, visitors++ === 0),
      work: (slow) => (work = slow),
      moved: (plugged) => recorder.tell({ is: "cable", plugged }),
    });
    recorder.tell({ is: "result", ...result });
  } finally {
    server.close();
    server.closeAllConnections();
    await close();
  }
}

interface Application {
  readonly app: RequestListener;
  readonly cable: Cable;
  close(): Promise<unknown>;
}

async function applicationOf(
  side: Side,
  backend: Backend,
  recorder: Recorder,
  slowQuery: () => Promise<void>,
): Promise<Application> {
  if (side === "holdfast") {
    const { opened, cable, close } = await backend.openStorage();
    return { app: holdfastApp({ storage: observedStorage(opened, recorder, cable), slowQuery }), cable, close };
  }
  const { opened, cable, close } = await backend.openStore();
  return { app: expressSessionApp({ store: observedStore(opened, recorder, cable), slowQuery }), cable, close };
}

/** The key in the storage for the value of a cookie. */
const KEYS: Readonly<Record<Side, (cookie: string) => string>> = {
  "express-session": (cookie) => decodeURIComponent(cookie).slice("s:".length).split(".", 1)[0]!,
  holdfast: (cookie) => createHash("sha256").update(cookie).digest("base64url"),
};
