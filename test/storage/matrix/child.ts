/** `ROW whole|part`: runs a row of SQLite in the runtime that has its client; prints the outcome as JSON. */
import { runOpened } from "./play.js";
import { openSqliteRow } from "./sqlite-rows.js";

const [, , name = "", extent] = process.argv;
const opened = await openSqliteRow(name);
const outcome = await runOpened(opened, extent === "whole");
await opened.close();
console.log(JSON.stringify(outcome));
process.exit();
