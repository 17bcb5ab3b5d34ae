/**
 * Regular expressions, run by a machine that goes back and forth as those of browsers and Node do, and counts its
 * steps. It knows what the library's expressions use: classes, groups, alternatives, greedy repetition, lookahead, `^
 * $ \b`; anything else is an error.
 */
type Instruction =
  | { readonly op: "one"; readonly fits: (unit: string) => boolean }
  | { readonly op: "either"; readonly first: number; readonly second: number }
  | { readonly op: "go"; readonly to: number }
  | { readonly op: "at"; readonly holds: (text: string, at: number) => boolean }
  | { readonly op: "ahead"; readonly program: readonly Instruction[] }
  | { readonly op: "done" };

/** Whether an expression fits a text somewhere, and after how many steps; it gives up beyond the cap. */
export function tried(
  { source, flags }: RegExp,
  text: string,
  cap: number = Infinity,
): { readonly fits: boolean; readonly steps: number } {
  const program = compiled(source, flags);
  const count = { steps: 0 };
  const isAnchored = source.startsWith("^") && !source.includes("|");
  for (let start = 0; start <= (isAnchored ? 0 : text.length) && count.steps <= cap; start++) {
    if (run(program, text, start, count, cap)) return { fits: true, ...count };
  }
  return { fits: false, ...count };
}

function run(
  program: readonly Instruction[],
  text: string,
  start: number,
  count: { steps: number },
  cap: number,
): boolean {
  const back: [pc: number, at: number][] = [[0, start]];
  for (let branch = back.pop(); branch; branch = back.pop()) {
    for (let [pc, at] = branch; ; ) {
      if (++count.steps > cap) return false;
      const next = step(program[pc]!, pc, at, { text, back, count, cap });
      if (next === "done") return true;
      if (next === undefined) break;
      [pc, at] = next;
    }
  }
  return false;
}

interface Running {
  readonly text: string;
  readonly back: [pc: number, at: number][];
  readonly count: { steps: number };
  readonly cap: number;
}

function step(
  one: Instruction,
  pc: number,
  at: number,
  { text, back, count, cap }: Running,
): [number, number] | "done" | undefined {
  switch (one.op) {
    case "one":
      return at < text.length && one.fits(text[at]!) ? [pc + 1, at + 1] : undefined;
    case "either":
      back.push([one.second, at]);
      return [one.first, at];
    case "go":
      return [one.to, at];
    case "at":
      return one.holds(text, at) ? [pc + 1, at] : undefined;
    case "ahead":
      return run(one.program, text, at, count, cap) ? [pc + 1, at] : undefined;
    case "done":
      return "done";
  }
}

const programs = new Map<string, readonly Instruction[]>();

function compiled(source: string, flags: string): readonly Instruction[] {
  const key = `/${source}/${flags}`;
  const program = programs.get(key) ?? new Compiler(source, flags).program();
  programs.set(key, program);
  return program;
}

/** Pieces of a program whose jumps are relative until they are put in their place. */
type Piece = readonly ((at: number) => Instruction)[];

const ATOM = /^(?:\\p\{\w+\}|\\x[\da-f]{2}|\\u[\da-f]{4}|\\[^bB\d]|\\d|\[(?:[^\]\\]|\\.)*\]|[^\\[\](){}*+?|^$])/i;
const REPEAT = /^(?:\*|\+|\?|\{(\d+)(,?)(\d*)\})(?!\?)/;

class Compiler {
  #rest: string;
  readonly #flags: string;

  constructor(source: string, flags: string) {
    this.#rest = source;
    this.#flags = flags.replace("g", "");
  }

  program(): readonly Instruction[] {
    const piece = this.#alternatives();
    if (this.#rest !== "") throw new Error(`this machine does not know ${this.#rest}`);
    return placed([...piece, () => ({ op: "done" })]);
  }

  #alternatives(): Piece {
    const first = this.#sequence();
    if (!this.#takes("|")) return first;
    const second = this.#alternatives();
    return [
      (at) => ({ op: "either", first: at + 1, second: at + first.length + 2 }),
      ...first,
      (at) => ({ op: "go", to: at + second.length + 1 }),
      ...second,
    ];
  }

  #sequence(): Piece {
    const all: Piece[number][] = [];
    while (this.#rest !== "" && !/^[|)]/.test(this.#rest)) all.push(...this.#repeated(this.#term()));
    return all;
  }

  #term(): Piece {
    if (this.#takes("^")) return [() => ({ op: "at", holds: (_, at) => at === 0 })];
    if (this.#takes("$")) return [() => ({ op: "at", holds: (text, at) => at === text.length })];
    if (this.#takes("\\b"))
      return [() => ({ op: "at", holds: (text, at) => /\w/.test(text[at - 1] ?? "") !== /\w/.test(text[at] ?? "") })];
    if (this.#takes("(?=")) return this.#lookahead();
    if (this.#takes("(?:") || this.#takes("(")) return this.#closed(this.#alternatives());
    const atom = ATOM.exec(this.#rest)?.[0];
    if (atom === undefined) throw new Error(`this machine does not know ${this.#rest}`);
    this.#takes(atom);
    return [() => ({ op: "one", fits: this.#classOf(atom) })];
  }

  #lookahead(): Piece {
    const program = placed([...this.#closed(this.#alternatives()), () => ({ op: "done" })]);
    return [() => ({ op: "ahead", program })];
  }

  #closed(piece: Piece): Piece {
    if (!this.#takes(")")) throw new Error("a group that does not end");
    return piece;
  }

  #repeated(piece: Piece): Piece {
    const found = REPEAT.exec(this.#rest);
    if (!found) return piece;
    this.#takes(found[0]);
    const [sign, from = "", comma, to = ""] = found;
    const least = sign === "*" || sign === "?" ? 0 : sign === "+" ? 1 : Number(from);
    const most =
      sign === "?"
        ? 1
        : sign === "*" || sign === "+" || (comma === "," && to === "")
          ? Infinity
          : comma === ""
            ? least
            : Number(to);
    const always = Array.from({ length: least }, () => piece).flat();
    return most === Infinity ? [...always, ...looped(piece)] : [...always, ...optional(piece, most - least)];
  }

  #takes(text: string): boolean {
    if (!this.#rest.startsWith(text)) return false;
    this.#rest = this.#rest.slice(text.length);
    return true;
  }

  /** Whether one unit fits; asked of the real thing, once for each unit. */
  #classOf(atom: string): (unit: string) => boolean {
    const real = new RegExp(`^${atom}$`, this.#flags);
    const known = new Map<string, boolean>();
    return (unit) => {
      const fits = known.get(unit) ?? real.test(unit);
      known.set(unit, fits);
      return fits;
    };
  }
}

const looped = (piece: Piece): Piece => [
  (at) => ({ op: "either", first: at + 1, second: at + piece.length + 2 }),
  ...piece,
  (at) => ({ op: "go", to: at - piece.length - 1 }),
];

function optional(piece: Piece, times: number): Piece {
  const all: Piece[number][] = [];
  for (let i = 0; i < times; i++) {
    const left = (times - i) * (piece.length + 1);
    all.push((at) => ({ op: "either", first: at + 1, second: at + left }), ...piece);
  }
  return all;
}

const placed = (piece: Piece): readonly Instruction[] => piece.map((make, at) => make(at));
