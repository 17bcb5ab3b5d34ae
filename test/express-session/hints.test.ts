import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { COOKIE, endAll, PLACES, signal, stage, type Req, type Res } from "./world.js";

afterEach(endAll);

const warnings: string[] = [];
process.on("warning", ({ name, message }) => {
  if (name === "HoldfastWarning") warnings.push(message);
});

async function warned(): Promise<string[]> {
  await new Promise((resolve) => setImmediate(resolve));
  return warnings.splice(0);
}

for (const place of PLACES)
  test(`${place}: two requests that overwrote one key are shown once, with the line that would not`, async () => {
    const key = `cart-${place}`;
    let [reached, go] = [signal(), signal()];
    const { client } = await stage(place, {
      "/put": (req: Req, res: Res) => ((req.session[key] = ["a"]), res.send("")),
      "/slow": async (req: Req, res: Res) => {
        reached.give();
        await go.promise;
        req.session[key].push("slow");
        res.send("");
      },
      "/fast": (req: Req, res: Res) => (req.session[key].push("fast"), res.send("")),
    });
    await client.get("/put");
    await warned();
    for (let times = 0; times < 2; times++) {
      const slow = client.get("/slow");
      await reached.promise;
      await client.get("/fast");
      go.give();
      await slow;
      [reached, go] = [signal(), signal()];
    }
    const [first, ...others] = await warned();
    assert.match(first!, new RegExp(`update\\(req, "${key}", \\(value\\) => …\\)`));
    assert.deepEqual(others, []);
  });

test("a Secure cookie on plain http is shown once, and not sent, as in express-session", async () => {
  const { client } = await stage(
    "storage",
    { "/": (req: Req, res: Res) => ((req.session.n = 1), res.send("")) },
    { cookie: { secure: true } },
  );
  await warned();
  assert.equal((await client.get("/")).cookie(COOKIE), undefined);
  await client.get("/");
  const shown = await warned();
  assert.equal(shown.length, 1);
  assert.match(shown[0]!, /trust proxy/);
});

test("options that are probably a mistake are shown at the first request", async () => {
  const { client } = await stage("storage", { "/": (_req: Req, res: Res) => res.send("") }, {
    resave: undefined,
    saveUninitialized: undefined,
    ttl: 60,
  } as never);
  await warned();
  await client.get("/");
  const shown = await warned();
  assert.equal(shown.length, 3, shown.join("\n"));
  assert.match(shown.join("\n"), /no option ttl[^]*resave[^]*saveUninitialized/);
});
