/** The routes of the adapter suite. */
import {
  Body,
  Controller,
  Get,
  HttpCode,
  Post,
  Query,
  Redirect,
  Res,
  StreamableFile,
  UnauthorizedException,
  UseGuards,
} from "@nestjs/common";
import { Session, SessionGuard } from "holdfast/nestjs";
import { adapterStorage } from "holdfast/testing";
import { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";

export type Data = Record<string, unknown>;

async function* lines(): AsyncGenerator<string> {
  for (const line of ["one\n", "two\n", "three\n"]) {
    yield line;
    await wait(5);
  }
}

@Controller()
export class SuiteController {
  @Get("storage")
  storage(@Query("do") name: string): string {
    return adapterStorage().command(name);
  }

  @Get("untouched")
  untouched(): string {
    return "untouched";
  }

  @Get("data")
  data(@Session() session: Session<Data>): object {
    return { owner: session.owner ?? null, data: session.toJSON() };
  }

  @Post("set")
  @HttpCode(200)
  set(@Session() session: Session<Data>, @Body() body: { key: string; value: string }): string {
    session.set(body.key, body.value);
    return "set";
  }

  @Post("increment")
  @HttpCode(200)
  increment(@Session() session: Session<Data>): string {
    session.update("n", (n) => ((n as number | undefined) ?? 0) + 1);
    return String(session.get("n"));
  }

  @Post("login")
  @Redirect("/account", 302)
  async login(@Session() session: Session<Data>, @Body() body: { user: string }): Promise<void> {
    await session.authenticate(body.user);
  }

  @Post("logout")
  @Redirect("/untouched", 302)
  async logout(@Session() session: Session<Data>): Promise<void> {
    await session.destroy();
  }

  @UseGuards(SessionGuard)
  @Get("account")
  account(@Session() session: Session<Data>): string {
    return `account of ${session.owner}`;
  }

  @Get("throw")
  throw(@Session() session: Session<Data>): never {
    session.set("thrown", "yes");
    throw new Error("the handler of the suite");
  }

  @Get("slow")
  async slow(@Session() session: Session<Data>): Promise<string> {
    await wait(300);
    session.set("late", "yes");
    return "slow";
  }

  @Get("stream")
  stream(@Session() session: Session<Data>): StreamableFile {
    session.set("streamed", "yes");
    return new StreamableFile(Readable.from(lines(), { objectMode: false }), { type: "text/plain" });
  }
}

/** What only Nest has: each handler counts in the session, and responds in another way. */
@Controller({ path: "own", version: "1" })
export class OwnController {
  @Get("passthrough")
  passthrough(@Session() session: Session<Data>, @Res({ passthrough: true }) response: any): object {
    count(session);
    response.header("X-Passed", "yes");
    return { n: session.get("n") };
  }

  @Get("response")
  @HttpCode(202)
  response(@Session() session: Session<Data>, @Res() response: any): void {
    count(session);
    response.send({ n: session.get("n") });
  }

  @Get("refused")
  refused(@Session() session: Session<Data>): never {
    count(session);
    throw new UnauthorizedException("refused");
  }

  @Post("login")
  async login(@Session() session: Session<Data>): Promise<string> {
    await session.authenticate("ann");
    return "in";
  }
}

export function count(session: Session<Data>): void {
  session.update("n", (n) => ((n as number | undefined) ?? 0) + 1);
}
