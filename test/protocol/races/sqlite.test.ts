import { join } from "node:path";
import { SQLITE_ENVIRONMENT, SQLITE_RUNTIMES } from "../../support/sqlite-runtimes.js";
import { columnsOf } from "./columns.js";
import { NOWHERE, playColumns, temporaryDirectory } from "./play.js";

const directory = temporaryDirectory();
const columns = (await columnsOf("sqlite")).map(({ name }) => ({
  name,
  where: { ...NOWHERE, url: join(directory, `${name.replaceAll(":", "-")}.db`) },
}));

/** Each client in a runtime that has it. */
for (const runtime of new Set(Object.values(SQLITE_RUNTIMES))) {
  const its = columns.filter(({ name }) => SQLITE_RUNTIMES[name as keyof typeof SQLITE_RUNTIMES] === runtime);
  playColumns("sqlite", its, { runtime, env: SQLITE_ENVIRONMENT });
}
