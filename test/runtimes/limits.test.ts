import { test } from "node:test";
import { LIMITS } from "./limits.js";

for (const { name, run } of LIMITS.filter(({ isLong }) => !isLong)) test(name, () => run());
