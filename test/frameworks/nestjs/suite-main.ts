/** The application of the suite, and a second one with other settings of Nest, on one platform: `suite-main express`. */
import {
  ArgumentsHost,
  Catch,
  HttpException,
  MiddlewareConsumer,
  Module,
  RequestMethod,
  VersioningType,
  type ExceptionFilter,
  type NestModule,
} from "@nestjs/common";
import { ApolloDriver } from "@nestjs/apollo";
import { HttpAdapterHost, NestFactory } from "@nestjs/core";
import { GraphQLModule } from "@nestjs/graphql";
import { FastifyAdapter } from "@nestjs/platform-fastify";
import { WsAdapter } from "@nestjs/platform-ws";
import { Transport } from "@nestjs/microservices";
import { SessionModule, type NestOptions } from "holdfast/nestjs";
import { adapterStorage } from "holdfast/testing";
import {
  ContextController,
  PlainService,
  RequestService,
  ScopedController,
  SeesMiddleware,
} from "./context.controller.js";
import { CountsResolver } from "./counts.resolver.js";
import { EventsGateway } from "./events.gateway.js";
import { JobsController } from "./jobs.controller.js";
import { OwnController, SuiteController } from "./suite.controller.js";

const [platform = "express"] = process.argv.slice(2);
const adapter = (): any => (platform === "fastify" ? [new FastifyAdapter({ forceCloseConnections: true })] : []);

@Module({
  imports: [
    SessionModule.forRoot({
      storage: adapterStorage(),
      load: "lazy",
      skip: (request: { url: string }) => request.url.startsWith("/storage"),
    }),
  ],
  controllers: [SuiteController],
})
class SuiteModule {}

/** As the documentation of Nest shows it: everything but an HttpException is a 500. */
@Catch()
class CatchEverythingFilter implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    if (host.getType() !== "http") throw exception;
    const status = exception instanceof HttpException ? exception.getStatus() : 500;
    const { httpAdapter } = this.host;
    httpAdapter.reply(host.switchToHttp().getResponse(), { status, filtered: true }, status);
  }
}

/** What an application has for its settings. */
@Module({ providers: [{ provide: "SETTINGS", useValue: { idleTimeout: "30m" } }], exports: ["SETTINGS"] })
class SettingsModule {}

@Module({
  imports: [
    SessionModule.forRootAsync({
      imports: [SettingsModule],
      inject: ["SETTINGS"],
      useFactory: async (settings: { idleTimeout: "30m" }): Promise<NestOptions> => ({
        storage: adapterStorage(),
        asyncLocalStorage: true,
        ...settings,
      }),
    }),
    GraphQLModule.forRoot({ driver: ApolloDriver, autoSchemaFile: true }),
  ],
  controllers: [OwnController, ContextController, ScopedController, JobsController],
  providers: [CountsResolver, PlainService, RequestService, EventsGateway],
})
class OwnModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(SeesMiddleware).forRoutes("*path");
  }
}

const own = await NestFactory.create(OwnModule, ...adapter(), { logger: ["error"] });
own.use((_request: unknown, response: any, next: () => void) => {
  response.setHeader("X-Before", "yes");
  next();
});
own.setGlobalPrefix("api", { exclude: [{ path: "scoped", method: RequestMethod.GET }] });
own.enableVersioning({ type: VersioningType.URI });
own.useGlobalFilters(new CatchEverythingFilter(own.get(HttpAdapterHost)));
own.useWebSocketAdapter(new WsAdapter(own));
own.connectMicroservice({
  transport: Transport.TCP,
  options: { host: "127.0.0.1", port: Number(process.env.JOBS_PORT) },
});
own.enableShutdownHooks();
await own.startAllMicroservices();
await own.listen(process.env.OWN_PORT!, "127.0.0.1");

const suite = await NestFactory.create(SuiteModule, ...adapter(), { logger: ["error"] });
await suite.listen(process.env.PORT!, "127.0.0.1");
