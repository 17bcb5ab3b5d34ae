import { STATUS_CODES } from "node:http";
import type { Visit } from "../visit.js";
import { html, type Html } from "./html.js";
import { layout } from "./layout.js";

const WORDS: Readonly<Record<number, string>> = {
  404: "There is nothing under this address.",
  409: "Your session ended while this was on its way. Please try again.",
  503: "The shop cannot reach its memory. Nothing was changed; please try again in a moment.",
};

/** A page for every request that failed; `retry`: the address that may be tried again, if a link can do it. */
export function failurePage(visit: Visit, status: number, retry?: string): string {
  const title = STATUS_CODES[status] ?? "Error";
  const words =
    WORDS[status] ?? (status < 500 ? "This request could not be understood." : "Something went wrong on our side.");
  const body = html`<section class="narrow">
    <h1>${title}</h1>
    <p class="lead">${words}</p>
    ${status >= 500 && again(retry)}
    <p><a class="button" href="/">To the shelf</a></p>
  </section>`;
  return layout(visit, { title, path: "", body });
}

function again(retry: string | undefined): Html {
  return retry === undefined
    ? html`<p>Go back to the page before, and send it again.</p>`
    : html`<p><a class="button" href="${retry}">Try again</a></p>`;
}
