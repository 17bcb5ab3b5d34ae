/** On each adapter the types of the keys come from the schema, without a second declaration. */
import Fastify from "fastify";
import { Hono } from "hono";
import { createStore, type DataOf, type Session, type Store } from "holdfast";
import * as connect from "holdfast/connect";
import * as express from "holdfast/express";
import * as fastify from "holdfast/fastify";
import * as fetching from "holdfast/fetch";
import * as hono from "holdfast/hono";
import * as koa from "holdfast/koa";
import * as node from "holdfast/node";
import { seed } from "holdfast/testing";
import express5, { type Request } from "express";
import Koa from "koa";
import { createServer } from "node:http";
import { check, type Same } from "../expect.js";
import { byArktype, byValibot, byZod, converting, type Item } from "./data.js";

type Zod = DataOf<typeof byZod>;

const onConnect = connect.session({ schema: byZod, skip: (req) => req.url === "/health" });
const onExpress = express.session({ schema: byZod, skip: (req) => req.path === "/health" });
const onFastify = fastify.session({ schema: byValibot, errorHandler: (_error, _request, reply) => reply.send("") });
const onFetch = fetching.session({ schema: byArktype });
const onHono = hono.session({ schema: byZod, invalid: "throw" });
const onKoa = koa.session({ schema: byValibot, skip: (ctx) => ctx.path === "/health" });
const onNode = node.session({ schema: byZod });

check<Same<typeof onConnect, connect.Sessions<Zod>>>();
check<Same<typeof onExpress, express.Sessions<Zod>>>();

export const app = express5().use(onExpress);
app.get("/", (req) => {
  const cart = onExpress.get(req).get("cart");
  check<Same<typeof cart, Item[] | undefined>>();
  // The one line in data.ts makes these known here as well.
  const own = req.session.get("cart");
  check<Same<typeof own, Item[] | undefined>>();
  // @ts-expect-error a value of another type
  onExpress.get(req).set("cart", ["tea"]);
  // @ts-expect-error no such key
  onExpress.get(req).get("basket");
});

export function carts(req: Request): void {
  check<Same<ReturnType<typeof onConnect.get>, Session<Zod>>>();
  onConnect.get(req).update("cart", (cart = []) => [...cart, { id: "tea", count: 1 }]);
}

const web = Fastify();
web.register(onFastify);
web.get("/", (request) => onFastify.get(request).get("user")?.name);

export default {
  fetch: onFetch((request) =>
    Response.json(
      onFetch
        .get(request)
        .get("cart")
        ?.map(({ count }) => count),
    ),
  ),
};

export const router = new Hono<hono.SessionEnv<Zod>>().use(onHono).get("/", (c) => {
  c.get("session").set("user", { name: "Ann", admin: false });
  return c.json(c.get("session").get("user") ?? null);
});

const two = new Koa();
two.use(onKoa);
two.use((ctx) => {
  ctx.body = onKoa.get(ctx).get("user")?.admin;
});

createServer(
  onNode((req) => {
    const user = req.session.get("user");
    check<Same<typeof user, { name: string; admin: boolean } | undefined>>();
  }),
);

/** `set` takes what the schema takes, `get` gives what it returns. */
const converted = connect.session({ schema: converting });
export async function convert(req: Request): Promise<void> {
  const own = converted.get(req);
  own.set("joined", "2026-01-01");
  own.set("joined", new Date());
  own.update("joined", (joined = new Date(0)) => joined.toISOString());
  const joined = own.get("joined");
  check<Same<typeof joined, Date | undefined>>();
  const taken = await own.take("joined");
  check<Same<typeof taken, Date | undefined>>();
  await own.regenerate(["joined", "seen"]);
  // @ts-expect-error what it does not take
  own.set("joined", true);
  // @ts-expect-error no key of the data
  own.get("~inputs");
  await converted.store.create({ joined: "2026-01-01" });
  await seed(converted, { joined: "2026-01-01" });
  // @ts-expect-error what it does not take
  await seed(converted, { joined: true });
}

/** A store has the same types, and whoever serves requests from it. */
const store = createStore({ schema: byZod });
check<Same<typeof store, Store<Zod>>>();
const overStore = fastify.session({ store });
check<Same<typeof overStore, fastify.Sessions<Zod>>>();

/** Schemas beside declared data must return what is declared. */
interface Declared {
  cart: Item[];
  note: string;
}
const declared = node.session<Declared>({ schema: { cart: byZod.cart } });
check<Same<typeof declared, node.Sessions<Declared>>>();
// @ts-expect-error another type than declared
node.session<Declared>({ schema: { note: byZod.cart } });
// @ts-expect-error no schema
node.session({ schema: { cart: Array } });
// @ts-expect-error not a word of the option
node.session({ schema: byZod, invalid: "ignore" });
