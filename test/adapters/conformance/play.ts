import { createHash } from "node:crypto";
import { memoryStorage } from "holdfast/storage/memory";
import { testClock } from "holdfast/testing";
import { watched, type CallName } from "../../support/storages.js";
import type { Adapter, Application, Running } from "./apps/types.js";
import { whyInexpressible } from "./adapters.js";
import { send, type Received } from "./client.js";
import { compare, type Difference } from "./compare.js";
import {
  FormatError,
  readScenario,
  wantedOf,
  type FailingCall,
  type Op,
  type Scenario,
  type Step,
} from "./format.js";
import { application, Script, SCRIPT_HEADER } from "./handler.js";
import { mountings } from "./mounting.js";
import { Symbols } from "./symbols.js";

/** What became of one scenario on one adapter. */
export interface Played {
  readonly differences: readonly Difference[];
  /** Why the framework cannot express it; then it was not played. */
  readonly skipped?: string;
}

const CALLS: Readonly<Record<FailingCall, readonly CallName[]>> = {
  get: ["get"],
  set: ["create", "update", "touch"],
  delete: ["delete"],
};

/** Plays one scenario over HTTP against an application of its own. */
export async function play(value: unknown, adapter: Adapter): Promise<Played> {
  try {
    const scenario = readScenario(value);
    return await quietly(() => playOn(scenario, adapter));
  } catch (error) {
    const wanted = error instanceof FormatError ? "a scenario of the format" : "a scenario that can be played";
    return { differences: [{ field: "scenario", wanted, got: messageOf(error) }] };
  }
}

async function playOn(scenario: Scenario, adapter: Adapter): Promise<Played> {
  const { config } = scenario;
  const ground = { storages: [watched(), memoryStorage()], clock: testClock() } as const;
  const scripts = new Map<string, Script>();
  const inexpressible = whyInexpressible(adapter, config);
  const refusal = inexpressible ?? (scenario.constructionError ? "an error" : undefined);
  let app: Application;
  try {
    app = adapter.build(mountings(config, ground), application(scripts));
  } catch (error) {
    if (inexpressible !== undefined) return { differences: [], skipped: inexpressible };
    return {
      differences:
        refusal === undefined ? [{ field: "construction", wanted: "a middleware", got: messageOf(error) }] : [],
    };
  }
  if (refusal !== undefined)
    return { differences: [{ field: "construction", wanted: refusal, got: "a middleware" }] };
  const stage = new Stage(scenario, {
    storage: ground.storages[0],
    clock: ground.clock,
    scripts,
    app,
    running: await app.listen(),
  });
  try {
    return { differences: await stage.play() };
  } finally {
    await stage.close();
  }
}

interface Props {
  readonly storage: ReturnType<typeof watched>;
  readonly clock: ReturnType<typeof testClock>;
  readonly scripts: Map<string, Script>;
  readonly app: Application;
  readonly running: Running;
}

/** A request that was begun and stands at its gate. */
interface Begun {
  readonly script: Script;
  readonly ops: readonly Op[];
  readonly answer: Promise<Received>;
}

/** One scenario on its way. */
class Stage {
  readonly #scenario: Scenario;
  readonly #props: Props;
  readonly #symbols = new Symbols();
  readonly #begun = new Map<string, Begun>();

  constructor(scenario: Scenario, props: Props) {
    this.#scenario = scenario;
    this.#props = props;
  }

  async play(): Promise<readonly Difference[]> {
    const differences: Difference[] = [];
    for (const [index, step] of this.#scenario.steps.entries()) {
      for (const difference of await this.#try(step)) differences.push({ step: index + 1, ...difference });
    }
    return differences;
  }

  async close(): Promise<void> {
    for (const { script } of this.#begun.values()) script.gate.release();
    await Promise.allSettled([...this.#begun.values()].map(({ answer }) => answer));
    await this.#props.running.close();
  }

  async #try(step: Step): Promise<readonly Difference[]> {
    try {
      return await this.#step(step);
    } catch (error) {
      return [{ field: "step", wanted: "one that can be played", got: messageOf(error) }];
    } finally {
      this.#props.storage.heal();
    }
  }

  async #step(step: Step): Promise<readonly Difference[]> {
    const { storage, clock } = this.#props;
    if (step.sleep !== undefined) clock.advance(step.sleep);
    if (step.corrupt !== undefined) this.#corrupt(this.#symbols.fill(step.corrupt));
    if (step.fail && step.fail.length > 0) storage.fail(...step.fail.flatMap((call) => CALLS[call]));
    if (step.begin !== undefined) return this.#begin(step.begin, step);
    const answered = await this.#answered(step);
    storage.heal();
    const wanted = wantedOf(this.#scenario, step);
    if (!wanted || !answered) return [];
    const differences = compare(
      wanted,
      { received: answered.received, records: await this.#records() },
      answered.ops,
      this.#symbols,
    );
    this.#symbols.passOver(step.recorded);
    return differences;
  }

  async #begin(name: string, step: Step): Promise<readonly Difference[]> {
    const begun = this.#send(step);
    this.#begun.set(name, begun);
    await Promise.race([begun.script.gate.reached, begun.answer]);
    return [];
  }

  async #answered(step: Step): Promise<{ received: Received; ops: readonly Op[] } | undefined> {
    if (step.finish === undefined && !step.request && !step.ops && !step.recorded && !step.expected) return undefined;
    const { script, ops, answer } = step.finish === undefined ? this.#send(step) : this.#waiting(step.finish);
    script.gate.release();
    return { received: await answer, ops };
  }

  #send(step: Step): Begun {
    const { scripts, running } = this.#props;
    const ops = this.#symbols.fill(step.ops ?? []);
    const script = new Script(ops);
    const name = String(scripts.size + 1);
    scripts.set(name, script);
    const answer = send(running.port, this.#symbols.fill(step.request ?? {}), [[SCRIPT_HEADER, name]]);
    answer.catch(() => {});
    return { script, ops, answer };
  }

  #waiting(name: string): Begun {
    const begun = this.#begun.get(name);
    if (!begun) throw new FormatError(`finish names ${name}, and no request of that name was begun`);
    this.#begun.delete(name);
    return begun;
  }

  /** How many sessions a client could still open, of all that were ever stored. */
  async #records(): Promise<number> {
    const { storage, app } = this.#props;
    const keys = new Set(storage.calls.filter(({ name }) => name === "create").map(({ key }) => key));
    const sessions = await Promise.all(
      [...keys].map((key) => app.store.getById(`id_${key.slice(key.indexOf(":") + 1)}`)),
    );
    return sessions.filter((session) => session !== undefined).length;
  }

  /** Puts bytes that are no record where the session of a token is stored. */
  #corrupt(token: string): void {
    const { storage, clock } = this.#props;
    const call = { now: clock.now(), signal: new AbortController().signal };
    const key = `holdfast:${createHash("sha256").update(token).digest("base64url")}`;
    const inner = storage.inner as ReturnType<typeof memoryStorage>;
    const entry = inner.get(key);
    if (entry)
      inner.update(key, { value: "\u0001 no record", expiresAt: entry.expiresAt }, entry.version as number, call);
  }
}

/** Failures that a scenario asks for are logged by the frameworks; that is no news here. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { error } = console;
  console.error = () => {};
  try {
    return await work();
  } finally {
    console.error = error;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
