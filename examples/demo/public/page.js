/** Runs experiments on the server, and draws what it tells while they happen. */
import { countsOf, inWords, RunRecord } from "./record.js";
import { draw } from "./timeline.js";

/** Time between two drawings, in ms. */
const FRAME_MS = 50;
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

/** A column while it runs: what was told of it, and how it is drawn. */
class Column {
  #record = new RunRecord();
  #section;
  #article;
  #began = performance.now();

  constructor(section, article) {
    this.#section = section;
    this.#article = article;
    article.className = "running";
    this.#part("headline").textContent = "Running …";
    this.#part("detail").textContent = "";
    this.#part("counts").textContent = "";
    this.#part("words").hidden = true;
    if (reducedMotion.matches) this.#part("figure").textContent = "";
    new ResizeObserver(() => this.isOver && this.draw()).observe(this.#part("figure"));
  }

  get isOver() {
    return this.#record.result !== undefined;
  }

  add(happening) {
    if (happening.is === "failed") return this.fail(happening.reason);
    this.#record.add(happening);
    if (happening.is === "result") this.#end(happening);
  }

  draw() {
    const { expected, lanes, crowd } = this.#section.dataset;
    const figure = this.#part("figure");
    figure.innerHTML = draw(this.#record, {
      width: Math.floor(figure.clientWidth),
      expected: Number(expected),
      lanes: lanes !== undefined,
      ...(crowd !== undefined && { crowd: Number(crowd) }),
      ...(!this.isOver && { now: performance.now() - this.#began }),
    });
  }

  fail(reason) {
    this.#article.className = "bad";
    this.#part("headline").textContent = "Broken off";
    this.#part("detail").textContent = reason;
  }

  #end({ good, headline, detail }) {
    this.#article.className = good ? "good" : "bad";
    this.#part("headline").textContent = headline;
    this.#part("detail").textContent = detail;
    this.#part("counts").textContent = countsOf(this.#record);
    const words = this.#part("words");
    words.hidden = false;
    words.querySelector("ol").replaceChildren(...inWords(this.#record).map(itemOf));
    this.draw();
  }

  #part(name) {
    return this.#article.querySelector(`[data-${name}]`);
  }
}

async function run(section, button) {
  // Not `disabled`: that would take the focus away from who pressed it.
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  const columns = new Map();
  for (const article of section.querySelectorAll("[data-side]"))
    columns.set(article.dataset.side, new Column(section, article));
  const drawing = reducedMotion.matches ? undefined : keepDrawing([...columns.values()]);
  try {
    for await (const { side, ...happening } of happeningsOf(section.dataset.experiment))
      columns.get(side).add(happening);
  } catch (error) {
    for (const column of columns.values()) if (!column.isOver) column.fail(error.message);
  } finally {
    drawing?.stop();
    button.removeAttribute("aria-disabled");
    button.firstChild.data = "Run again";
  }
}

/** Draws columns some twenty times a second until they are over. */
function keepDrawing(columns) {
  const timer = setInterval(() => {
    for (const column of columns) if (!column.isOver) column.draw();
  }, FRAME_MS);
  return { stop: () => clearInterval(timer) };
}

/** What the server tells of a run, a line each. */
async function* happeningsOf(name) {
  const response = await fetch(`/run/${name}`, { method: "POST" });
  if (!response.ok) throw new Error(await response.json());
  let rest = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) yield JSON.parse(line);
  }
}

function itemOf(line) {
  const item = document.createElement("li");
  item.textContent = line;
  return item;
}

const sections = [...document.querySelectorAll("[data-experiment]")];
for (const section of sections) {
  const button = section.querySelector("[data-run]");
  button.hidden = false;
  button.addEventListener("click", () => void run(section, button));
}
const [first] = sections;
if (!first.querySelector("svg")) void run(first, first.querySelector("[data-run]"));
