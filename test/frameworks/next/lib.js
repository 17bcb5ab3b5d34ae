import { session } from "holdfast/next";
import { adapterStorage } from "holdfast/testing";
import { fromCookie } from "holdfast";

const isControl = ({ url }) => url !== undefined && new URL(url).pathname === "/suite/storage";

/** Each request that may refresh does: what two places send for one request is seen. */
export const sessions = session({
  storage: adapterStorage(),
  extractor: fromCookie("suite_id"),
  skip: isControl,
  refreshInterval: 0,
});

export const { getSession, withSession, route } = sessions;
