import { PassThrough, type Readable, type Writable } from "node:stream";
import type { Write } from "./types.js";

/** A body that is produced while it is sent, for frameworks that take Node streams. */
export function nodeBody(produce: (write: Write) => Promise<void>): Readable {
  const body = new PassThrough();
  const write: Write = async (text) => {
    if (!body.write(text)) await drained(body);
  };
  produce(write).then(
    () => body.end(),
    (error: Error) => body.destroy(error),
  );
  return body;
}

/** Waits until more can be written, or never again. */
export function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) return resolve();
    const goOn = (): void => {
      stream.off("drain", goOn).off("close", goOn);
      resolve();
    };
    stream.on("drain", goOn).on("close", goOn);
  });
}

/** The same for frameworks that take web streams. Writing to a client that is gone does nothing. */
export function webBody(produce: (write: Write) => Promise<void>): ReadableStream<Uint8Array> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  writer.closed.catch(() => {});
  produce((text) => writer.write(encoder.encode(text)).catch(() => {}))
    .then(
      () => writer.close(),
      (error: unknown) => writer.abort(error),
    )
    .catch(() => {});
  return readable;
}
