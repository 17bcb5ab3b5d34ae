import { test } from "node:test";
import { LIMITS } from "./limits.js";

for (const { name, run } of LIMITS) test(name, () => run());
