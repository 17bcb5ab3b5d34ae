/**
 * Entries that import their framework when they are loaded, as decorators need it: they cannot be loaded in the
 * project itself. `npm run adapters` builds applications with them.
 */
export const WITH_FRAMEWORK: readonly string[] = ["holdfast/nestjs"];
