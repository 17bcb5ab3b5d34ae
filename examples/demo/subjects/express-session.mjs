/**
 * The same application with express-session, set up as its README recommends. Plain JavaScript: the types of
 * express-session claim `req.session` of every request in a program, and here Holdfast is in the same one.
 */
import express from "express";
import session from "express-session";

/** How long a session lasts, in ms. */
const IDLE_MS = 5 * 60_000;

/** The application. `slowQuery` stands for the work of a handler: a query, a mail, another service. */
export function expressSessionApp({ store, slowQuery }) {
  const app = express();
  app.set("env", "test"); // Express logs failures otherwise, and the demonstration causes some
  app.use(
    session({
      store,
      secret: "a demonstration",
      resave: false,
      saveUninitialized: false,
      cookie: { maxAge: IDLE_MS, sameSite: "lax" },
    }),
  );

  app.post("/count", async (req, res) => {
    // <increments>
    await slowQuery();
    req.session.count = (req.session.count ?? 0) + 1;
    res.send("counted");
    // </increments>
  });
  app.get("/count", (req, res) => {
    res.json(req.session.count ?? 0);
  });

  app.post("/login", async (req, res) => {
    // <login>
    await done((next) => req.session.regenerate(next));
    req.session.user = "Ines";
    await done((next) => req.session.save(next));
    // </login>
    res.send("signed in");
  });
  app.post("/logout", async (req, res) => {
    // <logout>
    req.session.user = null;
    await done((next) => req.session.save(next));
    await done((next) => req.session.regenerate(next));
    // </logout>
    res.send("signed out");
  });
  app.get("/account", (req, res) => {
    const { user } = req.session;
    if (!user) return res.status(401).json("nobody");
    res.json(user);
  });

  app.post("/draft", async (req, res) => {
    await slowQuery();
    req.session.draft = "Dear all";
    res.send("saved");
  });
  app.get("/prices", async (req, res) => {
    await slowQuery();
    req.session.lastPage = "/prices";
    res.send("prices");
  });

  app.post("/cart/:item", async (req, res) => {
    await slowQuery();
    // <unplugged>
    const cart = req.session.cart ?? [];
    req.session.cart = [...cart, req.params.item];
    res.send("in your cart");
    // </unplugged>
  });
  app.get("/cart", (req, res) => {
    res.json(req.session.cart ?? []);
  });

  app.use((error, _req, res, next) => {
    if (res.headersSent) return next(error);
    res.status(error.status ?? 500).send("an error");
  });
  return app;
}

/** A call with a callback, as a promise. */
function done(call) {
  return new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())));
}
