/**
 * Runs every probe against every library; prints what was seen as JSON. Started by scripts/peers.mjs, with a Node
 * that all of them run on and the address of a Redis; ends with the process that started it.
 */
import { readFileSync } from "node:fs";
import { Gates } from "./gates.mjs";
import { PROBES } from "./probes.mjs";
import { openRedis } from "./redis.mjs";
import { expressSession } from "./subjects/express-session.mjs";
import { fastifySessions } from "./subjects/fastify-session.mjs";
import { holdfasts } from "./subjects/holdfast.mjs";
import { honoSessions } from "./subjects/hono-sessions.mjs";
import { ironSession } from "./subjects/iron-session.mjs";
import { koaSession } from "./subjects/koa-session.mjs";

const SUBJECTS = [...holdfasts, expressSession, fastifySessions, koaSession, honoSessions, ironSession];

process.once("disconnect", () => process.exit(1));
process.channel?.unref();
const redis = await openRedis(process.argv[2]);
try {
  const results = [];
  for (const subject of SUBJECTS) results.push(await resultsOf(subject));
  const lines = PROBES.map(({ id, line }) => ({ id, line }));
  process.stdout.write(
    `${JSON.stringify({ node: process.versions.node, redis: redis.version, client: versionOf("redis"), lines, results })}\n`,
  );
} finally {
  redis.close();
}

async function resultsOf({ library, packages, setup, hasStorage = true, start }) {
  const outcomes = {};
  for (const { id, run, needsStorage } of PROBES) {
    if (needsStorage && !hasStorage) continue;
    outcomes[id] = await inNewWorld(start, run).catch((error) => {
      throw new Error(`${library}, ${id}: ${error.message}`, { cause: error });
    });
  }
  return {
    library,
    version: versionOf(library),
    packages: packages.map((name) => `${name} ${versionOf(name)}`),
    setup,
    outcomes,
  };
}

/** Applications of their own, on an empty storage. */
async function inNewWorld(start, run) {
  await redis.empty();
  const client = await redis.connect();
  const [plain, rolling] = [await application(start, client, false), await application(start, client, true)];
  try {
    return await run({ plain, rolling, redis });
  } finally {
    await Promise.all([plain.close(), rolling.close()]);
    client.destroy();
  }
}

async function application(start, client, rolling) {
  const gates = new Gates();
  return { gates, ...(await start(gates, { client, rolling })) };
}

function versionOf(name) {
  const path = name === "Holdfast" ? "../../package.json" : `../node_modules/${name}/package.json`;
  return JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")).version;
}
