import { createRequire } from "node:module";
import { join } from "node:path";
import type { StandardSchema } from "holdfast";
import * as v from "valibot";

interface Npm {
  fromNpm(packages: Record<string, string>): string;
}

const { fromNpm } = (await import(new URL("../../scripts/from-npm.mjs", import.meta.url).href)) as Npm;

/** The versions that the types are tested with, too. */
const load = createRequire(join(fromNpm({ zod: "4.6.7", arktype: "2.2.10" }), "_.js"));
const z = load("zod") as any;
const { type } = load("arktype") as any;

/** The same schemas by one library. */
export interface SchemaLibrary {
  readonly name: string;
  /** A list of `{ id: string, count: number }`. */
  readonly cart: StandardSchema<any, any>;
  readonly count: StandardSchema<any, any>;
  /** A string, without spaces around it. */
  readonly trimmed: StandardSchema<any, any>;
  /** `{ theme: string, size: number }`; the size is 1 if there is none. */
  readonly settings: StandardSchema<any, any>;
  /** Takes the number of milliseconds or a Date and returns a Date. */
  readonly date: StandardSchema<any, any>;
  /** Takes a string and returns its length: not what it takes. */
  readonly length: StandardSchema<any, any>;
  /** A secret word, whatever else. */
  readonly word: StandardSchema<any, any>;
}

export const LIBRARIES: readonly SchemaLibrary[] = [
  {
    name: "zod",
    cart: z.array(z.object({ id: z.string(), count: z.number() })),
    count: z.number(),
    trimmed: z.string().trim(),
    settings: z.object({ theme: z.string(), size: z.number().default(1) }),
    date: z.coerce.date(),
    length: z.string().transform((text: string) => text.length),
    word: z.enum(["a", "b"]),
  },
  {
    name: "valibot",
    cart: v.array(v.object({ id: v.string(), count: v.number() })),
    count: v.number(),
    trimmed: v.pipe(v.string(), v.trim()),
    settings: v.object({ theme: v.string(), size: v.optional(v.number(), 1) }),
    date: v.union([
      v.date(),
      v.pipe(
        v.number(),
        v.transform((ms) => new Date(ms)),
      ),
    ]),
    length: v.pipe(
      v.string(),
      v.transform((text) => text.length),
    ),
    word: v.picklist(["a", "b"]),
  },
  {
    name: "arktype",
    cart: type({ id: "string", count: "number" }).array(),
    count: type("number"),
    trimmed: type("string.trim"),
    settings: type({ theme: "string", size: "number = 1" }),
    date: type("Date").or(type("number").pipe((ms: number) => new Date(ms))),
    length: type("string").pipe((text: string) => text.length),
    word: type("'a'|'b'"),
  },
];

/** zod alone has schemas that find out late that they are asynchronous. */
export const asynchronous: StandardSchema<any, any> = z.string().refine(async () => Promise.resolve(true));
