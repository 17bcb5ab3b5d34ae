import { session } from "holdfast/next";

interface Data {
  cart: string[];
}

// Without a storage, sessions are in the memory of this process: enough to try it, and for one server.
export const { getSession, withSession, route, proxy } = session<Data>({
  idleTimeout: "30m",
  absoluteTimeout: "24h",
});
