import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** Where in a command its connection is cut. */
export type Cut = "before the command" | "in the midst of the command" | "before the reply";

/** A TCP connection to a server, on which the network can fail. */
export class Proxy {
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #target: number;
  #delay = 0;
  #cut: { readonly how: Cut; after: number; done: () => void } | undefined;

  #port = 0;

  static async before(target: number): Promise<Proxy> {
    const proxy = new Proxy(target);
    await proxy.#listen();
    return proxy;
  }

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  get port(): number {
    return this.#port;
  }

  /** How many connections there are now. */
  get connections(): number {
    return this.#links.size;
  }

  /** Ends all connections and takes none, until `restore`. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const link of this.#links) link.cut();
    await closed;
  }

  /**
   * The connections there are stay open, and nothing passes them any more, as where the peer's machine is gone. New
   * ones are as good as ever.
   */
  silence(): void {
    for (const link of this.#links) link.isSilent = true;
  }

  /** Every reply takes this much longer, in ms. */
  slowDown(ms: number): void {
    this.#delay = ms;
  }

  /** All is well again. */
  async restore(): Promise<void> {
    this.#delay = 0;
    this.#cut = undefined;
    if (!this.#server.listening) await this.#listen();
  }

  /**
   * Cuts the connection at what a client sends next, or after it has sent that many times; answers when that has
   * happened.
   */
  cutNext(how: Cut, after: number = 0): Promise<void> {
    return new Promise((done) => (this.#cut = { how, after, done }));
  }

  async #listen(): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      this.#server.once("error", reject).listen(this.#port, "127.0.0.1", resolve),
    );
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #accept(client: Socket): void {
    const link = new Link(client, connect(this.#target, "127.0.0.1"));
    this.#links.add(link);
    client.on("data", (bytes) => this.#fromClient(link, bytes));
    link.server.on("data", (bytes) => this.#fromServer(link, bytes));
    client.once("close", () => this.#links.delete(link));
  }

  #fromClient(link: Link, bytes: Buffer): void {
    if (link.isSilent) return;
    const cut = this.#cut;
    if (!cut || link.swallowsReplies || cut.after-- > 0) return void link.server.write(bytes);
    this.#cut = undefined;
    link.cutBy = cut.done;
    if (cut.how === "before the reply") link.swallowsReplies = true;
    if (cut.how !== "before the command")
      link.server.write(cut.how === "before the reply" ? bytes : bytes.subarray(0, bytes.length / 2));
    if (cut.how !== "before the reply") link.cut();
  }

  #fromServer(link: Link, bytes: Buffer): void {
    if (link.isSilent) return;
    if (link.swallowsReplies) return link.cut();
    if (this.#delay === 0 && link.delayed === 0) return void link.client.write(bytes);
    link.delayed++;
    setTimeout(() => {
      link.delayed--;
      if (link.client.writable) link.client.write(bytes);
    }, this.#delay).unref();
  }
}

/** One connection of a client, and ours to the server. */
class Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Whether the command was handed on, and what the server answers is not. */
  swallowsReplies = false;
  /** Whether nothing passes any more. */
  isSilent = false;
  /** Replies on their way. */
  delayed = 0;
  cutBy: (() => void) | undefined;

  constructor(client: Socket, server: Socket) {
    this.client = client;
    this.server = server;
    for (const socket of [client, server])
      socket
        .setNoDelay(true)
        .on("error", () => {})
        .once("close", () => this.cut());
  }

  cut(): void {
    this.client.destroy();
    this.server.destroy();
    this.cutBy?.();
    this.cutBy = undefined;
  }
}
