import type { StorageCalled } from "./happenings.js";
import type { RequestRow, RunRecord, Stay } from "./record.js";

/** How a run is drawn. */
export interface Look {
  /** In pixels. */
  readonly width: number;
  /** How much time is shown at least, in ms. */
  readonly expected: number;
  /** The time until which unfinished bars are drawn, in ms; default: the latest one told. */
  readonly now?: number;
  /** Whether to show which cookie the browser held, and when sessions were in the storage. */
  readonly lanes: boolean;
  /** How many requests will be sent in all, if they are many. */
  readonly crowd?: number;
}

const LEFT = 22;
const RIGHT = 26;
const ROOM_FOR_NOTES = 500;
/** Space between marks, and between ticks in a crowd, so that calls that follow each other within a millisecond can be seen. */
const MARK = 10;
const CROWD_ROW = 6;
const TICK = 3;

/** From times to columns. */
interface Scale {
  (ms: number): number;
  readonly end: number;
  readonly now: number;
}

/** Draws a run as SVG: the same function draws in the browser, in pages without script, and in the README. */
export function draw(record: RunRecord, look: Look): string {
  const x = scaleOf(record, look);
  const rows = look.crowd === undefined ? listed(record, look, x) : crowded(record, look.crowd, x);
  const lanes = look.lanes ? lanesOf(record, x, rows.height + 14) : { svg: "", height: rows.height };
  const height = lanes.height + 22;
  const grid = gridOf(x, look.width, height - 18);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${look.width} ${height}" width="${look.width}" ` +
    `height="${height}" role="img" aria-label="${attribute(summary(record))}">` +
    `${grid}${outagesOf(record, x, rows.height)}${rows.svg}${lanes.svg}</svg>`
  );
}

function scaleOf(record: RunRecord, { width, expected, now }: Look): Scale {
  const shown = Math.max(now ?? 0, record.last);
  const end = Math.max(expected, shown);
  const perMs = (width - LEFT - RIGHT) / end;
  return Object.assign((ms: number) => LEFT + ms * perMs, { end, now: shown });
}

interface Drawn {
  readonly svg: string;
  readonly height: number;
}

/** Requests one below the other, with words. */
function listed(record: RunRecord, { width }: Look, x: Scale): Drawn {
  const hasRoom = width >= ROOM_FOR_NOTES;
  let y = 4;
  let svg = record.outages.length > 0 ? ((y += 16), "") : "";
  for (const request of record.requests) {
    const [row, height] = rowOf(request, y, width, x, hasRoom);
    svg += row;
    y += height;
  }
  return { svg, height: y };
}

function rowOf(request: RequestRow, top: number, width: number, x: Scale, hasRoom: boolean): [string, number] {
  const { label, note, status } = request;
  const isBelow = note !== undefined && !hasRoom;
  const beside = note !== undefined && hasRoom ? `<tspan class="soft" dx="8">${text(note)}</tspan>` : "";
  const below = isBelow ? `<text class="soft" x="0" y="${top + 28}">${text(note)}</text>` : "";
  const right =
    status === undefined
      ? ""
      : `<text class="${status === 0 || status >= 500 ? "bad" : status >= 400 ? "strong" : "soft"} num" x="${width}" y="${top + 13}" ` +
        `text-anchor="end">${status === 0 ? "closed" : status}</text>`;
  const middle = top + (isBelow ? 39 : 25);
  const head = `<text x="0" y="${top + 13}"><tspan class="code">${text(label)}</tspan>${beside}</text>${below}${right}`;
  return [head + barOf(request, middle, x), middle - top + 14];
}

/** A bar from the request to its response, storage calls on it, the cookies at its ends. */
function barOf({ start, end, status, sends, sets, calls }: RequestRow, y: number, x: Scale): string {
  const from = x(start);
  let next = from + 7;
  const marks = calls.map((call) => {
    const at = Math.max(next, x(call.at));
    next = at + MARK;
    return markOf(call, at, y);
  });
  const to = Math.max(x(end ?? x.now), from + 2, calls.length > 0 ? next - MARK + 7 : 0);
  const failed = status === 0 || (status !== undefined && status >= 500);
  const bar = `<rect class="bar${failed ? " failed" : ""}" x="${n(from)}" y="${y - 4}" width="${n(to - from)}" height="8" rx="4"/>`;
  const sent = sends === undefined ? "" : tagOf(sends, from - 17, y, "sent");
  const set = sets === undefined ? "" : tagOf(sets ?? "–", to + 3, y, "set");
  return sent + bar + marks.join("") + set;
}

function tagOf(letter: string, x: number, y: number, kind: "sent" | "set"): string {
  return (
    `<rect class="tag ${kind}" x="${n(x)}" y="${y - 8}" width="15" height="16" rx="3"/>` +
    `<text class="letter ${kind}" x="${n(x + 7.5)}" y="${y + 4}" text-anchor="middle">${text(letter)}</text>`
  );
}

