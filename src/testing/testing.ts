/**
 * Helpers for tests of applications and of storage drivers.
 *
 * @module
 */
export { testClock, type TestClock } from "./test-clock.js";
export type { BeginCondition, StorageConditions } from "./storage-conditions.js";
export type { StorageUnderTest } from "./storage-desk.js";
export { storageSuite, type StorageCase } from "./storage-suite.js";
export { seed, storageState, type BrowserState, type Seedable, type SeedOptions } from "./seed.js";
export { adapterStorage, type AdapterStorage } from "./adapter-storage.js";
export { adapterSuite, type AdapterCase, type AdapterUnderTest } from "./adapter-suite.js";
