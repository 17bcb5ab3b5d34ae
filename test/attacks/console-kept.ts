/** Imported before what takes `console.error` for itself. */
export const printError: typeof console.error = console.error;
