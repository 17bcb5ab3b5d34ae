export type { FastifySessionObject } from "@fastify/session";
export type { FastifyRequest } from "fastify";
