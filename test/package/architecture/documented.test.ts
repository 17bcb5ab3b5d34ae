import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { namesIn, root } from "./source.js";

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

  test(`${name}: functions and methods have @param, @returns, @throws and @example`, () => {
    assert.deepEqual([...new Set(exportsOf(file).flatMap(({ name, text }) => lacking(text, name)))], []);
  });
}

test("an undocumented export is seen", () => {
  const text = "/** Said. */\nexport interface Said {\n}\nexport declare function quiet(): void;\nexport {};\n";
  assert.deepEqual(
    ["Said", "quiet"].map((name) => isDocumented(text, name)),
    [true, false],
  );
});

test("a missing tag of a function, a method and a call signature is seen", () => {
  const text = `
/**
 * @param a - first
 */
export declare function twice<T>(a: T, { b }: { b: (x: string, y: number) => void }, ...rest: string[]): T;
/** Shape. */
export interface Shape {
    /** Draws. */
    draw(times?: number): void;
    /**
     * @param q - the question
     */
    <Q>(q: Q): Promise<string>;
    readonly size: number;
    /** Implements the storage contract. */
    get(key: string): string;
    /** Implements \`RequestView\`. */
    headers(name: string): string;
}
`;
  assert.deepEqual(lacking(text, "twice"), [
    "twice: @param rest",
    "twice: @returns",
    "twice: @throws",
    "twice: @example",
  ]);
  assert.deepEqual(lacking(text, "Shape"), ["Shape.draw: @param times", "Shape(): @returns"]);
});

/** Functions that never throw. */
const NEVER_THROW: ReadonlySet<string> = new Set(
  (
    "findSession findCurrentSession testClock storageSuite adapterSuite adapterStorage withAccess isPlaced " +
    "placeSession requestSessionOf parsedFields isResponse isHandedOver onClose sendLastResort toRead clearResponse " +
    "isHttp2 isResponseEnded socketOf asDropped wrongFramework sharedMemory Public nitroPlugin"
  ).split(" "),
);

interface Exported {
  readonly name: string;
  readonly isDocumented: boolean;
  /** The declarations that it is among. */
  readonly text: string;
}

/** What the documentation of an exported function, or of an interface's or class's methods, lacks. */
function lacking(text: string, name: string): string[] {
  const declared = new RegExp(`^export declare function ${name}\\b`, "m").exec(text);
  if (declared) {
    const doc = commentBefore(text, declared.index);
    const rest = NEVER_THROW.has(name) || doc.includes("@throws") ? [] : [`${name}: @throws`];
    const example = doc.includes("@example") ? [] : [`${name}: @example`];
    return [...tagsLacking(text, declared.index + declared[0].length, name, doc), ...rest, ...example];
  }
  const body = new RegExp(
    `^export (?:declare (?:abstract )?class|interface) ${name}\\b[^\\n]*\\{\\n([\\s\\S]*?)^\\}`,
    "m",
  ).exec(text);
  if (!body || isClient(commentBefore(text, body.index))) return [];
  const members = body[1]!;
  return [...members.matchAll(/^ {4}(?:(?!constructor\b)(\w+)\??)?(?=[(<])/gm)].flatMap((found) => {
    const { 0: start, 1: method, index } = found;
    const doc = commentBefore(members, index);
    if (/Implements (the storage contract|`\w+`)\./.test(doc) || (method === undefined && doc === "")) return [];
    return tagsLacking(members, index + start.length, `${name}${method === undefined ? "()" : `.${method}`}`, doc);
  });
}

/** Whether an interface describes what is used of another package, whose methods are documented there. */
function isClient(doc: string): boolean {
  return /^\/\*\*\s*(\*\s*)?The part of /.test(doc);
}

/** The `@param` of each parameter, and `@returns`, as far as they are missing. `at`: where the signature begins. */
function tagsLacking(text: string, at: number, name: string, doc: string): string[] {
  const open = text[at] === "<" ? text.indexOf("(", closing(text, at)) : at;
  const end = closing(text, open);
  const params = parametersIn(text.slice(open + 1, end)).filter((one) => !new RegExp(`@param ${one}\\b`).test(doc));
  const returned = /^:\s*([^;{]*)/.exec(text.slice(end + 1))?.[1]?.trim() ?? "void";
  const isVoid = /^(void|Promise<void>|Awaitable<void>|Promise<void> \| void)$/.test(returned);
  const returns = isVoid || doc.includes("@returns") ? [] : [`${name}: @returns`];
  return [...params.map((one) => `${name}: @param ${one}`), ...returns];
}

/** Where the bracket that opens at `at` is closed. The `>` of an arrow closes nothing. */
function closing(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    if ("([{<".includes(text[i]!)) depth++;
    else if (")]}".includes(text[i]!) || (text[i] === ">" && text[i - 1] !== "=")) depth--;
    if (depth === 0) return i;
  }
  throw new Error(`a bracket is not closed: ${text.slice(at, at + 40)}`);
}

/** The names of parameters, but for `this` and those that are taken apart. */
function parametersIn(list: string): string[] {
  let depth = 0;
  let names = "";
  for (let i = 0; i < list.length; i++) {
    if ("([{<".includes(list[i]!)) depth++;
    if (depth === 0) names += list[i];
    if (")]}".includes(list[i]!) || (list[i] === ">" && list[i - 1] !== "=")) depth--;
  }
  return names
    .split(",")
    .map((one) => /^\s*(?:\.\.\.)?(\w+)\??\s*:/.exec(one)?.[1])
    .filter((one) => one !== undefined && one !== "this") as string[];
}

/** The comment right before a declaration. */
function commentBefore(text: string, index: number): string {
  const before = text.slice(0, index).trimEnd();
  return before.endsWith("*/") ? before.slice(before.lastIndexOf("/**")) : "";
}

function exportsOf(file: string): Exported[] {
  const text = readFileSync(file, "utf8");
  const own = [
    ...text.matchAll(/^export (?:declare )?(?:abstract )?(?:function|const|class|interface|type|namespace) (\w+)/gm),
  ];
  const listed = [...text.matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]+)"/gm)];
  const all = [...text.matchAll(/^export \* from "([^"]+)"/gm)];
  return [
    ...own.map(([, name = ""]) => ({ name, isDocumented: isDocumented(text, name), text })),
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

function isDocumented(text: string, name: string): boolean {
  const declaration = new RegExp(
    `(.*)\\nexport (?:declare )?(?:abstract )?(?:function|const|class|interface|type|namespace) ${name}\\b`,
  );
  return declaration.exec(text)?.[1]?.trim().endsWith("*/") ?? false;
}

function beside(file: string, from: string): string {
  return join(file, "..", from.replace(/\.js$/, ".d.ts"));
}
