import { createRequestHandler } from "@react-router/express";
import compression from "compression";
import express from "express";

const app = express();
app.use(compression({ threshold: 0 }));
app.use(express.static("build/client"));
app.use(createRequestHandler({ build: await import("./build/server/index.js") }));
app.listen(Number(process.env.PORT), "127.0.0.1");
