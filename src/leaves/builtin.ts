type Builtins = { getBuiltinModule?(name: string): unknown };

/** A module of the runtime (Node, Bun, Deno, workerd), or undefined: the core imports none statically, so it loads everywhere. */
export function builtinModule<T>(name: string): T | undefined {
  const runtime = (globalThis as { process?: Builtins }).process;
  return runtime?.getBuiltinModule?.(name) as T | undefined;
}

/** Says something to the operator once a mistake cannot be an exception. Never called with a token. */
export function warn(message: string): void {
  const runtime = (globalThis as { process?: { emitWarning?(message: string, type: string): void } }).process;
  if (runtime?.emitWarning) runtime.emitWarning(message, "HoldfastWarning");
  else console.warn(message);
}
