/**
 * Sessions for NestJS 12 and 11, on Express and on Fastify: `imports: [SessionModule.forRoot()]`, then `@Session()`.
 * Needs `@nestjs/common`, `@nestjs/core` and `rxjs`, which every application of Nest has.
 *
 * @module
 */
import { Inject, type DynamicModule } from "@nestjs/common";
import { APP_INTERCEPTOR, HttpAdapterHost } from "@nestjs/core";
import type { IncomingMessage } from "node:http";
import type { Session as SessionOfRequest, Store, StoredSession } from "../contracts/session-api.js";
import type { Schemas, TypedBy } from "../contracts/schema.js";
import type { SessionAccess } from "../contracts/session-access.js";
import { mistake } from "../errors.js";
import { NodeView } from "../http/node-request.js";
import type { SessionData } from "../session-data.js";
import { readSession } from "../session/lookup.js";
import { requestSettings, type RequestSettings, type SessionOptions } from "../session/request-options.js";
import { isPlainObject } from "../util/assert.js";
import { withAccess } from "./adapter-core.js";
import { registerSessions } from "./fastify-hooks.js";
import { asException, SessionInterceptor } from "./nestjs-request.js";
import { serving } from "./node-adapter.js";

export * from "./common-exports.js";
export { crossOriginProtection, type CrossOriginProtection } from "./connect.js";
export { Public, Session, SessionException, SessionGuard } from "./nestjs-request.js";

/**
 * Options of {@link SessionModule}; `skip`, `storage` and `cookie` are called with the request and the response of the
 * platform. Failures go to the exception filters.
 */
export type NestOptions = Omit<SessionOptions<readonly [request: any, response: any]>, "errorHandler">;

/** Makes the options, for `useClass` and `useExisting` of {@link SessionModule.forRootAsync}. */
export interface SessionOptionsFactory {
  /**
   * Called once, when the application starts.
   *
   * @returns the options, or a promise of them
   */
  createSessionOptions(): NestOptions | Promise<NestOptions>;
}

/** How {@link SessionModule.forRootAsync} gets its options: by one of `useFactory`, `useClass` and `useExisting`. */
export interface AsyncNestOptions {
  /** Modules whose providers are injected. */
  readonly imports?: any[];
  /** What `useFactory` is called with. */
  readonly inject?: any[];
  /**
   * Makes the options.
   *
   * @param injected - the providers of `inject`
   * @returns the options, or a promise of them
   */
  readonly useFactory?: (...injected: any[]) => NestOptions | Promise<NestOptions>;
  readonly useClass?: new (...injected: any[]) => SessionOptionsFactory;
  readonly useExisting?: unknown;
}

/**
 * The sessions of {@link SessionModule}, for code that has the request, but no parameter of a handler:
 * `constructor(private readonly sessions: Sessions<Data>)`.
 */
export abstract class Sessions<D extends object = SessionData> implements SessionAccess<D, object> {
  /**
   * Returns the session of a request.
   *
   * @param request - the request of the platform
   * @returns the session
   * @throws {SessionError} `no-session`, `not-loaded`, or the error that prevented loading
   */
  abstract get(request: object): SessionOfRequest<D>;
  /**
   * Returns the session of a request; loads it in lazy mode.
   *
   * @param request - the request of the platform
   * @returns the session
   * @throws {SessionError} `no-session`, `storage` or `timeout`
   */
  abstract load(request: object): Promise<SessionOfRequest<D>>;
  /**
   * Returns the session of a request, if there is one. It never throws.
   *
   * @param request - the request of the platform
   * @returns the session, or undefined
   */
  abstract find(request: object): SessionOfRequest<D> | undefined;
  /**
   * Opens the session of a request without a response: of the handshake of a gateway's client.
   *
   * @param request - the request, of the platform or of Node
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  abstract read(request: object): Promise<StoredSession<D>>;
  /** The store, which needs no request. */
  abstract readonly store: Store<D>;
}

/**
 * The store of {@link SessionModule}, for code that has no request:
 * `constructor(private readonly store: SessionStore<Data>)`. There is none if `storage` is a function of the request.
 */
export type SessionStore<D extends object = SessionData> = Store<D>;

/** The token by which {@link SessionStore} is injected. */
// eslint-disable-next-line typescript/no-extraneous-class
export const SessionStore: abstract new () => Store<any> = class SessionStore {} as never;

type NestContext = readonly [request: any, response: any];
type Settings = RequestSettings<NestContext>;

/** By which the settings are injected. */
const SETTINGS: unique symbol = Symbol("holdfast.settings");

