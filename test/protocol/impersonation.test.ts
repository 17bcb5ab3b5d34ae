import { describe } from "node:test";
import { holds } from "./proving.js";
import { FAULTS } from "./simulation.js";

describe("no promise is broken where somebody acts as another", { concurrency: 2 }, () => {
  holds("by its beginning and its end beside a request of any kind, in any order", "impersonation");
  for (const fault of FAULTS)
    holds(`by its beginning and its end, one storage call after the other ${fault}`, `impersonation, ${fault}`);
});
