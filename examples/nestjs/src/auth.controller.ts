import { Body, Controller, HttpCode, Post, UnauthorizedException } from "@nestjs/common";
import { Public, Session } from "holdfast/nestjs";
import { UsersService } from "./users.service.js";

@Controller()
export class AuthController {
  constructor(private readonly users: UsersService) {}

  @Public()
  @Post("login")
  @HttpCode(204)
  async login(@Body() body: { name: string; password: string }, @Session() session: Session): Promise<void> {
    const id = await this.users.idOf(body.name, body.password);
    if (id === undefined) throw new UnauthorizedException();
    await session.authenticate(id);
  }

  @Post("logout")
  @HttpCode(204)
  async logout(@Session() session: Session): Promise<void> {
    await session.destroy();
  }
}
