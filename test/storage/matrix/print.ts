/** The matrix as a table, for `npm run storages -- --matrix`. */
import { nameOf, type MatrixRow } from "./row.js";
import { ROWS } from "./rows.js";
import { runRow } from "./run.js";
import { endServers } from "./servers.js";

/** Servers that are asked at once. */
const AT_ONCE = 2;

/** Runs the rows that have one of these words (all, if there are none), prints them; answers how many failed. */
export async function printMatrix(words: readonly string[]): Promise<number> {
  const rows = ROWS.filter((row) => words.length === 0 || words.some((word) => nameOf(row).includes(word)));
  if (rows.length === 0) throw new Error(`no row has ${words.join(" or ")}`);
  const failures: string[] = [];
  const servers = [...new Set(rows.map(({ server }) => server))];
  const worker = async (): Promise<void> => {
    for (let server = servers.shift(); server !== undefined; server = servers.shift()) {
      for (const row of rows) if (row.server === server) failures.push(...(await printed(row)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await endServers();
  for (const failure of failures) console.log(`\n${failure}`);
  const failed = new Set(failures.map((failure) => failure.split("\n")[0])).size;
  console.log(`\n${rows.length - failed} passed, ${failed} failed`);
  return failed;
}

async function printed(row: MatrixRow): Promise<string[]> {
  const { result, failures } = await runRow(row, true);
  const { driver, client, configuration, server } = row;
  const sign = failures.length > 0 ? "✖" : "✔";
  console.log(
    `${sign} ${driver.padEnd(10)} ${client.padEnd(30)} ${configuration.padEnd(52)} ${server.padEnd(28)} ${result}`,
  );
  return failures.length > 0 ? [`${nameOf(row)}\n${failures.join("\n")}`] : [];
}
