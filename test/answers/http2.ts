import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from "node:http2";
import type { Row } from "./row.js";
import type { Answer, Transcript } from "./transcript.js";
import { NEXT, type Asked } from "./wire.js";

const PATIENCE = 8000;

/** One request over HTTP/2, and the next one on the same connection. */
export async function overHttp2(
  { asked = {}, silence }: Row,
  port: number,
  headers: Readonly<Record<string, string>>,
  isQuiet: () => boolean,
  settled: () => Promise<void>,
): Promise<Transcript> {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  try {
    const answers = await exchange(session, asked, headers, silence, isQuiet);
    const next = answers.at(-1)?.isComplete ? await exchange(session, { path: NEXT }, headers, undefined, isQuiet) : [];
    await settled();
    const end = !answers.at(-1)?.isComplete ? "hung" : next.at(-1)?.isComplete ? "kept" : "closed";
    return { answers: [...answers, ...next], rest: "", end };
  } finally {
    session.destroy();
  }
}

/** The answers to one request: informational ones, and the last. It is complete if the stream closed. */
async function exchange(session: ClientHttp2Session, asked: Asked, more: Readonly<Record<string, string>>, silence: number | undefined, isQuiet: () => boolean): Promise<Answer[]> {
  const { method = "GET", path = "/", headers = {}, body } = asked;
  const stream = session.request({ ":method": method, ":path": path, ...lower(more), ...lower(headers) }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body, "latin1");
  const heads: IncomingHttpHeaders[] = [];
  let trailers: IncomingHttpHeaders = {};
  let text = "";
  let changedAt = performance.now();
  const began = changedAt;
  stream.setEncoding("latin1");
  stream.on("headers", (one) => void heads.push(one)).on("response", (one) => void heads.push(one));
  stream.on("trailers", (one) => (trailers = one)).on("error", () => {});
  stream.on("data", (piece: string) => {
    text += piece;
    changedAt = performance.now();
  });
  while (!stream.closed) {
    const now = performance.now();
    if ((silence !== undefined && isQuiet() && now - changedAt > silence) || now - began > PATIENCE) break;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const isComplete = stream.closed;
  const reset = stream.rstCode ? [["(reset)", String(stream.rstCode)] as const] : [];
  stream.close(constants.NGHTTP2_CANCEL);
  const answers = heads.map((head, i) => answerOf(head, i === heads.length - 1 ? text : "", i === heads.length - 1 ? trailers : {}, i < heads.length - 1 || isComplete, reset));
  return answers.length > 0 ? answers : [{ line: "no answer", status: 0, headers: reset, framing: "none", body: "", trailers: [], isComplete }];
}

function answerOf(head: IncomingHttpHeaders, body: string, trailers: IncomingHttpHeaders, isComplete: boolean, reset: Answer["headers"]): Answer {
  const status = Number(head[":status"]);
  return { line: `HTTP/2 ${status}`, status, headers: [...pairs(head), ...(status >= 200 ? reset : [])], framing: "frames", body, trailers: pairs(trailers), isComplete };
}

function pairs(head: IncomingHttpHeaders): (readonly [string, string])[] {
  return Object.entries(head).flatMap(([name, value]) => (name === ":status" ? [] : [value].flat().map((one) => [name, String(one)] as const)));
}

function lower(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
