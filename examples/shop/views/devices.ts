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
      ${devices.map((device, i) => shown(device, i + 1, device.id === here, now))}
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

function shown(device: ListedSession, place: number, isHere: boolean, now: number): Html {
  const { id, info, authenticatedAt, lastSeenAt } = device;
  const name = String(info?.["device"] ?? "A browser");
  return html`<li${isHere && html` data-here`}><div><b>${name}</b>${isHere && html` <small>this one</small>`}
<small>signed in ${moment(authenticatedAt ?? now)}, last seen ${span(now - lastSeenAt)} ago</small></div>
${!isHere && ending(id, `${name}, number ${place} in this list`)}</li>`;
}

/** The button that ends one session; its name says which. */
function ending(id: string, name: string): Html {
  return html`<form method="post" action="/devices/end">
    <input type="hidden" name="id" value="${id}" /><button>Sign out<span class="unseen">: ${name}</span></button>
  </form>`;
}
