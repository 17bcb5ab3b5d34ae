import { fileURLToPath } from "node:url";

/** The project's directory: its own files are what rows send. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));
/** A kilobyte. */
export const SMALL: string = fileURLToPath(new URL("../../LICENSE", import.meta.url));
/** More than a stream's buffers hold. */
export const LARGE: string = fileURLToPath(new URL("../../package-lock.json", import.meta.url));
export const MISSING: string = fileURLToPath(new URL("../../no-such-file", import.meta.url));
