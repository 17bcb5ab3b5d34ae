/** The pages of a small shop. Each file beside this one serves them with another framework. */
import type { Session } from "holdfast";

export interface Data {
  cart: string[];
}

type Visitor = Session<Data>;

/** The start page: the cart, and a form that puts something into it. */
export function start(visitor: Visitor): string {
  const items = (visitor.get("cart") ?? []).map((item) => `<li>${escaped(item)}</li>`);
  return page(
    visitor,
    `<ul id="cart">${items.join("")}</ul>
<form method="post" action="/add"><input name="item" aria-label="Item" required><button>Add</button></form>`,
  );
}

/** The login page. A real login asks for a password too. */
export function login(visitor: Visitor): string {
  return page(
    visitor,
    `<form method="post" action="/login"><label>Name <input name="user" required></label><button>Log in</button></form>`,
  );
}

/** The page of a user; undefined if nobody is logged in. */
export function account(visitor: Visitor): string | undefined {
  if (visitor.owner === undefined) return undefined;
  return page(visitor, `<p>account of ${escaped(visitor.owner)}</p>`);
}

/** Adds to the cart. Two requests at once are both counted. */
export function add(visitor: Visitor, item: string): void {
  visitor.update("cart", (cart = []) => [...cart, item]);
}

function page(visitor: Visitor, body: string): string {
  const user =
    visitor.owner === undefined
      ? `<span id="owner">nobody</span> <a href="/login">Log in</a>`
      : `<span id="owner">${escaped(visitor.owner)}</span>
<form method="post" action="/logout"><button>Log out</button></form>`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Small shop</title>
<nav><a href="/">Shop</a> <a href="/account">Account</a> ${user}</nav>
<main><h1>Small shop</h1>
${body}</main>
</html>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
