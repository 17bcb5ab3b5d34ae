import { randomInt } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { ResultKnown } from "./happenings.js";
import type { Cable } from "./cable.js";
import type { Got, Visitor } from "./visitor.js";

/** What an experiment can do. */
export interface World {
  readonly cable: Cable;
  /** A visitor without a cookie; the timeline shows the cookie of the first one. */
  visitor(): Visitor;
  /** How long the work of handlers takes from now on. */
  work(slowQuery: () => Promise<void>): void;
  /** Tells that the database was unplugged or plugged in. */
  moved(plugged: boolean): void;
}

/** What was measured. */
export type Result = Pick<ResultKnown, "good" | "headline" | "detail" | "counted">;

/** The names of the experiments, in the order of the page. */
export const EXPERIMENTS = ["increments", "logout", "login", "unplugged"] as const;
export type ExperimentName = (typeof EXPERIMENTS)[number];

/** Each of them is played against both applications in the same way. */
export const stories: Readonly<Record<ExperimentName, (world: World) => Promise<Result>>> = {
  increments,
  logout: logoutBesideWriter,
  login: lateResponse,
  unplugged: unpluggedDatabase,
};

/** How many requests are sent at once. */
export const RUNNERS = 50;

/** A pause that lets people see one step before the next, in ms. */
const STEP_MS = 250;

/** How often the client tries again while the database is away, and for how long at most. */
const RETRY_MS = 200;
const RETRIES = 40;

async function increments(world: World): Promise<Result> {
  const visitor = world.visitor();
  await visitor.ask("POST", "/login");
  world.work(() => wait(randomInt(150, 1000)));
  const answers = await Promise.all(Array.from({ length: RUNNERS }, () => visitor.ask("POST", "/count")));
  const confirmed = answers.filter(({ status }) => status === 200).length;
  const counted = Number((await visitor.ask("GET", "/count")).body);
  return {
    good: counted === RUNNERS && confirmed === RUNNERS,
    headline: `${counted} of ${RUNNERS} counted`,
    detail:
      counted === confirmed
        ? "Every request that was told “counted” has counted."
        : `${confirmed} requests were told “counted”; ${confirmed - counted} of them are missing.`,
    counted,
  };
}

async function logoutBesideWriter(world: World): Promise<Result> {
  const ines = world.visitor();
  await ines.ask("POST", "/login");
  await wait(STEP_MS);
  const slow = await held(world, () => ines.ask("POST", "/draft", "slow, reads the session now, writes it later"));
  const thief = ines.copy();
  await wait(STEP_MS);
  await ines.ask("POST", "/logout");
  await wait(STEP_MS);
  await slow.finish();
  await wait(STEP_MS);
  const { status, body } = await thief.ask("GET", "/account", "with a copy of the cookie from before");
  return status === 200
    ? {
        good: false,
        headline: "Signed in again",
        detail: `The slow request wrote the ended session back. The copied cookie opens the account of ${name(body)}.`,
      }
    : {
        good: status === 401,
        headline: status === 401 ? "Signed out" : `Status ${status}`,
        detail:
          "The slow request could not bring the session back: what it wrote is gone with it. The copied cookie opens nothing.",
      };
}

async function lateResponse(world: World): Promise<Result> {
  const ines = world.visitor();
  await ines.ask("POST", "/cart/rope", "a visitor, not signed in");
  await wait(STEP_MS);
  const slow = await held(world, () => ines.ask("GET", "/prices", "slow, remembers the page in the session"));
  await wait(STEP_MS);
  await ines.ask("POST", "/login", "signs in: a new cookie");
  await wait(STEP_MS);
  await slow.finish();
  await wait(STEP_MS);
  const { status, body } = await ines.ask("GET", "/account");
  return status === 200
    ? {
        good: true,
        headline: "Still signed in",
        detail: `The late response left the new cookie alone. The next page is the account of ${name(body)}.`,
      }
    : {
        good: false,
        headline: "Signed out by accident",
        detail: "The late response brought the old cookie back. The next page does not know the user.",
      };
}

async function unpluggedDatabase(world: World): Promise<Result> {
  const [ines, mara] = [world.visitor(), world.visitor()];
  const writes: Write[] = [];
  const put = async (who: Visitor, item: string, note?: string): Promise<void> => {
    writes.push({ who, item, got: await who.ask("POST", `/cart/${item}`, note) });
  };
  await put(ines, "boots");
  await wait(STEP_MS);
  const slow = await held(world, () => put(ines, "rope", "slow, the database goes away meanwhile"));
  world.cable.pull();
  world.moved(false);
  await wait(STEP_MS);
  await slow.finish();
  await ines.ask("GET", "/cart", "while the database is away");
  await put(mara, "lamp", "another visitor, the first request");
  await wait(STEP_MS);
  world.cable.plug();
  world.moved(true);
  await comesBack(ines);
  const refused = writes.filter(({ got }) => isRefused(got));
  for (const { who, item } of refused) await put(who, item, "sent again, since it failed");
  const carts = [await cartOf(ines), await cartOf(mara)];
  return resultOf(writes, carts);
}

interface Write {
  readonly who: Visitor;
  readonly item: string;
  readonly got: Got;
}

function resultOf(writes: readonly Write[], carts: readonly (readonly string[])[]): Result {
  const confirmed = writes.filter(({ got }) => got.status === 200).map(({ item }) => item);
  const kept = carts.flat();
  const lost = confirmed.filter((item) => !kept.includes(item));
  const isDoubled = new Set(kept).size !== kept.length;
  return {
    good: lost.length === 0 && !isDoubled,
    headline: `${confirmed.length - lost.length} of ${confirmed.length} confirmed things kept`,
    detail: isDoubled
      ? `Something is in a cart twice: ${kept.join(", ")}.`
      : lost.length === 0
        ? "What could not be stored was an error, so it was sent again. Whatever was confirmed is in a cart."
        : `The ${lost.join(" and the ")} were confirmed with 200 and are in no cart. Nobody was told.`,
  };
}

/** Asks until the database is there again. */
async function comesBack(visitor: Visitor): Promise<void> {
  for (let tries = 0; tries < RETRIES; tries++) {
    if (!isRefused(await visitor.ask("GET", "/cart", "the database is back"))) return;
    await wait(RETRY_MS);
  }
}

async function cartOf(visitor: Visitor): Promise<readonly string[]> {
  const { status, body } = await visitor.ask("GET", "/cart", "what is really there");
  return status === 200 ? (JSON.parse(body) as string[]) : [];
}

function isRefused({ status }: Got): boolean {
  return status === 0 || status >= 500;
}

/** Starts a request whose handler stops in its work, with the session loaded, until `finish`. */
async function held(world: World, start: () => Promise<unknown>): Promise<{ finish(): Promise<unknown> }> {
  const reached = gate();
  const finished = gate();
  world.work(() => {
    world.work(async () => {});
    reached.open();
    return finished.passed;
  });
  const request = start();
  await reached.passed;
  return {
    finish() {
      finished.open();
      return request;
    },
  };
}

function gate(): { open(): void; readonly passed: Promise<void> } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { open: () => open(), passed };
}

function name(body: string): string {
  return String(JSON.parse(body));
}
