/**
 * A server and its only client in one process, with a connection between them that is no system call: what is left is
 * the work of a request. It answers each message with the CPU time of so many requests, in µs.
 */
import { Socket } from "node:net";
import { Duplex } from "node:stream";
import { Connection } from "./connection.mjs";
import { run } from "./loading.mjs";
import { SEED } from "./kinds.mjs";
import { serve } from "./serve.mjs";

const { framework, contender, variant } = JSON.parse(process.argv[2]);

const bytesOf = ({ chunk, encoding }) => (typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);

/** The server's end: a socket of Node, so that nothing is treated as a replacement for one. */
class ServerEnd extends Socket {
  client;

  get remoteAddress() {
    return "127.0.0.1";
  }

  _read() {}

  _write(chunk, encoding, done) {
    this.client.push(bytesOf({ chunk, encoding }));
    done();
  }

  _writev(parts, done) {
    this.client.push(Buffer.concat(parts.map(bytesOf)));
    done();
  }
}

/** What the client sends arrives in the next turn of the event loop, as what comes from a network. */
function connected(server) {
  const end = new ServerEnd();
  const client = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      setImmediate(() => end.push(chunk));
      done();
    },
  });
  end.client = client;
  server.emit("connection", end);
  return new Connection(client);
}

const server = await serve({ framework, contender, variant, storage: "memory" });
const connection = connected(server);
await connection.ask(SEED);
const clients = { all: [connection], holds: contender !== "bare" };

async function measured(message) {
  const before = process.cpuUsage();
  await run(clients, message);
  const { user, system } = process.cpuUsage(before);
  process.send((user + system) / message.count);
}

process.on("message", (message) => {
  if (message === "stop") process.exit();
  void measured(message);
});
process.send("ready");
