import connect from "connect";
import { session, wrapAsync } from "holdfast/connect";
import { createServer } from "node:http";
import { announce, port } from "../listening.js";

interface Data {
  visits: number;
}

const sessions = session<Data>();
const app = connect();
app.use(sessions);
app.use(
  "/out",
  wrapAsync(async (req, res) => {
    await sessions.get(req).destroy();
    res.end("out");
  }),
);
app.use((req, res) => {
  sessions.get(req).update("visits", (visits = 0) => visits + 1);
  res.setHeader("Content-Type", "application/json");
  res.end(JSON.stringify({ visits: sessions.get(req).get("visits") }));
});

const server = createServer(app).listen(port, () => announce(server));
