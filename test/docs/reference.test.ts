/** The pages of reference against the code: a row for everything that is there, and for nothing else. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SessionError, type SessionErrorCode } from "holdfast";
import { pageAt, pages, root } from "./pages.js";

const source = (file: string): string => readFileSync(join(root, "src", file), "utf8");

/** What stands between back quotes in the first cell of each row. */
function firstCells(text: string): string[] {
  return [...text.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`([^`]+)`/g)].map(([, code]) => code!),
  );
}

/** The statuses by code, as `src/errors.ts` lists them. */
function statuses(): Record<string, number> {
  const [, table = ""] = /const STATUS = \{([^}]*)\}/.exec(source("errors.ts"))!;
  return Object.fromEntries(
    [...table.matchAll(/"?([\w-]+)"?: (\d+)/g)].map(([, code, status]) => [code, Number(status)]),
  );
}

/** The codes of mistakes in a program, which have no status. */
function mistakes(): string[] {
  const [, union = ""] = /type MistakeCode = ([^;]+);/.exec(source("errors.ts"))!;
  return [...union.matchAll(/"([\w-]+)"/g)].map(([, code]) => code!);
}

const codes = [...Object.keys(statuses()), ...mistakes()];

test("the table of errors has each code with its status, and links to its page", () => {
  const { text } = pageAt("reference/errors/README");
  const rows = [...text.matchAll(/^\| \[`([\w-]+)`\]\(([\w-]+)\.md\) \| (\d+) \|/gm)];
  assert.deepEqual(
    Object.fromEntries(rows.map(([, code, file, status]) => (assert.equal(file, code), [code, Number(status)]))),
    statuses(),
  );
});

test("every code has a page and no other page is there; each says what, what the client got, what to do, how", () => {
  const own = pages.filter(({ path, name }) => path.startsWith("docs/reference/errors/") && name !== "README");
  assert.deepEqual(own.map(({ name }) => name).sort(), codes.toSorted());
  for (const { name, text, blocks } of own) {
    assert.ok(text.startsWith(`# \`${name}\`\n`), name);
    const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    assert.deepEqual(headings.slice(0, 4), ["What happened", "What the client got", "What to do", "Example"], name);
    assert.ok(
      blocks.some(({ language, heading }) => language === "ts" && heading === "Example"),
      name,
    );
    const status = new SessionError(name as SessionErrorCode, "").status;
    if (name !== "answered" && !mistakes().includes(name))
      assert.match(text, new RegExp(`Status ${status}\\b`), name);
  }
});

test("the page of options has a row for every option, and for no other", () => {
  const listOf = (file: string, name: string): string[] => {
    const [, list = ""] = new RegExp(`const ${name}:[^=]*= \\[([^\\]]*)\\]`).exec(source(file)) ?? [];
    return [...list.matchAll(/"(\w+)"/g)].map(([, option]) => option!);
  };
  const options = [
    ...listOf("session/options.ts", "STORE_OPTIONS"),
    ...listOf("session/request-options.ts", "REQUEST_OPTIONS"),
  ];
  assert.ok(options.length > 20);
  const [, cookie = ""] = /export interface CookieOptions \{([\s\S]*?)\n\}/.exec(source("cookie/cookie.ts")) ?? [];
  const attributes = [...cookie.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => `cookie.${name}`);
  const named = firstCells(pageAt("reference/options").text);
  assert.deepEqual([...new Set(named)].sort(), [...options, ...attributes].sort());
});

for (const [page, type] of [
  ["reference/session", "Session"],
  ["reference/store", "Store"],
] as const) {
  test(`the page of ${type} has a row for every member, and for no other`, () => {
    const [, body = ""] = new RegExp(`export interface ${type}<[^{]*\\{([\\s\\S]*?)\\n\\}`).exec(
      source("contracts/session-api.ts"),
    )!;
    const members = [...body.matchAll(/^ {2}(?:readonly )?(\w+)(?=[(<:?])/gm)].map(([, name]) => name!);
    const named = firstCells(pageAt(page).text).map((code) => /^(?:await )?(\w+)/.exec(code)![1]!);
    assert.deepEqual([...new Set(named)].sort(), [...new Set(members)].sort());
  });
}

test("the page of commands has a row for every script of package.json, and for no other", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object };
  const named = firstCells(pageAt("reference/commands").text).map((code) => code.replace(/^npm (run )?/, ""));
  assert.deepEqual(named.sort(), Object.keys(scripts).sort());
});
