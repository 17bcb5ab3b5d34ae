import type { Session } from "holdfast/elysia";

export interface Data {
  cart: string[];
}

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** The start page: the cart, and a form that puts something into it. */
export function shop(session: Session<Data>): Response {
  const items = (session.get("cart") ?? []).map((item) => `<li>${escaped(item)}</li>`);
  return page(session, "Shop", `<ul id="cart">${items.join("")}</ul>${form("/add", "item", "Add")}`);
}

export const loginPage = (session: Session<Data>): Response =>
  page(session, "Log in", form("/login", "user", "Log in"));

export const accountPage = (session: Session<Data>): Response =>
  page(session, `Account of ${escaped(session.owner ?? "nobody")}`, "");

const form = (action: string, name: string, label: string): string =>
  `<form method="post" action="${action}"><input name="${name}" aria-label="${name}"><button>${label}</button></form>`;

function page(session: Session<Data>, title: string, body: string): Response {
  const logout =
    session.owner === undefined ? "" : `<form method="post" action="/logout"><button>Log out</button></form>`;
  const html = `<!doctype html><title>Shop</title><a href="/">Home</a> <a href="/account">Account</a>
<span id="owner">${escaped(session.owner ?? "nobody")}</span>${logout}<h1>${title}</h1>${body}`;
  return new Response(html, { headers: { "Content-Type": "text/html; charset=utf-8" } });
}
