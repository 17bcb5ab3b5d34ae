/** Bodies that may still be produced while they are sent. */

type Piece = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>>;

/** A body of which the beginning was read. */
export interface Begun {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly pieces: Uint8Array[];
  /** Whether that was all of it. */
  readonly isWhole: boolean;
  /** What is being read. */
  readonly next: Promise<Piece> | undefined;
}

/** Of a body that comes in several pieces, at most about so much is read in advance. */
const MOST_BYTES = 65_536;

/** Reads a body as far as it is there: waits for nothing longer than one turn of the event loop. */
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

/** The same body; `after` runs before its end, or once nobody reads on. If it fails, the body is broken off. */
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
