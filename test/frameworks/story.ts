import type { Session } from "holdfast";
import { adapterStorage, type AdapterStorage } from "holdfast/testing";
import { setTimeout as wait } from "node:timers/promises";

/** What the applications of the adapter suite store. */
export type StoryData = Record<string, unknown>;

type StorySession = Session<StoryData>;
type Fields = Readonly<Record<string, unknown>>;

/** True for requests without a session: those that control the storage. */
export const isControl = (url: string | undefined): boolean => url?.includes("/storage") === true;

/** The options of the session in every application of the suite. */
export function storyOptions<C extends readonly unknown[]>(
  urlOf: (...context: C) => string | undefined,
): { storage: AdapterStorage; skip: (...context: C) => boolean } {
  return { storage: adapterStorage(), skip: (...context) => isControl(urlOf(...context)) };
}

/** What the routes of the adapter suite do; each application maps its framework's routes to these. */
export const story = {
  storage: (name: string | null | undefined): string => adapterStorage().command(name),
  data: (session: StorySession): object => ({ owner: session.owner ?? null, data: session.toJSON() }),
  set(session: StorySession, fields: Fields): string {
    session.set(String(fields["key"]), fields["value"]);
    return "set";
  },
  increment(session: StorySession): string {
    session.update("n", (n) => ((n as number | undefined) ?? 0) + 1);
    return String(session.get("n"));
  },
  login: (session: StorySession, fields: Fields): Promise<void> => session.authenticate(String(fields["user"])),
  logout: (session: StorySession): Promise<void> => session.destroy(),
  account: (session: StorySession): string | undefined => session.owner && `account of ${session.owner}`,
  throw(session: StorySession): never {
    session.set("thrown", "yes");
    throw new Error("the handler of the suite");
  },
  async slow(session: StorySession): Promise<string> {
    await wait(300);
    session.set("late", "yes");
    return "slow";
  },
  stream(session: StorySession): AsyncGenerator<string> {
    session.set("streamed", "yes");
    return lines();
  },
};

async function* lines(): AsyncGenerator<string> {
  for (const line of ["one\n", "two\n", "three\n"]) {
    yield line;
    await wait(5);
  }
}
