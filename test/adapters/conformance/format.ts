/** One HTTP conversation, as README.md beside this file describes it. */
export interface Scenario {
  readonly name: string;
  readonly group?: string;
  readonly verdict: "keep" | "better" | "note";
  readonly config: Config;
  readonly constructionError?: boolean;
  readonly steps: readonly Step[];
}

/** What the middleware is made from. */
export interface Config {
  readonly pattern?: "middleware" | "store";
  readonly idleTimeout?: number;
  readonly absoluteTimeout?: number;
  readonly extractor?: ExtractorConfig;
  readonly cookie?: Readonly<Record<string, unknown>>;
  readonly skipPath?: string;
  readonly errorHandler?: "send503" | "logOnly";
  readonly route?: string;
  readonly keyGenerator?: "constant" | "empty";
  readonly second?: Config;
}

/** Where the token is looked for. */
export interface ExtractorConfig {
  readonly kind: "cookie" | "header" | "authHeader" | "query" | "form" | "param" | "custom" | "chain";
  readonly key?: string;
  readonly chain?: readonly ExtractorConfig[];
  /** Of a custom one: where it answers. */
  readonly source?: "cookie" | "header" | "other";
}

/** One step of the conversation. */
export interface Step {
  readonly sleep?: number;
  readonly request?: RequestLine;
  readonly ops?: readonly Op[];
  readonly begin?: string;
  readonly finish?: string;
  readonly fail?: readonly FailingCall[];
  readonly corrupt?: string;
  readonly recorded?: Wanted;
  readonly expected?: Wanted;
}

export type FailingCall = "get" | "set" | "delete";

/** What the client sends. */
export interface RequestLine {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly form?: Readonly<Record<string, string>>;
}

/** What the handler does: a word and its arguments. */
export type Op = readonly [word: string, ...args: unknown[]];

/** The answer that is wanted. What is not named here is not compared; `calls` never is. */
export interface Wanted {
  readonly status?: number | "any";
  readonly body?: string;
  readonly results?: readonly unknown[] | null | "any";
  readonly setCookie?: readonly Readonly<Record<string, unknown>>[] | "any";
  readonly headers?: Readonly<Record<string, unknown>> | "any";
  readonly records?: number | "any";
  readonly calls?: unknown;
}

/** A recording that does not keep to the format. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}

/** How many arguments each op takes at least. */
const OPS: Readonly<Record<string, number>> = {
  "has-session": 0,
  set: 2,
  get: 1,
  delete: 1,
  keys: 0,
  id: 0,
  fresh: 0,
  regenerate: 0,
  reset: 0,
  destroy: 0,
  save: 0,
  idle: 1,
  release: 0,
  "store.get": 0,
  "store.getById": 2,
  "store.setById": 3,
  "store.delete": 1,
  "store.reset": 0,
  cookie: 2,
  redirect: 1,
  error: 2,
  gate: 0,
};

type Check = (value: unknown, path: string) => void;

const text: Check = (value, path) => expect(typeof value === "string", path, value, "a text");
const ms: Check = (value, path) =>
  expect(typeof value === "number" && Number.isFinite(value), path, value, "a number of ms");
const anything: Check = () => {};

const CONFIG: Readonly<Record<string, Check>> = {
  pattern: oneOf("middleware", "store"),
  idleTimeout: ms,
  absoluteTimeout: ms,
  extractor: checkExtractor,
  cookie: (value, path) =>
    checkFields(value, path, {
      secure: anything,
      httpOnly: anything,
      sameSite: anything,
      path: anything,
      domain: anything,
      sessionOnly: anything,
    }),
  skipPath: text,
  errorHandler: oneOf("send503", "logOnly"),
  route: text,
  keyGenerator: oneOf("constant", "empty"),
  second: (value, path) => checkFields(value, path, CONFIG),
};

const EXTRACTOR: Readonly<Record<string, Check>> = {
  kind: oneOf("cookie", "header", "authHeader", "query", "form", "param", "custom", "chain"),
  key: text,
  chain: listOf(checkExtractor),
  source: oneOf("cookie", "header", "other"),
};

const REQUEST: Readonly<Record<string, Check>> = {
  method: text,
  path: text,
  headers: listOf(checkPair),
  form: checkObject,
};

const WANTED: Readonly<Record<string, Check>> = {
  status: anything,
  body: anything,
  results: checkList,
  setCookie: checkList,
  headers: (value, path) => value === "any" || checkObject(value, path),
  records: anything,
  calls: anything,
};

