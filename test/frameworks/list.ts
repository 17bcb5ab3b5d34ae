import { astro } from "./apps/astro.js";
import { elysia } from "./apps/elysia.js";
import { express } from "./apps/express.js";
import { fastify } from "./apps/fastify.js";
import { fetch, hono } from "./apps/fetch.js";
import { honoRuntimes } from "./apps/hono-runtimes.js";
import { h3 } from "./apps/h3.js";
import { koa } from "./apps/koa.js";
import { lambda } from "./apps/lambda.js";
import { nestjs } from "./apps/nestjs.js";
import { next } from "./apps/next.js";
import { connect, node } from "./apps/node.js";
import { nuxt } from "./apps/nuxt.js";
import { reactRouter } from "./apps/react-router.js";
import { start } from "./apps/start.js";
import { sveltekit } from "./apps/sveltekit.js";
import { tanstackStart } from "./apps/tanstack-start.js";
import type { Framework } from "./framework.js";

/** Those that start in this process: they are the short part, in their newest version. */
export const QUICK: readonly Framework[] = [node, connect, express, fastify, koa, fetch, hono];

/** Every framework that an adapter exists for, in the order of the table; and what `npm start` opens on each. */
export const FRAMEWORKS: readonly Framework[] = [
  ...QUICK,
  honoRuntimes,
  h3,
  nuxt,
  next,
  sveltekit,
  reactRouter,
  astro,
  tanstackStart,
  nestjs,
  lambda,
  elysia,
  start,
];
