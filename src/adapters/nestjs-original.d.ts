/**
 * The types of `@nestjs/common`, `@nestjs/core` and `rxjs/operators` that are used, for the compilation of the library
 * alone: these packages are large. Applications have the originals.
 */
export interface ExecutionContext {
  getType<T extends string>(): T;
  getArgByIndex<T>(index: number): T;
  getHandler(): (...args: any[]) => unknown;
  getClass(): new (...args: any[]) => unknown;
}

export interface DynamicModule {
  module: new (...args: any[]) => unknown;
  global?: boolean;
  imports?: any[];
  providers?: any[];
  exports?: any[];
}

export class HttpException extends Error {
  constructor(response: string | Record<string, any>, status: number, options?: { cause?: unknown });
}

export class UnauthorizedException extends HttpException {
  constructor();
}

export class Logger {
  constructor(context: string);
  error(message: unknown): void;
}

export function createParamDecorator(
  factory: (data: unknown, context: ExecutionContext) => unknown,
): () => ParameterDecorator;

export function Inject(token: unknown): ParameterDecorator;

export function SetMetadata(key: string, value: unknown): MethodDecorator & ClassDecorator;

export const APP_INTERCEPTOR: string;

/** The part of a platform's adapter that is used. */
export interface HttpAdapter {
  getType(): string;
  getInstance(): any;
  use(middleware: (...args: any[]) => unknown): unknown;
}

export class HttpAdapterHost {
  httpAdapter: HttpAdapter;
}

export class Reflector {
  getAllAndOverride(key: string, targets: readonly unknown[]): unknown;
}

/** The part of an Observable that is used. */
export interface Observable<T> {
  pipe(operator: (source: Observable<T>) => Observable<T>): Observable<T>;
}

export function catchError<T>(selector: (error: unknown) => never): (source: Observable<T>) => Observable<T>;
