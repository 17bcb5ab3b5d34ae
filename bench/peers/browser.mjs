import { request } from "node:http";

/** What hangs is a failure with a name; no outcome depends on how long anything takes. */
const PATIENCE_MS = 60_000;

/** A browser behind a TLS proxy, as far as sessions are concerned: it keeps cookies as they arrive. */
export class Browser {
  #origin;
  #jar;

  constructor(origin, jar = new Map()) {
    this.#origin = origin;
    this.#jar = jar;
  }

  /** Another one with the cookies that this one has now: a thief, or the same person's old tab. */
  copy() {
    return new Browser(this.#origin, new Map(this.#jar));
  }

  /** Asks the application for something; answers when the whole answer is there. */
  ask(verb, options = {}) {
    return this.begin(verb, options).answer;
  }

  /** The same, with a look at whether the answer has begun. */
  begin(verb, { key = "", value = "", gate = "" } = {}) {
    const url = new URL(`/${verb}?${new URLSearchParams({ key, value, gate })}`, this.#origin);
    const cookie = [...this.#jar].map(([name, text]) => `${name}=${text}`).join("; ");
    const headers = { "x-forwarded-proto": "https", ...(cookie && { cookie }) };
    const state = { hasBegun: false };
    const answer = new Promise((resolve, reject) => {
      const sent = request(url, { method: "POST", headers, agent: false }, (response) => {
        state.hasBegun = true;
        resolve(this.#take(response));
      });
      sent.on("error", reject).setTimeout(PATIENCE_MS, () => sent.destroy(new Error(`hangs: ${verb}`)));
      sent.end();
    });
    answer.catch(() => {});
    return { answer, hasBegun: () => state.hasBegun };
  }

  async #take(response) {
    const lines = response.headers["set-cookie"] ?? [];
    const given = lines.filter((line) => this.#keep(line)).length;
    const text = await textOf(response);
    const isJson = /json/.test(response.headers["content-type"] ?? "");
    return { status: response.statusCode, hasCookie: given > 0, data: isJson ? JSON.parse(text) : {} };
  }

  /** Takes a line into the jar; answers whether it is a cookie, not the removal of one. */
  #keep(line) {
    const [pair, ...attributes] = line.split(";").map((part) => part.trim());
    const at = pair.indexOf("=");
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
    if (value === "" || attributes.some(isOver)) this.#jar.delete(name);
    else this.#jar.set(name, value);
    return this.#jar.has(name);
  }
}

/** A Max-Age counts for more than an Expires; no cookie here has both. */
function isOver(attribute) {
  const [name, value = ""] = attribute.split("=");
  if (name.toLowerCase() === "max-age") return Number(value) <= 0;
  return name.toLowerCase() === "expires" && Date.parse(value) <= Date.now();
}

async function textOf(stream) {
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) text += chunk;
  return text;
}
