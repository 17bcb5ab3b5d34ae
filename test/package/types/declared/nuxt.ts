import {
  crossOriginProtection,
  session,
  useSession,
  type AnyEvent,
  type Owner,
  type PageSession,
  type PayloadOf,
  type Session,
  type SessionData,
  type UseSession,
} from "holdfast/nuxt";
import nuxtModule from "holdfast/nuxt";
import { memoryStorage } from "holdfast/storage/memory";
import { check, type Same } from "../expect.js";
import type { Data } from "./data.js";

declare const event: AnyEvent & { readonly path: string };

const sessions = session<Data>({
  storage: (event) => (event.path === "" ? memoryStorage() : memoryStorage()),
  skip: ({ path }) => path === "/health",
});
check<Same<PayloadOf<typeof sessions>, Owner>>();

const shown = sessions.payload((own) => ({ owner: own.owner, items: own.get("cart")?.length ?? 0 }));
check<Same<PayloadOf<typeof shown>, { owner: string | undefined; items: number }>>();
export default shown;

declare const useSessionOfPages: UseSession<PayloadOf<typeof shown>>;
check<Same<ReturnType<typeof useSessionOfPages>, PageSession<PayloadOf<typeof shown>>>>();
useSessionOfPages(event).set("visits", 1);
const { data, refresh } = useSessionOfPages();
check<Same<typeof data.value, { owner: string | undefined; items: number } | undefined>>();
export const owner: string | undefined = (await refresh())?.owner;

const own = useSession(event);
check<Same<typeof own, Session<SessionData>>>();
useSession(event).update("visits", (n = 0) => n + 1);
shown.get(event).get("cart")?.push("tea");
// @ts-expect-error there is no such key
useSession(event).get("visit");
// @ts-expect-error a page gets plain data
sessions.payload(() => "ann");
// @ts-expect-error the session of the server needs its event
useSession();

export const guard = crossOriginProtection({ trustedOrigins: ["https://login.example.com"] });
export const modules: object[] = [nuxtModule];
