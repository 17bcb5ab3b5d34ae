import type { Visit } from "../visit.js";
import { html, type Html, type Part } from "./html.js";

/** A page and where it is. */
export interface Page {
  readonly title: string;
  readonly path: string;
  readonly body: Html;
  /** A script of the page's own. */
  readonly script?: string;
}

const CURRENT = html` aria-current="page"`;

const PLACES = [
  ["/", "Shop"],
  ["/session", "Your session"],
  ["/race", "Race"],
] as const;

/** A whole document. */
export function layout(
  { person, isUnknown = false, cart, message }: Visit,
  { title, path, body, script }: Page,
): string {
  const link = (to: string, label: Part): Html => html`<a href="${to}" ${to === path && CURRENT}>${label}</a>`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Holdfast &amp; Daughters</title>
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/style.css" />
        <script src="/back.js"></script>
        ${script !== undefined && html`<script src="${script}" defer></script>`}
      </head>
      <body>
        <header class="top">
          <a class="mark" href="/">Holdfast <i>&amp;</i> Daughters</a>
          <nav aria-label="Pages">${PLACES.map(([to, label]) => link(to, label))}</nav>
          ${!isUnknown &&
          html`<nav aria-label="You" class="you">
            ${link("/cart", html`Cart <span class="count" data-cart>${cart.length}</span>`)}${person
              ? link("/account", person.name)
              : link("/login", "Sign in")}
          </nav>`}
        </header>
        <main>${message !== undefined && html`<p class="message narrow" role="status">${message}</p>`}${body}</main>
        <footer>
          <p>
            A demonstration of Holdfast, the session library. Nothing is for sale, nobody is charged, and when this
            process ends it forgets you.
          </p>
        </footer>
      </body>
    </html> `.text;
}

const euros = new Intl.NumberFormat("en-IE", { style: "currency", currency: "EUR" });

/** An amount in words. */
export function price(cents: number): string {
  return euros.format(cents / 100);
}

/** "1 thing", "3 things". */
export function things(count: number): string {
  return count === 1 ? "1 thing" : `${count} things`;
}

/** A time (epoch ms) in words. */
export function moment(time: number): Html {
  const text = new Date(time).toISOString();
  return html`<time datetime="${text}">${text.slice(0, 10)}, ${text.slice(11, 19)} UTC</time>`;
}

/** A length of time (ms) in its two largest units. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
