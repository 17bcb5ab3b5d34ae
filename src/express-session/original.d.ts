/**
 * The types of `@types/express-session` that are used, for the compilation of the library alone: the original declares
 * `req.session` for the whole program, as `holdfast/express` does in another way. Applications have the original.
 */
export class Session {
  private constructor(request: object, data: SessionData);
  id: string;
}

export interface SessionData {
  cookie: Cookie;
}

export interface SessionOptions {
  secret: unknown;
  genid?(req: any): string;
  name?: string | undefined;
  store?: Store | undefined;
  cookie?: object | ((req: any) => object) | undefined;
  rolling?: boolean | undefined;
  resave?: boolean | undefined;
  proxy?: boolean | undefined;
  saveUninitialized?: boolean | undefined;
  unset?: "destroy" | "keep" | undefined;
}

export class Cookie {
  originalMaxAge: number | null;
}

export abstract class Store {
  abstract get(id: string, callback: (error: unknown, session?: SessionData | null) => void): void;
}

export class MemoryStore extends Store {
  get(id: string, callback: (error: unknown, session?: SessionData | null) => void): void;
}

export interface CookieOptions {
  maxAge?: number | undefined;
}
