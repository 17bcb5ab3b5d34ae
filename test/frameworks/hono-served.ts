/** The application of the adapter suite on Hono, served by the runtime itself: Bun or Deno. */
import { Hono } from "hono";
import { serveHere } from "../runtimes/own-server.js";
import { honoApp } from "./apps/fetch-app.js";

serveHere(honoApp(Hono).fetch);
