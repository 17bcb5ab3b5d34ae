import type { AdapterUnderTest } from "holdfast/testing";

/** A framework in the table of `npm run adapters`. */
export interface Framework {
  readonly name: string;
  /** The newest first. */
  readonly versions: readonly string[];
  /** Starts the application of the adapter suite, in one version. */
  start(version: string): Promise<RunningApp>;
  /** True if it runs an example, which has no routes for the suite. */
  readonly isExample?: boolean;
  /** What only this framework has: pages, actions, its browser side. */
  readonly own?: readonly OwnCase[];
  /** Cases of some versions only. */
  ownIn?(version: string): readonly OwnCase[];
  /** Cases of the suite that its applications cannot have, each with the reason. */
  readonly without?: Readonly<Record<string, string>>;
  /** Cases that one version cannot pass, each with the reason: `"1.0.0 name of the case"`. */
  readonly withoutIn?: Readonly<Record<string, string>>;
}

/** An application that runs, and how to end it. */
export interface RunningApp extends AdapterUnderTest {
  close(): Promise<void>;
}

/** A case that only one framework has. */
export interface OwnCase {
  readonly name: string;
  run(app: RunningApp, version: string): Promise<void>;
}
