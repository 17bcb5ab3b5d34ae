import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The directory of the project; this file is compiled to `build/docs`. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** A page of the documentation. */
export interface Page {
  /** As a path from the root. */
  readonly path: string;
  readonly name: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** What stands between two lines of back quotes. */
export interface Block {
  readonly language: string;
  readonly code: string;
  /** The last heading before it. */
  readonly heading: string;
}

/** Every page below `docs`, without those that are built from them. */
export const pages: readonly Page[] = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".md") && !file.startsWith(".vitepress/"))
  .map((file) => pageOf(`docs/${file}`))
  .sort((a, b) => a.path.localeCompare(b.path));

/** The page of a path below `docs`, like `tasks/login`. */
export function pageAt(path: string): Page {
  const page = pages.find((one) => one.path === `docs/${path}.md`);
  if (!page) throw new Error(`there is no docs/${path}.md`);
  return page;
}

/** A page by its path from the root. */
export function pageOf(path: string): Page {
  const text = readFileSync(join(root, path), "utf8");
  return { path, name: basename(path, ".md"), text, blocks: blocksOf(text) };
}

/** The words of a union type of the events, sorted. */
export function wordsOf(type: string): string[] {
  const code = readFileSync(join(root, "src", "contracts", "events.ts"), "utf8");
  const union = new RegExp(`export type ${type} =([^;]+);`).exec(code)![1]!;
  return [...union.matchAll(/"([^"]+)"/g)].map(([, word]) => word!).sort();
}

/** The code blocks of a text. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let heading = "";
  let open: { language: string; lines: string[] } | undefined;
  for (const line of text.split("\n")) {
    if (line.startsWith("```")) {
      if (open) blocks.push({ language: open.language, code: open.lines.join("\n"), heading });
      open = open ? undefined : { language: line.slice(3).trim(), lines: [] };
    } else if (open) open.lines.push(line);
    else heading = /^#+ (.*)/.exec(line)?.[1] ?? heading;
  }
  return blocks;
}

/** The module of a page's first block: `tasks-login`. Pages of two folders may have the same name. */
export function moduleOf({ path }: Page): string {
  return path
    .replace(/^docs\//, "")
    .replace(/\.md$/, "")
    .replaceAll("/", "-");
}

/**
 * The blocks of TypeScript of a page as modules: the first under the page's module name, exporting all it knows; each
 * other one under its number, with its own imports and declarations, and else what the first one knows. It exports what
 * it declares, so that a test can run it.
 */
export function modulesOf(page: Page): ReadonlyMap<string, string> {
  const name = moduleOf(page);
  const { blocks } = page;
  const [first = "", ...others] = blocks.filter(({ language }) => language === "ts").map(({ code }) => code);
  const known = namesIn(first);
  const exported = first.replace(/^export (?=const|(async )?function|class|interface|type \w)/gm, "");
  const modules = new Map([[name, `${exported}\nexport { ${[...known.values()].join(", ")} };\n`]]);
  for (const [i, code] of others.entries()) {
    const own = namesIn(code);
    const borrowed = [...known].filter(([one]) => !own.has(one)).map(([, specifier]) => specifier);
    const text = code.replace(/^export (?=const|(async )?function|class|interface|type \w)/gm, "");
    const declared = [...namesIn(text.replace(/^import [^;]*;/gm, "")).values()].join(", ");
    const exports = declared ? `export { ${declared} };` : "export {};";
    modules.set(`${name}-${i + 2}`, `import { ${borrowed.join(", ")} } from "./${name}.js";\n${text}\n${exports}\n`);
  }
  return modules;
}

/** What a block imports or declares, each name with how it is written in a list of exports: a type says so. */
function namesIn(code: string): Map<string, string> {
  const names = new Map<string, string>();
  const note = (name: string, isType: boolean): unknown => names.set(name, isType ? `type ${name}` : name);
  for (const [, types, all = "", list = ""] of code.matchAll(/^import (type )?(?:(\w+)|\{([^}]*)\}) from/gm)) {
    if (all) note(all, Boolean(types));
    for (const one of list.split(",").filter((text) => text.trim()))
      note(/(\w+)\s*$/.exec(one)![1]!, Boolean(types) || /^\s*type /.test(one));
  }
  for (const [, list = ""] of code.matchAll(/^export const \{([\w, ]*)\} =/gm))
    for (const name of list.split(",")) note(name.trim(), false);
  for (const [, kind, name = ""] of code.matchAll(
    /^(?:export )?(const|(?:async )?function|class|interface|type) (\w+)/gm,
  ))
    note(name, kind === "interface" || kind === "type");
  return names;
}

