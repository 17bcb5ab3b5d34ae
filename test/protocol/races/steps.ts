import { AsyncLocalStorage } from "node:async_hooks";
import type { Session, Storage, StorageCall, StorageEntry, Version } from "holdfast";

/** What a session of these stories holds: any names. */
export type Data = Record<string, unknown>;

/** What a handler or a job does with its session, one step after the other. */
export type Step =
  | readonly ["park", gate: string]
  | readonly ["hold", when: "before" | "after", call: CallName, gate: string]
  | readonly ["set", key: string, value: unknown]
  | readonly ["add", key: string]
  | readonly ["note"]
  | readonly ["take", key: string]
  | readonly ["authenticate", owner: string]
  | readonly ["actAs", owner: string, actor: string]
  | readonly ["owner"]
  | readonly ["regenerate" | "reset" | "destroy" | "save" | "endImpersonation"];

export type CallName = "create" | "update" | "touch" | "delete";

interface Gate {
  standing: number;
  readonly opened: Promise<void>;
  readonly open: () => void;
  /** Who waits for somebody to come. */
  readonly watchers: Set<() => void>;
}

/** Places where requests stand until they are let through. */
export class Gates {
  readonly #gates = new Map<string, Gate>();

  /** Stands at a gate until it is opened. */
  async stand(name: string): Promise<void> {
    const gate = this.#gate(name);
    gate.standing += 1;
    for (const watch of gate.watchers) watch();
    await gate.opened;
  }

  /** Resolves once that many stand there. */
  async standing(name: string, count: number): Promise<void> {
    const gate = this.#gate(name);
    while (gate.standing < count) await new Promise<void>((resolve) => gate.watchers.add(resolve));
  }

  open(name: string): void {
    this.#gate(name).open();
  }

  #gate(name: string): Gate {
    const known = this.#gates.get(name);
    if (known) return known;
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => (open = resolve));
    const gate = { standing: 0, opened, open, watchers: new Set<() => void>() };
    this.#gates.set(name, gate);
    return gate;
  }
}

interface Hold {
  readonly when: "before" | "after";
  readonly call: CallName;
  readonly gate: string;
}

/** What is under way: the storage calls it is to be held at, each once, and the ids and values it noted. */
export interface Course {
  readonly holds: Hold[];
  readonly noted: string[];
}

export const courses = new AsyncLocalStorage<Course>();

/** Takes the steps. What fails is thrown. */
export async function take(steps: readonly Step[], session: Session<Data>, gates: Gates): Promise<void> {
  const { holds, noted } = courses.getStore()!;
  for (const step of steps) {
    switch (step[0]) {
      case "park":
        await gates.stand(step[1]);
        break;
      case "hold":
        holds.push({ when: step[1], call: step[2], gate: step[3] });
        break;
      case "set":
        session.set(step[1], step[2]);
        break;
      case "add":
        session.update(step[1], (n) => ((n as number | undefined) ?? 0) + 1);
        break;
      case "note":
        noted.push(session.id);
        break;
      case "take":
        noted.push(String(await session.take(step[1])));
        break;
      case "authenticate":
        await session.authenticate(step[1]);
        break;
      case "actAs":
        await session.authenticate(step[1], { actor: step[2] });
        break;
      case "owner":
        noted.push(session.owner ?? "nobody");
        break;
      default:
        await session[step[0]]();
    }
  }
}

/** A storage at whose calls a request can be held: just before the database is asked, or when it has answered. */
export function holding(inner: Storage, gates: Gates): Storage {
  const run = async <T>(call: CallName, act: () => T | PromiseLike<T>): Promise<T> => {
    await pass("before", call, gates);
    const answer = await act();
    await pass("after", call, gates);
    return answer;
  };
  return {
    get: (key: string, call: StorageCall) => inner.get(key, call),
    create: (key: string, entry: StorageEntry, call: StorageCall) =>
      run("create", () => inner.create(key, entry, call)),
    update: (key: string, entry: StorageEntry, version: Version, call: StorageCall) =>
      run("update", () => inner.update(key, entry, version, call)),
    touch: (key: string, expiresAt: number, version: Version, call: StorageCall) =>
      run("touch", () => inner.touch(key, expiresAt, version, call)),
    delete: (key: string, version: Version, call: StorageCall) =>
      run("delete", () => inner.delete(key, version, call)),
  };
}

async function pass(when: Hold["when"], call: CallName, gates: Gates): Promise<void> {
  const holds = courses.getStore()?.holds;
  const at = holds?.findIndex((hold) => hold.when === when && hold.call === call) ?? -1;
  if (at >= 0) await gates.stand(holds!.splice(at, 1)[0]!.gate);
}