/**
 * The module with the sessions of an application. Its providers {@link Sessions} and {@link SessionStore} can be
 * injected everywhere.
 *
 * @example
 * ```ts
 * \@Module({ imports: [SessionModule.forRoot({ storage })] })
 * class AppModule {}
 * ```
 */
export class SessionModule {
  readonly #settings: Settings;
  readonly #host: HttpAdapterHost;

  constructor(settings: Settings, host: HttpAdapterHost) {
    this.#settings = settings;
    this.#host = host;
  }

  /**
   * Makes the module, for the imports of the application's module.
   *
   * @param options - see https://holdfast-sessions.github.io/holdfast/reference/options
   * @returns the module
   * @throws {TypeError | RangeError} if an option is invalid; the message says what to write
   */
  static forRoot<D extends object = SessionData, S extends Schemas = Schemas>(
    options?: TypedBy<NestOptions, D, S>,
  ): DynamicModule;
  static forRoot(...called: readonly unknown[]): DynamicModule {
    const settings = settingsFrom(called);
    return moduleWith([{ provide: SETTINGS, useValue: settings }]);
  }

  /**
   * Makes the module with options that other providers have, as the address of a database.
   *
   * @param options - how the options are made
   * @returns the module
   * @throws {TypeError} if there is no function and no class to make them
   */
  static forRootAsync(options: AsyncNestOptions): DynamicModule {
    const { imports = [], inject = [], useFactory, useClass, useExisting } = options;
    if (useFactory) return moduleWith([madeBy(useFactory, inject)], imports);
    const factory = useClass ?? useExisting;
    if (!factory)
      throw mistake("wrong-option", "SessionModule.forRootAsync needs useFactory: (…) => ({ storage }), or useClass");
    const providers = [madeBy((one: SessionOptionsFactory) => one.createSessionOptions(), [factory])];
    return moduleWith(useClass ? [useClass, ...providers] : providers, imports);
  }

  /** Called by Nest when the application starts: after all `app.use()`, before the middlewares of modules. */
  configure(): void {
    const { httpAdapter } = this.#host;
    const platform = httpAdapter.getType();
    if (platform === "express") {
      const serve = serving(this.#settings);
      httpAdapter.use((...[req, res, next]: Parameters<Middleware>) => serve([req, res], next));
    } else if (platform === "fastify") {
      httpAdapter.getInstance().register(asPlugin(this.#settings));
    } else {
      throw mistake(
        "wrong-place",
        `SessionModule works on platform-express and platform-fastify, not on ${platform}`,
      );
    }
  }
}

Inject(SETTINGS)(SessionModule, undefined, 0);
Inject(HttpAdapterHost)(SessionModule, undefined, 1);

type Middleware = (req: any, res: any, next: (error?: unknown) => void) => void;

/** A plugin that works on the whole application. */
function asPlugin(settings: Settings): object {
  const plugin = (app: any, _options: object, done: () => void): void => {
    registerSessions(settings, app);
    done();
  };
  return Object.assign(plugin, { [Symbol.for("skip-override")]: true });
}

function madeBy(make: (...injected: any[]) => unknown, inject: unknown[]): object {
  return {
    provide: SETTINGS,
    useFactory: async (...injected: any[]) => settingsFrom([await make(...injected)]),
    inject,
  };
}

function moduleWith(providers: unknown[], imports: unknown[] = []): DynamicModule {
  return {
    module: SessionModule,
    global: true,
    imports: imports as any[],
    providers: [
      ...(providers as any[]),
      { provide: Sessions, useFactory: accessTo, inject: [SETTINGS] },
      { provide: SessionStore, useFactory: ({ store }: Settings) => store, inject: [SETTINGS] },
      { provide: APP_INTERCEPTOR, useClass: SessionInterceptor },
    ],
    exports: [Sessions, SessionStore],
  };
}

function accessTo(settings: Settings): object {
  const read = async (request: { raw?: IncomingMessage } & IncomingMessage): Promise<StoredSession<any>> =>
    readSession(settings, settings.storeFor([request, undefined]), new NodeView(request.raw ?? request, request));
  return withAccess<SessionData, object, object, { read: typeof read }>(settings, {}, { read });
}

/** Validates the options; failures of the session go to the exception filters. */
function settingsFrom(called: readonly unknown[]): Settings {
  const [given, ...rest] = called as readonly [object?, ...unknown[]];
  if (given !== undefined && !isPlainObject(given)) return requestSettings(called);
  if (given && "errorHandler" in given)
    throw mistake(
      "wrong-option",
      "errorHandler has no effect in Nest; write an exception filter: @Catch(SessionException)",
    );
  const errorHandler = (error: unknown): never => {
    throw asException(error);
  };
  return requestSettings([{ ...given, errorHandler }, ...rest]);
}
