import type { ListedSession } from "holdfast";
import type { Visit } from "../visit.js";
import { html, type Html } from "./html.js";
import { layout, moment, span } from "./layout.js";

/** Where this person is signed in, with a button to end each other device and one to end all of them. */
export function devicesPage(visit: Visit, devices: readonly ListedSession[], here: string, now: number): string {
  const others = devices.filter(({ id }) => id !== here).length;
  const body = html`<section class="narrow">
    <h1>Your devices</h1>
    <p class="lead">
      ${others === 0
        ? "You are signed in here, and nowhere else."
        : `You are signed in here, and in ${others === 1 ? "one other place" : `${others} other places`}.`}
    </p>
    <ul class="devices">
      ${devices.map((device) => shown(device, device.id === here, now))}
    </ul>
    ${others > 0 &&
    html`<form method="post" action="/devices/end-others">
      <button class="main">Sign out everywhere else</button>
    </form>`}
    <form method="post" action="/logout-everywhere"><button>Sign out everywhere</button></form>
    <p class="note">
      A device that is signed out here is out at once, whatever it is doing, also if it is just signing in.
    </p>
  </section>`;
  return layout(visit, { title: "Your devices", path: "/devices", body });
}

function shown({ id, info, authenticatedAt, lastSeenAt }: ListedSession, isHere: boolean, now: number): Html {
  return html`<li${isHere && html` data-here`}><div><b>${String(info?.["device"] ?? "A browser")}</b>${isHere && html` <small>this one</small>`}
<small>signed in ${moment(authenticatedAt ?? now)}, last seen ${span(now - lastSeenAt)} ago</small></div>
${!isHere && html`<form method="post" action="/devices/end"><input type="hidden" name="id" value="${id}" /><button>Sign out</button></form>`}</li>`;
}
