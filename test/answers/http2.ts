import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from "node:http2";
import type { Row } from "./row.js";
import type { Answer, Transcript } from "./transcript.js";
import { LIMIT, NEXT, turn, type Asked, type Served } from "./wire.js";

/** One request over HTTP/2, and the next one on the same connection. */
export async function overHttp2(
  { asked = {} }: Row,
  port: number,
  headers: Readonly<Record<string, string>>,
  patience: number,
  served: Served,
  settled: () => Promise<void>,
): Promise<Transcript> {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  try {
    const first = await exchange(session, asked, headers, patience, served);
    const isUsable = !first.isHung && !session.destroyed && !session.closed;
    const next = isUsable ? await exchange(session, { path: NEXT }, headers, patience, served) : undefined;
    await settled();
    const end = first.isHung ? "hung" : next?.answers.at(-1)?.isComplete ? "kept" : "closed";
    return { answers: [...first.answers, ...(next?.answers ?? [])], rest: "", end };
  } finally {
    session.destroy();
  }
}

interface Exchanged {
  readonly answers: readonly Answer[];
  readonly isHung: boolean;
}

/**
 * The answers to one request: informational ones, and the last. It is complete if the stream closed without an error.
 */
async function exchange(
  session: ClientHttp2Session,
  asked: Asked,
  more: Readonly<Record<string, string>>,
  patience: number,
  served: Served,
): Promise<Exchanged> {
  const { method = "GET", path = "/", headers = {}, body } = asked;
  const stream = session.request(
    { ":method": method, ":path": path, ...lower(more), ...lower(headers) },
    { endStream: body === undefined },
  );
  if (body !== undefined) stream.end(body, "latin1");
  const heads: IncomingHttpHeaders[] = [];
  let trailers: IncomingHttpHeaders = {};
  let text = "";
  let quietTurns = 0;
  stream.setEncoding("latin1");
  stream.on("headers", (one) => void heads.push(one)).on("response", (one) => void heads.push(one));
  stream.on("trailers", (one) => (trailers = one)).on("error", () => {});
  stream.on("data", (piece: string) => {
    text += piece;
    quietTurns = 0;
  });
  const end = performance.now() + LIMIT;
  while (!stream.closed && quietTurns <= patience && performance.now() < end) {
    await turn();
    quietTurns = served.isQuiet ? quietTurns + 1 : 0;
  }
  const isComplete = stream.closed && !stream.rstCode;
  const isBroken = stream.closed && !isComplete;
  stream.close(constants.NGHTTP2_CANCEL);
  const last = heads.length - 1;
  const answers = heads.map((head, i) =>
    i < last ? answerOf(head, "", {}, true) : answerOf(head, text, trailers, isComplete),
  );
  const nothing: Answer = {
    line: "no answer",
    status: 0,
    headers: [],
    framing: "none",
    body: "",
    trailers: [],
    isComplete: false,
  };
  return { answers: answers.length > 0 ? answers : [nothing], isHung: !isComplete && !isBroken };
}

function answerOf(
  head: IncomingHttpHeaders,
  body: string,
  trailers: IncomingHttpHeaders,
  isComplete: boolean,
): Answer {
  const status = Number(head[":status"]);
  return {
    line: `HTTP/2 ${status}`,
    status,
    headers: pairs(head),
    framing: "frames",
    body,
    trailers: pairs(trailers),
    isComplete,
  };
}

function pairs(head: IncomingHttpHeaders): (readonly [string, string])[] {
  return Object.entries(head).flatMap(([name, value]) =>
    name === ":status" ? [] : [value].flat().map((one) => [name, String(one)] as const),
  );
}

function lower(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
