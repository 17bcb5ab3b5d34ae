import { test } from "node:test";
import { memoryStorage } from "holdfast/storage/memory";
import { storageSuite } from "holdfast/testing";

for (const { name, run } of storageSuite(() => ({ storage: memoryStorage() }))) test(`memory: ${name}`, run);
