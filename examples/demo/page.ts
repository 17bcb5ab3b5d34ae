import { createRequire } from "node:module";
import { Html, html, type Part } from "../shop/views/html.js";
import type { Backend } from "./backends.js";
import { codeOf } from "./code.js";
import { EXPERIMENTS, RUNNERS, type ExperimentName } from "./experiments.js";
import { countsOf, inWords, type RunRecord } from "./record.js";
import { SIDES, type Side } from "./run.js";
import { draw } from "./timeline.js";

/** The records of runs, by the names of experiment and library. */
export type Results = ReadonlyMap<string, RunRecord>;

/** What the page shows. */
export interface PageParts {
  readonly backend: Backend;
  /** The address of the shop. */
  readonly shop: string;
  /** Of runs that have ended: for browsers without script. */
  readonly results?: Results | undefined;
}

interface Chapter {
  /** Of links. */
  readonly short: string;
  readonly title: string;
  readonly story: Part;
  /** Which lines of the applications are shown. */
  readonly code: string;
  /** How each library works here. */
  readonly why: Readonly<Record<Side, string>>;
  /** How long it takes at least, in ms. */
  readonly expected: number;
  readonly lanes: boolean;
  readonly crowd?: number;
}

const load = createRequire(import.meta.url);
const VERSIONS: Readonly<Record<Side, string>> = {
  "express-session": versionOf("express-session/package.json"),
  holdfast: versionOf("holdfast/package.json"),
};
const NAMES: Readonly<Record<Side, string>> = { "express-session": "express-session", holdfast: "Holdfast" };

const READS_ALL = "It reads the session when a request begins, and writes all of it back when the request ends.";

const CHAPTERS: Readonly<Record<ExperimentName, Chapter>> = {
  increments: {
    short: `${RUNNERS} at once`,
    title: `${RUNNERS} requests at once`,
    story: html`Ines is signed in. Her page sends ${RUNNERS} requests at the same time. Each of them adds one to the
    same number in her session. How far does it count?`,
    code: "increments",
    why: {
      "express-session": READS_ALL,
      holdfast:
        "Each write names the version that it replaces. If another request was faster, the storage refuses, and the " +
        "function runs again on what is stored by then. That costs more calls. With get and set instead of update, " +
        "the last request would win here, too.",
    },
    expected: 1300,
    lanes: false,
    crowd: RUNNERS,
  },
  logout: {
    short: "Logout",
    title: "A logout beside a slow request",
    story: html`Ines signs out while another of her requests is still at work. When that one ends, it writes its
    session. Then somebody tries a copy of her cookie from before the logout.`,
    code: "logout",
    why: {
      "express-session": `${READS_ALL} Nothing tells it that the session has ended meanwhile.`,
      holdfast: "A write replaces a version that is there, and never inserts. An ended session stays ended.",
    },
    expected: 1400,
    lanes: true,
  },
  login: {
    short: "Login",
    title: "A late response after a login",
    story: html`A page loads slowly. Meanwhile Ines signs in and gets a new cookie. Then the slow page arrives. Is she
    still signed in?`,
    code: "login",
    why: {
      "express-session": `${READS_ALL} With the response goes the cookie that the request came with.`,
      holdfast:
        "The old session was replaced by a note that it has a successor. The late response finds the note, and sends " +
        "no cookie.",
    },
    expected: 1400,
    lanes: true,
  },
  unplugged: {
    short: "Database away",
    title: "The database goes away, and comes back",
    story: html`A request is at work when the database is unplugged, and another visitor comes while it is away. The
    client sends everything again that failed. In the end, each thing that was confirmed must be in a cart.`,
    code: "unplugged",
    why: {
      "express-session": "It sends the response also if the session could not be stored.",
      holdfast:
        "The first byte of a response waits until the session is stored. If it cannot be, the response is a 503.",
    },
    expected: 1200,
    lanes: false,
  },
};

