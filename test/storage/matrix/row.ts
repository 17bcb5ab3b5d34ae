/** What a row of the matrix is: one driver with one client of one version, configured in one way. */
import type { Storage } from "holdfast";
import type { Service } from "../../support/services.js";

/** A storage over a client that is connected. */
export interface Opened {
  readonly storage: Storage;
  close(): unknown;
}

/** What is expected of a row. */
export type Expected =
  /** It keeps the contract and tells all stories. */
  | { readonly open: (server: Service) => Promise<Opened> }
  /** It is opened, and `check` finds what is wrong with it. */
  | { readonly open: (server: Service) => Promise<Opened>; readonly bad: RegExp }
  /** It is refused where the storage is made. */
  | { readonly refused: RegExp; readonly make: () => Promise<readonly [client: unknown, close?: () => unknown]> }
  /** It works, in a process of another runtime, which opens it by its name. */
  | { readonly runtime: string };

export type MatrixRow = Expected & {
  readonly driver: string;
  /** The client's package and version, as the storage's page names them. */
  readonly client: string;
  readonly configuration: string;
  /** Rows of one server run one after the other. */
  readonly server: string;
  /** Runs in `npm test` as well. */
  readonly isPart?: boolean;
  /** Its server is slow: another row of its client runs the whole contract, this one the core of it. */
  readonly isSlow?: boolean;
};

/** A row in words; no two are the same. */
export function nameOf({ driver, client, configuration, server }: MatrixRow): string {
  return `${driver}, ${client}, ${configuration}, ${server}`;
}

export const ignore = (): void => {};
export const host = "127.0.0.1";
