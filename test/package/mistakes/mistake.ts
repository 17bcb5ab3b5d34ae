/** A mistake that somebody makes, and all that Holdfast says about it. */
export interface Mistake {
  readonly mistake: string;
  /** A module of an application; `visit(app, …paths)` starts an application and sends it requests. */
  readonly program: string;
  /** The whole message, without the link. */
  readonly says: string;
  /** The page that it links to. Default: `wrong-option`. */
  readonly code?: string;
  /** If no line of the application can be the first of the stack: why. */
  readonly line?: string;
}

/** What a program has led to. */
export interface Outcome {
  readonly message: string;
  readonly code?: unknown;
  readonly stack: string;
  /** All that was printed and sent, without the cookies that are meant to be sent. */
  readonly shown: string;
  /** Tokens that clients were given. */
  readonly tokens: readonly string[];
}
