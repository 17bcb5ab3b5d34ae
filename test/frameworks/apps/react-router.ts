import assert from "node:assert/strict";
import type { Framework, OwnCase } from "../framework.js";
import { walk } from "../walk.js";
import { startSite } from "./site.js";

const packagesOf = (version: string): Record<string, string> => ({
  "react-router": version,
  "@react-router/dev": version,
  "@react-router/node": version,
  "@react-router/serve": version,
  react: "19.3.1",
  "react-dom": "19.3.1",
  isbot: "5.2.3",
  vite: isSeven(version) ? "7.3.8" : "8.4.0",
});

const isSeven = (version: string): boolean => version.startsWith("7.");

/** The framework's own server in Express, behind compression: `server.js` of the site. */
const onExpress = (version: string): Record<string, string> => ({
  "@react-router/express": version,
  express: "5.1.0",
  compression: "1.8.2",
});

const COMPRESSED: OwnCase = {
  name: "a page is compressed, and its cookie is there",
  async run({ origin }) {
    const response = await fetch(`${origin}/cart`, {
      method: "POST",
      body: new URLSearchParams({ item: "rope" }),
      headers: { Origin: origin },
    });
    assert.equal(response.headers.get("content-encoding"), "gzip");
    assert.match(await response.text(), /rope/);
    assert.equal(response.headers.getSetCookie().length, 1);
  },
};

/**
 * React Router in framework mode: what its build makes, served by its own server and by Express behind compression,
 * and the development server.
 */
export const reactRouter: Framework = {
  name: "react-router",
  versions: ["8.4.0", "8.4.0 dev", "8.4.0 express", "7.18.4"],
  own: [{ name: "a person's walk in Chromium: two tabs, login, back, logout", run: walk }],
  ownIn: (title) => (title.endsWith(" express") ? [COMPRESSED] : []),
  start(title) {
    const [version = "", mode] = title.split(" ");
    const bin = isSeven(version) ? "bin.js" : "bin.cjs";
    const dev = `node_modules/@react-router/dev/${bin}`;
    const own = [`node_modules/@react-router/serve/${bin}`, "build/server/index.js"];
    return startSite({
      name: "react-router",
      story: "app/story.js",
      packages: { ...packagesOf(version), ...(mode === "express" && onExpress(version)) },
      without: ["app/sessions.server.ts", "app/routes.ts", "app/routes/logout.tsx"],
      ...(isSeven(version) && {
        files: { "react-router.config.ts": "export default { ssr: true, future: { v8_middleware: true } };\n" },
      }),
      ...(mode !== "dev" && { build: [dev, "build"] }),
      serve(port) {
        if (mode === "dev") return [dev, "dev", "--host", "127.0.0.1", "--port", String(port), "--strictPort"];
        return mode === "express" ? ["server.js"] : own;
      },
    });
  },
};