/** The whole document. */
export function page({ backend, shop, results }: PageParts): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="description" content="express-session and Holdfast in the same four situations, side by side." />
        <title>Sessions that hold: Holdfast beside express-session</title>
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/style.css" />
        <script src="/page.js" type="module"></script>
      </head>
      <body>
        <a class="skip" href="#increments">To the first experiment</a>
        <header>
          <p class="brand">Holdfast</p>
          <nav aria-label="Experiments">
            <ul>
              ${EXPERIMENTS.map((name) => html`<li><a href="#${name}">${CHAPTERS[name].short}</a></li>`)}
              <li><a href="${shop}">The shop</a></li>
            </ul>
          </nav>
          <h1>Sessions that hold</h1>
          <p class="lead">
            The same small application twice: with express-session, and with Holdfast. This server sends real HTTP
            requests to both and draws what happens. Nothing is scripted: run it again and see.
          </p>
          ${factsOf(backend)}
          <noscript>
            <form method="post" action="/results" class="notice">
              <p>The drawings move with JavaScript. Without it, all four experiments can be run and then shown.</p>
              <button>Run all four</button>
            </form>
          </noscript>
          ${legend()}
        </header>
        <main>${EXPERIMENTS.map((name) => chapterOf(name, results))}</main>
        <footer>
          <p>
            <a href="${shop}">The same in an application: a small shop</a>, where you can sign in and race yourself.
          </p>
          <p>
            Both applications are in <code>examples/demo/subjects</code>. <code>npm run peers</code> compares more
            libraries, on Redis. This page keeps no session and sets no cookie.
          </p>
        </footer>
      </body>
    </html> `.text;
}

function factsOf({ name, peer }: Backend): Html {
  return html`<p class="facts">
    Sessions are in <b data-storage>${name}</b>; express-session ${VERSIONS["express-session"]} uses ${peer}.
    <span class="soft"><code>npm start -- --storage redis://localhost</code> takes a database instead.</span>
  </p>`;
}

function legend(): Html {
  const key = (drawing: string, words: string): Html =>
    html`<li>
      <svg viewBox="0 0 22 16" width="22" height="16" aria-hidden="true">${new Html(drawing)}</svg>${words}
    </li>`;
  return html`<ul class="legend" aria-label="What the drawings mean">
    ${key('<rect class="bar" x="0" y="4" width="22" height="8" rx="4"/>', "a request")}
    ${key('<circle class="mark read" cx="11" cy="8" r="4"/>', "session read")}
    ${key('<circle class="mark write" cx="11" cy="8" r="4"/>', "written")}
    ${key('<rect class="mark delete" x="7" y="4" width="8" height="8"/>', "deleted")}
    ${key('<path class="mark refused" d="M11 3l5 5-5 5-5-5z"/>', "refused: another was faster")}
    ${key('<path class="mark failed" d="M7 4l8 8m0-8l-8 8"/>', "failed")}
    ${key(
      '<rect class="tag sent" x="4" y="0.5" width="15" height="15" rx="3"/><text class="letter sent" x="11.5" y="12" text-anchor="middle">A</text>',
      "cookie A sent",
    )}
    ${key(
      '<rect class="tag set" x="4" y="0" width="15" height="16" rx="3"/><text class="letter set" x="11.5" y="12" text-anchor="middle">B</text>',
      "cookie B set",
    )}
  </ul>`;
}

function chapterOf(name: ExperimentName, results: Results | undefined): Html {
  const { title, story, expected, lanes, crowd } = CHAPTERS[name];
  return html`<section
    id="${name}"
    aria-labelledby="${name}-title"
    tabindex="-1"
    data-experiment="${name}"
    data-expected="${expected}"
    ${lanes && html`data-lanes`}
    ${crowd !== undefined && html`data-crowd="${crowd}"`}
  >
    <div class="story">
      <h2 id="${name}-title">${title}</h2>
      <p>${story}</p>
      <button type="button" data-run hidden>Run<span class="unseen">: ${title}</span></button>
    </div>
    <div class="sides">${SIDES.map((side) => sideOf(name, side, results?.get(`${name} ${side}`)))}</div>
  </section>`;
}

function sideOf(name: ExperimentName, side: Side, record: RunRecord | undefined): Html {
  const { code, why, expected, lanes, crowd } = CHAPTERS[name];
  const look = { width: 520, expected, lanes, ...(crowd !== undefined && { crowd }) };
  const result = record?.result;
  return html`<article data-side="${side}" class="${result && (result.good ? "good" : "bad")}">
    <h3>${NAMES[side]} <small>${VERSIONS[side]}</small></h3>
    <div role="status" class="result">
      <p class="headline" data-headline>${result?.headline ?? "Not run yet"}</p>
      <p class="detail" data-detail>${result?.detail}</p>
    </div>
    <div class="figure" data-figure>${record && new Html(draw(record, look))}</div>
    <p class="counts" data-counts>${record && countsOf(record)}</p>
    <details data-words ${!record && html`hidden`}>
      <summary>Each request in words<span class="unseen">, ${NAMES[side]}</span></summary>
      <ol>
        ${record && inWords(record).map((line) => html`<li>${line}</li>`)}
      </ol>
    </details>
    <pre tabindex="0" role="group" aria-label="The code with ${NAMES[side]}"><code>${codeOf(side, code)}</code></pre>
    <p class="why">${why[side]}</p>
  </article>`;
}

function versionOf(file: string): string {
  return (load(file) as { readonly version: string }).version;
}
