import { createParamDecorator, HttpException, Logger, SetMetadata, UnauthorizedException } from "@nestjs/common";
import type { ExecutionContext } from "@nestjs/common";
import { Reflector } from "@nestjs/core";
import { catchError } from "rxjs/operators";
import type { Observable } from "rxjs";
import type { Session as SessionOfRequest } from "../contracts/session-api.js";
import { SessionError, type SessionErrorCode } from "../errors.js";
import type { SessionData } from "../session-data.js";
import { requestSessionOf } from "../session/lookup.js";

/**
 * The exception for a failure of the session that is the response's status: 503 if the storage fails, 409 or 403. It
 * is an `HttpException`, which exception filters know; `cause` is the {@link SessionError}.
 */
export class SessionException extends HttpException {
  /** The code of the {@link SessionError}. */
  readonly code: SessionErrorCode;

  constructor(error: SessionError) {
    const { status } = error;
    super({ statusCode: status, message: PHRASES[status] ?? "Error" }, status, { cause: error });
    this.code = error.code;
  }
}

const PHRASES: Readonly<Record<number, string>> = { 403: "Forbidden", 409: "Conflict", 503: "Service Unavailable" };

/**
 * Nest reports no exception that is an HttpException, and those of a storage have to be known: they are reported here.
 * Other errors stay what they are.
 */
export function asException(error: unknown): unknown {
  if (!(error instanceof SessionError) || error.status === 500) return error;
  if (error.status > 500) new Logger("SessionModule").error(error);
  return new SessionException(error);
}

/** The request of a handler; throws if what is handled is none. */
function requestOf(context: ExecutionContext): object {
  const type = context.getType<string>();
  if (type === "http") return context.getArgByIndex<object>(0);
  if (type !== "graphql") throw new SessionError("unsupported", ELSEWHERE[type] ?? `${type} has no request`);
  const { req, request, reply } = context.getArgByIndex<GraphqlContext | undefined>(2) ?? {};
  const found = req ?? request ?? reply?.request;
  if (found) return found;
  throw new SessionError(
    "unsupported",
    "the context of GraphQL has no request; write context: ({ req }) => ({ req })",
  );
}

/** Where the drivers of GraphQL put the request. */
interface GraphqlContext {
  readonly req?: object;
  readonly request?: object;
  readonly reply?: { readonly request?: object };
}

const ELSEWHERE: Readonly<Record<string, string>> = {
  ws:
    "a message of a gateway has no session; keep client.session = await sessions.read(request) in " +
    "handleConnection, with Sessions injected, and call client.session.reload() for each message",
  rpc:
    "a message of a microservice has no session; send session.id in it, and use SessionStore, injected, in its " +
    "handler: await store.getById(id)",
};

/** The session of a handler, loaded. */
async function sessionOf(context: ExecutionContext): Promise<SessionOfRequest<any>> {
  const requestSession = requestSessionOf(requestOf(context));
  if (!requestSession)
    throw new SessionError(
      "no-session",
      "there is no session here: add SessionModule.forRoot() to the imports of the application's module; if it is " +
        "there, its option `skip` skipped this request",
    );
  try {
    return await requestSession.open();
  } catch (error) {
    throw asException(error);
  }
}

/**
 * The session of the request: `@Session() session: Session<Data>` as a parameter of a handler. In GraphQL it needs the
 * request in the context, as `req`.
 *
 * @example
 * ```ts
 * \@Get("cart")
 * cart(@Session() session: Session<Data>) {
 *   return session.get("cart") ?? [];
 * }
 * ```
 */
export const Session: () => ParameterDecorator = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  sessionOf(context),
);

/**
 * The type of a session: with `Data` its keys have their types.
 *
 * @example
 * ```ts
 * cart(@Session() session: Session<Data>) {}
 * ```
 */
export type Session<D extends object = SessionData> = SessionOfRequest<D>;

const PUBLIC = "holdfast:public";

/**
 * Lets visitors call a handler, or all handlers of a controller, although {@link SessionGuard} guards the application.
 *
 * @returns the decorator
 * @example
 * ```ts
 * \@Public()
 * \@Post("login")
 * login() {}
 * ```
 */
export function Public(): MethodDecorator & ClassDecorator {
  return SetMetadata(PUBLIC, true);
}

/**
 * Lets logged-in users pass. Others get an UnauthorizedException, 401.
 *
 * @example
 * ```ts
 * \@UseGuards(SessionGuard)
 * \@Controller("account")
 * class AccountController {}
 * ```
 */
export class SessionGuard {
  /**
   * Called by Nest.
   *
   * @param context - of the handler
   * @returns true
   * @throws {UnauthorizedException} if the session has no owner, and the handler is not {@link Public}
   */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (new Reflector().getAllAndOverride(PUBLIC, [context.getHandler(), context.getClass()])) return true;
    const session = await sessionOf(context);
    if (session.owner === undefined) throw new UnauthorizedException();
    return true;
  }
}

/** Turns failures of the session that handlers throw into exceptions with their status. */
export class SessionInterceptor {
  /** Called by Nest. */
  intercept(_context: ExecutionContext, next: { handle(): Observable<unknown> }): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        throw asException(error);
      }),
    );
  }
}
