import assert from "node:assert/strict";
import { test } from "node:test";

/** The loop without a network: every server answers, and every row is there. No time is looked at. */
interface Row {
  readonly kind: string;
  readonly framework: string;
  readonly name: string;
  readonly us: number;
  readonly added: number;
}
interface Loop {
  run(options: object): Promise<{ loop: Row[] }>;
}

const bench = (file: string): Promise<unknown> => import(new URL(`../../bench/${file}`, import.meta.url).href);
const { installBench } = (await import(new URL("../../scripts/bench-packages.mjs", import.meta.url).href)) as {
  installBench(): Promise<void>;
};

test("a request without a network: each contender of each framework is measured", async () => {
  await installBench();
  const { run } = (await bench("loop.mjs")) as Loop;
  const { loop } = await run({ frameworks: ["node", "express"], kinds: ["R", "N"], seconds: 0.01, quiet: true });
  assert.deepEqual(
    loop.map(({ kind, framework, name }) => `${kind} ${framework} ${name}`),
    ["R", "N"].flatMap((kind) =>
      ["node", "express"].flatMap((framework) =>
        ["bare", "holdfast", ...(kind === "N" ? ["holdfast lazy"] : []), "floor"].map(
          (name) => `${kind} ${framework} ${name}`,
        ),
      ),
    ),
  );
  assert.ok(loop.every(({ us, added }) => us > 0 && Number.isFinite(added)));
});
