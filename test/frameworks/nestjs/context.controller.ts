/** Where a session is used besides handlers: services of a request, middlewares, interceptors, events, lazy loading. */
import { Controller, Get, Inject, Injectable, Req, Scope, Sse, UseInterceptors } from "@nestjs/common";
import type { CallHandler, ExecutionContext, MessageEvent, NestInterceptor, NestMiddleware } from "@nestjs/common";
import { REQUEST } from "@nestjs/core";
import { currentSession } from "holdfast/als";
import { findSession, Session, Sessions, SessionStore } from "holdfast/nestjs";
import { concat, map, of, type Observable } from "rxjs";
import { delay } from "rxjs/operators";
import { count, type Data } from "./suite.controller.js";

@Injectable({ scope: Scope.REQUEST })
export class RequestService {
  constructor(
    @Inject(REQUEST) private readonly request: object,
    private readonly sessions: Sessions<Data>,
  ) {}

  countHere(): void {
    count(this.sessions.get(this.request));
  }
}

@Injectable()
export class PlainService {
  countHere(): void {
    count(currentSession<Data>());
  }
}

/** Adds to each response what the session has after the handler. */
@Injectable()
export class CountInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const session = findSession<Data>(context.switchToHttp().getRequest<object>())!;
    count(session);
    return next.handle().pipe(map((body: object) => ({ ...body, after: session.get("n") })));
  }
}

/** Tells whether a middleware of a module has the session. */
@Injectable()
export class SeesMiddleware implements NestMiddleware {
  use(request: any, response: any, next: () => void): void {
    response.setHeader("X-Middleware", findSession(request) ? "has the session" : "has none");
    next();
  }
}

@Controller({ path: "context", version: "1" })
export class ContextController {
  constructor(
    private readonly plain: PlainService,
    private readonly store: SessionStore<Data>,
  ) {}

  @Get("plain")
  plainly(@Session() session: Session<Data>): object {
    this.plain.countHere();
    return { n: session.get("n") };
  }

  @UseInterceptors(CountInterceptor)
  @Get("intercepted")
  intercepted(@Session() session: Session<Data>): object {
    count(session);
    return { n: session.get("n") };
  }

  @Get("store")
  async stored(@Session() session: Session<Data>): Promise<object> {
    const found = await this.store.getById(session.id);
    return { id: session.id, n: found?.get("n") ?? null };
  }

  @Get("native")
  native(@Req() request: any): object {
    count(request.session);
    return { n: request.session.get("n") };
  }

  @Sse("events")
  events(@Session() session: Session<Data>): Observable<MessageEvent> {
    count(session);
    return concat(of({ data: "one" }), of({ data: "two" }).pipe(delay(10)));
  }
}

@Controller({ path: "scoped", version: "1" })
export class ScopedController {
  constructor(private readonly service: RequestService) {}

  @Get()
  scoped(@Session() session: Session<Data>): object {
    this.service.countHere();
    return { n: session.get("n") };
  }
}
