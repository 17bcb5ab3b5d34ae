/** Who does what, and what is killed when: all of it follows from the seed. */
import type { Act, Job } from "./acts.js";

/** Numbers from 0 to below 1 that follow from a seed and a name; each name has a sequence of its own. */
export class Dice {
  #state: number;

  constructor(seed: number, name: string) {
    this.#state = seed | 0;
    for (const letter of name)
      this.#state = Math.imul(this.#state ^ letter.charCodeAt(0), 0x01000193) ^ (this.#state >>> 15);
  }

  /** Steps by the golden ratio, and mixes the bits (the finalizer of MurmurHash3). */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
    return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to below a limit. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** One of these, each as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    return (entries.find(([, weight]) => (left -= weight) < 0) ?? entries[0]!)[0];
  }
}

/**
 * What a client does next. Every step draws the same number of times, so the plan does not depend on what the answers
 * were.
 */
export interface Step<K extends string = Act> {
  readonly what: K;
  readonly server: number;
  /** How long the handler stands between reading and writing, in ms. */
  readonly park: number;
  /** How long the client waits before this step, in ms. */
  readonly pause: number;
  /** After how many ms the client hangs up, if it does. */
  readonly hangUp: number | undefined;
  /** Which of several, from 0 to below 1. */
  readonly pick: number;
}

/** What a staff member and a thief do, in one client. */
export type Deed = Job | "replay" | "replay write" | "replay login" | "forge" | "steal";

const PERSON: Readonly<Record<Act, number>> = {
  read: 20,
  increment: 30,
  twice: 6,
  late: 5,
  set: 9,
  change: 9,
  login: 7,
  signin: 6,
  logout: 3,
  reset: 2,
  forget: 1,
};
const STAFF: Readonly<Record<Deed, number>> = {
  edit: 40,
  revoke: 4,
  everywhere: 3,
  list: 14,
  replay: 20,
  "replay write": 8,
  "replay login": 6,
  forge: 4,
  steal: 18,
};

const PAUSE_MS = 25;
const PARK_MS = 60;
const PARKED = 0.3;
const HANGS_UP = 0.02;

export const personSteps = (seed: number, tab: string, servers: number): Generator<Step> =>
  steps(new Dice(seed, tab), PERSON, servers);
export const staffSteps = (seed: number, name: string, servers: number): Generator<Step<Deed>> =>
  steps(new Dice(seed, name), STAFF, servers);

function* steps<K extends string>(
  dice: Dice,
  weights: Readonly<Record<K, number>>,
  servers: number,
): Generator<Step<K>> {
  for (;;) {
    const [what, server, isParked, park, pause, hangsUp, hangUp, pick] = [
      dice.weighted(weights),
      dice.below(servers),
      dice.next() < PARKED,
      dice.below(PARK_MS),
      dice.below(PAUSE_MS),
      dice.next() < HANGS_UP,
      dice.below(PARK_MS),
      dice.next(),
    ];
    yield { what, server, park: isParked ? park : 0, pause, hangUp: hangsUp ? hangUp : undefined, pick };
  }
}

/** A server or the database is killed, and started again a while later. */
export interface Kill {
  /** After the begin, in ms. */
  readonly at: number;
  readonly target: number | "database";
  /** How long it is gone, in ms, not counting how long it takes to start. */
  readonly down: number;
}

const SERVER_EVERY_MS = 3000;
const DATABASE_EVERY_MS = 6000;
const DOWN_MS = 700;

/** At least one of each, whatever the length. */
export function killPlan(seed: number, ms: number, servers: number, withDatabase: boolean): readonly Kill[] {
  const dice = new Dice(seed, "kills");
  const kills = (every: number, target: () => Kill["target"]): Kill[] => {
    const count = Math.max(1, Math.floor(ms / every));
    return Array.from({ length: count }, (_, i) => ({
      at: ((i + 0.2 + 0.7 * dice.next()) * ms) / count,
      target: target(),
      down: dice.below(DOWN_MS),
    }));
  };
  const ofServers = kills(SERVER_EVERY_MS, () => dice.below(servers));
  const ofDatabase = kills(DATABASE_EVERY_MS, () => "database");
  return [...ofServers, ...(withDatabase ? ofDatabase : [])].sort((a, b) => a.at - b.at);
}

/** Clocks of two servers may differ by five minutes. */
const MOST_OFF_MS = 145_000;

/** How far the clock of each server is off, in ms: the first two as far apart as any may be. */
export function offsets(seed: number, servers: number): readonly number[] {
  const dice = new Dice(seed, "clocks");
  const drawn = Array.from({ length: servers }, () => Math.round((2 * dice.next() - 1) * MOST_OFF_MS));
  return [-MOST_OFF_MS, MOST_OFF_MS, ...drawn].slice(0, servers);
}
