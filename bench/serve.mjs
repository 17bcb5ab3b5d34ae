import { CONSTANTS } from "./kinds.mjs";

/** Serves one contender on one framework; answers the server. `client`: of redis, where that is the storage. */
export async function serve({ framework, contender, variant, storage, client }) {
  const kit = await import(`./frameworks/${framework}.mjs`);
  if (contender === "bare") return kit.serve({ actions: BARE });
  const { make } = await import(`./contenders/${contender}.mjs`);
  const { mount, actions } = await make({ framework, storage, client, variant, kit });
  return kit.serve({ mount, actions: { ...BARE, ...actions } });
}

const BARE = Object.fromEntries(Object.entries(CONSTANTS).map(([name, body]) => [name, () => body]));
