import { describe } from "node:test";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { MYSQL_CLIENTS } from "./clients.js";
import { outages } from "./outages.js";
import { withOwn } from "./servers.js";
import { sqlOutages, type Administrator } from "./sql-outages.js";

async function administer(url: string): Promise<Administrator> {
  const connection = await createConnection(url);
  connection.on("error", () => {});
  return { run: async (sql) => (await connection.query(sql))[0], close: () => connection.end() };
}

/** Whom the application works as: root may write to a server that is read-only. */
async function createUser(url: string): Promise<void> {
  const { run, close } = await administer(url);
  await run("CREATE USER app");
  await run("GRANT ALL ON holdfast.* TO app");
  await close();
}

async function endConnections({ run }: Administrator): Promise<void> {
  const others = (await run(
    "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user = 'app'",
  )) as RowDataPacket[];
  for (const { id } of others) await run(`KILL CONNECTION ${id}`);
}

/** As a replica is. */
async function setReadOnly({ run }: Administrator, isReadOnly: boolean): Promise<void> {
  await run(`SET GLOBAL read_only = ${isReadOnly ? 1 : 0}`);
}

await withOwn("mariadb", async ({ url, servers: [server] }) => {
  await createUser(url);
  for (const [client, open] of Object.entries(MYSQL_CLIENTS)) {
    const name = `mariadb, ${client}`;
    describe(name, () => {
      outages(name, server!, open);
      sqlOutages(name, { server: server!, administer: () => administer(url), endConnections, setReadOnly }, open);
    });
  }
});
