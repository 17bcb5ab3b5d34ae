import { session } from "holdfast/node";
import { createServer } from "node:http";
import { announce, port } from "../listening.js";

interface Data {
  visits: number;
}

const sessions = session<Data>();
const server = createServer(
  sessions((req, res) => {
    req.session.update("visits", (visits = 0) => visits + 1);
    res.setHeader("Content-Type", "application/json");
    res.end(JSON.stringify({ visits: req.session.get("visits") }));
  }),
);

server.listen(port, () => announce(server));
