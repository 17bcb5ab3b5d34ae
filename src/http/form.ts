import type { IncomingMessage } from "node:http";

/** Fields of a form, by name. */
export type Fields = ReadonlyMap<string, unknown>;

/**
 * The most of a body that is read to find a token, in bytes. A longer form brings none; the handler still reads all
 * of it.
 */
export const MOST_BYTES: number = 128 * 1024;

/** Whether a content type is that of a url-encoded form. */
export function isForm(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType);
}

/** The fields of what a framework parsed. */
export function parsedFields(body: unknown): Fields | undefined {
  if (body instanceof Map) return body as Fields;
  return typeof body === "object" && body !== null ? new Map(Object.entries(body)) : undefined;
}

/** The fields of a url-encoded text; the first of a name counts. */
export function urlencodedFields(text: string): Fields {
  const fields = new Map<string, unknown>();
  for (const [name, value] of new URLSearchParams(text)) if (!fields.has(name)) fields.set(name, value);
  return fields;
}

/**
 * Reads the url-encoded body of a Node request and puts it back, so that the handler reads it again from its start.
 */
export async function nodeForm(req: IncomingMessage): Promise<Fields | undefined> {
  const parsed = parsedFields((req as { body?: unknown }).body);
  if (parsed) return parsed;
  if (!isForm(req.headers["content-type"]) || req.readableEnded || req.readableFlowing) return undefined;
  const bytes = await peek(req);
  return bytes && urlencodedFields(bytes.toString("utf8"));
}

/**
 * The whole body, or undefined where it is too long or was broken off; what was read is back in the stream either
 * way.
 */
function peek(req: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve) => {
    const finish = (isWhole: boolean): void => {
      req.off("readable", read).off("error", broken).off("close", broken);
      const bytes = Buffer.concat(chunks);
      if (bytes.length > 0) req.unshift(bytes);
      resolve(isWhole ? bytes : undefined);
    };
    const broken = (): void => finish(false);
    const read = (): void => {
      for (let chunk: Buffer | null; (chunk = req.read() as Buffer | null) !== null; ) {
        chunks.push(chunk);
        length += chunk.length;
        if (length > MOST_BYTES) return finish(false);
      }
      if (req.complete) finish(true);
    };
    req.on("readable", read).on("error", broken).on("close", broken);
  });
}
