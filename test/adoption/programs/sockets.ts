import type { Client } from "../client.js";
import type { Program } from "../program.js";
import { required } from "./packages.js";

/** The recipes of ws and socket.io for express-session. */

const cookieOf = (client: Client): string => `connect.sid=${client.jar.get("connect.sid")}`;

function nextMessage(socket: any): Promise<string> {
  return new Promise((resolve) => {
    socket.once("message", (text: Buffer) => resolve(String(text)));
    socket.once("close", (code: number) => resolve(`closed ${code}`));
    socket.once("unexpected-response", (_req: unknown, res: { statusCode: number }) =>
      resolve(`refused ${res.statusCode}`),
    );
    socket.once("error", () => {});
  });
}

const ws: Program = {
  name: "ws, its example for express-session",
  routes: {
    "/login": (req, res) => {
      req.session.userId = "tobi";
      res.end("in");
    },
    "/logout": (req, res, _next, { shared }) => {
      const socket = shared["socket"] as { close: () => void } | undefined;
      req.session.destroy(() => {
        socket?.close();
        res.end("out");
      });
    },
  },
  attach: (server, { middleware, shared, onEnd }) => {
    const { WebSocketServer } = required("ws");
    const sockets = new WebSocketServer({ noServer: true });
    onEnd(() => sockets.close());
    server.on("upgrade", (request: any, socket: any, head: any) => {
      middleware(request, {}, () => {
        if (!request.session?.userId) {
          socket.write("HTTP/1.1 401 Unauthorized\r\n\r\n");
          socket.destroy();
          return;
        }
        sockets.handleUpgrade(request, socket, head, (one: any) => sockets.emit("connection", one, request));
      });
    });
    sockets.on("connection", (one: any, request: any) => {
      shared["socket"] = one;
      one.on("message", (text: Buffer) => {
        request.session.reload((error?: Error) => {
          if (error) return one.send(`gone: ${error.message}`);
          request.session.said = String(text);
          request.session.save((error?: Error) => one.send(`${request.session.userId} said ${text} ${error ?? ""}`));
        });
      });
    });
  },
  visit: async (client) => {
    const { WebSocket } = required("ws");
    const open = (cookie: string): any => new WebSocket(`ws://127.0.0.1:${client.port}`, { headers: { cookie } });
    client.seen("visitor", await nextMessage(open("")));
    await client.get("/login");
    const socket = open(cookieOf(client));
    await new Promise((resolve) => socket.once("open", resolve));
    const message = nextMessage(socket);
    socket.send("hello");
    client.seen("message", await message);
    await client.get("/data");
    const closed = nextMessage(socket);
    await client.get("/logout");
    client.seen("after the logout", await closed);
    client.seen("again", await nextMessage(open(cookieOf(client))));
  },
};

function answerTo(socket: any, event: string): Promise<string> {
  return new Promise((resolve) => {
    socket.emit(event, (text: string) => resolve(text));
    socket.once("disconnect", (reason: string) => resolve(`disconnected: ${reason}`));
  });
}

const socketIo: Program = {
  name: "socket.io, its guide for express-session",
  routes: {
    "/login": (req, res) => {
      req.session.user = "tobi";
      res.end("in");
    },
  },
  attach: (server, { middleware, onEnd }) => {
    const { Server } = required("socket.io");
    const io = new Server(server, { serveClient: false });
    onEnd(() => io.close());
    io.engine.use(middleware);
    io.on("connection", (socket: any) => {
      const { request } = socket;
      socket.use((_packet: unknown, next: (error?: Error) => void) => {
        request.session.reload((error?: Error) => (error ? socket.disconnect() : next()));
      });
      socket.on("count", (done: (text: string) => void) => {
        request.session.count = (request.session.count ?? 0) + 1;
        request.session.save((error?: Error) =>
          done(`${request.session.user} ${request.session.count} ${error ?? ""}`),
        );
      });
    });
  },
  visit: async (client) => {
    const { io } = required("socket.io-client");
    await client.get("/login");
    const socket = io(`http://127.0.0.1:${client.port}`, {
      extraHeaders: { cookie: cookieOf(client) },
      transports: ["websocket"],
      reconnection: false,
    });
    try {
      client.seen("first", await answerTo(socket, "count"));
      client.seen("second", await answerTo(socket, "count"));
      await client.get("/data");
    } finally {
      socket.close();
    }
  },
};

/** The programs of this file. */
export const SOCKETS: readonly Program[] = [ws, socketIo];
