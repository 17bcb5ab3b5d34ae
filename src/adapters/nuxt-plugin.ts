import { isResponseEnded } from "../http/response-patch.js";
import { isNode, type AnyEvent } from "./h3-event.js";
import { onClose } from "./node-adapter.js";

interface NitroApp {
  readonly hooks: { hook(name: "afterResponse", run: (event: AnyEvent) => Promise<void>): void };
}

/**
 * Requests inside the server, and all requests on platforms without a server of Node, have a response that Nitro reads
 * as soon as its handler has returned. It waits here until the session is stored and the response was sent.
 *
 * @param nitro - the application
 */
export default function waitForResponses(nitro: NitroApp): void {
  nitro.hooks.hook("afterResponse", async (event) => {
    if (!isNode(event) || !("__unenv__" in event.node.res)) return;
    const { res } = event.node;
    if (isResponseEnded(res) && !res.writableFinished) await new Promise<void>((done) => onClose(res, done));
  });
}
