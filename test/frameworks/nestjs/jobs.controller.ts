/** Messages of a microservice: they have no session, and the store by its id. */
import { Controller } from "@nestjs/common";
import { MessagePattern, Payload } from "@nestjs/microservices";
import { Session, SessionStore } from "holdfast/nestjs";
import type { Data } from "./suite.controller.js";

@Controller()
export class JobsController {
  constructor(private readonly store: SessionStore<Data>) {}

  @MessagePattern("wrong")
  wrong(@Session() _session: Session<Data>): string {
    return "never";
  }

  @MessagePattern("owner")
  async owner(@Payload() id: string): Promise<string> {
    return (await this.store.getById(id))?.owner ?? "nobody";
  }
}
