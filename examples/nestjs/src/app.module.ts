import "./session-data.js";
import { Module } from "@nestjs/common";
import { APP_GUARD } from "@nestjs/core";
import { SessionGuard, SessionModule } from "holdfast/nestjs";
import { AccountController } from "./account.controller.js";
import { AuthController } from "./auth.controller.js";
import { CartController } from "./cart.controller.js";
import { UsersService } from "./users.service.js";

@Module({
  imports: [SessionModule.forRoot({ idleTimeout: "30m", absoluteTimeout: "24h" })],
  controllers: [AccountController, AuthController, CartController],
  providers: [UsersService, { provide: APP_GUARD, useClass: SessionGuard }],
})
export class AppModule {}
