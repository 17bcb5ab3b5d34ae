/** A gateway: the session is read in the handshake, and read again for each message. */
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from "@nestjs/websockets";
import { Session, Sessions, type StoredSession } from "holdfast/nestjs";
import type { Data } from "./suite.controller.js";

interface Client {
  session: Promise<StoredSession<Data>>;
  close(): void;
}

@WebSocketGateway({ path: "/events" })
export class EventsGateway {
  constructor(private readonly sessions: Sessions<Data>) {}

  /** Messages may arrive before the session is read: the client keeps the promise. */
  handleConnection(client: Client, request: object): void {
    client.session = this.sessions.read(request);
  }

  @SubscribeMessage("count")
  async count(@ConnectedSocket() client: Client): Promise<object> {
    const session = await client.session;
    await session.reload();
    session.update("n", (n) => ((n as number | undefined) ?? 0) + 1);
    await session.save();
    return { event: "counted", data: session.get("n") };
  }

  @SubscribeMessage("wrong")
  wrong(@Session() _session: Session<Data>): object {
    return { event: "never" };
  }
}
