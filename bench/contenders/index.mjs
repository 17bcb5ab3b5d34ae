/**
 * Who takes part. `on`: the frameworks; `storages`; `kinds` that it can do; `variants` beside the one its
 * documentation recommends for production (the first): `lean` does no more than it must. `stateless` ones keep the
 * session in the cookie, whatever the storage.
 */
const EVERYWHERE = ["node", "express", "fastify", "koa", "hono", "fetch", "h3"];
const BOTH = ["memory", "redis"];

export const FRAMEWORKS = EVERYWHERE;
export const STORAGES = BOTH;

export const CONTENDERS = {
  bare: { on: EVERYWHERE, storages: BOTH, kinds: "RWTNL", packages: [] },
  holdfast: {
    on: EVERYWHERE,
    storages: BOTH,
    kinds: "RWTNL",
    packages: [],
    variants: () => ["eager", "lazy"],
    kindsOf: (variant) => (variant === "lazy" ? "TN" : "RWTNL"),
  },
  floor: { on: EVERYWHERE, storages: BOTH, kinds: "RWTNL", packages: [] },
  "express-session": {
    on: ["node", "express"],
    storages: BOTH,
    kinds: "RWTNL",
    packages: ["express-session", "connect-redis"],
    variants: (storage) => (storage === "redis" ? ["documented", "lean"] : ["documented"]),
  },
  "fastify-session": {
    on: ["fastify"],
    storages: BOTH,
    kinds: "RWTNL",
    packages: ["@fastify/session", "@fastify/cookie", "connect-redis"],
    variants: () => ["documented", "lean"],
  },
  "koa-session": { on: ["koa"], storages: BOTH, kinds: "RWTNL", packages: ["koa-session"] },
  "hono-sessions": {
    on: ["hono"],
    storages: BOTH,
    kinds: "RWTNL",
    packages: ["hono-sessions"],
    variants: () => ["documented", "lean"],
  },
  "hono-session": { on: ["hono"], storages: BOTH, kinds: "RWTN", packages: ["@hono/session"] },
  remix: {
    on: ["fetch"],
    storages: BOTH,
    kinds: "RWTNL",
    packages: ["@remix-run/session", "@remix-run/session-storage-redis", "@remix-run/cookie"],
  },
  "iron-session": {
    on: ["node", "express", "fetch"],
    storages: ["memory"],
    kinds: "RWTNL",
    packages: ["iron-session"],
    stateless: true,
  },
  "h3-session": { on: ["h3"], storages: ["memory"], kinds: "RWTNL", packages: ["h3"], stateless: true },
};

/** Everyone who can be measured on a framework and a storage: `{ name, contender, variant, kinds, stateless }`. */
export function entrants(framework, storage) {
  return Object.entries(CONTENDERS)
    .filter(([, { on, storages }]) => on.includes(framework) && storages.includes(storage))
    .flatMap(([contender, entry]) => variantsOf(entry, storage).map((variant) => entrant(contender, variant, entry)));
}

/** Whether it is another library, which keeps its sessions in the storage. */
export function isPeer({ contender, stateless }) {
  return !["bare", "holdfast", "floor"].includes(contender) && !stateless;
}

function variantsOf({ variants }, storage) {
  return variants?.(storage) ?? [undefined];
}

function entrant(contender, variant, { kinds, kindsOf, stateless = false }) {
  const isPlain = variant === undefined || variant === "documented" || variant === "eager";
  return {
    name: isPlain ? contender : `${contender} ${variant}`,
    contender,
    variant,
    kinds: kindsOf?.(variant) ?? kinds,
    stateless,
  };
}
