/** What Holdfast wants to reach. A target is shown as passed or missed; nothing fails by it. */
import { entrants, isPeer } from "./contenders/index.mjs";
import { quartiles } from "./stats.mjs";

export const TARGETS = {
  ofFloor: { says: "CPU that a session adds, in that of the floor: at most", most: 1.25 },
  ofNode: {
    says: "CPU that a session adds where nobody asks for it, in bare node:http answers: at most",
    most: 0.15,
  },
  ofPeers: { says: "requests per second, in those of the fastest peer: more than", least: 1 },
  heapBytes: { says: "bytes of heap for a session of 313 bytes: below", most: 700 },
  reclaimed: { says: "share of that heap that is back after they expired: at least", least: 0.9 },
  growth: { says: "cost per request with 1,000,000 sessions, in that with 1,000: at most", most: 1.25 },
  coreBytes: { says: "bytes of the core, minified and gzipped: at most", most: 12_000 },
};

/** A value beside its target: `{ name, value, passed }`. */
export function judged(name, value) {
  const { most = Infinity, least = -Infinity } = TARGETS[name];
  return { name, value, passed: value <= most && value >= least };
}

/** The targets of one result of Holdfast in its group: `[{ name, value, passed }]`. */
export function targetsOf(result, group) {
  const found = [];
  const note = (name, value) => value !== undefined && found.push(judged(name, value));
  const asked = ["R", "W", "L"].includes(result.kind);
  if (result.name === "holdfast" && asked) note("ofFloor", result.addedOfFloor?.median);
  if (result.name === (result.kind === "T" ? "holdfast lazy" : "holdfast") && !asked)
    note("ofNode", result.addedOfNode?.median);
  if (result.name === (result.kind === "T" ? "holdfast lazy" : "holdfast"))
    note("ofPeers", ofFastestPeer(result, group));
  return found;
}

/** Throughput in that of the peer it is least ahead of, paired round by round. */
function ofFastestPeer(result, { framework, storage, results }) {
  const peers = entrants(framework, storage)
    .filter(isPeer)
    .map(({ name }) => name);
  const rivals = results.filter(({ kind, name }) => kind === result.kind && peers.includes(name));
  const ratios = rivals.map((rival) => quartiles(paired(result, rival)).median);
  return ratios.length === 0 ? undefined : Math.min(...ratios);
}

function paired({ byRound }, rival) {
  return byRound.map(
    ({ round, perSecond }) => perSecond / rival.byRound.find((one) => one.round === round).perSecond,
  );
}
