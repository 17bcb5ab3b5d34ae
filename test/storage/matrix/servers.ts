/** The servers of the matrix: the services, and some that are started in another way. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { chmodSync, chownSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { service, type Service, type ServerProcess } from "../../support/services.js";

interface Startable extends ServerProcess {
  start(): Promise<Startable>;
}

interface RedisServers {
  redisServer(name: string, command: string, options: { args: string[]; port?: number }): Promise<Startable>;
  redisVersion(command: string): string | undefined;
}

interface MariadbServers {
  mariadbServer(options: { args: string[] }): Promise<Startable>;
}

interface PostgresServers {
  postgresServer(options: { args: string[] }): Promise<Startable>;
  serviceUser(): { uid?: number; gid?: number };
}

const scripts = (name: string): Promise<unknown> =>
  import(new URL(`../../../scripts/services/${name}.mjs`, import.meta.url).href);
const { redisServer, redisVersion } = (await scripts("redis-server")) as RedisServers;
const { mariadbServer } = (await scripts("mariadb")) as MariadbServers;
const { postgresServer, serviceUser } = (await scripts("postgres")) as PostgresServers;

/** A certificate of its own, for this machine; clients are told not to look who signed it. */
function certificate(): { key: string; cert: string } {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-matrix-tls-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  execFileSync("openssl", [...args, "-subj", "/CN=localhost", "-keyout", key, "-out", cert], { stdio: "ignore" });
  const { uid, gid } = serviceUser();
  for (const file of [directory, key, cert]) if (uid !== undefined && gid !== undefined) chownSync(file, uid, gid);
  chmodSync(key, 0o600);
  return { key, cert };
}

async function redisWith(args: string[]): Promise<Service> {
  const server = await redisServer("redis", "redis-server", { args });
  await server.start();
  return described(`redis://127.0.0.1:${server.port}`, server, redisVersion("redis-server"));
}

function described(url: string, server: Startable, version: string | undefined): Service {
  const { hostname, port, pathname } = new URL(url);
  const address = { host: hostname, port: Number(port) };
  const none = { username: undefined, password: undefined };
  return { url, ...address, addresses: [address], ...none, database: pathname.slice(1), servers: [server], version };
}

const SPECIAL: Readonly<Record<string, () => Promise<Service>>> = {
  async "redis with TLS"() {
    const { key, cert } = certificate();
    const { freePort } = (await scripts("lib")) as { freePort(): Promise<number> };
    const port = await freePort();
    const plain = await redisWith([
      "--tls-port",
      `${port}`,
      "--tls-cert-file",
      cert,
      "--tls-key-file",
      key,
      "--tls-auth-clients",
      "no",
    ]);
    return { ...plain, url: `rediss://127.0.0.1:${port}`, port };
  },
  "redis with renamed commands": () =>
    redisWith(
      ["KEYS", "FLUSHALL", "FLUSHDB", "CONFIG", "SHUTDOWN"].flatMap((name) => ["--rename-command", name, ""]),
    ),
  "redis without EVALSHA": () => redisWith(["--rename-command", "EVALSHA", ""]),
  async "mariadb with TLS"() {
    const { key, cert } = certificate();
    const args = [`--ssl-cert=${cert}`, `--ssl-key=${key}`, "--require-secure-transport=ON"];
    const server = await mariadbServer({ args });
    await server.start();
    const ssl = encodeURIComponent('{"rejectUnauthorized":false}');
    return described(`mysql://root@127.0.0.1:${server.port}/holdfast?ssl=${ssl}`, server, undefined);
  },
  async "postgres with TLS"() {
    const { key, cert } = certificate();
    const server = await postgresServer({
      args: ["-c", "ssl=on", "-c", `ssl_cert_file=${cert}`, "-c", `ssl_key_file=${key}`],
    });
    await server.start();
    return described(`postgres://postgres@127.0.0.1:${server.port}/postgres`, server, undefined);
  },
};

const started = new Map<string, Promise<Service>>();

/** A server by the name that rows give it. */
export function serverOf(name: string): Promise<Service> {
  const start = SPECIAL[name];
  const known = started.get(name) ?? (start ? start() : name === "none" ? Promise.resolve(NONE) : service(name));
  started.set(name, known);
  return known;
}

/** Ends those that were started for the matrix alone. */
export async function endServers(): Promise<void> {
  for (const name of Object.keys(SPECIAL)) await (await started.get(name))?.servers[0]?.kill();
}

const NONE: Service = {
  url: "",
  host: "",
  port: 0,
  addresses: [],
  username: undefined,
  password: undefined,
  database: "",
  servers: [],
  version: undefined,
};

/** A version that stands in the manifest of a dependency of this checkout. */
export function versionOf(name: string): string {
  const manifest = new URL(`../../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}
