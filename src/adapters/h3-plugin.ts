import { isResponseEnded } from "../http/response-patch.js";
import { isNode, type AnyEvent } from "./h3-event.js";
import { onClose } from "./node-adapter.js";

/** The part of an application of Nitro that is used. */
export interface NitroApp {
  readonly hooks: {
    /**
     * Adds a function to a step of each request.
     *
     * @param name - of the step
     * @param run - the function, whose promise Nitro waits for
     */
    hook(name: "afterResponse", run: (event: any) => Promise<void>): void;
  };
}

/**
 * A plugin of Nitro 2, which the module of Nuxt adds by itself. Requests inside the server, and all requests on
 * platforms without a server of Node, have a response that Nitro reads as soon as its handler has returned. Nitro
 * waits here until the session is stored and the response was sent.
 *
 * @param nitro - the application
 * @example
 * ```ts
 * // server/plugins/session.ts
 * export { nitroPlugin as default } from "holdfast/h3";
 * ```
 */
export function nitroPlugin(nitro: NitroApp): void {
  nitro.hooks.hook("afterResponse", async (event: AnyEvent) => {
    if (!isNode(event) || !("__unenv__" in event.node.res)) return;
    const { res } = event.node;
    if (isResponseEnded(res) && !res.writableFinished) await new Promise<void>((done) => onClose(res, done));
  });
}

export { nitroPlugin as default };
