import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isClassDeclaration,
  isClassExpression,
  isConstructorDeclaration,
  isPropertyDeclaration,
  isUnionTypeNode,
  SyntaxKind,
  type ClassDeclaration,
  type ClassExpression,
  type Node,
  type ParameterDeclaration,
  type PropertyDeclaration,
  type TypeNode,
} from "typescript/unstable/ast";
import { createVirtualFileSystem } from "typescript/unstable/fs";
import { API, type APIOptions } from "typescript/unstable/sync";
import { root, sourceFiles } from "./source.js";

const MOST_FIELDS = 8;

/** Classes with more fields, or with several flags, and why. */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map([
  [
    "express-session/session-cookie.ts Cookie",
    "nine of its fields are the cookie of express-session, as handlers use it",
  ],
]);

interface Class {
  /** As `session/core.ts SessionCore`. */
  readonly name: string;
  readonly fields: readonly string[];
  /** Those of its fields that are booleans and change. */
  readonly flags: readonly string[];
}

const files = sourceFiles().filter((file) => !file.startsWith("testing/") && !file.endsWith(".d.ts"));
const classes = classesOf(`${root}src/`, files, { cwd: root });
const others = classes.filter(isNoException);

test("no class has more than eight fields", () => {
  assert.ok(classes.length > 70, `only ${classes.length} classes were found`);
  assert.deepEqual(
    others.filter(hasManyFields).map(({ name, fields }) => `${name}: ${fields.length} (${fields.join(", ")})`),
    [],
  );
});

test("no class has more than one flag: what depends on each other is one value", () => {
  assert.deepEqual(
    others.filter(hasManyFlags).map(({ name, flags }) => `${name}: ${flags.join(", ")}`),
    [],
  );
});

test("every exception is a class that needs it", () => {
  const needed = classes.filter((one) => hasManyFields(one) || hasManyFlags(one)).map(({ name }) => name);
  assert.deepEqual(
    [...EXCEPTIONS.keys()].filter((name) => !needed.includes(name)),
    [],
  );
});

function hasManyFields({ fields }: Class): boolean {
  return fields.length > MOST_FIELDS;
}

function hasManyFlags({ flags }: Class): boolean {
  return flags.length > 1;
}

function isNoException({ name }: Class): boolean {
  return !EXCEPTIONS.has(name);
}

test("fields and flags of each kind are seen", () => {
  const text = `
    export class Seen extends Object {
      static shared = false;
      readonly first: string = "";
      #second = true;
      declare third?: boolean;
      isFourth: boolean | undefined;
      readonly isFifth: boolean;
      sixth: boolean | "auto" = "auto";
      get seventh(): boolean { return this.#second; }
      constructor(private readonly eighth: number, protected isNinth: boolean, tenth: boolean) { super(); }
    }
    const Unnamed = class { isOpen = false; };`;
  const files = { "/src/tsconfig.json": '{ "include": ["."] }', "/src/seen.ts": text };
  const found = classesOf("/src/", ["seen.ts"], { cwd: "/", fs: createVirtualFileSystem(files) });
  assert.deepEqual(found, [
    {
      name: "seen.ts Seen",
      fields: ["first", "#second", "third", "isFourth", "isFifth", "sixth", "eighth", "isNinth"],
      flags: ["#second", "third", "isFourth", "isNinth"],
    },
    { name: "seen.ts class", fields: ["isOpen"], flags: ["isOpen"] },
  ]);
});

/** The classes of these files, which are part of the project in the directory. */
function classesOf(directory: string, files: readonly string[], options: APIOptions): Class[] {
  const api = new API(options);
  try {
    const snapshot = api.updateSnapshot({ openProjects: [`${directory}tsconfig.json`] });
    const { program } = snapshot.getProjects()[0]!;
    return files.flatMap((file) => {
      const source = program.getSourceFile(`${directory}${file}`);
      assert.ok(source, `${file} is not part of the project`);
      return classesIn(source).map((one) => described(one, file));
    });
  } finally {
    api.close();
  }
}

function classesIn(node: Node): (ClassDeclaration | ClassExpression)[] {
  const found: (ClassDeclaration | ClassExpression)[] = [];
  const visit = (one: Node): void => {
    if (isClassDeclaration(one) || isClassExpression(one)) found.push(one);
    one.forEachChild(visit);
  };
  visit(node);
  return found;
}

function described(one: ClassDeclaration | ClassExpression, file: string): Class {
  const properties = one.members.filter(isPropertyDeclaration);
  const parameters = one.members.findLast(isConstructorDeclaration)?.parameters ?? [];
  const fields = [
    ...properties.filter((property) => !has(property, SyntaxKind.StaticKeyword)),
    ...[...parameters].filter(({ modifiers }) => modifiers !== undefined),
  ];
  const names = (of: readonly Field[]): string[] => of.map(({ name }) => name.getText());
  return {
    name: `${file} ${one.name?.text ?? "class"}`,
    fields: names(fields),
    flags: names(fields.filter((field) => isBoolean(field) && !has(field, SyntaxKind.ReadonlyKeyword))),
  };
}

type Field = PropertyDeclaration | ParameterDeclaration;

function has({ modifiers }: Field, kind: SyntaxKind): boolean {
  return modifiers?.some((modifier) => modifier.kind === kind) === true;
}

function isBoolean({ type, initializer }: Field): boolean {
  if (type) return isBooleanType(type);
  return initializer?.kind === SyntaxKind.TrueKeyword || initializer?.kind === SyntaxKind.FalseKeyword;
}

function isBooleanType(type: TypeNode): boolean {
  if (!isUnionTypeNode(type)) return type.kind === SyntaxKind.BooleanKeyword;
  return type.types.every(({ kind }) => kind === SyntaxKind.BooleanKeyword || kind === SyntaxKind.UndefinedKeyword);
}
