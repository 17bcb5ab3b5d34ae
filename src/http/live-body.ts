/** Bodies that may still be produced while they are sent. */

type Piece = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>>;

/** A body whose first part was read. */
export interface Begun {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly pieces: Uint8Array[];
  /** True if that was all of it. */
  readonly isWhole: boolean;
  /** The read in progress. */
  readonly next: Promise<Piece> | undefined;
}

/** Approximate limit of bytes that are read in advance from a body with several parts. */
const MOST_BYTES = 65_536;

/** Reads the available part of a body: it waits at most one turn of the event loop. */
export async function begun(body: ReadableStream<Uint8Array>): Promise<Begun> {
  const reader = body.getReader();
  const pieces: Uint8Array[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const turn = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, 0);
  });
  try {
    for (let bytes = 0; ; ) {
      const next = reader.read();
      const read = await Promise.race([next, turn]).catch(() => undefined);
      if (!read) return { reader, pieces, isWhole: false, next };
      if (read.done) return { reader, pieces, isWhole: true, next: undefined };
      pieces.push(read.value);
      bytes += read.value.byteLength;
      if (pieces.length > 1 && bytes > MOST_BYTES) return { reader, pieces, isWhole: false, next: undefined };
    }
  } finally {
    clearTimeout(timer);
  }
}

/** A body of which nothing was read yet. */
export function untouched(body: ReadableStream<Uint8Array>): Begun {
  return { reader: body.getReader(), pieces: [], isWhole: false, next: undefined };
}

/**
 * Returns the same body; `after` runs before its end, or when its reader cancels. If `after` fails, the body ends with
 * an error.
 */
export function ending(read: Begun, after: () => Promise<void> | undefined): ReadableStream<Uint8Array> {
  const { reader, pieces } = read;
  const brokenOff = async (): Promise<void> => after()?.catch(() => {});
  let reading = read.next;
  const piece = (): Promise<Piece> => {
    const one = reading ?? reader.read();
    reading = undefined;
    return one;
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const first = pieces.shift();
        if (first) return controller.enqueue(first);
        const { done, value } = await piece().catch(async (error: unknown) => {
          await brokenOff();
          throw error;
        });
        if (!done) return controller.enqueue(value);
        await after();
        controller.close();
      },
      async cancel(reason) {
        try {
          await reader.cancel(reason);
        } finally {
          await brokenOff();
        }
      },
    },
    { highWaterMark: 0 },
  );
}
