/** Text that is HTML already. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What a template takes: everything but `Html` is escaped; `undefined` and `false` are nothing. */
export type Part = Html | string | number | false | undefined | readonly Part[];

/** Builds HTML; every value put in is escaped, in texts and in quoted attributes. */
export function html(fixed: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const text = fixed.map((piece, i) => (i === 0 ? piece : written(parts[i - 1]) + piece));
  return new Html(text.join(""));
}

function written(part: Part): string {
  if (part instanceof Html) return part.text;
  if (part === undefined || part === false) return "";
  if (typeof part === "object") return part.map(written).join("");
  return String(part).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
