import type { Store } from "./session-api.js";

/**
 * A schema of the Standard Schema specification, version 1 (https://standardschema.dev): zod 3.24 and later, valibot
 * 1, arktype 2 and many others have it.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    /** The library that it comes from. */
    readonly vendor: string;
    /** What fits, as the schema returns it, or why it does not fit. */
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** For the compiler only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema says of a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One reason why a value does not fit. Its message is never repeated: it may contain the value. */
export interface SchemaIssue {
  readonly message: string;
  /** Where in the value. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A schema for each key. */
export type Schemas = Readonly<Record<string, StandardSchema<any, any>>>;

/** Schemas for keys whose types are declared already. */
export type SchemasFor<D extends object> = { readonly [K in keyof D]?: StandardSchema<any, D[K]> };

type TypesOf<S> = S extends { readonly "~standard": { readonly types?: infer T } } ? NonNullable<T> : never;
type Output<S> = TypesOf<S> extends { readonly output: infer O } ? O : never;
type Input<S> = TypesOf<S> extends { readonly input: infer I } ? I : never;

/** Whether what a schema takes is not what it returns. */
type Converts<S> = [Input<S>, Output<S>] extends [Output<S>, Input<S>] ? false : true;
type ConvertedKeys<S> = { [K in keyof S]: Converts<S[K]> extends true ? K : never }[keyof S];

/**
 * The data of a session that has these schemas: `DataOf<typeof schema>`. A key has the type that its schema returns;
 * if its schema takes another one, `set` takes that.
 *
 * @example
 * ```ts
 * const schema = { visits: v.number(), cart: v.array(Item) };
 * declare module "holdfast" {
 *   interface SessionData extends DataOf<typeof schema> {}
 * }
 * ```
 */
export type DataOf<S extends Schemas> = { -readonly [K in keyof S]: Output<S[K]> } & ([ConvertedKeys<S>] extends [
  never,
]
  ? unknown
  : { readonly "~inputs"?: { readonly [K in ConvertedKeys<S>]: Input<S[K]> } });

/**
 * Options whose schemas, or whose store, say what the data are. Schemas beside declared data must return what is
 * declared.
 */
export type TypedBy<O, D extends object, S extends Schemas> = O & {
  readonly schema?: S & SchemasFor<D>;
  readonly store?: Store<D>;
};

/** The data of a session: what its schemas say, or what is declared if none are given. */
export type DataBy<D extends object, S extends Schemas> = string extends keyof S ? D : DataOf<S>;
