import { describe } from "node:test";
import { holds } from "./proving.js";
import { FAULTS } from "./simulation.js";

describe("no promise is broken where sessions have owners", { concurrency: 2 }, () => {
  holds("by all of an owner's sessions ended beside another request, in any order", "an owner's end");
  for (const fault of FAULTS) holds(`by all of an owner's sessions ended beside another request, one storage call after the other ${fault}`, `owners, ${fault}`);
});
