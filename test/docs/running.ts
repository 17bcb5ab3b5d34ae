import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { Client } from "../support/client.js";
import { moduleOf, type Page } from "./pages.js";

/** What a block of a page exports: all that it declares. */
export type Module = Readonly<Record<string, any>>;

/** The blocks of TypeScript of a compiled page, each with its heading and a function that runs it. */
export function programsOf(page: Page, directory: string): { heading: string; run: () => Promise<Module> }[] {
  return page.blocks
    .filter(({ language }) => language === "ts")
    .map(({ heading }, i) => {
      const file = join(directory, `${moduleOf(page)}${i === 0 ? "" : `-${i + 1}`}.js`);
      return { heading, run: () => import(pathToFileURL(file).href) as Promise<Module> };
    });
}

/** Serves a listener, like an Express application, on a free port until the end of the test. */
export async function originOf(t: Pick<TestContext, "after">, listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A client of a listener that is served until the end of the test. */
export async function clientOf(t: Pick<TestContext, "after">, listener: RequestListener): Promise<Client> {
  return new Client(await originOf(t, listener));
}
