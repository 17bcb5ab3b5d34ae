/**
 * Plays the rows of the answers matrix that fetch functions can play on a runtime's own server: its cells and
 * comparisons, at another server.
 */
import type { Observation } from "../answers/cell.js";
import { BARE, COLUMNS, REFUSED, STORAGES, type Column, type StorageName } from "../answers/columns.js";
import { differences } from "../answers/compare.js";
import type { Framework, Row } from "../answers/row.js";
import { webWays } from "../answers/rows/web.js";
import { askOnce, PATIENCE, Wire } from "../answers/wire.js";
import { within } from "../support/within.js";
import type { Shown } from "./answers-handler.js";
import { ANSWERS_MEANT, type AnswerMeant } from "./meant.js";
import type { Report } from "./rows.js";
import type { Served } from "./start.js";

/** Nobody can ask a server whether it is busy: what does not come is waited for so much longer. */
const PATIENT = 10;
/** Where the bare program never ends its answer, it is waited for less. */
const ENDLESS = 0.5;

interface Cell {
  readonly column: Column;
  readonly storage: StorageName;
}

/** Every row in every column on every storage. */
export async function playAnswers(served: Served, report: Report): Promise<void> {
  const cells = COLUMNS.flatMap((column) => STORAGES.map((storage): Cell => ({ column, storage })));
  const met = new Set<AnswerMeant>();
  for (const row of webWays)
    for (const framework of row.on) await new Line(served, row, framework, met, report).play(cells);
  for (const one of ANSWERS_MEANT.filter(({ on }) => on.test(served.name))) {
    const error = met.has(one) ? {} : { error: "there is no such difference any more: take it out of meant.ts" };
    report({ name: `meant: ${one.why}`, ...error });
  }
}

/** A row as one framework plays it. */
class Line {
  readonly #served: Served;
  readonly #row: Row;
  readonly #framework: Framework;
  readonly #met: Set<AnswerMeant>;
  readonly #report: Report;
  #patience = PATIENT * PATIENCE;

  constructor(served: Served, row: Row, framework: Framework, met: Set<AnswerMeant>, report: Report) {
    this.#served = served;
    this.#row = row;
    this.#framework = framework;
    this.#met = met;
    this.#report = report;
  }

  async play(cells: readonly Cell[]): Promise<void> {
    const bare = await this.#observe({ column: BARE, storage: "memory" });
    if (bare.transcript.end.includes("hung")) this.#patience = ENDLESS * PATIENCE;
    const refused = await this.#observe({ column: REFUSED, storage: "memory" });
    for (const cell of cells) {
      const seen = await this.#observe(cell);
      this.#judge(cell, differences(this.#row, this.#framework, cell.column, { bare, refused }, seen));
    }
  }

  #judge({ column, storage }: Cell, found: readonly string[]): void {
    const name = `${this.#framework} › ${this.#row.name}: ${column.name}/${storage}`;
    const open = found.filter((one) => !this.#isMeant(one));
    this.#report({ name, ...(open.length > 0 && { error: open.join("\n") }) });
  }

  #isMeant(difference: string): boolean {
    const meant = ANSWERS_MEANT.find(
      ({ on, row, differs }) => on.test(this.#served.name) && row.test(this.#row.name) && differs.test(difference),
    );
    if (meant) this.#met.add(meant);
    return meant !== undefined;
  }

  async #observe({ column, storage }: Cell): Promise<Observation> {
    const cell = { row: this.#row.name, framework: this.#framework, column: column.name, storage };
    const headers = (await this.#control(`begin?${new URLSearchParams(cell).toString()}`)) as Record<string, string>;
    const wire = new Wire(this.#served.port, headers, this.#patience, { isQuiet: true, arrived: 0, open: 0 });
    try {
      await (this.#row.ask ?? ((one: Wire) => askOnce(one, this.#row.asked)))(wire);
      const shown = (await this.#control("end")) as Shown;
      return { ...shown, transcript: wire.transcript() };
    } finally {
      wire.close();
    }
  }

  async #control(what: string): Promise<unknown> {
    const asked = fetch(`http://127.0.0.1:${this.#served.port}/-/${what}`);
    return (await within(10_000, `${this.#row.name}: ${what}`, asked)).json();
  }
}
