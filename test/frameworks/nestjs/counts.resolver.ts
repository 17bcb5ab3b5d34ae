/** GraphQL: the context has the request. */
import { UseGuards } from "@nestjs/common";
import { Int, Mutation, Query, Resolver } from "@nestjs/graphql";
import { Session, SessionGuard } from "holdfast/nestjs";
import { count, type Data } from "./suite.controller.js";

@Resolver()
export class CountsResolver {
  @Query(() => Int)
  counted(@Session() session: Session<Data>): number {
    count(session);
    return session.get("n") as number;
  }

  @UseGuards(SessionGuard)
  @Query(() => String)
  account(@Session() session: Session<Data>): string {
    return session.owner!;
  }

  @Mutation(() => Boolean)
  async login(@Session() session: Session<Data>): Promise<boolean> {
    await session.authenticate("ann");
    return true;
  }
}
