import { PEER_PATH, PEER_VERSION } from "../express-session.js";
import type { Counts } from "../race.js";
import type { Visit } from "../visit.js";
import { html, type Html } from "./html.js";
import { layout } from "./layout.js";

/** How many requests one press of a button fires. */
const RUNNERS = 50;

interface Lane {
  readonly way: keyof Counts | "peer";
  /** Below it are `line-up` and `counts`. */
  readonly base: string;
  /** Each runner is a request to it. */
  readonly fire: string;
  readonly title: string;
  readonly code: string;
  readonly about: string;
}

const LANES: readonly Lane[] = [
  {
    way: "update",
    base: "/race",
    fire: "/race/update",
    title: "With update",
    code: 'session.update("race", (n = 0) => n + 1)',
    about:
      "Where another request was faster, the function runs again on what is stored by then. No increment is " +
      "lost or counted twice.",
  },
  {
    way: "set",
    base: "/race",
    fire: "/race/set",
    title: "With get, then set",
    code: 'session.set("race", session.get("race") + 1)',
    about:
      "Each request adds one to what it once read. Whoever saves last wins, and the others’ increments are gone.",
  },
  {
    way: "peer",
    base: PEER_PATH,
    fire: `${PEER_PATH}/add`,
    title: `express-session ${PEER_VERSION}`,
    code: "req.session.race = (req.session.race ?? 0) + 1",
    about:
      "It reads the session when a request begins and writes all of it back when the request ends, so what " +
      "others counted in between is gone. It runs beside the shop for this race only, with a cookie and a " +
      "memory of its own.",
  },
];

/** The race: many requests at once, one session, one counter. */
export function racePage(visit: Visit, counts: Counts): string {
  const body = html`<section class="race" data-runners="${RUNNERS}">
    <h1>Race</h1>
    <p class="lead">
      ${RUNNERS} requests at once, each adds one to the same number in your session. Open a second tab and let both
      run.
    </p>
    <noscript
      ><p class="refused">
        Firing requests at once takes JavaScript. Everything else in this shop works without.
      </p></noscript
    >
    <div class="lanes">${LANES.map((lane) => laneOf(lane, { ...counts, peer: 0 }[lane.way]))}</div>
    <form method="post" action="/race/clear"><button>Back to zero</button></form>
  </section>`;
  return layout(visit, { title: "Race", path: "/race", body, script: "/race.js" });
}

function laneOf({ way, base, fire, title, code, about }: Lane, count: number): Html {
  return html`<article data-lane="${way}" data-base="${base}" data-fire="${fire}">
    <h2>${title}</h2>
    <p><code>${code}</code></p>
    <p class="big"><output data-count>${count}</output></p>
    <div class="dots" aria-hidden="true">${Array.from({ length: RUNNERS }, () => html`<i></i>`)}</div>
    <p class="verdict" role="status" data-verdict>Not run on this page yet.</p>
    <button class="main" type="button" data-run hidden>
      Fire ${RUNNERS} requests<span class="unseen">: ${title}</span>
    </button>
    <p class="note">${about}</p>
  </article>`;
}
