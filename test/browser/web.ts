import { createHash, X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, Server } from "node:http";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type BrowserContext, type Page } from "playwright-core";
import { startApp, type AdapterName, type App, type AppOptions, type Routes } from "../support/apps.js";
import { listening } from "../support/apps/serving.js";

/** What ends with the test, or with the file. */
export interface Scope {
  after(end: () => unknown): void;
}

/** A request as the browser sent it. */
export interface Sent {
  readonly host: string;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly cookie: string;
}

/** What a browser keeps when it is closed. */
export interface ProfileOnDisk {
  readonly directory: string;
  remove(): void;
}

/** Applications over http on localhost, and over https under every name that ends in `.test`. */
export interface Site {
  /** `http://localhost:port`. */
  readonly local: string;
  /** `http://host:port`. */
  plain(host: string): string;
  /** `https://host:port`. */
  at(host: string): string;
  /** Every request the browser sent, but for icons. */
  readonly sent: readonly Sent[];
  /** The Cookie header of the latest request for this path and query, if there was one. */
  cookieAt(url: string): string | undefined;
}

/**
 * Chromium, which finds every name in `.test` on this machine and trusts one certificate more than usual; a scope as
 * long as the file.
 */
export class Web implements Scope {
  /** The browser's own profile, which stays on disk. */
  readonly profile: BrowserContext;
  readonly #certificate: Certificate;
  readonly #endings: (() => unknown)[] = [];

  private constructor(profile: BrowserContext, certificate: Certificate) {
    this.profile = profile;
    this.#certificate = certificate;
  }

  /**
   * @param embedded - whether it keeps cookies of sites that are only embedded in others
   * @param profile - a profile that is there when the browser is opened again; default: one that ends with it
   */
  static async open({ embedded, profile }: { embedded: boolean; profile?: ProfileOnDisk }): Promise<Web> {
    const { ensureChromium, chromiumFlags } = await import(
      new URL("../../scripts/ensure-chromium.mjs", import.meta.url).href
    );
    const certificate = await newCertificate();
    const args = [
      ...chromiumFlags,
      "--host-resolver-rules=MAP *.test 127.0.0.1",
      `--ignore-certificate-errors-spki-list=${fingerprint(certificate)}`,
    ];
    const kept = profile ?? Web.newProfile({ embedded });
    const opened = await chromium.launchPersistentContext(kept.directory, {
      executablePath: ensureChromium(),
      args,
      ignoreDefaultArgs: ["--disable-back-forward-cache"],
    });
    const web = new Web(opened, certificate);
    if (!profile) web.after(() => kept.remove());
    web.after(() => opened.close());
    return web;
  }

  /** A profile of its own, for browsers that are opened one after the other. */
  static newProfile({ embedded }: { embedded: boolean }): ProfileOnDisk {
    const directory = newProfile(embedded);
    return { directory, remove: () => rmSync(directory, { recursive: true, force: true, maxRetries: 10 }) };
  }

  after(end: () => unknown): void {
    this.#endings.push(end);
  }

  async close(): Promise<void> {
    for (const end of this.#endings.reverse()) await end();
  }

  /** Somebody without any cookies. */
  async person(t: Scope): Promise<BrowserContext> {
    const context = await this.profile.browser()!.newContext();
    t.after(() => context.close());
    context.setDefaultTimeout(60_000);
    return context;
  }

  /** Serves an application until the test ends. */
  async serve(t: Scope, adapter: AdapterName, options: AppOptions, routes: Routes): Promise<Site> {
    const app = await startApp(adapter, options, routes);
    t.after(() => app.close());
    return this.front(t, [app]);
  }

  /**
   * The same for several applications under the same names: over https a request says in the header `x-app` which of
   * them it is for.
   */
  async front(t: Scope, apps: readonly App[]): Promise<Site> {
    const sent: Sent[] = [];
    const note = ({ headers, method, url }: IncomingMessage): void => {
      if (url !== "/favicon.ico")
        sent.push({ host: headers.host!, method: method!, url: url!, cookie: headers.cookie ?? "" });
    };
    for (const { server } of apps) (server as Server).prependListener("request", note);
    const choose = ({ headers }: IncomingMessage): Server => apps[Number(headers["x-app"] ?? 0)]!.server as Server;
    const secure = await listening(
      createServer(this.#certificate, (req, res) => void choose(req).emit("request", req, res)),
      [],
      [],
    );
    t.after(() => secure.close());
    const { origin, port } = apps[0]!;
    return {
      local: origin,
      plain: (host) => `http://${host}:${port}`,
      at: (host) => `https://${host}:${secure.port}`,
      sent,
      cookieAt: (wanted) => sent.findLast(({ url }) => url === wanted)?.cookie,
    };
  }
}

/** What a page is answered that asks this by script; `x-app` chooses the application. */
export function ask(
  page: Pick<Page, "evaluate">,
  path: string,
  { method = "GET", app = 0 }: { method?: string; app?: number } = {},
): Promise<string> {
  return page.evaluate(
    async ([url, verb, number]) => (await fetch(url!, { method: verb!, headers: { "x-app": number! } })).text(),
    [path, method, `${app}`],
  );
}

/** A directory for a profile; browsers differ in what they do with cookies of embedded sites unless they are told. */
function newProfile(embedded: boolean): string {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-profile-"));
  mkdirSync(join(directory, "Default"));
  const profile = { block_third_party_cookies: !embedded, cookie_controls_mode: embedded ? 0 : 1 };
  writeFileSync(join(directory, "Default", "Preferences"), JSON.stringify({ profile }));
  return directory;
}

interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** A key and a certificate of this run, for every name under `.test`. */
async function newCertificate(): Promise<Certificate> {
  const { certificateIn } = await import(new URL("../../scripts/services/lib.mjs", import.meta.url).href);
  const directory = mkdtempSync(join(tmpdir(), "holdfast-certificate-"));
  try {
    const [key, cert] = certificateIn(directory);
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** How Chromium names a certificate: the hash of its public key. */
function fingerprint({ cert }: Certificate): string {
  const { publicKey } = new X509Certificate(cert);
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("base64");
}
