import type { Framework } from "../framework.js";
import { walk } from "../walk.js";
import { startSite } from "./site.js";

/** React Router in framework mode. */
export const reactRouter: Framework = {
  name: "react-router",
  versions: ["8.4.0", "7.18.4"],
  own: [{ name: "a person's walk in Chromium: two tabs, login, back, logout", run: walk }],
  start(version) {
    const isSeven = version.startsWith("7.");
    const bin = isSeven ? "bin.js" : "bin.cjs";
    return startSite({
      name: "react-router",
      story: "app/story.js",
      packages: {
        "react-router": version,
        "@react-router/dev": version,
        "@react-router/node": version,
        "@react-router/serve": version,
        react: "19.3.1",
        "react-dom": "19.3.1",
        isbot: "5.2.3",
        vite: isSeven ? "7.3.8" : "8.4.0",
      },
      without: ["app/sessions.server.ts", "app/routes.ts", "app/routes/logout.tsx"],
      ...(isSeven && {
        files: { "react-router.config.ts": "export default { ssr: true, future: { v8_middleware: true } };\n" },
      }),
      build: [`node_modules/@react-router/dev/${bin}`, "build"],
      serve: [`node_modules/@react-router/serve/${bin}`, "build/server/index.js"],
    });
  },
};
