/** When the programs run: now, as packages also ask the system. */
export const START: number = Math.floor(Date.now() / 1000) * 1000;

/** A time that stands until it is moved. */
export class StoppedClock {
  now = START;

  /** `Date.now` is this clock until what is returned is called. */
  install(): () => void {
    const native = Date.now;
    Date.now = () => this.now;
    return () => {
      Date.now = native;
    };
  }
}
