import { withPage } from "../errors.js";
import { MemoryStorage } from "../storage/memory.js";
import { environment, isWorker, mayRead, warn } from "../util/builtin.js";

/** A platform that starts and stops processes on demand: its variable, its name, and a storage that it has. */
type Platform = readonly [variable: string, name: string, storage: string];

const PLATFORMS: readonly Platform[] = [
  ["VERCEL", "Vercel", "upstashStorage(redis)"],
  ["NETLIFY", "Netlify", "upstashStorage(redis)"],
  ["DENO_DEPLOYMENT_ID", "Deno Deploy", "denoKvStorage(await Deno.openKv())"],
  ["DENO_DEPLOY", "Deno Deploy", "denoKvStorage(await Deno.openKv())"],
  ["AWS_LAMBDA_FUNCTION_NAME", "AWS Lambda", "dynamodbStorage(client)"],
  ["FUNCTION_TARGET", "Google Cloud Functions", "redisStorage(client)"],
  ["K_SERVICE", "Google Cloud Run", "redisStorage(client)"],
  ["FUNCTIONS_WORKER_RUNTIME", "Azure Functions", "redisStorage(client)"],
];

const WORKERS: Platform = ["", "Cloudflare Workers", "(_request, env) => durableStorage(env.SESSIONS)"];

/**
 * Warns if sessions in memory would be lost: on a platform whose processes come and go, also if the application passed
 * the storage itself, except in its tests. In production, if it passed none; and if that is not known.
 */
export function warnOfMemory(passed: unknown): void {
  if (passed !== undefined && !(passed instanceof MemoryStorage)) return;
  const platform = isWorker() ? WORKERS : PLATFORMS.find(([variable]) => environment(variable) !== undefined);
  const mode = environment("NODE_ENV");
  if (platform) {
    const [, name, storage] = platform;
    if (passed === undefined || mode !== "test")
      tell(`here many processes come and go (${name}): sessions get lost`, `write storage: ${storage}, or another`);
  } else if (passed === undefined && mode === "production") {
    tell("they end with this process and no other process sees them", ANOTHER);
  } else if (passed === undefined && !mayRead("NODE_ENV")) {
    tell("whether this is production is not known", `start Deno with --allow-env=NODE_ENV, or ${ANOTHER}`);
  }
}

const ANOTHER = "write storage: redisStorage(client), or another";

function tell(why: string, advice: string): void {
  warn(withPage(`holdfast keeps sessions in memory: ${why}; ${advice}`, "wrong-option"));
}
