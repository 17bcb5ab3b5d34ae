/** Compiles where `Actual` is exactly `Expected`: neither wider nor narrower, and not `any`. */
export type Same<Actual, Expected> =
  (<T>() => T extends Actual ? 1 : 2) extends <T>() => T extends Expected ? 1 : 2
    ? true
    : { actual: Actual; expected: Expected };

/** Fails where the type given is not `true`; does nothing when it runs. */
export function check<_ extends true>(): void {}
