import type { ColumnName, StorageName } from "./columns.js";
import type { Framework } from "./row.js";

/** A difference from the bare program that is meant. */
export interface Meant {
  readonly row: string | RegExp;
  /** Everywhere, where it does not say. */
  readonly on?: readonly Framework[];
  readonly columns?: readonly ColumnName[];
  readonly storages?: readonly StorageName[];
  /** Which of the differences. */
  readonly differs: RegExp;
  readonly why: string;
}

const SOCKETS = /^(?:ws|express-ws|@fastify\/websocket|socket\.io)\b/;

/** Every difference that is meant. An entry that covers none any more fails the run. */
export const MEANT: readonly Meant[] = [
  {
    row: /^(?:compression .*|the usual eight )before the session, pieces with callbacks$/,
    columns: ["save fails"],
    differs: /^callback of /,
    why: "compression never calls the callbacks of write and end; those that the session drops are called with an error",
  },
  {
    row: /^hono\/etag before the session, 304$/,
    columns: ["first visit", "due"],
    differs: /^(?:stored, and no cookie|headers: )/,
    why: "hono/etag before the session makes a 304 of its own without Set-Cookie; behind the session the cookie goes out",
  },
  {
    row: /^hono\/timeout before the session, it fires$/,
    columns: ["first visit", "save fails"],
    differs: /^(?:stored, and no cookie$|status line: |body: )/,
    why: "a timeout before the session answers while the handler goes on: what it writes then is stored, and nobody is told",
  },
  {
    row: /^koa-compress \w+ the session, a stream that breaks at once$/,
    columns: ["first visit"],
    differs: /^stored, and no cookie$/,
    why: "koa-compress never answers if its source breaks at once; the session was stored before the answer began",
  },
  {
    row: SOCKETS,
    columns: ["save fails"],
    differs: /^(?:saved|edited): (?:saved|storage): /,
    why: "a message handler hears of a failed save where it saves",
  },
  {
    row: SOCKETS,
    columns: ["visitor", "first visit"],
    differs: /^(?:used|saved): (?:seen|saved|answered): /,
    why: "a WebSocket has no answer that could bring a new token: `answered` says so",
  },
  {
    row: /^socket\.io, io\.engine\.use\(sessions\), /,
    columns: ["written", "save fails", "save slow"],
    differs: /^used: (?:seen|answered): /,
    why: "socket.io keeps the request that opened the connection by polling: it was answered long ago; store.edit changes what is stored",
  },
];
