/** Redis over REST: `@upstash/redis` since 2023, and `@vercel/kv`, which is one. */
import { upstashStorage } from "holdfast/storage/upstash";
import * as upstash from "@upstash/redis";
import { foreign, foreignVersion } from "../../support/foreign-packages.js";
import { TOKEN, UpstashFront } from "../../support/upstash-front.js";
import type { Service } from "../../support/services.js";
import type { MatrixRow, Opened } from "./row.js";
import { versionOf } from "./servers.js";

/** A signal for each request is a function since 1.35.3. */
const SIGNAL = { signal: () => AbortSignal.timeout(10_000) };

/** What the client is told; older ones leave alone what they do not know. */
const SETTINGS: Readonly<Record<string, object>> = {
  "as it comes": {},
  "automatic pipelining": { enableAutoPipelining: true },
  "no automatic pipelining": { enableAutoPipelining: false },
  "no automatic deserialization": { automaticDeserialization: false },
  "no base64": { responseEncoding: false },
  "no read-your-writes": { readYourWrites: false },
  "latency in a log": { latencyLogging: true },
  "no retries": { retry: false },
  "retries, quickly": { retry: { retries: 3, backoff: () => 10 } },
  "a signal for each request": SIGNAL,
  "no cache, no keep-alive": { cache: "no-store", keepAlive: false },
  "no telemetry": { enableTelemetry: false },
  "all of it": {
    enableAutoPipelining: true,
    automaticDeserialization: false,
    responseEncoding: false,
    readYourWrites: false,
    retry: false,
  },
};

type Make = (options: object) => any;

const CLIENTS: Readonly<Record<string, Make>> = {
  ...Object.fromEntries(
    ["upstash1.22", "upstash1.28", "upstash1.34"].map((name): [string, Make] => [
      `@upstash/redis ${foreignVersion(name).replace("v", "")}`,
      (options) => new (foreign(name).Redis)(options),
    ]),
  ),
  [`@upstash/redis ${versionOf("@upstash/redis")}`]: (options) => new upstash.Redis(options as never),
  [`@vercel/kv ${foreignVersion("@vercel/kv")}`]: (options) => foreign("@vercel/kv").createClient(options),
};

async function open(make: Make, { url }: Service, options: object): Promise<Opened> {
  const front = await UpstashFront.start(url);
  const client = make({ url: front.url, token: TOKEN, ...options });
  return { storage: upstashStorage(client), close: () => front.stop() };
}

export const UPSTASH_ROWS: readonly MatrixRow[] = Object.entries(CLIENTS).flatMap(([client, make]) =>
  Object.entries(SETTINGS)
    .filter(([, options]) => options !== SIGNAL || !/ 1\.(22|28|34)/.test(client))
    .map(
      ([configuration, options]): MatrixRow => ({
        driver: "upstash",
        client,
        configuration,
        server: "redis",
        isPart: configuration === "all of it" && /1\.22|kv/.test(client),
        open: (where) => open(make, where, options),
      }),
    ),
);
