import { readFileSync } from "node:fs";

const FILES = {
  "express-session": readFileSync(new URL("../../demo/subjects/express-session.mjs", import.meta.url), "utf8"),
  holdfast: readFileSync(new URL("../../demo/subjects/holdfast.ts", import.meta.url), "utf8"),
};

/** The lines of an application between `// <name>` and `// </name>`: what is shown is what runs. */
export function codeOf(side: keyof typeof FILES, name: string): string {
  const found = new RegExp(`^( *)// <${name}>\\n([^]*?)^ *// </${name}>`, "m").exec(FILES[side]);
  if (!found) throw new Error(`no lines are named ${name} for ${side}`);
  const [, indent = "", lines = ""] = found;
  return lines.replaceAll(new RegExp(`^${indent}`, "gm"), "").trimEnd();
}
