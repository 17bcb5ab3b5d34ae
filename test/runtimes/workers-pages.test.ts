/** The example for Workers, built and run by its own configuration, and the programs of the pages about Workers. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { compiled, moduleOf, pageAt, root } from "../docs/pages.js";
import { Client } from "../support/client.js";
import { bundledFile, startModule, type Worker } from "./start.js";
import { abandoned, walk } from "./workers-walk.js";

const example = join(root, "examples", "workers");
const page = pageAt("start/workers");
const configuration = readFileSync(join(example, "wrangler.jsonc"), "utf8").trim();

/** As Cloudflare reads it. */
interface Configuration {
  readonly main: string;
  readonly compatibility_date: string;
  readonly compatibility_flags: readonly string[];
  readonly durable_objects: { readonly bindings: readonly { readonly name: string; readonly class_name: string }[] };
  readonly migrations: readonly { readonly new_sqlite_classes: readonly string[] }[];
}

const { main, durable_objects, migrations, ...compatibility } = JSON.parse(
  configuration.replace(/,(\s*[}\]])/g, "$1"),
) as Configuration;
const source = join(example, main);

describe("the example for Workers", () => {
  let worker: Worker;
  let origin: string;
  before(async () => {
    const classes = migrations.flatMap(({ new_sqlite_classes }) => new_sqlite_classes);
    const objects = durable_objects.bindings.map(({ name, class_name: className }) => [
      name,
      { className, useSQLite: classes.includes(className) },
    ]);
    worker = await startModule(await bundledFile(source), {
      compatibilityDate: compatibility.compatibility_date,
      compatibilityFlags: compatibility.compatibility_flags,
      durableObjects: Object.fromEntries(objects),
    });
    ({ origin } = await worker.ready);
  });
  after(() => worker.dispose());

  test("is what its page shows, and is as large as the page says, without what wrangler adds", async () => {
    const shown = (language: string): string =>
      page.blocks.find((block) => block.language === language && block.code.length > 100)!.code.trim();
    assert.equal(shown("ts"), readFileSync(source, "utf8").trim());
    assert.equal(shown("jsonc"), configuration);
    const [, whole = "", compressed = ""] = /has (\d+) KiB, (\d+) KiB compressed/.exec(page.text)!;
    const minified = await bundledFile(source, true);
    for (const [told, bytes] of [
      [whole, minified.length],
      [compressed, gzipSync(minified).length],
    ] as const)
      assert.ok(Math.abs(Number(told) - bytes / 1024) < Number(told) / 7, `${told} KiB, but it has ${bytes} bytes`);
  });

  test("a cart, two tabs, a login with redirects, the old token, and a final logout", () => walk(origin));

  test("visitors who leave in the midst of a request block no other one", () => abandoned(origin));
});

test("the programs of the page about the storages run: by the bindings of a request, and by those of the module", async (t) => {
  const { directory, says, remove } = await compiled({}, [pageAt("storages/cloudflare")]);
  t.after(remove);
  assert.equal(says, "");
  const name = join(directory, moduleOf(pageAt("storages/cloudflare")));
  const code = `
    import handler from "${name}.js";
    import { store } from "${name}-2.js";
    import { worker } from "${name}-3.js";
    export { HoldfastSessions } from "${name}.js";
    let swept = 0;
    export default {
      async fetch(request, env, ctx) {
        if (!request.url.endsWith("/store")) return handler.fetch(request, env, ctx);
        const { id, token } = await store.create({ visits: 7 });
        const visits = (await store.getByToken(token)).get("visits");
        await env.DB.exec(${JSON.stringify(schemaOf())});
        await worker.scheduled({}, env);
        return Response.json({ visits, ended: await store.delete(id) });
      },
    };`;
  const worker = await startModule(await bundledFile({ contents: code, resolveDir: directory }), {
    compatibilityDate: compatibility.compatibility_date,
    compatibilityFlags: compatibility.compatibility_flags,
    d1Databases: { DB: "shop" },
    durableObjects: { SESSIONS: { className: "HoldfastSessions", useSQLite: true } },
  });
  t.after(() => worker.dispose());
  const client = new Client((await worker.ready).origin);
  assert.deepEqual((await client.get("/")).json(), { visits: 1 });
  assert.deepEqual((await client.get("/")).json(), { visits: 2 });
  assert.deepEqual((await client.get("/store")).json(), { visits: 7, ended: true });
});

/** The migration of the page; D1's `exec` takes one statement a line. */
function schemaOf(): string {
  const { code } = pageAt("storages/cloudflare").blocks.find(({ language }) => language === "sql")!;
  return code.replace(/\s+/g, " ").replaceAll("; ", ";\n");
}
