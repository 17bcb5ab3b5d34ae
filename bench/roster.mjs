/** Who is measured, in which groups and beside whom. */
import { entrants } from "./contenders/index.mjs";

export const BARE = { name: "bare", contender: "bare", kinds: "RWTNL" };
/** What a session may cost where nobody asks for it is counted in answers of bare node:http. */
export const NODE = { name: "bare node", contender: "bare", kinds: "TN", framework: "node" };

/**
 * Every framework on every storage; with contenders chosen, only where one of them takes part: `[{ framework, storage
 * }]`.
 */
export function groupsOf({ frameworks, storages, names }) {
  return frameworks.flatMap((framework) =>
    storages.filter((storage) => isWorth(framework, storage, names)).map((storage) => ({ framework, storage })),
  );
}

/** Who takes part in a group. */
export function chosen({ framework, storage, names, kinds }) {
  const all = entrants(framework, storage).filter(
    ({ contender, name }) =>
      contender === "bare" || names === undefined || names.includes(contender) || names.includes(name),
  );
  const able = all.filter((entrant) => kinds.some((kind) => entrant.kinds.includes(kind)));
  return framework === "node" || !kinds.some((kind) => NODE.kinds.includes(kind)) ? able : [...able, NODE];
}

/** How a server is warmed up for a kind of request: for the first one longest. */
export function warmUpOf(entrant, kind, { kinds, warmUp }) {
  return kind === kinds.find((one) => entrant.kinds.includes(one)) ? warmUp.first : warmUp.again;
}

/** Before, between and after two others there is always a bare one: everybody is its neighbour. */
export function beside(bare, others) {
  return [bare, ...others.flatMap((one, i) => (i % 2 === 1 || i === others.length - 1 ? [one, bare] : [one]))];
}

function isWorth(framework, storage, names) {
  return (
    names === undefined ||
    entrants(framework, storage).some(({ contender }) => contender !== "bare" && names.includes(contender)) ||
    names.every((name) => name === "bare")
  );
}
