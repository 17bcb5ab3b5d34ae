/**
 * One interleaved run: all contenders of one framework and one storage, in short slices, each beside a slice of the
 * bare framework.
 */
import { Delay, Load, Server } from "./processes.mjs";
import { BARE, beside, chosen, NODE, warmUpOf } from "./roster.mjs";
import { quartiles } from "./stats.mjs";

/**
 * Measures one group: `{ framework, storage, names, kinds, connections, sliceMs, rounds, warmUp, redis, latency }`.
 * Answers a result for each entrant and kind, and the medians of what each costs beside the bare framework and beside
 * the floor.
 */
export async function measureGroup(options) {
  const { framework, storage, redis, latency } = options;
  const delay = storage === "redis" && latency > 0 ? await Delay.before(new URL(redis).port, latency) : undefined;
  const at = { ...options, redis: delay ? `redis://127.0.0.1:${delay.port}` : redis };
  const load = new Load();
  const running = [];
  try {
    for (const entrant of chosen(options)) running.push(await started(entrant, at, load));
    const slices = [];
    for (const kind of options.kinds) slices.push(...(await measureKind(kind, running, load, options)));
    return { framework, storage, latency: storage === "redis" ? latency : 0, results: results(slices) };
  } finally {
    await Promise.all(
      [load, ...running.map(({ server }) => server), ...(delay ? [delay] : [])].map((one) => one.stop()),
    );
  }
}

async function started(entrant, { framework, storage, redis, connections }, load) {
  const server = await Server.start({
    framework: entrant.framework ?? framework,
    contender: entrant.contender,
    variant: entrant.variant,
    storage,
    redis,
  });
  const holds = entrant.contender !== "bare";
  await load.open(server.port, connections, holds);
  return { ...entrant, server };
}

async function measureKind(kind, running, load, options) {
  const { rounds, sliceMs } = options;
  const all = running.filter(({ kinds }) => kinds.includes(kind));
  for (const one of all) await load.run(one.server.port, kind, warmUpOf(one, kind, options));
  const bare = all.find(({ name }) => name === BARE.name);
  const others = all.filter((one) => one !== bare);
  const slices = [];
  for (let round = 0; round < rounds; round++) {
    for (const one of beside(bare, shuffled(others)))
      slices.push({ kind, round, name: one.name, ...(await slice(one.server, load, kind, sliceMs)) });
  }
  return slices;
}

function shuffled(list) {
  return list
    .map((one) => ({ one, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

async function slice(server, load, kind, ms) {
  const before = await server.cpu();
  const seen = await load.run(server.port, kind, { ms });
  return { ...seen, cpu: ((await server.cpu()) - before) / seen.requests };
}

/**
 * By kind and name; each slice is compared with the bare one next to it, and with the floor's and the reference of
 * its round.
 */
function results(slices) {
  const compared = slices.map((one, i) => ({
    ...one,
    bare: [slices[i - 1], slices[i + 1]].find(
      (next) => next?.name === BARE.name && next.kind === one.kind && next.round === one.round,
    ),
  }));
  const groups = Map.groupBy ? Map.groupBy(compared, keyOf) : groupBy(compared, keyOf);
  return [...groups.values()].map((group) => result(group, compared));
}

function result(group, compared) {
  const [{ kind, name }] = group;
  const beside = (other) =>
    group
      .map((one) => [
        one,
        compared.find((slice) => slice.kind === kind && slice.round === one.round && slice.name === other),
      ])
      .filter(([one, of]) => one.bare && of?.bare);
  const added = (one) => one.cpu - one.bare.cpu;
  const paired = group.filter(({ bare }) => bare);
  const of = (values) => quartiles(values);
  return {
    kind,
    name,
    rounds: group.length,
    requests: group.reduce((sum, { requests }) => sum + requests, 0),
    cpu: of(group.map(({ cpu }) => cpu)),
    perSecond: of(group.map(({ perSecond }) => perSecond)),
    p50: of(group.map(({ p50 }) => p50)),
    p99: of(group.map(({ p99 }) => p99)),
    added: of(paired.map(added)),
    cpuOfBare: of(paired.map(({ cpu, bare }) => cpu / bare.cpu)),
    perSecondOfBare: of(paired.map(({ perSecond, bare }) => perSecond / bare.perSecond)),
    addedOfFloor: NODE.kinds.includes(kind)
      ? undefined
      : of(beside("floor").map(([one, floor]) => added(one) / added(floor))),
    addedOfNode:
      name === NODE.name
        ? undefined
        : (of(beside(NODE.name).map(([one, node]) => added(one) / node.cpu)) ??
          of(paired.map((one) => added(one) / one.bare.cpu))),
    byRound: group.map(({ round, cpu, perSecond }) => ({ round, cpu, perSecond })),
  };
}

function keyOf({ kind, name }) {
  return `${kind} ${name}`;
}

function groupBy(list, key) {
  const groups = new Map();
  for (const one of list) groups.set(key(one), [...(groups.get(key(one)) ?? []), one]);
  return groups;
}
