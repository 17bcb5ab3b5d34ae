/**
 * A proxy on the way to a database: everything arrives later, half of the round trip each way. Arguments: port, round
 * trip in ms.
 */
import { connect, createServer } from "node:net";

const [target, roundTrip] = process.argv.slice(2).map(Number);
const half = roundTrip / 2;
/** Node's timers know whole milliseconds; this waits for parts of one, and lets sockets be read in between. */
const NAP_MS = 0.04;
const cell = new Int32Array(new SharedArrayBuffer(4));
const onTheWay = [];

const server = createServer((client) => {
  const database = connect(target, "127.0.0.1");
  pass(client, database);
  pass(database, client);
});
server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
process.on("message", (message) => message === "stop" && process.exit(0));
process.once("disconnect", () => process.exit(0));

function pass(from, to) {
  from
    .setNoDelay(true)
    .on("error", () => to.destroy())
    .on("close", () => to.destroy());
  from.on("data", (bytes) => {
    if (onTheWay.push({ to, bytes, at: performance.now() + half }) === 1) setImmediate(deliver);
  });
}

function deliver() {
  while (onTheWay.length > 0 && onTheWay[0].at <= performance.now()) {
    const { to, bytes } = onTheWay.shift();
    if (to.writable) to.write(bytes);
  }
  if (onTheWay.length === 0) return;
  Atomics.wait(cell, 0, 0, NAP_MS);
  setImmediate(deliver);
}
