import { isWeb, type AnyEvent } from "./h3-event.js";
import { noMiddleware, pagePartOf } from "./nuxt-part.js";

/**
 * The route that `useSession()` of pages reads in the browser.
 *
 * @param event - the event
 * @returns what pages get of the session
 * @throws {SessionError} `no-session` if there is no middleware
 */
export default async function sessionRoute(event: AnyEvent): Promise<object> {
  const part = pagePartOf(event);
  if (!part) throw noMiddleware();
  if (isWeb(event)) event.res.headers.set("Cache-Control", "no-store");
  else event.node.res.setHeader("Cache-Control", "no-store");
  return (await part.load()) ?? {};
}
