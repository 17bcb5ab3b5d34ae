/** A shop's API: the cart survives login, the token does not. */
import express, { type RequestHandler } from "express";
import { fromCookie } from "holdfast";
import { session } from "holdfast/express";
import { memoryStorage } from "holdfast/storage/memory";
import { announce, port } from "./listening.js";

declare module "holdfast" {
  interface SessionData {
    cart: string[];
  }
}

const storage = memoryStorage();

const app = express();
app.use(express.json());
app.use(
  session({ storage, extractor: fromCookie("__Host-cart_session"), idleTimeout: "30m", absoluteTimeout: "24h" }),
);

app.post("/cart/add", (req, res) => {
  const item: unknown = req.body?.item;
  if (typeof item !== "string" || item.length > 100) return void res.status(400).json({ error: "Invalid item" });
  req.session.update("cart", (cart = []) => [...cart, item].slice(-100));
  res.json({ items: req.session.get("cart")?.length });
});

app.post("/login", async (req, res) => {
  const { username, password } = req.body ?? {};
  if (username !== "ines" || password !== "tidewater")
    return void res.status(401).json({ error: "Invalid credentials" });
  await req.session.authenticate("1");
  res.json({ status: "logged in" });
});

app.post("/logout", async (req, res) => {
  await req.session.reset();
  res.json({ status: "logged out" });
});

const signedIn: RequestHandler = (req, res, next) => {
  if (req.session.owner !== undefined) return next();
  res.redirect(303, "/login");
};

app.get("/orders/draft", signedIn, (req, res) => {
  res.json({ userId: Number(req.session.owner), cart: req.session.get("cart") ?? [] });
});

const server = app.listen(port, () => announce(server));
