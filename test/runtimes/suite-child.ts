/**
 * `PART/NAME …`: plays suites in this runtime, `adapters/node`, `storages/redis` or `clients/deno`, and prints a line of JSON for
 * each case. `opens NAME`: only opens a storage, and fails where this runtime has no such client.
 */
import { NOT_EXPRESSIBLE } from "../adapters/not-expressible.js";
import { CASES, play } from "../adapters/suite.js";
import { ADAPTERS } from "../support/apps.js";
import type { Service } from "../support/services.js";
import { runSuites } from "../support/storage-suites.js";
import { caseLeftOut } from "./meant.js";
import { BUN, DENO, type Cases } from "./own-clients.js";
import { STORAGES, type OpenedStorage } from "./storages.js";

const RUNTIME = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

/** The servers that were started for it. */
const SERVICES = JSON.parse(process.env.HOLDFAST_TEST_SERVICES ?? "{}") as Readonly<Record<string, Service>>;

const [first, ...rest] = process.argv.slice(2);
if (first === "opens") await opened(rest[0]!);
else for (const one of [first!, ...rest]) await suite(one);
tell({ end: true });
process.exit();

async function suite(what: string): Promise<void> {
  const [part, ...names] = what.split("/");
  const name = names.join("/");
  if (part === "adapters") await adapterSuite(name);
  else if (part === "clients") await clientCases(name === "deno" ? DENO : BUN);
  else await storageKit(name);
}

async function clientCases(cases: Cases): Promise<void> {
  for (const [name, run] of Object.entries(cases)) tell({ name, error: await run().then(() => undefined, told) });
}

async function adapterSuite(name: string): Promise<void> {
  const adapter = ADAPTERS.find((one) => one.name === name)!;
  for (const one of CASES) {
    if (NOT_EXPRESSIBLE[one.name]?.[adapter.name]) continue;
    const leftOut = caseLeftOut(RUNTIME, name, one.name);
    const error = leftOut ? undefined : await play(one, adapter).then(() => undefined, told);
    tell({ name: `${name}: ${one.name}`, error, leftOut });
  }
}

/** Through every decorator: each is cryptography or timing of the runtime's own. */
async function storageKit(name: string): Promise<void> {
  const { storage, close } = await opened(name);
  await runSuites(storage, (result) =>
    tell({ name: `${name}, ${result.decorator}: ${result.name}`, error: result.error }),
  );
  await close();
}

async function opened(name: string): Promise<OpenedStorage> {
  const { server, open } = STORAGES.find((one) => one.name === name)!;
  return open(server && SERVICES[server]);
}

function told(error: unknown): string {
  return error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error);
}

function tell(what: unknown): void {
  console.log(JSON.stringify(what));
}