function markOf({ kind, outcome }: StorageCalled, x: number, y: number): string {
  if (outcome === "failed") return `<path class="mark failed" d="M${n(x - 4)} ${y - 4}l8 8m0-8l-8 8"/>`;
  if (outcome === "refused") return `<path class="mark refused" d="M${n(x)} ${y - 5}l5 5-5 5-5-5z"/>`;
  if (kind === "delete") return `<rect class="mark delete" x="${n(x - 4)}" y="${y - 4}" width="8" height="8"/>`;
  return `<circle class="mark ${kind}" cx="${n(x)}" cy="${y}" r="4"/>`;
}

/** Many requests: thin lines, ticks for the storage calls. */
function crowded({ requests, result }: RunRecord, crowd: number, x: Scale): Drawn {
  const top = 34;
  const lines = requests.map(({ start, end, calls }, i) => {
    const y = top + i * CROWD_ROW;
    const [from, to] = [x(start), x(end ?? x.now)];
    let next = from;
    const ticks = calls.map(({ kind, outcome, at }) => {
      const tick = Math.max(next, x(at) - 1);
      next = tick + TICK;
      const look = outcome === "done" ? kind : outcome;
      return `<rect class="tick ${look}" x="${n(tick)}" y="${y - 2}" width="2.5" height="5"/>`;
    });
    return `<rect class="bar" x="${n(from)}" y="${y}" width="${n(Math.max(to - from, 1))}" height="1.5"/>${ticks.join("")}`;
  });
  const dots = dotsOf(result?.counted, crowd, x(x.end) + RIGHT);
  return { svg: dots + lines.join(""), height: top + (crowd + 2) * CROWD_ROW };
}

/** One dot for each request; those that were counted are full. */
function dotsOf(counted: number | undefined, crowd: number, width: number): string {
  const half = Math.ceil(crowd / 2);
  const step = (width - 12) / (half - 1);
  return Array.from({ length: crowd }, (_, i) => {
    const kind = counted === undefined ? "" : i < counted ? " counted" : " lost";
    return `<circle class="dot${kind}" cx="${n(6 + (i % half) * step)}" cy="${i < half ? 7 : 21}" r="4.5"/>`;
  }).join("");
}

/** Which cookie the browser holds, and which sessions the storage has. */
function lanesOf(record: RunRecord, x: Scale, top: number): Drawn {
  const held = record.cookies.map(({ at, holds }, i) => {
    const end = record.cookies[i + 1]?.at ?? x.now;
    return holds === null ? "" : segmentOf(holds, at, end, top + 32, "cookie", x);
  });
  const title = (words: string, y: number): string => `<text class="soft" x="0" y="${y + 12}">${words}</text>`;
  let svg = `<path class="rule" d="M0 ${top}H${n(x(x.end) + RIGHT)}"/>${title("the cookie in the browser", top + 5)}${held.join("")}`;
  let y = top + 48;
  svg += title("sessions in the storage", y + 1);
  y += 27;
  for (const [letter, stays] of record.stays) {
    svg += stays.map((stay) => stayOf(letter, stay, y, x)).join("");
    y += 20;
  }
  return { svg, height: Math.max(y, top + 115) };
}

function stayOf(letter: string, { start, end, isBack }: Stay, y: number, x: Scale): string {
  return segmentOf(isBack ? `${letter} is back` : letter, start, end ?? x.now, y, isBack ? "back" : "stay", x);
}

function segmentOf(words: string, from: number, to: number, y: number, kind: string, x: Scale): string {
  const [start, width] = [x(from), Math.max(x(to) - x(from), 15)];
  const isWide = width > words.length * 7 + 6;
  return (
    `<rect class="segment ${kind}" x="${n(start)}" y="${y - 8}" width="${n(width)}" height="16" rx="3"/>` +
    `<text class="letter ${kind}" x="${n(start + 5)}" y="${y + 4}">${text(isWide ? words : words.charAt(0))}</text>`
  );
}

function outagesOf({ outages }: RunRecord, x: Scale, height: number): string {
  return outages
    .map(({ start, end }) => {
      const [from, to] = [x(start), x(end ?? x.now)];
      return (
        `<rect class="outage" x="${n(from)}" y="0" width="${n(to - from)}" height="${height}"/>` +
        `<text class="bad" x="${n(from + 5)}" y="12">unplugged</text>`
      );
    })
    .join("");
}

/** A line each quarter, half or whole second, or less often. */
function gridOf(x: Scale, width: number, height: number): string {
  const step = [250, 500, 1000, 2000, 5000].find((ms) => x.end / ms <= (width < ROOM_FOR_NOTES ? 5 : 8)) ?? 10_000;
  let svg = "";
  for (let ms = 0; ms <= x.end; ms += step) {
    svg +=
      `<path class="grid" d="M${n(x(ms))} 0V${height}"/>` +
      `<text class="time" x="${n(x(ms))}" y="${height + 14}" text-anchor="middle">${ms / 1000} s</text>`;
  }
  return svg;
}

function summary({ requests, result }: RunRecord): string {
  const sent = `Timeline of ${requests.length} requests and their storage calls`;
  return result ? `${sent}: ${result.headline}. The list below says the same in words.` : `${sent}, still running.`;
}

/** A number with one digit after the point. */
function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function text(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function attribute(words: string): string {
  return text(words).replaceAll('"', "&quot;");
}
