/**
 * An application of express-session with one line changed: the import. Its code is as it was, with callbacks and plain
 * properties; `update` is new.
 */
const express = require("express");
const session = require("holdfast/express-session"); // was: require("express-session")

const app = express();
app.use(
  session({
    secret: process.env.SECRET ?? "only for this example",
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: 30 * 60_000, sameSite: "lax" },
  }),
);

app.get("/", (req, res) => {
  session.update(req, "views", (views = 0) => views + 1);
  res.json({ views: req.session.views, user: req.session.user });
});

app.post("/login", (req, res, next) => {
  req.session.regenerate((error) => {
    if (error) return next(error);
    req.session.user = "ann";
    req.session.save((failed) => (failed ? next(failed) : res.redirect(303, "/")));
  });
});

app.post("/logout", (req, res, next) => {
  req.session.destroy((error) => (error ? next(error) : res.redirect(303, "/")));
});

const server = app.listen(Number(process.env.PORT ?? 0), process.env.HOST ?? "localhost", () => {
  console.log(`Listening on http://localhost:${server.address().port}`);
});
