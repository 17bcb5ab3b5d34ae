import { describe } from "node:test";
import { holds } from "./proving.js";
import { FAULTS } from "./simulation.js";

/** Every two, and every fault in these two, are played by `npm run proof`. */
describe("no promise is broken where a session of another library is adopted", { concurrency: 2 }, () => {
  holds("by two first requests, a logout and an old server that still writes, in any order", "adoption in short");
  for (const fault of FAULTS) holds(`by one request, one call after the other ${fault}`, `adoption by one, ${fault}`);
});
