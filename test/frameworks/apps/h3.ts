import { session } from "holdfast/h3";
import { createServer } from "node:http";
import { fromNpm, packageOf } from "../packages.js";
import type { Framework, RunningApp } from "../framework.js";
import { story, storyOptions, type StoryData } from "../story.js";
import { serveFetch } from "./fetch.js";
import { streamOf } from "./fetch-app.js";
import { listen } from "./listen.js";

type Route = (event: any, h3: any) => unknown;

/** The routes, for both versions: `fieldsOf` reads a form, `redirect` is the framework's own. */
function routesOf(
  fieldsOf: (event: any) => Promise<any>,
  redirect: (event: any, to: string) => unknown,
): [string, Route][] {
  const own = (event: any): any => event.context.session;
  return [
    ["/storage", (event) => story.storage(/[?&]do=([\w-]+)/.exec(event.path)?.[1])],
    ["/untouched", () => "untouched"],
    ["/data", (event) => story.data(own(event))],
    ["/set", async (event) => story.set(own(event), await fieldsOf(event))],
    ["/increment", (event) => story.increment(own(event))],
    ["/throw", (event) => story.throw(own(event))],
    ["/slow", (event) => story.slow(own(event))],
    ["/stream", (event) => streamOf(own(event))],
    ["/login", async (event) => (await story.login(own(event), await fieldsOf(event)), redirect(event, "/account"))],
    ["/logout", async (event) => (await story.logout(own(event)), redirect(event, "/untouched"))],
    ["/account", (event) => story.account(own(event)) ?? redirect(event, "/untouched")],
  ];
}

const OPTIONS = storyOptions((event: { path: string }) => event.path);

/** h3 2: middlewares around handlers. */
async function startTwo(directory: string): Promise<RunningApp> {
  const { H3, redirect } = await packageOf(directory, "h3");
  const fieldsOf = async (event: any): Promise<object> => Object.fromEntries(await event.req.formData());
  const app = new H3({ silent: true });
  app.use(session<StoryData>(OPTIONS));
  for (const [path, route] of routesOf(fieldsOf, (_event, to) => redirect(to))) app.all(path, route);
  return serveFetch((request) => app.fetch(request));
}

/** h3 1, as in Nitro 2: middlewares before handlers. */
async function startOne(directory: string): Promise<RunningApp> {
  const { createApp, eventHandler, createRouter, toNodeListener, readBody, sendRedirect } = await packageOf(
    directory,
    "h3",
  );
  const app = createApp({ onError: () => {} });
  app.use(eventHandler(session<StoryData>(OPTIONS)));
  const router = createRouter();
  for (const [path, route] of routesOf(readBody, sendRedirect)) router.use(path, eventHandler(route));
  app.use(router);
  return listen(createServer(toNodeListener(app)));
}

/** h3, the server of Nitro and Nuxt. */
export const h3: Framework = {
  name: "h3",
  versions: ["2.0.8", "2.0.1", "1.15.5"],
  start(version) {
    const directory = fromNpm({ h3: version });
    return version.startsWith("1.") ? startOne(directory) : startTwo(directory);
  },
};
