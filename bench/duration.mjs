/** How long a run of requests takes: told before it begins, and when it is over. */
import { BARE, beside, chosen, groupsOf, warmUpOf } from "./roster.mjs";

/** Seconds until a server answers and each connection has its session. */
const START = 0.5;
/** Seconds around a slice: what is on its way is waited for, and the CPU time is asked for. */
const AROUND = 0.01;

/**
 * Seconds it takes at most, where every warm-up takes its whole time: those of servers that answer fast take less.
 */
export function longest(options) {
  return groupsOf(options).reduce((sum, group) => sum + longestOf({ ...options, ...group }), 0);
}

/** A duration in seconds as people say it. */
export function spoken(seconds) {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function longestOf(options) {
  const { kinds, rounds, sliceMs } = options;
  const all = chosen(options);
  const ofKind = (kind) => {
    const able = all.filter((entrant) => entrant.kinds.includes(kind));
    const slices = beside(
      BARE,
      able.filter(({ name }) => name !== BARE.name),
    ).length;
    const warmUps = able.reduce((sum, entrant) => sum + warmUpOf(entrant, kind, options).ms / 1000 + AROUND, 0);
    return warmUps + rounds * slices * (sliceMs / 1000 + AROUND);
  };
  return kinds.reduce((sum, kind) => sum + ofKind(kind), all.length * START);
}
