import { session } from "holdfast/sveltekit";

// Without a storage, sessions are in the memory of this process: enough to try it, and for one server.
export const handle = session<App.SessionData>({ idleTimeout: "30m", absoluteTimeout: "24h" });
