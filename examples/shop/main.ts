import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { shop } from "./app.js";
import { addressOf, endOn, listen } from "./listening.js";
import { openStorage, printFindings } from "./storage.js";

const { values } = parseArgs({ options: { storage: { type: "string" } } });
const { storage, name, close } = await openStorage(values.storage);
await printFindings(storage, name);
const server = createServer(shop({ storage }));
try {
  await listen(server, process.env);
} catch (error) {
  await close();
  throw error;
}
server.once("close", () => void close());
endOn(["SIGINT", "SIGTERM"], server);
console.log(`The shop is open: ${addressOf(server, process.env)}  (sessions in ${name}; ctrl-C closes it)`);
