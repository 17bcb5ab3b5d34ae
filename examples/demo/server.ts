import express, { type Express, type Request, type RequestHandler, type Response } from "express";
import { crossOriginProtection } from "holdfast/express";
import { fileURLToPath } from "node:url";
import type { Backend } from "./backends.js";
import { EXPERIMENTS, type ExperimentName } from "./experiments.js";
import { page, type Results } from "./page.js";
import { RunRecord } from "./record.js";
import { run, SIDES, type Side } from "./run.js";

/** What the page is made from. */
export interface DemonstrationOptions {
  readonly backend: Backend;
  /** The port of the shop, once it listens. */
  shopPort(): number;
}

/** How many experiments may run at once: a page has four, and there may be several. */
const MOST_RUNS = 8;

/** The files a browser fetches as they are; compiled files are one directory further down. */
const publicFiles = fileURLToPath(new URL("../../demo/public", import.meta.url));
/** Modules that the server and the page share. */
const SHARED = ["timeline.js", "record.js"];

/** The demonstration, as an Express application. It has no session of its own. */
export function demonstration({ backend, shopPort }: DemonstrationOptions): Express {
  const runs = new Runs(backend);
  const shown = (req: Request, results?: Results): string =>
    page({ backend, shop: `http://${hostOf(req)}:${shopPort()}/`, results });
  const app = express();
  app.disable("x-powered-by");
  app.use(guardedHeaders, crossOriginProtection(), express.static(publicFiles));
  for (const file of SHARED)
    app.get(`/${file}`, (_req, res) => res.sendFile(fileURLToPath(new URL(file, import.meta.url))));
  app.get("/", (req, res) => void res.send(shown(req)));
  app.post("/run/:name", async (req, res) => {
    const name = EXPERIMENTS.find((known) => known === req.params.name);
    if (!name) return void res.status(404).json("There is no such experiment.");
    await runs.stream(name, res);
  });
  app.get("/results", (_req, res) => res.redirect(303, "/"));
  app.post("/results", async (req, res) => void res.send(shown(req, await runs.all())));
  app.use((_req, res) => void res.status(404).type("text").send("There is nothing under this address."));
  return app;
}

/** The experiments under way. */
class Runs {
  readonly #backend: Backend;
  #count = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Runs an experiment with both libraries at the same time, and sends what happens, a line of JSON each. */
  async stream(name: ExperimentName, res: Response): Promise<void> {
    if (this.#count >= MOST_RUNS)
      return void res.status(503).json("Other pages run experiments at this moment. Please try again.");
    res.set("Cache-Control", "no-store").type("application/x-ndjson");
    const send = (side: Side, line: object): void => void res.write(`${JSON.stringify({ side, ...line })}\n`);
    await Promise.all(
      SIDES.map((side) =>
        this.#run(name, side, (happening) => send(side, happening)).catch((error: unknown) =>
          send(side, { is: "failed", reason: reasonOf(error) }),
        ),
      ),
    );
    res.end();
  }

  /** All of them, one after the other: for browsers without script. */
  async all(): Promise<Results> {
    const results = new Map<string, RunRecord>();
    for (const name of EXPERIMENTS) {
      await Promise.all(
        SIDES.map(async (side) => {
          const record = new RunRecord();
          await this.#run(name, side, (happening) => record.add(happening));
          results.set(`${name} ${side}`, record);
        }),
      );
    }
    return results;
  }

  async #run(name: ExperimentName, side: Side, tell: Parameters<typeof run>[3]): Promise<void> {
    this.#count += 0.5;
    try {
      await run(name, side, this.#backend, tell);
    } finally {
      this.#count -= 0.5;
    }
  }
}

const guardedHeaders: RequestHandler = (_req, res, next) => {
  res.set({
    "Content-Security-Policy":
      "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
      "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
  });
  next();
};

/** The name under which the browser has reached this page. */
function hostOf(req: Request): string {
  const host = req.hostname;
  return /^([\w.-]+|\[[\da-f:.]+\])$/i.test(host) ? host : "127.0.0.1";
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
