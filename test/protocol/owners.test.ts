import { describe } from "node:test";
import { holds } from "./proving.js";
import { FAULTS } from "./simulation.js";

describe("no promise is broken where sessions have owners", { concurrency: 2 }, () => {
  holds("by all of an owner's sessions ended beside another request, in any order", "an owner's end");
  holds("by all of an owner's sessions ended beside a request of any kind", "an owner's end beside every kind");
  holds("by logins where an owner has as many sessions as may be", "an owner at the limit");
  holds("by a server that lacks the key that another one seals with", "an older key ring");
  for (const fault of FAULTS)
    holds(
      `by all of an owner's sessions ended beside another request, one storage call after the other ${fault}`,
      `owners, ${fault}`,
    );
});
