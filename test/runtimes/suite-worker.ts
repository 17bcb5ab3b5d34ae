/** Plays, inside a Worker, each at a request of its own, what `/` lists: `/?part=…&name=…`. */
import { NOT_EXPRESSIBLE } from "../adapters/not-expressible.js";
import { CASES, play } from "../adapters/suite.js";
import { ADAPTERS } from "../support/apps.js";
import { memoryStorage } from "holdfast/storage/memory";
import { storageSuite } from "holdfast/testing";
import { lacking } from "./worker-apps.js";

interface Piece {
  readonly part: string;
  readonly name: string;
  run(): Promise<void>;
}

const PIECES: readonly Piece[] = [
  ...ADAPTERS.flatMap((adapter) =>
    CASES.filter(({ name }) => !NOT_EXPRESSIBLE[name]?.[adapter.name]).map((one): Piece => {
      return { part: adapter.name, name: one.name, run: () => play(one, adapter) };
    }),
  ),
  ...storageSuite(() => ({ storage: memoryStorage() })).map(({ name, run }): Piece => ({ part: "memory", name, run })),
];

export default {
  async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const [part, name] = [searchParams.get("part"), searchParams.get("name")];
    if (!part) return Response.json(PIECES.map((piece) => ({ part: piece.part, name: piece.name })));
    const isLacking = new Promise<"left out">((resolve) => (lacking.end = () => resolve("left out")));
    const piece = PIECES.find((one) => one.part === part && one.name === name)!;
    return Response.json(await Promise.race([isLacking, piece.run().then(() => "held", told)]));
  },
};

function told(error: unknown): { error: string } {
  return { error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) };
}
