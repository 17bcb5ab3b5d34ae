import { Controller, Get, Module, Post, UseGuards } from "@nestjs/common";
import { APP_GUARD } from "@nestjs/core";
import type { Storage } from "holdfast";
import {
  Public,
  Session,
  SessionGuard,
  SessionModule,
  Sessions,
  SessionStore,
  type NestOptions,
  type SessionOptionsFactory,
} from "holdfast/nestjs";

interface Data {
  visits: number;
}

declare const storage: Storage;

@UseGuards(SessionGuard)
@Controller()
export class AppController {
  private readonly sessions: Sessions<Data>;
  private readonly store: SessionStore<Data>;

  constructor(sessions: Sessions<Data>, store: SessionStore<Data>) {
    this.sessions = sessions;
    this.store = store;
  }

  @Public()
  @Get()
  async visit(@Session() session: Session<Data>): Promise<number | undefined> {
    session.update("visits", (visits = 0) => visits + 1);
    // @ts-expect-error: no such key
    session.get("visit");
    // @ts-expect-error: no number
    session.set("visits", "one");
    const found = await this.store.getById(session.id);
    return found?.get("visits");
  }

  @Post("login")
  async login(@Session() session: Session<Data>): Promise<void> {
    await session.authenticate("ann", { keep: ["visits"] });
  }

  visits(request: object): number {
    return this.sessions.get(request).get("visits") ?? 0;
  }
}

class Options implements SessionOptionsFactory {
  createSessionOptions(): NestOptions {
    return { storage };
  }
}

@Module({
  imports: [
    SessionModule.forRoot<Data>({ storage, skip: (request) => request.url === "/health" }),
    SessionModule.forRootAsync({ inject: ["STORAGE"], useFactory: async (storage: Storage) => ({ storage }) }),
    SessionModule.forRootAsync({ useClass: Options }),
    // @ts-expect-error: exception filters are the way
    SessionModule.forRoot({ errorHandler: () => {} }),
    // @ts-expect-error: no such option
    SessionModule.forRoot({ secret: "a" }),
  ],
  controllers: [AppController],
  providers: [{ provide: APP_GUARD, useClass: SessionGuard }],
})
export class AppModule {}
