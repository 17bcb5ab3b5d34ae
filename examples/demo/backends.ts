import type { Storage } from "holdfast";
import { openStorage } from "holdfast/open";
import { memoryStorage } from "holdfast/storage/memory";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Switch, TcpCable, type Cable } from "./cable.js";
import type { PeerStore } from "./observed.js";

/** Something opened for one experiment, and what unplugs it. */
export interface Opened<T> {
  readonly opened: T;
  readonly cable: Cable;
  close(): Promise<unknown>;
}

/** Where both applications keep their sessions. */
export interface Backend {
  /** The database product. */
  readonly name: string;
  /** How express-session reaches it. */
  readonly peer: string;
  /** How it is unplugged. */
  readonly cut: string;
  openStorage(): Promise<Opened<Storage>>;
  openStore(): Promise<Opened<PeerStore>>;
}

const load = createRequire(import.meta.url);
const { MemoryStore } = load("express-session") as { readonly MemoryStore: new () => PeerStore };

const SWITCHED = "each of its calls fails";
const PULLED = "a proxy in front of it closes all connections";

/**
 * The backend of an address; without one, the memory of this process.
 *
 * @throws if the database cannot be reached, or the address is no storage's
 */
export async function backendOf(address: string | undefined): Promise<Backend> {
  if (address === undefined) return memory;
  const { name, close } = await openStorage(address);
  await close();
  const stores = STORES[/^\w+:/.exec(address)?.[0] ?? ""];
  return stores ? networked(name, address, stores) : withoutStore(name, address);
}

const memory: Backend = {
  name: "memory",
  peer: "its MemoryStore",
  cut: SWITCHED,
  openStorage: async () => switched(memoryStorage()),
  openStore: async () => switched(new MemoryStore()),
};

/** A database with a usual store for express-session: both reach it through a cable of their own. */
function networked(name: string, address: string, { peer, port, open }: PeerStores): Backend {
  const through = async <T>(opens: (address: string) => Promise<Closable<T>>): Promise<Opened<T>> => {
    const url = new URL(address);
    const cable = await TcpCable.to(url.hostname || "127.0.0.1", Number(url.port) || port);
    url.host = `127.0.0.1:${cable.port}`;
    const { opened, close } = await opens(url.href);
    return { opened, cable, close: () => close().finally(() => cable.close()) };
  };
  return {
    name,
    peer,
    cut: PULLED,
    openStorage: () =>
      through(async (url) => {
        const { storage, close } = await openStorage(url);
        return { opened: storage, close };
      }),
    openStore: () => through(open),
  };
}

/** A database that this demonstration has no store of express-session for. */
function withoutStore(name: string, address: string): Backend {
  return {
    name,
    peer: `its MemoryStore: this demonstration brings no store of it for ${name}`,
    cut: SWITCHED,
    async openStorage() {
      const { storage, close } = await openStorage(address);
      return { ...switched(storage), close };
    },
    openStore: memory.openStore,
  };
}

interface Closable<T> {
  readonly opened: T;
  close(): Promise<unknown>;
}

/** The usual store of express-session for a database. */
interface PeerStores {
  readonly peer: string;
  /** Of the database, if its address has none. */
  readonly port: number;
  open(address: string): Promise<Closable<PeerStore>>;
}

const redis: PeerStores = { peer: "connect-redis", port: 6379, open: openConnectRedis };
const postgres: PeerStores = { peer: "connect-pg-simple", port: 5432, open: openConnectPg };
const STORES: Readonly<Record<string, PeerStores>> = {
  "redis:": redis,
  "postgres:": postgres,
  "postgresql:": postgres,
};

/** Its client fails at once while there is no connection, as the one of Holdfast here. */
async function openConnectRedis(url: string): Promise<Closable<PeerStore>> {
  const { RedisStore } = (await fromNpm("connect-redis", "9.0.0")) as {
    readonly RedisStore: new (options: object) => PeerStore;
  };
  const { createClient } = load("redis") as typeof import("redis");
  const client = createClient({ url, disableOfflineQueue: true });
  client.on("error", () => {});
  await client.connect();
  const opened = new RedisStore({ client, prefix: "demonstration:" });
  return { opened, close: async () => (client.isReady ? client.close() : client.destroy()) };
}

async function openConnectPg(connectionString: string): Promise<Closable<PeerStore>> {
  const connectPg = (await fromNpm("connect-pg-simple", "10.0.0")) as {
    readonly default: (session: unknown) => new (options: object) => PeerStore;
  };
  const { Pool } = load("pg") as typeof import("pg");
  const pool = new Pool({ connectionString });
  pool.on("error", () => {});
  const options = { pool, tableName: "express_session_demonstration", createTableIfMissing: true };
  const opened = new (connectPg.default(load("express-session")))({ ...options, pruneSessionInterval: false });
  return { opened, close: () => pool.end() };
}

/** Installs a package when it is first needed, and loads it. */
async function fromNpm(name: string, version: string): Promise<unknown> {
  const { fromNpm: install } = (await import(new URL("../../../scripts/from-npm.mjs", import.meta.url).href)) as {
    fromNpm(packages: Readonly<Record<string, string>>, options: { readonly peers: boolean }): string;
  };
  const directory = install({ [name]: version }, { peers: false });
  const resolve = createRequire(join(directory, "_.js")).resolve;
  return import(pathToFileURL(resolve(name)).href);
}

function switched<T>(opened: T): Opened<T> {
  return { opened, cable: new Switch(), close: async () => {} };
}
