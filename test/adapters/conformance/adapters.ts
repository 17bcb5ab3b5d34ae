import { connect } from "./apps/connect.js";
import { express, expressFour } from "./apps/express.js";
import { fastify } from "./apps/fastify.js";
import { fetch } from "./apps/fetch.js";
import { hono } from "./apps/hono.js";
import { koa } from "./apps/koa.js";
import { node } from "./apps/node.js";
import type { Adapter } from "./apps/types.js";
import type { Config, ExtractorConfig } from "./format.js";

/** Every adapter, in the order in which scenarios are played. */
export const ADAPTERS: readonly Adapter[] = [node, connect, express, expressFour, fetch, fastify, koa, hono];

/** What a framework cannot express. The only place where a scenario may be passed over. */
const INEXPRESSIBLE: readonly {
  readonly adapters: readonly string[];
  readonly why: string;
  needs(config: Config): boolean;
}[] = [
  {
    adapters: ["node", "fetch"],
    why: "there is no router, so a token cannot come from a route parameter (fromParam is refused at construction)",
    needs: (config) => asksParam(config.extractor),
  },
];

/** Why an adapter cannot play a scenario; undefined where it can. */
export function whyInexpressible({ name }: Adapter, { second, ...config }: Config): string | undefined {
  const all = second ? [config, second] : [config];
  return INEXPRESSIBLE.find(({ adapters, needs }) => adapters.includes(name) && all.some(needs))?.why;
}

function asksParam(extractor: ExtractorConfig | undefined): boolean {
  return extractor?.kind === "param" || extractor?.chain?.some(asksParam) === true;
}
