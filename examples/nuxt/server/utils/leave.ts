import type { H3Event } from "h3";

/** Says where to go next: a form that is sent without script is redirected there. */
export function leave(event: H3Event, to: string) {
  const isForm = getRequestHeader(event, "accept")?.includes("text/html");
  return isForm ? sendRedirect(event, to, 303) : { to };
}
