/** Two servers, whose calls reach D1 and Durable Objects through two isolates of workerd in turn. */
import { after } from "node:test";
import { startBindings } from "../../runtimes/bindings.js";
import { columnsOf } from "./columns.js";
import { NOWHERE, playColumns } from "./play.js";

const { url, close } = await startBindings();
after(close);
playColumns(
  "cloudflare",
  (await columnsOf("cloudflare")).map(({ name }) => ({ name, where: { ...NOWHERE, url } })),
);
