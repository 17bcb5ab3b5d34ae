/** Fires overlapping requests, and compares what was sent with what the session has counted. */
const runners = Number(document.querySelector("[data-runners]").dataset.runners);

for (const lane of document.querySelectorAll("[data-lane]")) {
  const button = lane.querySelector("[data-run]");
  button.hidden = false;
  button.addEventListener("click", () => void run(lane, button));
}

async function run(lane, button) {
  const { lane: way, base, fire } = lane.dataset;
  // Not `disabled`: that would take the focus away from who pressed it.
  if (button.ariaDisabled === "true") return;
  button.ariaDisabled = "true";
  lane.querySelector("[data-verdict]").textContent = "Running …";
  paint(lane, () => "");
  try {
    const before = (await ask(`${base}/line-up`, "POST"))[way];
    const dots = [...lane.querySelectorAll(".dots i")];
    await Promise.all(dots.map((dot) => send(fire).then(() => dot.classList.add("answered"))));
    const after = (await ask(`${base}/counts`, "GET"))[way];
    show(lane, after, after - before);
  } catch (error) {
    lane.querySelector("[data-verdict]").textContent = `The race was broken off: ${error.message}`;
  } finally {
    button.ariaDisabled = null;
  }
}

function show(lane, total, counted) {
  lane.querySelector("[data-count]").textContent = String(total);
  paint(lane, (i) => (i < counted ? "counted" : "lost"));
  lane.querySelector("[data-verdict]").textContent = verdict(counted);
}

function verdict(counted) {
  if (counted > runners) return `${runners} of ${runners} counted, and ${counted - runners} from elsewhere.`;
  return counted === runners
    ? `${runners} of ${runners} counted.`
    : `${counted} of ${runners} counted, ${runners - counted} lost.`;
}

function paint(lane, nameOf) {
  for (const [i, dot] of lane.querySelectorAll(".dots i").entries()) dot.className = nameOf(i);
}

async function ask(path, method) {
  return (await send(path, method)).json();
}

async function send(path, method = "POST") {
  const response = await fetch(path, { method });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response;
}
