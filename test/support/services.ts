import { test } from "node:test";

/** A process of a service, as scripts/services/lib.mjs has it. */
export interface ServerProcess {
  readonly port: number;
  readonly pid: number | undefined;
  readonly isRunning: boolean;
  /** Starts it again, on the same port and data. */
  start(): Promise<unknown>;
  /** Ends it as a failure would. */
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

/** A database server to test with. */
export interface Service {
  readonly url: string;
  /** Of the first address. */
  readonly host: string;
  readonly port: number;
  /** All addresses, where the URL names several. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** What the URL's path says: a database, or a sentinel's name of the primary. */
  readonly database: string;
  /** Its processes; none where the address came from the environment. */
  readonly servers: readonly ServerProcess[];
  readonly version: string | undefined;
}

interface Started {
  readonly url: string;
  readonly version?: string;
  readonly servers: readonly ServerProcess[];
}

interface Services {
  startService(name: string): Promise<Started>;
  variableOf(name: string): string;
}

const lib = new URL("../../scripts/services/lib.mjs", import.meta.url).href;
const { startService, variableOf } = (await import(
  new URL("../../scripts/services.mjs", import.meta.url).href
)) as Services;
const { mayInstall } = (await import(lib)) as { mayInstall(): boolean };
const services = new Map<string, Promise<Service>>();

/**
 * The server of that name: at HOLDFAST_TEST_<NAME>_URL, else one that is started for this process and ends with it.
 * Throws where there is none.
 */
export function service(name: string): Promise<Service> {
  const known = services.get(name) ?? obtain(name);
  services.set(name, known);
  return known;
}

/** A server of its own, which may be killed: always started, whatever the environment says. */
export async function ownService(name: string): Promise<Service> {
  return described(await startService(name));
}

/**
 * Declares tests that need a server. Where this machine lacks it and must not install it, one skipped test says so;
 * in CI it fails.
 */
export async function withService(name: string, declare: (server: Service) => unknown): Promise<void> {
  await unlessMissing(name, `, or name one in ${variableOf(name)}`, async () => declare(await service(name)));
}

/** The same for what starts servers of its own. */
export async function unlessMissing(name: string, advice: string, declare: () => Promise<unknown>): Promise<void> {
  try {
    await declare();
  } catch (error) {
    if (!mayBeMissing(error)) throw error;
    test(`tests with ${name}`, { skip: `${error.message}${advice}` }, () => {});
  }
}

/** Whether an error says that this machine lacks a program, and must not install it. */
export function mayBeMissing(error: unknown): error is Error {
  return error instanceof Error && error.name === "MissingProgram" && !process.env.CI && !mayInstall();
}

async function obtain(name: string): Promise<Service> {
  const given = process.env[variableOf(name)];
  return described(given ? { url: given, servers: [] } : await startService(name));
}

const URL_SHAPE = /^[\w+-]+:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?]+)(?:\/([^?]*))?/;

function described({ url, version, servers }: Started): Service {
  const match = URL_SHAPE.exec(url);
  if (!match) throw new Error(`${url} is no address of a server`);
  const [, username, password, hosts = "", database = ""] = match;
  const addresses = hosts
    .split(",")
    .map((one) => ({ host: one.replace(/:\d+$/, ""), port: Number(/:(\d+)$/.exec(one)?.[1]) }));
  return { url, ...addresses[0]!, addresses, username, password, database, servers, version };
}
