/** What must not happen anywhere in the process while the suite runs. */
export const mishaps: string[] = [];

for (const event of ["unhandledRejection", "uncaughtExceptionMonitor", "warning"] as const) {
  process.on(
    event,
    (reason: unknown) => void mishaps.push(`${event}: ${reason instanceof Error ? reason.stack : String(reason)}`),
  );
}
