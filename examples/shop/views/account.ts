import { people, type Person } from "../people.js";
import { linesOf, totalOf } from "../products.js";
import type { Visit } from "../visit.js";
import { html, type Html } from "./html.js";
import { layout, price, things } from "./layout.js";

/** The sign-in form; `refusedName`: the name of a failed attempt. */
export function loginPage(visit: Visit, refusedName?: string): string {
  const body = html`<section class="narrow">
    <h1>Sign in</h1>
    ${visit.cart.length > 0 && html`<p class="lead">Your cart with ${things(visit.cart.length)} comes along.</p>`}
    ${refusedName !== undefined &&
    html`<p class="refused" role="alert">That name and password do not belong together.</p>`}
    <form method="post" action="/login" class="fields">
      <label>Name <input name="name" value="${refusedName}" autocomplete="username" required /></label>
      <label>Password <input name="password" type="password" autocomplete="current-password" required /></label>
      <label class="check"><input name="remember" type="checkbox" /> Remember me on this browser</label>
      <button class="main">Sign in</button>
    </form>
    <h2>People you can be</h2>
    <ul class="people">
      ${people.map(someone)}
    </ul>
  </section>`;
  return layout(visit, { title: "Sign in", path: "/login", body });
}

function someone({ name, password }: Person): Html {
  return html`<li>
    <form method="post" action="/login">
      <input type="hidden" name="name" value="${name}" /><input type="hidden" name="password" value="${password}" />
      <b>${name}</b> <code>${password}</code> <button>Be ${name}</button>
    </form>
  </li>`;
}

/** Asks for the password again; `isRefused`: it was wrong. */
export function confirmPage(visit: Visit, { name }: Person, isRefused: boolean): string {
  const body = html`<section class="narrow">
    <h1>Still ${name}?</h1>
    ${isRefused && html`<p class="refused" role="alert">That is not the password of ${name}.</p>`}
    <form method="post" action="/confirm" class="fields">
      <input value="${name}" autocomplete="username" hidden />
      <label>Password <input name="password" type="password" autocomplete="current-password" required /></label>
      <button class="main">Confirm</button>
    </form>
  </section>`;
  return layout(visit, { title: "Confirm", path: "/confirm", body });
}

/** The page for the signed-in user. */
export function accountPage(visit: Visit, person: Person): string {
  const lines = linesOf(visit.cart);
  const carried =
    lines.length === 0 ? "Your cart is empty." : `Your cart: ${things(visit.cart.length)}, ${price(totalOf(lines))}.`;
  const body = html`<section class="narrow">
    <h1>Hello, ${person.name}.</h1>
    <p class="lead">${carried}</p>
    <dl class="facts">
      <dt>Delivery to</dt>
      <dd data-private>${person.address}</dd>
      <dt>Your devices</dt>
      <dd><a href="/devices">where you are signed in</a>, and how to end it there</dd>
      <dt>Signed in</dt>
      <dd>with a new token. The one from before opens nothing any more.</dd>
    </dl>
    <div class="actions">
      <a class="button" href="/cart">To the cart</a>
      <form method="post" action="/logout"><button>Sign out</button></form>
    </div>
    <p class="note">Signing out ends this session, cart and all.</p>
  </section>`;
  return layout(visit, { title: "Your account", path: "/account", body });
}
