import { Router, type Request, type Response } from "express";
import { cartPage, shelfPage, thanksPage } from "./views/shop.js";
import { findProduct } from "./products.js";
import { field, pageVisit, say, visitOf } from "./visit.js";

/** How old a login may be for an order. */
const LATELY = "10m";

/** Limit of pieces in a cart. */
const MOST_PIECES = 200;

/** The shelf, the cart and the till. */
export function cartRoutes(): Router {
  const routes = Router();
  routes.get("/", async (req, res) => void res.send(shelfPage(await pageVisit(req))));
  routes.get("/cart", async (req, res) => void res.send(cartPage(await pageVisit(req))));
  routes.post("/cart/add", add);
  routes.post("/cart/remove", remove);
  routes.post("/checkout", checkOut);
  routes.get("/thanks", async (req, res) => void res.send(thanksPage(await pageVisit(req))));
  return routes;
}

function add(req: Request, res: Response): void {
  const product = findProduct(field(req, "product"));
  if (product) req.session.update("cart", (cart = []) => [...cart, product.slug].slice(0, MOST_PIECES));
  res.redirect(303, backFrom(req));
}

function remove(req: Request, res: Response): void {
  const slug = field(req, "product");
  if (req.session.get("cart")?.includes(slug)) req.session.update("cart", (cart = []) => without(cart, slug));
  res.redirect(303, backFrom(req));
}

function checkOut(req: Request, res: Response): void {
  const { person, cart } = visitOf(req);
  if (!person) return res.redirect(303, "/login");
  if (cart.length === 0) return res.redirect(303, "/cart");
  if (!req.session.authenticatedWithin(LATELY)) {
    say(req, "You signed in a while ago. An order needs your password again.");
    return res.redirect(303, "/confirm");
  }
  req.session.delete("cart");
  res.redirect(303, "/thanks");
}

/** Takes one piece out. */
function without(cart: readonly string[], slug: string): string[] {
  const at = cart.lastIndexOf(slug);
  return cart.filter((_, i) => i !== at);
}

/** The page whose button was pressed: the cart, or the product's place on the shelf. */
function backFrom(req: Request): string {
  if (field(req, "page") === "cart") return "/cart";
  const product = findProduct(field(req, "product"));
  return product ? `/#${product.slug}` : "/";
}
