import { Redis, type RedisConfigNodejs } from "@upstash/redis";
import { TOKEN, UpstashFront } from "./upstash-front.js";
import type { Service } from "./services.js";

/** A client over a front of its own. */
export interface ConnectedUpstash {
  readonly redis: Redis;
  readonly front: UpstashFront;
  close(): void;
}

/** Ways to configure a client, by their names. */
export const UPSTASH_SETTINGS: Readonly<Record<string, Partial<RedisConfigNodejs>>> = {
  "as it comes": {},
  "without auto-pipelining": { enableAutoPipelining: false },
  "without automatic deserialization": { automaticDeserialization: false },
  "without base64, and without read-your-writes": { responseEncoding: false, readYourWrites: false },
  "with a signal and no retries": { signal: () => AbortSignal.timeout(10_000), retry: false },
};

/** Connects a client that is configured so, before this Redis. */
export async function connectUpstash(
  { url }: Service,
  settings: Partial<RedisConfigNodejs> = {},
): Promise<ConnectedUpstash> {
  const front = await UpstashFront.start(url);
  const redis = new Redis({ url: front.url, token: TOKEN, enableTelemetry: false, ...settings });
  return { redis, front, close: () => front.stop() };
}
