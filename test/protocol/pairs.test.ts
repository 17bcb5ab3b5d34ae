import { describe } from "node:test";
import { holds } from "./proving.js";
import { FAULTS } from "./simulation.js";

describe("no promise is broken", { concurrency: 2 }, () => {
  holds("by any two requests, in any order of their storage calls", "visitors");
  for (const fault of FAULTS)
    holds(`by two usual requests, one storage call after the other ${fault}`, `visitors, ${fault}`);
  holds("by three requests, in any order", "triples");
});