/** Packages that not every Node has, as far as the pages use them. */
const AMBIENT = `
declare module "node:sqlite" { export class DatabaseSync { constructor(file: string); exec(sql: string): void; prepare(sql: string): import("holdfast/storage/sqlite").SqliteStatement; } }
declare module "better-sqlite3" { export default class Database { constructor(file: string); prepare(sql: string): import("holdfast/storage/sqlite").SqliteStatement; } }
declare module "bun:sqlite" { export class Database { constructor(file: string); prepare(sql: string): import("holdfast/storage/sqlite").SqliteStatement; } }
declare module "bun" { export class RedisClient { constructor(url: string, options?: object); send(command: string, args: string[]): Promise<any>; connect(): Promise<void>; readonly connected: boolean; } export const SQL: new (url: string, options?: object) => import("holdfast/storage/postgres").BunSqlClient; }
declare module "cloudflare:node" { export function httpServerHandler(where: { port: number }): { fetch(request: Request): Promise<Response> }; }
declare module "cloudflare:workers" { export const env: { DB: D1Database; SESSIONS: DurableObjectNamespace }; }
type D1Database = import("holdfast/storage/cloudflare").D1Client;
type DurableObjectNamespace = import("holdfast/storage/cloudflare").DurableNamespace;
declare module "mariadb" { export function createPool(options: { host: string; database: string }): import("holdfast/storage/mysql").MysqlClient; }
declare module "@electric-sql/pglite" { export const PGlite: { create(): Promise<import("holdfast/storage/postgres").PgliteClient> }; }
declare module "@aws-sdk/client-dynamodb" { type Command = new (input: any) => any; export const GetItemCommand: Command, PutItemCommand: Command, UpdateItemCommand: Command, DeleteItemCommand: Command, ScanCommand: Command; export class DynamoDBClient { constructor(settings: object); send(command: any, options?: any): Promise<any>; } export class DynamoDB { constructor(settings: object); getItem(_: any): Promise<any>; putItem(_: any): Promise<any>; updateItem(_: any): Promise<any>; deleteItem(_: any): Promise<any>; scan(_: any): Promise<any>; describeTable(_: any): Promise<any>; createTable(_: any): Promise<any>; describeTimeToLive(_: any): Promise<any>; updateTimeToLive(_: any): Promise<any>; } }
declare module "@aws-sdk/lib-dynamodb" { export class DynamoDBDocument { static from(client: object): DynamoDBDocument; get(_: any): Promise<any>; put(_: any): Promise<any>; update(_: any): Promise<any>; delete(_: any): Promise<any>; scan(_: any): Promise<any>; } }
declare module "h3" { interface H3EventContext { [key: string]: any } type Event = { req: Request; res: { headers: Headers; errHeaders: Headers }; context: H3EventContext }; type Handler = (event: Event) => unknown; export class H3 { use(handler: unknown): this; get(path: string, handler: Handler): this; post(path: string, handler: Handler): this; request(path: string, init: RequestInit): Promise<Response>; } export function redirect(to: string): unknown; export function createApp(): { use(handler: unknown): unknown }; export function eventHandler(handler: unknown): unknown; }
declare module "next/navigation" { export function redirect(to: string): never; }
declare const Deno: { openKv(file?: string): Promise<import("holdfast/storage/deno-kv").DenoKv & { close(): void }> };
declare module "my-database" { export const client: import("./storages-drivers.js").Client; }
declare module "my-database/testing" {
  type Client = import("./storages-drivers.js").Client;
  export const server: { setReadOnly(is: boolean): Promise<void>; hideRowsFromUpdates(): Promise<void>; showRows(): Promise<void>; begin(client: Client): Promise<void>; rollBack(client: Client): Promise<void> };
  export const proxy: { delay(ms: number): void; cutAll(): Promise<void> };
  export function oddClient(options: { dates: "string" }): Promise<Client>;
}
`;

/**
 * Compiles pages, with replacements made in their code; returns the directory of the modules, what the compiler says,
 * and how to remove it all.
 */
export async function compiled(
  replaced: Readonly<Record<string, string>> = {},
  chosen: readonly Page[] = pages,
): Promise<{ directory: string; says: string; remove: () => void }> {
  const directory = join(root, "build", `docs-pages-${process.pid}`);
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  remove();
  mkdirSync(directory, { recursive: true });
  for (const page of chosen) {
    for (const [name, code] of modulesOf(page))
      writeFileSync(
        join(directory, `${name}.ts`),
        Object.entries(replaced).reduce((text, [from, to]) => text.replaceAll(from, to), code),
      );
  }
  writeFileSync(join(directory, "ambient.d.ts"), AMBIENT);
  const options = {
    rootDir: ".",
    outDir: ".",
    declaration: false,
    declarationMap: false,
    sourceMap: false,
    isolatedDeclarations: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
    lib: ["es2023", "esnext.disposable"],
    skipLibCheck: true,
  };
  writeFileSync(
    join(directory, "tsconfig.json"),
    JSON.stringify({ extends: "../../src/tsconfig.json", compilerOptions: options, include: ["."], exclude: [] }),
  );
  const { output } = await run(process.execPath, [
    join(root, "node_modules", "typescript", "bin", "tsc"),
    "-p",
    directory,
  ]);
  return {
    directory,
    says: output
      .split("\n")
      .filter((line) => line.includes("error"))
      .join("\n"),
    remove,
  };
}

/** Runs a program in the project's directory; answers all it printed, and its exit code. */
export function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ output: string; code: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.once("error", reject).once("close", (code) => resolve({ output, code }));
  });
}
