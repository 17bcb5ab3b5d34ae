interface Process {
  readonly env?: Readonly<Record<string, string | undefined>>;
  getBuiltinModule?(name: string): unknown;
  emitWarning?(message: string, type: string): void;
}

interface Globals {
  readonly process?: Process;
  readonly navigator?: { readonly userAgent?: string };
  readonly Deno?: { readonly permissions?: { querySync?(what: object): { readonly state: string } } };
}

const globals = globalThis as Globals;

/**
 * Returns a built-in module of the runtime (Node, Bun, Deno, workerd), or undefined. The core imports none statically,
 * so it loads everywhere. In Next's Edge Runtime these functions exist and throw.
 */
export function builtinModule<T>(name: string): T | undefined {
  try {
    return globals.process?.getBuiltinModule?.(name) as T | undefined;
  } catch {
    return undefined;
  }
}

/** True in a Cloudflare Worker, in production or locally. */
export function isWorker(): boolean {
  return globals.navigator?.userAgent === "Cloudflare-Workers";
}

/** True in the Edge Runtime of Vercel, and of Next. */
export function isEdge(): boolean {
  return "EdgeRuntime" in globalThis || environment("NEXT_RUNTIME") === "edge";
}

/**
 * Returns an environment variable, or undefined if it may not be read. On Deno it never causes a permission prompt.
 */
export function environment(name: string): string | undefined {
  try {
    return mayRead(name) ? globals.process?.env?.[name] : undefined;
  } catch {
    return undefined;
  }
}

/** False on Deno without the permission to read this environment variable, or if asking for it throws. */
export function mayRead(name: string): boolean {
  try {
    const asked = globals.Deno?.permissions?.querySync?.({ name: "env", variable: name });
    return asked === undefined || asked.state === "granted";
  } catch {
    return false;
  }
}

/** Warns about a mistake that cannot be an exception. Never called with a token. */
export function warn(message: string): void {
  if (!isWorker() && hasWarned(message)) return;
  console.warn(message);
}

function hasWarned(message: string): boolean {
  const { process } = globals;
  try {
    process?.emitWarning?.(message, "HoldfastWarning");
    return typeof process?.emitWarning === "function";
  } catch {
    return false;
  }
}
