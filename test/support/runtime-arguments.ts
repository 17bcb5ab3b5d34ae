/** What a runtime is given before the file of a program. */
export function argumentsOf(runtime: string): readonly string[] {
  return runtime === "deno" ? ["run", "--allow-all", "--unstable-kv", "--no-prompt"] : [];
}
