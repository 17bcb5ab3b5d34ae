import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";

/** The directory of the project. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));

export interface Import {
  readonly from: string;
  /** Another file of the library as `session/core.ts`, or a package's name. */
  readonly to: string;
  readonly isOwn: boolean;
  /** Whether nothing of it is left when the program runs. */
  readonly isType: boolean;
}

/** The library's sources, as `session/core.ts`. */
export function sourceFiles(): string[] {
  const names = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".ts")).map((name) => name.replaceAll("\\", "/"));
}

export function sourceOf(file: string): string {
  return readFileSync(join(root, "src", file), "utf8");
}

/** What a source imports or exports again, statically or not. */
export function importsOf(file: string, text: string = sourceOf(file)): Import[] {
  const statements = [...text.matchAll(/^(?:import|export)\s+(type\s)?([^;'"=(]+)\sfrom\s+"([^"]+)"/gm)];
  const bare = [...text.matchAll(/^import\s+"([^"]+)"/gm)];
  const dynamic = [...text.matchAll(/(?<!typeof )\bimport\(\s*"([^"]+)"\s*\)/g)];
  return [
    ...statements.map(([, type, names = "", to = ""]) => found(file, to, type !== undefined || hasOnlyTypes(names))),
    ...[...bare, ...dynamic].map(([, to = ""]) => found(file, to, false)),
  ];
}

function found(from: string, to: string, isType: boolean): Import {
  const isOwn = to.startsWith(".");
  return { from, to: isOwn ? posix.join(posix.dirname(from), to).replace(/\.js$/, ".ts") : to, isOwn, isType };
}

function hasOnlyTypes(names: string): boolean {
  const braces = /^\{(.*)\}$/s.exec(names.trim())?.[1];
  const members = braces
    ?.split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  return members !== undefined && members.length > 0 && members.every((name) => name.startsWith("type "));
}

/** The names in the braces of an import or export, as they are called where they come from. */
export function namesIn(list: string): string[] {
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
