import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** What connects an application with its database. */
export interface Cable {
  /** True if it has to be looked at before each call: nothing else would fail. */
  readonly isCut: boolean;
  pull(): void;
  plug(): void;
}

/** For storages without a network: whoever makes a call looks at it first. */
export class Switch implements Cable {
  isCut = false;

  pull(): void {
    this.isCut = true;
  }

  plug(): void {
    this.isCut = false;
  }
}

/** The error of a call while a switch is off. */
export function unplugged(): Error {
  return Object.assign(new Error("the database cannot be reached"), { code: "ECONNREFUSED" });
}

/** For databases behind a network: a proxy that closes all connections when it is pulled, and each new one. */
export class TcpCable implements Cable {
  readonly isCut = false;
  readonly #sockets = new Set<Socket>();
  readonly #server;
  #isPulled = false;

  private constructor(host: string, port: number) {
    this.#server = createServer((near) => this.#join(near, host, port));
  }

  /** Listens on a free port; `port` says which. */
  static async to(host: string, port: number): Promise<TcpCable> {
    const cable = new TcpCable(host, port);
    cable.#server.listen(0, "127.0.0.1");
    await once(cable.#server, "listening");
    return cable;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  pull(): void {
    this.#isPulled = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  plug(): void {
    this.#isPulled = false;
  }

  close(): void {
    this.pull();
    this.#server.close();
  }

  #join(near: Socket, host: string, port: number): void {
    if (this.#isPulled) return void near.destroy();
    const far = connect(port, host);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket
        .on("error", () => {})
        .once("close", () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
    }
    near.pipe(far).pipe(near);
  }
}
