import { session } from "holdfast/nuxt";

declare module "holdfast" {
  interface SessionData {
    cart: string[];
  }
}

// Without a storage, sessions are in the memory of this process: enough to try it, and for one server.
export default session({ idleTimeout: "30m", absoluteTimeout: "24h" }).payload((own) => ({
  owner: own.owner,
  cart: own.get("cart") ?? [],
}));
