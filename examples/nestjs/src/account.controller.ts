import { Controller, Delete, Get, HttpCode, UseGuards } from "@nestjs/common";
import { Session, SessionStore } from "holdfast/nestjs";
import { RecentLoginGuard } from "./recent-login.guard.js";

@Controller("account")
export class AccountController {
  constructor(private readonly store: SessionStore) {}

  @Get()
  account(@Session() session: Session) {
    return { owner: session.owner, cart: session.get("cart") ?? [] };
  }

  @UseGuards(RecentLoginGuard)
  @Delete("devices")
  @HttpCode(204)
  async logOutEverywhere(@Session() session: Session): Promise<void> {
    await this.store.deleteByOwner(session.owner!);
  }
}
