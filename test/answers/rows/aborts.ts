import { nodeApp, onNode } from "../frameworks.js";
import type { Framework, Io, Row } from "../row.js";
import { touching } from "../sources.js";
import type { Wire } from "../wire.js";

const ON_1: readonly Framework[] = ["node", "connect", "express", "express4", "koa"];
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** When the client hangs up, after its request. */
const MOMENTS: Readonly<Record<string, (wire: Wire) => Promise<unknown>>> = {
  "at once": (wire) => wire.flushed(),
  "as it arrives": (wire) => wire.arrived(1),
  "while a slow save runs": async (wire) => {
    await wire.arrived(1);
    await pause(15);
  },
  "with the first byte": (wire) => wire.until(() => wire.received !== ""),
};

/** What the program does meanwhile. */
const PROGRAMS: Readonly<Record<string, (io: Io) => unknown>> = {
  "res.end(text)": ({ res }) => res.end("hello"),
  "res.end later": ({ res, later }) => later(30, () => res.end("hello")),
  "writes in pieces": async ({ res, later }) => {
    res.on("error", () => {});
    for (let i = 0; i < 5; i++) later(i * 10, () => res.write("piece"));
    later(60, () => res.end());
  },
  "a large text": ({ res }) => res.end("x".repeat(1_000_000)),
};

const aborted = Object.entries(PROGRAMS).flatMap(([program, call]) =>
  Object.entries(MOMENTS).flatMap(([moment, wait]) =>
    (["abort", "reset"] as const).map((how) =>
      onNode(`${program}, the client hangs up ${moment}${how === "reset" ? " with a reset" : ""}`, touching(call), {
        fault: "A28",
        on: how === "reset" ? ["connect"] : ON_1,
        whenSaveFails: "nothing",
        isRace: true,
        ask: async (wire) => {
          wire.request();
          await wait(wire);
          wire[how]();
          await wire.gone();
          await wire.elsewhere();
        },
      }),
    ),
  ),
);

/** Asks, and goes once the request has arrived. */
async function hangsUp(wire: Wire): Promise<void> {
  wire.request();
  await wire.arrived(1);
  wire.abort();
  await wire.gone();
  await wire.elsewhere();
}

/** The client goes while the answer is held, and the program writes to the session then. */
const goneThenWritten = onNode(
  "the client hangs up, and then the session is written",
  ({ res, touch, later }) => {
    res.on("close", () => {
      later(5, () => touch());
    });
  },
  { fault: "A28", on: ON_1, whenSaveFails: "as bare", ask: hangsUp },
);

const goneThenAnswered = onNode(
  "the client hangs up, the session is written, res.end(text, callback)",
  ({ req, res, touch, later, callback }) => {
    const go = (): void => {
      later(5, () => {
        touch();
        res.end("x", callback("end"));
      });
    };
    res.once("close", go);
    req.resume();
  },
  { fault: "A28", on: ON_1, whenSaveFails: "as bare", ask: hangsUp },
);

const halfABody = onNode(
  "the client hangs up in the midst of its body",
  async ({ req, res, touch, note }) => {
    touch();
    try {
      for await (const _ of req);
      res.end("whole");
    } catch (error) {
      note("thrown", (error as { code?: string }).code);
      res.end("broken");
    }
  },
  {
    on: ON_1,
    whenSaveFails: "nothing",
    ask: async (wire) => {
      wire.send(wire.textOf({ method: "POST", headers: { "Content-Length": "10" } }));
      wire.expect("POST");
      wire.send("abc");
      await wire.arrived(1);
      wire.abort();
      await wire.gone();
      await wire.elsewhere();
    },
  },
);

const slowReader: Row = {
  name: "a client that reads nothing for a while",
  on: ["connect", "express", "koa"],
  app: (stage) =>
    nodeApp(stage, ({ res, touch, note }) => {
      touch();
      const piece = Buffer.alloc(64_000, 97);
      let left = 80;
      const go = (): void => {
        while (left-- > 0) if (!res.write(piece)) return void res.once("drain", go);
        res.end();
        note("all written");
      };
      go();
    }),
  ask: async (wire) => {
    wire.pause();
    wire.request();
    await pause(60);
    wire.resume();
    await wire.answered(1);
    await wire.next();
  },
};

/** Clients that hang up. */
export const aborts: readonly Row[] = [...aborted, goneThenWritten, goneThenAnswered, halfABody, slowReader];
