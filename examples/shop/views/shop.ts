import { linesOf, products, totalOf, type Line, type Product } from "../products.js";
import type { Visit } from "../visit.js";
import { html, type Html } from "./html.js";
import { layout, price, things } from "./layout.js";

/** Everything there is to buy. */
export function shelfPage(visit: Visit): string {
  const counts = new Map(linesOf(visit.cart).map(({ product, count }) => [product, count]));
  const body = html`<section class="hero">
      <h1>Things that hold.</h1>
      <p>
        Hooks, knots and clamps, chosen by people who have dropped things. Put some in the cart before you sign in: it
        will still be there afterwards.
      </p>
    </section>
    <ul class="shelf">
      ${products.map((product) => card(product, counts.get(product) ?? 0))}
    </ul>`;
  return layout(visit, { title: "Things that hold", path: "/", body });
}

function card(product: Product, count: number): Html {
  return html`<li id="${product.slug}">
    <div class="drawing">${product.drawing}</div>
    <h2>${product.name}</h2>
    <p>${product.about}</p>
    <form method="post" action="/cart/add">
      <input type="hidden" name="product" value="${product.slug}" />
      <span class="price">${price(product.cents)}</span>
      <button>
        ${count === 0 ? "Add to cart" : html`Add another <span class="count">${count}</span>`}<span class="unseen"
          >: ${product.name}</span
        >
      </button>
    </form>
  </li>`;
}

/** What is in the cart. */
export function cartPage(visit: Visit): string {
  const lines = linesOf(visit.cart);
  const body = lines.length === 0 ? emptyCart() : fullCart(lines, visit);
  return layout(visit, { title: "Your cart", path: "/cart", body });
}

function emptyCart(): Html {
  return html`<section class="narrow">
    <h1>Your cart</h1>
    <p class="lead">Nothing in it yet.</p>
    <p><a class="button" href="/">To the shelf</a></p>
  </section>`;
}

function fullCart(lines: readonly Line[], { person }: Visit): Html {
  return html`<section class="narrow">
    <h1>Your cart</h1>
    <table class="cart">
      <thead>
        <tr>
          <th>Thing</th>
          <th>How many</th>
          <th class="amount">Price</th>
        </tr>
      </thead>
      <tbody>
        ${lines.map(row)}
      </tbody>
      <tfoot>
        <tr>
          <th colspan="2">Together</th>
          <td class="amount" data-total>${price(totalOf(lines))}</td>
        </tr>
      </tfoot>
    </table>
    <form method="post" action="/checkout">
      <button class="main">${person ? `Order as ${person.name}` : "Sign in and order"}</button>
    </form>
    ${person === undefined &&
    html`<p class="note">You are not signed in. When you do, you get a new token and keep this cart.</p>`}
  </section>`;
}

function row({ product, count }: Line): Html {
  const step = (action: string, sign: string, label: string): Html =>
    html`<form method="post" action="${action}">
      <input type="hidden" name="product" value="${product.slug}" /><input type="hidden" name="page" value="cart" />
      <button class="step" aria-label="${label} ${product.name}">${sign}</button>
    </form>`;
  return html`<tr data-line="${product.slug}">
    <th scope="row">
      <div class="thing"><span class="drawing small">${product.drawing}</span>${product.name}</div>
    </th>
    <td>
      <div class="steps">
        ${step("/cart/remove", "−", "One less:")}<b>${count}</b>${step("/cart/add", "+", "One more:")}
      </div>
    </td>
    <td class="amount">${price(product.cents * count)}</td>
  </tr>`;
}

/** After an order. */
export function thanksPage(visit: Visit): string {
  const body = html`<section class="narrow">
    <h1>Thank you.</h1>
    <p class="lead">
      That would have been an order.
      ${visit.cart.length === 0 ? "Your cart is empty again." : `Your cart has ${things(visit.cart.length)} again.`}
    </p>
    <p><a class="button" href="/">Back to the shelf</a></p>
  </section>`;
  return layout(visit, { title: "Thank you", path: "/thanks", body });
}
