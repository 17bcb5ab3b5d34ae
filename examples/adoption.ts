/** Users of express-session stay logged in: their sessions are adopted when they come back. */
import { createRequire } from "node:module";
import express from "express";
import { fromExpressSession } from "holdfast/adopt";
import { session } from "holdfast/connect";
import { announce, port } from "./listening.js";

// Its types would claim req.session for all of this directory.
const expressSession = createRequire(import.meta.url)("express-session");

const secret = "a secret of the old application";
const store = new expressSession.MemoryStore();

/** The old application. */
const before = express();
before.use(expressSession({ secret, store, resave: false, saveUninitialized: false }));
before.post("/login/:user", (req: any, res) => {
  Object.assign(req.session, { userId: req.params.user, visits: 1 });
  res.sendStatus(204);
});

/** The new one, with the old secret and store. */
const sessions = session<{ visits: number }>({
  adopt: [
    fromExpressSession({
      secret,
      store,
      map: ({ userId, ...data }) => ({ data, ...(userId && { owner: String(userId) }) }),
    }),
  ],
});
const after = express();
after.use(sessions);
after.get("/", (req, res) => {
  const own = sessions.get(req);
  own.update("visits", (visits = 0) => visits + 1);
  res.json({ owner: own.owner ?? null, visits: own.get("visits") });
});
after.post("/logout", async (req, res) => {
  await sessions.get(req).destroy();
  res.sendStatus(204);
});

const app = express();
app.use("/before", before);
app.use("/after", after);
const server = app.listen(port, () => announce(server));
