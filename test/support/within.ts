/** A busy machine is slow without anything hanging: what hangs is found this much later. */
const PATIENCE = 5;

/** Waits at most this long, in ms on a machine with nothing else to do: what hangs is a failure with a name. */
export async function within<T>(ms: number, what: string, promise: PromiseLike<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`hangs: ${what} (waited ${ms * PATIENCE} ms)`)), ms * PATIENCE);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets the event loop turn and the network move for a short while. */
export const aWhile = (ms: number = 20): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until something is so. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, ms: number = 3000): Promise<void> {
  const end = Date.now() + ms * PATIENCE;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`hangs: ${what} (waited ${ms * PATIENCE} ms)`);
    await aWhile(2);
  }
}
