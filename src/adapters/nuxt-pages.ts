import type { Session } from "../contracts/session-api.js";
import type { SessionData } from "../session-data.js";
import type { AnyEvent } from "./h3-event.js";
import { noMiddleware, pagePartOf } from "./nuxt-part.js";

/** What a page has of the session, returned by `useSession()`. */
export interface PageSession<P extends object> {
  /**
   * What `payload()` has chosen. Undefined in pages that are prerendered or cached, until they are in the browser, and
   * while the session cannot be loaded.
   */
  readonly data: { readonly value: P | undefined };
  /**
   * Reads the session again: in the browser by a request, for guards and after a login. While a page is rendered on
   * the server, or becomes alive in the browser, there is no request.
   *
   * @returns what the page gets
   */
  refresh(): Promise<P | undefined>;
}

/**
 * `useSession` of pages. Nuxt's types of a page include those of server routes, which call the function of the same
 * name with an event: so this one can be called like it.
 */
export interface UseSession<P extends object> {
  /**
   * The session of an event, on the server.
   *
   * @param event - the event
   * @returns the session
   * @throws {SessionError} `unsupported` in pages that go to every visitor
   */
  (event: AnyEvent): Session<SessionData>;
  /**
   * What a page has of the session.
   *
   * @returns an object with `data` and `refresh`
   * @throws {SessionError} `no-session` if the middleware is not there
   */
  (): PageSession<P>;
}

/** The functions of Nuxt that are used. */
export interface NuxtApp {
  /**
   * State that the server sends to the browser.
   *
   * @param key - its name
   * @returns the state
   */
  useState<T>(key: string): { value: T | undefined };
  /**
   * The application.
   *
   * @returns an object that says whether a page that was rendered on the server becomes alive
   */
  useNuxtApp(): { readonly isHydrating?: boolean };
  /**
   * The event of the page.
   *
   * @returns the event; undefined in the browser
   */
  useRequestEvent(): { readonly context: object } | undefined;
  /**
   * Calls a function when the page is in use.
   *
   * @param callback - the function
   * @returns nothing that is used
   */
  onNuxtReady(callback: () => unknown): unknown;
  /**
   * Reads a route of the application.
   *
   * @param path - of the route
   * @returns what it returns
   */
  fetch(path: string): Promise<unknown>;
}

/** Where the browser reads the session; the module adds this route. */
export const SESSION_ROUTE = "/_session";

/**
 * Makes `useSession` of pages. The module writes the call.
 *
 * @param nuxt - functions of Nuxt
 * @returns the function that pages call
 * @throws {SessionError} `no-session`, from the returned function, if the middleware is not there
 * @example
 * ```ts
 * const parts = { useState, useNuxtApp, useRequestEvent, onNuxtReady, fetch: $fetch };
 * export const useSession = pageSessions<Payload>(parts);
 * ```
 */
export function pageSessions<P extends object>(nuxt: NuxtApp): UseSession<P> {
  let requests = 0;
  const inBrowser = (data: { value: P | undefined }): PageSession<P>["refresh"] => {
    const app = nuxt.useNuxtApp();
    return async () => {
      if (app.isHydrating && data.value !== undefined) return data.value;
      const mine = ++requests;
      const received = (await nuxt.fetch(SESSION_ROUTE)) as P;
      // A response that was overtaken is older than what the page has.
      if (mine === requests) data.value = received;
      return received;
    };
  };
  const useSession = (given?: AnyEvent): unknown => {
    if (given) return (given.context as { session: unknown }).session;
    const data = nuxt.useState<P>("holdfast");
    const event = nuxt.useRequestEvent();
    if (event) return onServer(event, data);
    const refresh = inBrowser(data);
    if (data.value === undefined) nuxt.onNuxtReady(() => void refresh().catch(() => {}));
    return { data, refresh };
  };
  return useSession as UseSession<P>;
}

function onServer<P extends object>(
  event: { readonly context: object },
  data: { value: P | undefined },
): PageSession<P> {
  const part = pagePartOf(event);
  if (!part) throw noMiddleware();
  data.value = part.now() as P | undefined;
  const refresh = async (): Promise<P | undefined> => (data.value = (await part.load()) as P | undefined);
  return { data, refresh };
}
