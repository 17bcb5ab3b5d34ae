import assert from "node:assert/strict";
import { describe } from "node:test";
import pg from "pg";
import { aWhile, until } from "../../support/within.js";
import { assertHonest } from "./app.js";
import { POSTGRES_CLIENTS, type Open } from "./clients.js";
import { outage, outages, PATIENCE, report, worksAsEver } from "./outages.js";
import { withOwn, type OwnServer } from "./servers.js";
import { sqlOutages, type Administrator } from "./sql-outages.js";

async function administer(url: string): Promise<Administrator> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  return { run: (sql) => client.query(sql), close: () => client.end() };
}

async function endConnections({ run }: Administrator): Promise<void> {
  await run(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
  );
}

/** As a standby is, after a failover that went to it. */
async function setReadOnly({ run }: Administrator, isReadOnly: boolean): Promise<void> {
  await run("SET default_transaction_read_only = off");
  await run(
    isReadOnly
      ? "ALTER SYSTEM SET default_transaction_read_only = on"
      : "ALTER SYSTEM RESET default_transaction_read_only",
  );
  await run("SELECT pg_reload_conf()");
  await aWhile(150);
}

/** Ends it at once, without a checkpoint. */
async function shutDownAtOnce(server: OwnServer): Promise<void> {
  process.kill(server.pid!, "SIGQUIT");
  await until("the end of the server", () => !server.isRunning, 10_000);
  await server.kill();
}

await withOwn("postgres", ({ url, servers }) => {
  for (const [client, open] of Object.entries(POSTGRES_CLIENTS))
    describe(`postgres, ${client}`, () => declare(`postgres, ${client}`, open, servers[0]!, url));
});

function declare(name: string, open: Open, server: OwnServer, url: string): void {
  outages(name, server, open);
  sqlOutages(name, { server, administer: () => administer(url), endConnections, setReadOnly }, open);

  outage(`${name}: immediate shutdown while requests are under way, and a restart`, server, open, async ({ app }) => {
    const guest = await app.guest();
    let isOver = false;
    const load = async (): Promise<void> => {
      while (!isOver) {
        const answer = await guest.append();
        if (answer.status !== 200) assertHonest(answer);
      }
    };
    const loads = [load(), load()];
    await aWhile(100);
    await shutDownAtOnce(server);
    await server.start();
    const back = performance.now();
    await guest.untilServed(PATIENCE);
    report(name, `served again ${Math.round(performance.now() - back)} ms after an immediate shutdown and restart`);
    isOver = true;
    await Promise.all(loads);
    const log = await guest.assertLog();
    assert.ok(log.length > 1);
    await worksAsEver(guest);
  });
}
