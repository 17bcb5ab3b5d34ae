import { STATUS_CODES } from "node:http";
import type { Visit } from "../visit.js";
import { html } from "./html.js";
import { layout } from "./layout.js";

const WORDS: Readonly<Record<number, string>> = {
  404: "There is nothing under this address.",
  409: "Your session ended while this was on its way. Please try again.",
  503: "The shop cannot reach its memory. Nothing was changed; please try again in a moment.",
};

/** A page for every request that failed. */
export function failurePage(visit: Visit, status: number): string {
  const title = STATUS_CODES[status] ?? "Error";
  const words =
    WORDS[status] ?? (status < 500 ? "This request could not be understood." : "Something went wrong on our side.");
  const body = html`<section class="narrow">
    <h1>${title}</h1>
    <p class="lead">${words}</p>
    <p><a class="button" href="/">To the shelf</a></p>
  </section>`;
  return layout(visit, { title, path: "", body });
}
