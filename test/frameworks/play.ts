import { adapterSuite } from "holdfast/testing";
import { within } from "../support/within.js";
import type { Framework, RunningApp } from "./framework.js";

/** A framework in one version. */
export interface Column {
  readonly framework: Framework;
  readonly version: string;
}

/** A case on one column. */
export interface Row {
  readonly name: string;
  /** Why it cannot be there. */
  readonly reason: string | undefined;
  run(app: RunningApp): Promise<void>;
}

/** Longer than any framework needs for its slowest case: a development server compiles each page in it. */
const MOST_MS = 180_000;

/** The cases of the suite and those of the framework only. */
export function rowsOf({ framework, version }: Column): readonly Row[] {
  const { without = {}, withoutIn = {} } = framework;
  const own = [...(framework.own ?? []), ...(framework.ownIn?.(version) ?? [])];
  const reasonOf = (name: string): string | undefined => without[name] ?? withoutIn[`${version} ${name}`];
  const others = own.map(({ name, run }) => ({
    name: `${framework.name}: ${name}`,
    reason: reasonOf(name),
    run: (app: RunningApp) => within(MOST_MS, name, run(app, version)),
  }));
  if (framework.isExample) return others;
  const suite = adapterSuite(() => ({ origin: "" })).map(({ name }) => ({
    name,
    reason: reasonOf(name),
    run: async ({ origin, cookieName }: RunningApp) => {
      const cases = adapterSuite(() => (cookieName === undefined ? { origin } : { origin, cookieName }));
      await within(MOST_MS, name, cases.find((one) => one.name === name)!.run());
    },
  }));
  return [...suite, ...others];
}
