/**
 * Helpers for tests: of your application, and of storage drivers.
 *
 * @module
 */
export { testClock, type TestClock } from "./test-clock.js";
export { storageSuite, type StorageCase, type StorageUnderTest } from "./storage-suite.js";
export { seed, type Seedable } from "./seed.js";
