/**
 * Records in Cloudflare's databases, in a Worker: D1, and Durable Objects.
 *
 * @module
 */
export { d1Storage, D1Storage, type D1Client, type D1Options, type D1Statement } from "./d1.js";
export { durableStorage, type DurableNamespace, type DurableStub } from "./durable.js";
export { HoldfastSessions, type DurableState } from "./durable-object.js";
