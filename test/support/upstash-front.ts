/** Upstash's REST API, as far as its client uses it, before a real Redis: commands as JSON, answers as JSON. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Redis } from "ioredis";

/** What one request asks for; `cut` breaks the connection once it was run, as a network does. */
type Disturbance = "cut" | "silence" | undefined;

/** The token that the front wants. */
export const TOKEN = "token-of-the-front";

interface Answer {
  readonly result?: unknown;
  readonly error?: string;
}

/** A front that is running. */
export class UpstashFront {
  /** The commands that were run, and the requests they came with. */
  readonly commands: string[] = [];
  requests = 0;
  /** Asked before each request is answered. */
  disturb: () => Disturbance = () => undefined;
  readonly #redis: Redis;
  readonly #server: Server;

  private constructor(redisUrl: string) {
    this.#redis = new Redis(redisUrl, { maxRetriesPerRequest: 1 });
    this.#redis.on("error", () => {});
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(redisUrl: string): Promise<UpstashFront> {
    const front = new UpstashFront(redisUrl);
    await new Promise<void>((resolve) => void front.#server.listen(0, "127.0.0.1", resolve));
    return front;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#redis.disconnect();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++;
    const body = JSON.parse(await text(request)) as unknown[];
    const disturbance = this.disturb();
    if (disturbance === "silence") return;
    const send = (status: number, answer: unknown): void => {
      if (disturbance === "cut") return void request.socket.destroy();
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
    };
    if (request.headers.authorization !== `Bearer ${TOKEN}`)
      return send(401, { error: "WRONGPASS invalid password" });
    const isBase64 = request.headers["upstash-encoding"] === "base64";
    if (request.url === "/pipeline") {
      const answers: Answer[] = [];
      for (const command of body) answers.push(await this.#run(command as unknown[], isBase64));
      return send(200, answers);
    }
    const answer = await this.#run(body, isBase64);
    send(answer.error === undefined ? 200 : 400, answer);
  }

  async #run([name, ...args]: unknown[], isBase64: boolean): Promise<Answer> {
    this.commands.push(String(name).toLowerCase());
    try {
      return { result: encoded(await this.#redis.callBuffer(String(name), args.map(String)), isBase64) };
    } catch (error) {
      return { error: (error as Error).message };
    }
  }
}

/** `OK` stays as it is, as the service has it. */
function encoded(reply: unknown, isBase64: boolean): unknown {
  if (Array.isArray(reply)) return reply.map((one) => encoded(one, isBase64));
  if (!(reply instanceof Uint8Array)) return reply;
  const bytes = Buffer.from(reply);
  if (!isBase64 || bytes.toString() === "OK") return bytes.toString();
  return bytes.toString("base64");
}
