import { Body, Controller, Get, Post } from "@nestjs/common";
import { Public, Session } from "holdfast/nestjs";

@Public()
@Controller("cart")
export class CartController {
  @Get()
  cart(@Session() session: Session): string[] {
    return session.get("cart") ?? [];
  }

  @Post()
  add(@Body() body: { item: string }, @Session() session: Session): string[] {
    session.update("cart", (cart = []) => [...cart, body.item]);
    return session.get("cart") ?? [];
  }
}
