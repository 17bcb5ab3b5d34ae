/** The storages that histories are played on. */
import type { Storage } from "holdfast";
import { SteppedStorage, type Waiting } from "./simulation.js";

/** Calls that run as soon as they are made. */
class AtOnce extends Array<Waiting> {
  override push(...calls: Waiting[]): number {
    for (const call of calls) call();
    return 0;
  }
}

/** A storage that forgets nothing, whose calls run at once until they are held up. */
export class HistoryStorage extends SteppedStorage {
  constructor() {
    super();
    this.flow();
  }

  /** From now on each call waits until the schedule lets it run. */
  hold(): void {
    this.waiting = [];
  }

  /** From now on each call runs at once. */
  flow(): void {
    this.waiting = new AtOnce();
  }

  clear: NonNullable<Storage["clear"]> = () => this.entries.clear();
}
