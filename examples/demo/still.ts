import { readFileSync } from "node:fs";
import { backendOf } from "./backends.js";
import type { ExperimentName } from "./experiments.js";
import { RunRecord } from "./record.js";
import { run, SIDES, type Side } from "./run.js";
import { draw } from "./timeline.js";

const WIDTH = 520;
const GAP = 40;
const HEAD = 66;

const SHOWN = [
  { name: "increments", title: "50 requests at once", look: { expected: 1300, lanes: false, crowd: 50 } },
  { name: "logout", title: "A logout beside a slow request", look: { expected: 1400, lanes: true } },
] as const satisfies readonly { readonly name: ExperimentName; readonly title: string; readonly look: object }[];

/** Runs two experiments in memory and draws them as one picture, for pages that cannot run them. */
export async function still(): Promise<string> {
  const backend = await backendOf(undefined);
  let y = GAP;
  let body = "";
  for (const { name, title, look } of SHOWN) {
    body += `<text class="title" x="${GAP}" y="${y + 8}">${title}</text>`;
    y += 44;
    let tallest = 0;
    for (const [i, side] of SIDES.entries()) {
      const record = new RunRecord();
      await run(name, side, backend, (happening) => record.add(happening));
      const drawn = draw(record, { ...look, width: WIDTH });
      const x = GAP + i * (WIDTH + GAP);
      body += headOf(side, record, x, y) + drawn.replace("<svg ", `<svg x="${x}" y="${y + HEAD}" `);
      tallest = Math.max(tallest, Number(/ height="(\d+)"/.exec(drawn)?.[1]));
    }
    y += HEAD + tallest + GAP;
  }
  const width = 3 * GAP + 2 * WIDTH;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}">` +
    `<title>express-session and Holdfast in two experiments of npm start</title><style>${styles()}</style>` +
    `<rect class="paper" width="100%" height="100%"/>${body}</svg>\n`
  );
}

function headOf(side: Side, { result }: RunRecord, x: number, y: number): string {
  const name = side === "holdfast" ? "Holdfast" : side;
  return (
    `<text class="soft" x="${x}" y="${y + 8}">${name}</text>` +
    `<text class="headline ${result?.good ? "good" : "bad"}" x="${x}" y="${y + 38}">` +
    `${result?.good ? "✓" : "✗"} ${result?.headline}</text>`
  );
}

/** What the page's style sheet says of colours and drawings. */
function styles(): string {
  const sheet = readFileSync(new URL("../../demo/public/style.css", import.meta.url), "utf8");
  const colours = sheet.slice(0, sheet.indexOf("* {"));
  const drawings = sheet.slice(sheet.indexOf("svg text {"), sheet.indexOf("@media (max-width"));
  const own =
    ".paper{fill:var(--sheet)}svg .title{font:500 26px var(--serif)}svg .headline{font:500 28px var(--serif)}" +
    "svg .good{fill:var(--kelp)}";
  return (colours + drawings + own).replaceAll(/\s+/g, " ");
}
