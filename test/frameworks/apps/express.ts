import { session, wrapAsync, type Session } from "holdfast/connect";
import type { RequestListener } from "node:http";
import { Readable } from "node:stream";
import type { Framework } from "../framework.js";
import { ownVersion, packageIn } from "../packages.js";
import { story, storyOptions, type StoryData } from "../story.js";
import { listen } from "./listen.js";

/**
 * The application of the suite.
 *
 * @param own - the options of its session
 * @param more - adds further routes
 * @param parsesFirst - whether bodies are parsed before the session is loaded
 */
export async function expressApp(
  version: string,
  own: object = {},
  more: (app: any) => void = () => {},
  parsesFirst: boolean = false,
): Promise<RequestListener> {
  const isFour = version === ownVersion("express4");
  const { default: make } = await packageIn(isFour ? "express4" : "express", version);
  const app = make();
  if (parsesFirst) app.use(make.urlencoded({ extended: false }));
  app.use(session<StoryData>({ ...storyOptions((req) => req.url), ...own }));
  more(app);
  app.use(make.urlencoded({ extended: false }));
  const of = (req: any): Session<StoryData> => req.session;
  app.get("/untouched", (_req: any, res: any) => res.send("untouched"));
  app.get("/storage", (req: any, res: any) => res.send(story.storage(req.query.do)));
  app.get("/data", (req: any, res: any) => res.json(story.data(of(req))));
  app.post("/set", (req: any, res: any) => res.send(story.set(of(req), req.body)));
  app.post("/increment", (req: any, res: any) => res.send(story.increment(of(req))));
  app.post(
    "/login",
    wrapAsync(async (req: any, res: any) => {
      await story.login(of(req), req.body);
      res.redirect("/account");
    }),
  );
  app.post(
    "/logout",
    wrapAsync(async (req: any, res: any) => {
      await story.logout(of(req));
      res.redirect("/untouched");
    }),
  );
  app.get("/account", (req: any, res: any) => {
    const text = story.account(of(req));
    return text === undefined ? res.redirect("/untouched") : res.send(text);
  });
  app.get("/throw", (req: any) => story.throw(of(req)));
  app.get(
    "/slow",
    wrapAsync(async (req: any, res: any) => res.send(await story.slow(of(req)))),
  );
  app.get("/stream", (req: any, res: any) => Readable.from(story.stream(of(req))).pipe(res));
  app.use((error: { status?: number }, _req: any, res: any, _next: unknown) =>
    res.status(error.status ?? 500).send("failed"),
  );
  return app;
}

/** Express 4 and 5, by `holdfast/connect`: it has the functions of `holdfast/express`. */
export const express: Framework = {
  name: "express",
  versions: [ownVersion("express"), "5.0.0", ownVersion("express4"), "4.17.3"],
  start: async (version) => listen(await expressApp(version)),
};
