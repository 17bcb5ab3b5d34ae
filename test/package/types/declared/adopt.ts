import { session } from "holdfast/node";
import {
  fromCookieSession,
  fromExpressSession,
  redisRecords,
  type AdoptedSession,
  type AdoptionSource,
  type OldReader,
} from "holdfast/adopt";
import { check, type Same } from "../expect.js";

declare const client: { get(key: string): Promise<string | null>; del(key: string): Promise<number> };

const store = redisRecords(client, { prefix: "sess:" });
check<Same<typeof store, OldReader>>();
const map = ({ user, ...data }: { user?: number }): AdoptedSession => ({
  data,
  ...(user !== undefined && { owner: `${user}` }),
});
const source = fromExpressSession({ secret: ["new", "old"], store, map, until: new Date(0) });
check<Same<typeof source, AdoptionSource>>();

export const sessions = session({ adopt: [source] });
// @ts-expect-error a list
session({ adopt: source });
// @ts-expect-error without a store nothing can be read
fromExpressSession({ secret: "s" });
// @ts-expect-error a cookie without an id needs until and map
fromCookieSession({ keys: ["k"] });
// @ts-expect-error data is needed
fromExpressSession({ secret: "s", store, map: () => ({ owner: "ann" }) });
