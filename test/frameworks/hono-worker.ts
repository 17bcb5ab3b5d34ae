/** The application of the adapter suite on Hono, as a Worker. */
import { Hono } from "hono";
import { honoApp } from "./apps/fetch-app.js";

export default honoApp(Hono);
