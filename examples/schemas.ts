/** What a session may hold is said once: the types come from it, and what an older version has stored is checked. */
import express from "express";
import { createStore } from "holdfast";
import { session } from "holdfast/express";
import { memoryStorage } from "holdfast/storage/memory";
import * as v from "valibot";
import { announce, port } from "./listening.js";

const storage = memoryStorage();

/** As it was before the last deployment: the cart was a list of names. Its servers are still running. */
const before = session({ storage, schema: { cart: v.array(v.string()), nickname: v.string() } });

const Item = v.object({ id: v.string(), count: v.optional(v.number(), 1) });
/** As it is now: a cart of another type has another name, and `nickname` is called `name`. */
const now = session({
  store: createStore({
    storage,
    schema: { items: v.array(Item), name: v.string() },
    onEvent: ({ type, key }) => type === "invalid" && console.error(`left out: ${key}`),
  }),
});

const app = express();
app.use(express.json());

const older = express.Router();
older.use(before);
older.post("/cart/:id", (req, res) => {
  before.get(req).update("cart", (cart = []) => [...cart, req.params.id]);
  before.get(req).set("nickname", "Ann");
  res.json(before.get(req));
});
older.get("/", (req, res) => void res.json(before.get(req)));

const newer = express.Router();
newer.use(now);
newer.post("/items/:id", (req, res) => {
  const own = now.get(req);
  own.update("items", (items = []) => [...items, { id: req.params.id }]);
  res.json(own);
});
newer.post("/name", (req, res) => {
  const name: unknown = req.body.name;
  // What clients send is checked here: what a session refuses would be a mistake of this program.
  if (!v.is(v.string(), name)) return void res.status(400).json({ error: "a name, please" });
  now.get(req).set("name", name);
  res.json(now.get(req));
});

app.use("/older", older);
app.use("/newer", newer);

const server = app.listen(port, () => announce(server));
