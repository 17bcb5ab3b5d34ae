import { ADAPTERS, type AdapterName } from "../support/apps.js";
import { NOT_EXPRESSIBLE } from "./not-expressible.js";

export type Result = "ok" | "FAIL" | "n/a";

/** What became of each case on each adapter. */
export class Matrix {
  readonly #rows = new Map<string, Partial<Record<AdapterName, Result>>>();

  note(name: string, adapter: AdapterName, result: Result): void {
    this.#rows.set(name, { ...this.#rows.get(name), [adapter]: result });
  }

  toString(): string {
    const width = Math.max(...[...this.#rows.keys()].map((name) => name.length));
    const names = ADAPTERS.map(({ name }) => name);
    const line = (head: string, cells: readonly string[]): string =>
      `${head.padEnd(width)}  ${cells.map((cell, i) => cell.padEnd(names[i]!.length)).join("  ")}`.trimEnd();
    const rows = [...this.#rows].map(([name, results]) =>
      line(
        name,
        names.map((adapter) => results[adapter] ?? "-"),
      ),
    );
    const reasons = Object.entries(NOT_EXPRESSIBLE).flatMap(([name, why]) =>
      Object.entries(why).map(([adapter, reason]) => `n/a  ${adapter}, ${name}: ${reason}`),
    );
    return ["", line("", names), ...rows, "", ...reasons, ""].join("\n");
  }
}
