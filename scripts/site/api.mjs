/**
 * The generated reference: a page for each entry of the package, made from its type declarations. Each page has what
 * is exported there, with its comment: description, parameters, what it returns and throws, examples.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fromNpm } from "../from-npm.mjs";
import { root } from "../setup.mjs";
import { outsideOfCode } from "./links.mjs";

/** The last version with an interface for programs; the project itself is compiled by a newer one. */
const TYPESCRIPT = { typescript: "6.0.3" };

/** The pages, as those of `sources()`, without a source. */
export function apiPages() {
  const ts = createRequire(join(fromNpm(TYPESCRIPT), "node_modules", "x"))("typescript");
  const entries = entriesOfPackage();
  const options = {
    skipLibCheck: true,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  };
  const program = ts.createProgram(
    entries.map(({ file }) => file),
    options,
  );
  const library = libraryOf(ts, program, entries);
  const pages = entries.map((entry) => page(entry, library.textOf(entry), library.introOf(entry)));
  return [overview(entries, library), ...pages];
}

function entriesOfPackage() {
  const { name, exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return Object.entries(exports).flatMap(([path, { types }]) =>
    types
      ? [
          {
            specifier: name + path.slice(1),
            file: join(root, types),
            path: `reference/api/${path.slice(2).replaceAll("/", "-") || name}`,
          },
        ]
      : [],
  );
}

function linkTo({ specifier, path }) {
  return `[\`${specifier}\`](/${path})`;
}

function page({ specifier, path }, text, intro) {
  return { path, area: "reference", title: specifier, summary: intro.replace(/\s+/g, " "), text };
}

function overview(entries, library) {
  const rows = entries.map((entry) => {
    const names = library.ownOf(entry).map((symbol) => `\`${symbol.name}\``);
    return `| ${linkTo(entry)} | ${names.join(" ")} |`;
  });
  const summary = "With these pages you find the type of everything that the package exports.";
  const text = `# Generated reference\n\n${summary} They are made from its\ndeclarations.\n\n| entry | exports |\n|---|---|\n${rows.join("\n")}\n`;
  return { path: "reference/api/README", area: "reference", title: "Generated reference", summary, text };
}

/** What the entries export. A name that several of them export belongs to the first one. */
function libraryOf(ts, program, entries) {
  const checker = program.getTypeChecker();
  const homes = new Map();
  const exported = new Map(entries.map((entry) => [entry, exportsOf(entry)]));
  for (const [entry, symbols] of exported)
    for (const symbol of symbols) if (!homes.has(symbol.target)) homes.set(symbol.target, entry);
  return { ownOf, textOf, introOf };

  function exportsOf({ file }) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(file));
    return checker
      .getExportsOfModule(module)
      .map((symbol) => ({
        name: symbol.name,
        target: symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
      }))
      .filter(({ target }) => target.declarations?.[0].getSourceFile().fileName.startsWith(join(root, "dist")));
  }

  function ownOf(entry) {
    return exported.get(entry).filter(({ target }) => homes.get(target) === entry);
  }

  function textOf(entry) {
    const others = exported.get(entry).filter(({ target }) => homes.get(target) !== entry);
    const also = [...new Set(others.map(({ target }) => homes.get(target)))].map((home) => {
      const names = others.filter(({ target }) => homes.get(target) === home).map(({ name }) => `\`${name}\``);
      return `${names.join(", ")} (from ${linkTo(home)})`;
    });
    const parts = [
      `# \`${entry.specifier}\``,
      introOf(entry),
      also.length > 0 && `Also exports ${also.join("; ")}.`,
      ...ownOf(entry).map(symbolText),
    ];
    return `${parts.filter(Boolean).join("\n\n")}\n`;
  }

  /** The comment of the file itself. */
  function introOf({ file }) {
    const [, comment = ""] = /^(?:\/\/\/.*\n)*\/\*\*([\s\S]*?)\*\//.exec(program.getSourceFile(file).text) ?? [];
    const text = comment.replace(/^\s*\* ?/gm, "").trim();
    return text.includes("@module") ? prose(text.split("@module")[0].trim()) : "";
  }

  function symbolText({ name, target }) {
    const [first, ...overloads] = target.declarations;
    const declarations = ts.isFunctionDeclaration(first) ? [first, ...overloads] : [first];
    const parts = [
      `## \`${name}\``,
      prose(ts.displayPartsToString(target.getDocumentationComment(checker))),
      code(
        declarations
          .map((one) =>
            withoutComments(one.parent?.parent && ts.isVariableDeclaration(one) ? one.parent.parent : one),
          )
          .join("\n"),
      ),
      ...tagsText(target.getJsDocTags(checker)),
      membersText(first),
    ];
    return parts.filter(Boolean).join("\n\n");
  }

  /** A declaration as it is written, without its comments and what every declaration begins with. */
  function withoutComments(node) {
    const text = node.getText();
    return text
      .replace(/\/\*\*[\s\S]*?\*\/\s*/g, "")
      .replace(/^export (declare |default )?/, "")
      .replace(/\n\s*\n/g, "\n");
  }

  function tagsText(tags) {
    const of = (wanted) =>
      tags.filter(({ name }) => name === wanted).map(({ text }) => ts.displayPartsToString(text));
    const parameters = of("param").map((text) => listItem(text));
    const returns = of("returns").map((text) => `Returns ${prose(text)}.`);
    const throws = of("throws").map((text) => `- ${prose(text.replace(/^\{(.*?)\}\s*/, "`$1` "))}`);
    return [
      parameters.length > 0 && `Parameters:\n\n${parameters.join("\n")}`,
      ...returns,
      throws.length > 0 && `Throws:\n\n${throws.join("\n")}`,
      ...of("example").map((text) => (text.includes("```") ? text : code(text))),
    ].filter(Boolean);
  }

  function listItem(text) {
    const [, name, rest = ""] = /^(\S+)\s*-?\s*([\s\S]*)$/.exec(text);
    return `- \`${name}\`: ${prose(rest)}`;
  }

  function membersText(node) {
    if (!ts.isInterfaceDeclaration(node) && !ts.isClassDeclaration(node)) return "";
    const rows = new Map();
    for (const member of node.members) {
      const symbol = member.name && checker.getSymbolAtLocation(member.name);
      const text = symbol && prose(ts.displayPartsToString(symbol.getDocumentationComment(checker)));
      if (text && !symbol.name.startsWith("__")) rows.set(symbol.name, text);
    }
    return [...rows].map(([name, text]) => `- \`${name}\`: ${text}`).join("\n");
  }
}

/** A comment as Markdown of one paragraph each, in which no type looks like an element of a page. */
function prose(text) {
  const linked = text.replace(/\{@link (\S+?)(?:\s[^}]*)?\}/g, (_, to) =>
    /^https?:/.test(to) ? `<${to}>` : `\`${to}\``,
  );
  return outsideOfCode(linked, (part) => part.replace(/<(?!https?:)/g, "&lt;")).trim();
}

function code(text) {
  return `\`\`\`ts\n${text.trim()}\n\`\`\``;
}
