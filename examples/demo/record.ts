import type { CookieHeld, Happening, ResultKnown, StorageCalled } from "./happenings.js";

/** A request with all that is known of it so far. Times in ms. */
export interface RequestRow {
  readonly id: number;
  readonly label: string;
  readonly note: string | undefined;
  readonly sends: string | undefined;
  readonly start: number;
  end?: number;
  status?: number;
  sets?: string | null;
  readonly calls: StorageCalled[];
}

/** A time in which a session was in the storage. */
export interface Stay {
  readonly start: number;
  end?: number;
  /** It had ended before, and was brought back. */
  readonly isBack: boolean;
}

/** All that was told of one run, sorted for drawing. The server and the page use the same one. */
export class RunRecord {
  readonly requests: RequestRow[] = [];
  readonly stays = new Map<string, Stay[]>();
  readonly cookies: CookieHeld[] = [];
  /** When the database was away. */
  readonly outages: { readonly start: number; end?: number }[] = [];
  result: ResultKnown | undefined;
  /** The latest time that was told. */
  last = 0;

  add(happening: Happening): void {
    this.last = Math.max(this.last, happening.at);
    switch (happening.is) {
      case "request": {
        const { id, label, note, sends, at } = happening;
        this.requests.push({ id, label, note, sends, start: at, calls: [] });
        return;
      }
      case "response": {
        const { at: end, status, sets } = happening;
        Object.assign(this.#request(happening.id) ?? {}, { end, status, sets });
        return;
      }
      case "call":
        this.#request(happening.id)?.calls.push(happening);
        return;
      case "stored":
        this.#stay(happening.about, happening.there, happening.at);
        return;
      case "cookie":
        this.cookies.push(happening);
        return;
      case "cable":
        if (!happening.plugged) this.outages.push({ start: happening.at });
        else Object.assign(this.outages.at(-1) ?? {}, { end: happening.at });
        return;
      case "result":
        this.result = happening;
    }
  }

  #request(id: number | undefined): RequestRow | undefined {
    return this.requests.find((request) => request.id === id);
  }

  #stay(about: string, isThere: boolean, at: number): void {
    const stays = this.stays.get(about) ?? [];
    this.stays.set(about, stays);
    const latest = stays.at(-1);
    const isOpen = latest !== undefined && latest.end === undefined;
    if (isThere && !isOpen) stays.push({ start: at, isBack: latest !== undefined });
    if (!isThere && isOpen) latest.end = at;
  }
}

/** How many requests and storage calls there were. */
export function countsOf({ requests }: RunRecord): string {
  const calls = requests.flatMap((request) => request.calls);
  const parts = (["refused", "failed"] as const)
    .map((outcome) => [calls.filter((call) => call.outcome === outcome).length, outcome] as const)
    .filter(([count]) => count > 0)
    .map(([count, outcome]) => `${count} ${outcome}`);
  return [`${requests.length} requests, ${calls.length} storage calls`, ...parts].join(", ");
}

/** The run in words, a line for each request: for those who do not see the drawing. */
export function inWords({ requests }: RunRecord): string[] {
  return requests.map(({ label, note, sends, start, end, status, sets, calls }) => {
    const parts = [
      `${seconds(start)}${end === undefined ? "" : ` to ${seconds(end)}`}: ${label}`,
      note,
      sends === undefined ? "no cookie" : `cookie ${sends}`,
      calls.map(callInWords).join(", "),
      status === undefined ? undefined : status === 0 ? "the connection was closed" : `status ${status}`,
      sets === undefined ? undefined : sets === null ? "removes the cookie" : `sets cookie ${sets}`,
    ];
    return parts.filter((part) => part !== undefined && part !== "").join("; ");
  });
}

function callInWords({ kind, about, outcome }: StorageCalled): string {
  return `${kind} ${about}${outcome === "done" ? "" : ` (${outcome})`}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
