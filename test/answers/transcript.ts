/** An answer as it stood on the wire. */
export interface Answer {
  /** `HTTP/1.1 200 OK`; `HTTP/2 200`. */
  readonly line: string;
  readonly status: number;
  /** Header lines as they were sent, names and values. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly framing: "none" | "length" | "chunked" | "close" | "frames";
  readonly body: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
  readonly isComplete: boolean;
}

/** What a client saw. */
export interface Transcript {
  readonly answers: readonly Answer[];
  /** Bytes that belong to no answer. */
  readonly rest: string;
  /**
   * `kept`: the connection is open · `closed` by the server · `aborted` by the client · `hung`: waited for what did
   * not come. Of several, in their order.
   */
  readonly end: string;
}

/** Reads the answers in a text; `methods` are those of the requests, in their order. */
export function parseAnswers(
  text: string,
  methods: readonly string[],
  isClosed: boolean,
): { answers: Answer[]; rest: string } {
  const answers: Answer[] = [];
  let rest = text;
  let index = 0;
  while (rest !== "" && index < methods.length) {
    const one = parseOne(rest, methods[index]!, isClosed);
    if (!one) break;
    answers.push(one.answer);
    rest = one.rest;
    if (one.answer.status >= 200 || one.answer.status === 101) index++;
    if (!one.answer.isComplete) break;
  }
  return { answers, rest };
}

function parseOne(text: string, method: string, isClosed: boolean): { answer: Answer; rest: string } | undefined {
  const at = text.indexOf("\r\n\r\n");
  const head = /^(HTTP\/1\.[01] (\d{3}).*)/.exec(text);
  if (at < 0 || !head) return undefined;
  const headers = pairs(text.slice(0, at).split("\r\n").slice(1));
  const status = Number(head[2]);
  const body = readBody(headers, method, status, text.slice(at + 4), isClosed);
  const { rest, ...read } = body;
  return { answer: { line: head[1]!, status, headers, ...read }, rest };
}

function pairs(lines: readonly string[]): (readonly [string, string])[] {
  return lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()] as const);
}

type Body = Pick<Answer, "framing" | "body" | "trailers" | "isComplete"> & { rest: string };

function readBody(headers: Answer["headers"], method: string, status: number, text: string, isClosed: boolean): Body {
  const value = (name: string): string | undefined => headers.find(([one]) => one.toLowerCase() === name)?.[1];
  if (method === "HEAD" || status < 200 || status === 204 || status === 304)
    return { framing: "none", body: "", trailers: [], isComplete: true, rest: text };
  if (/chunked/i.test(value("transfer-encoding") ?? "")) return readChunks(text);
  const length = value("content-length");
  if (length === undefined) return { framing: "close", body: text, trailers: [], isComplete: isClosed, rest: "" };
  const size = Number(length);
  return {
    framing: "length",
    body: text.slice(0, size),
    trailers: [],
    isComplete: text.length >= size,
    rest: text.slice(size),
  };
}

function readChunks(text: string): Body {
  let body = "";
  let rest = text;
  const broken = (): Body => ({ framing: "chunked", body, trailers: [], isComplete: false, rest: "" });
  for (;;) {
    const head = /^([0-9a-f]+)[^\r\n]*\r\n/i.exec(rest);
    if (!head) return broken();
    const size = parseInt(head[1]!, 16);
    rest = rest.slice(head[0].length);
    if (size === 0) break;
    body += rest.slice(0, size);
    if (rest.length < size + 2) return broken();
    rest = rest.slice(size + 2);
  }
  if (rest.startsWith("\r\n"))
    return { framing: "chunked", body, trailers: [], isComplete: true, rest: rest.slice(2) };
  const at = rest.indexOf("\r\n\r\n");
  if (at < 0) return broken();
  return {
    framing: "chunked",
    body,
    trailers: pairs(rest.slice(0, at).split("\r\n")),
    isComplete: true,
    rest: rest.slice(at + 4),
  };
}
