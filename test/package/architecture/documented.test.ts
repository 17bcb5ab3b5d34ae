import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./source.js";

/**
 * An entry's exports, read from what the compiler wrote: its declarations are regular, whatever the sources look
 * like.
 */
const entries = Object.entries(
  JSON.parse(readFileSync(join(root, "package.json"), "utf8")).exports as Record<string, string | { types: string }>,
)
  .filter((entry): entry is [string, { types: string }] => typeof entry[1] === "object")
  .map(([name, { types }]) => [name, join(root, types)] as const);

for (const [name, file] of entries) {
  test(`${name}: every export says what it is`, () => {
    const names = exportsOf(file);
    assert.ok(names.length > 0, "nothing is exported");
    assert.deepEqual(
      names.filter(({ isDocumented }) => !isDocumented).map(({ name }) => name),
      [],
    );
    assert.match(readFileSync(file, "utf8"), /^(\/\/\/.*\n)*\/\*\*/, "the module itself says nothing");
  });
}

test("an undocumented export is seen", () => {
  const text = "/** Said. */\nexport interface Said {\n}\nexport declare function quiet(): void;\nexport {};\n";
  assert.deepEqual(
    ["Said", "quiet"].map((name) => isDocumented(text, name)),
    [true, false],
  );
});

interface Exported {
  readonly name: string;
  readonly isDocumented: boolean;
}

function exportsOf(file: string): Exported[] {
  const text = readFileSync(file, "utf8");
  const own = [
    ...text.matchAll(/^export (?:declare )?(?:abstract )?(?:function|const|class|interface|type|namespace) (\w+)/gm),
  ];
  const listed = [...text.matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]+)"/gm)];
  const all = [...text.matchAll(/^export \* from "([^"]+)"/gm)];
  return [
    ...own.map(([, name = ""]) => ({ name, isDocumented: isDocumented(text, name) })),
    ...listed.flatMap(([, names = "", from = ""]) =>
      namesIn(names).map((name) => exportNamed(beside(file, from), name)),
    ),
    ...all.flatMap(([, from = ""]) => exportsOf(beside(file, from))),
  ];
}

function exportNamed(file: string, name: string): Exported {
  const found = exportsOf(file).find((one) => one.name === name);
  assert.ok(found, `${file} does not export ${name}`);
  return found;
}

/** The names as they are called where they come from. */
function namesIn(list: string): string[] {
  return list
    .split(",")
    .map((name) =>
      name
        .trim()
        .replace(/^type /, "")
        .replace(/ as \w+$/, ""),
    )
    .filter((name) => name !== "");
}

function isDocumented(text: string, name: string): boolean {
  const declaration = new RegExp(
    `(.*)\\nexport (?:declare )?(?:abstract )?(?:function|const|class|interface|type|namespace) ${name}\\b`,
  );
  return declaration.exec(text)?.[1]?.trim().endsWith("*/") ?? false;
}

function beside(file: string, from: string): string {
  return join(file, "..", from.replace(/\.js$/, ".d.ts"));
}
