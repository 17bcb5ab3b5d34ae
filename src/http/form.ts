import type { IncomingMessage } from "node:http";

/** Fields of a form, by name. */
export type Fields = ReadonlyMap<string, unknown>;

/**
 * How much of a body is read to find a token, in bytes. In a longer form no token is found; the handler still reads
 * all of it.
 */
export const MOST_BYTES: number = 128 * 1024;

/** True for the content type of a URL-encoded form. */
export function isForm(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType);
}

/**
 * The fields of a body that a framework parsed.
 *
 * @param body - the parsed body
 * @returns its fields, or undefined if it is not an object
 * @example
 * ```ts
 * override async form() { return parsedFields(this.context.body) ?? super.form(); }
 * ```
 */
export function parsedFields(body: unknown): Fields | undefined {
  if (body instanceof Map) return body as Fields;
  return typeof body === "object" && body !== null ? new Map(Object.entries(body)) : undefined;
}

/** The fields of a URL-encoded string; the first of several with the same name counts. */
export function urlencodedFields(text: string): Fields {
  const fields = new Map<string, unknown>();
  for (const [name, value] of new URLSearchParams(text)) if (!fields.has(name)) fields.set(name, value);
  return fields;
}

/** Reads the URL-encoded body of a Node request and puts it back, so that the handler can read it from the start. */
export async function nodeForm(req: IncomingMessage): Promise<Fields | undefined> {
  const parsed = parsedFields((req as { body?: unknown }).body);
  if (parsed) return parsed;
  if (!isForm(req.headers["content-type"]) || req.readableEnded || req.readableFlowing) return undefined;
  const bytes = await peek(req);
  return bytes && urlencodedFields(bytes.toString("utf8"));
}

/** Returns the whole body, or undefined if it is too long or incomplete; in both cases the bytes are put back. */
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
