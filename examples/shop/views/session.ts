import type { Visit } from "../visit.js";
import { html, type Html } from "./html.js";
import { layout, moment, span } from "./layout.js";

/** What is shown of a session. Times in epoch ms. */
export interface SessionFacts {
  readonly id: string;
  readonly keys: readonly string[];
  readonly now: number;
  readonly createdAt: number;
  readonly idleExpiresAt: number;
  readonly absoluteExpiresAt: number | undefined;
}

/** This visitor's session, or the words that there is none. */
export function sessionPage(visit: Visit, facts: SessionFacts | undefined): string {
  const body = html`<section class="narrow">
    <h1>Your session</h1>
    ${facts ? shown(facts) : none()}
  </section>`;
  return layout(visit, { title: "Your session", path: "/session", body });
}

function none(): Html {
  return html`<p class="lead">You have none.</p>
    <p>
      Nothing was put into it, so nothing is stored and you got no cookie. Put
      <a href="/">something in the cart</a> and come back.
    </p>`;
}

function shown({ id, keys, now, createdAt, idleExpiresAt, absoluteExpiresAt }: SessionFacts): Html {
  return html`<p class="lead">All the server knows of you, except what is under the keys.</p>
    <dl class="facts">
      <dt>Id</dt>
      <dd><code data-id>${id}</code><small>A hash of the token. Safe in logs; it opens nothing.</small></dd>
      <dt>Token</dt>
      <dd>
        <span class="hidden-token">in your browser’s cookie</span
        ><small>The secret. It is never on a page, in a log or in the storage.</small>
      </dd>
      <dt>Age</dt>
      <dd data-age>${span(now - createdAt)}<small>since ${moment(createdAt)}</small></dd>
      <dt>Ends if unused</dt>
      <dd data-idle>in ${span(idleExpiresAt - now)}<small>${moment(idleExpiresAt)}; using it moves this</small></dd>
      <dt>Ends in any case</dt>
      <dd data-absolute>
        ${absoluteExpiresAt === undefined
          ? "never"
          : html`in ${span(absoluteExpiresAt - now)}<small>${moment(absoluteExpiresAt)}</small>`}
      </dd>
      <dt>Keys</dt>
      <dd data-keys>${keys.map((key) => html`<code class="key">${key}</code> `)}</dd>
    </dl>
    <form method="post" action="/session/renew"><button>Renew the token</button></form>
    <p class="note">
      Renewing is a part of signing in: another token, another id, the same data. The old token opens nothing from
      then on.
    </p>`;
}