const STEP: Readonly<Record<string, Check>> = {
  sleep: ms,
  request: (value, path) => checkFields(value, path, REQUEST),
  ops: listOf(checkOp),
  begin: text,
  finish: text,
  fail: listOf(oneOf("get", "set", "delete")),
  corrupt: text,
  recorded: (value, path) => checkFields(value, path, WANTED),
  expected: (value, path) => checkFields(value, path, WANTED),
};

/** Reads a file of scenarios; what is wrong with a single one shows when that is played. */
export function parseRecording(json: string): readonly unknown[] {
  const scenarios: unknown = JSON.parse(json);
  if (!Array.isArray(scenarios)) throw new FormatError(`a recording is a list of scenarios, not ${show(scenarios)}`);
  return scenarios;
}

/** The name of a scenario, whatever else is wrong with it. */
export function nameOf(value: unknown, index: number): string {
  const name: unknown = isObject(value) ? value["name"] : undefined;
  return typeof name === "string" ? name : `scenario ${index + 1}`;
}

/** Whether a scenario is for reading only. */
export const isNote = (value: unknown): boolean => isObject(value) && value["verdict"] === "note";

/**
 * Reads a scenario; null is as good as left out. Throws a {@link FormatError} that names the field this runner does
 * not know or cannot read.
 */
export function readScenario(value: unknown): Scenario {
  checkObject(value, "scenario");
  const { config, steps, ...rest } = withoutNull(value);
  const scenario = { ...rest, config: withoutNull(config ?? {}), steps: steps ?? [] };
  oneOf("keep", "better", "note")(rest["verdict"], "verdict");
  checkFields(scenario.config, "config", CONFIG);
  listOf((step, path) => checkFields(step, path, STEP))(scenario.steps, "steps");
  return {
    ...scenario,
    steps: (scenario.steps as unknown[]).map((step) => withoutNull(step)),
  } as unknown as Scenario;
}

/** The answer that a verdict asks for. */
export function wantedOf({ verdict }: Pick<Scenario, "verdict">, { recorded, expected }: Step): Wanted | undefined {
  if (verdict === "keep" || !expected) return recorded;
  return { ...recorded, ...expected };
}

function checkExtractor(value: unknown, path: string): void {
  checkFields(value, path, EXTRACTOR);
  expect((value as { kind?: unknown }).kind !== undefined, path, value, "an extractor with a kind");
}

function checkOp(value: unknown, path: string): void {
  expect(Array.isArray(value) && typeof value[0] === "string", path, value, "an op: [word, …]");
  const [word, ...args] = value as [string, ...unknown[]];
  expect(Object.hasOwn(OPS, word), path, word, `an op of this format (${Object.keys(OPS).join(", ")})`);
  expect(args.length >= OPS[word]!, path, value, `${word} with ${OPS[word]} arguments`);
}

function checkPair(value: unknown, path: string): void {
  const isPair = Array.isArray(value) && value.length === 2 && value.every((one) => typeof one === "string");
  expect(isPair, path, value, "[name, value]");
}

function checkFields(value: unknown, path: string, fields: Readonly<Record<string, Check>>): void {
  checkObject(value, path);
  for (const [name, one] of Object.entries(value as object)) {
    if (!Object.hasOwn(fields, name))
      throw new FormatError(`${path}.${name} is no field of this format (${Object.keys(fields).join(", ")})`);
    if (one !== undefined && one !== null) fields[name]!(one, `${path}.${name}`);
  }
}

function checkObject(value: unknown, path: string): void {
  expect(isObject(value), path, value, "an object");
}

function checkList(value: unknown, path: string): void {
  expect(Array.isArray(value) || value === "any", path, value, 'a list, null or "any"');
}

/**
 * Without the fields that are null, those of `request`, `second` and the like included; answers and what ops are
 * given stay as they are.
 */
function withoutNull(value: unknown): Record<string, unknown> {
  if (!isObject(value)) return value as never;
  const kept = Object.entries(value).filter(([, one]) => one !== null);
  return Object.fromEntries(kept.map(([name, one]) => [name, NESTED.includes(name) ? withoutNull(one) : one]));
}

const NESTED = ["request", "second", "extractor", "cookie"];

function listOf(check: Check): Check {
  return (value, path) => {
    expect(Array.isArray(value), path, value, "a list");
    for (const [index, one] of (value as unknown[]).entries()) check(one, `${path}[${index + 1}]`);
  };
}

function oneOf(...words: readonly string[]): Check {
  return (value, path) => expect(words.includes(value as string), path, value, `one of ${words.join(", ")}`);
}

function expect(isSo: boolean, path: string, value: unknown, wanted: string): void {
  if (!isSo) throw new FormatError(`${path} is ${show(value)}; this runner knows ${wanted}`);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const show = (value: unknown): string => JSON.stringify(value) ?? "nothing";
