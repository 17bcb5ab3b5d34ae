import { ON_FASTIFY } from "./fastify.js";
import { ON_KOA } from "./koa.js";
import type { Check } from "./check.js";

/** Programs of packages for Fastify and Koa, on Holdfast's own sessions. */
export const CHECKS: readonly Check[] = [...ON_FASTIFY, ...ON_KOA];

/** Runs those that a pattern names, one after another. */
export async function runChecks(patterns: readonly string[]): Promise<{ passed: number; failed: number }> {
  const some = CHECKS.filter(({ name }) => patterns.length === 0 || patterns.some((one) => name.includes(one)));
  let failed = 0;
  for (const { name, run } of some) {
    try {
      await run();
    } catch (error) {
      failed += 1;
      console.log(`✖ ${name}\n    ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
  console.log(`${some.length} programs of packages for Fastify and Koa, ${failed} failed.`);
  return { passed: some.length - failed, failed };
}
