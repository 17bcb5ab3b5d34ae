import { describe } from "node:test";
import { holds } from "./proving.js";

describe("no promise is broken", { concurrency: 2 }, () => {
  holds(
    "by verbs that overlap in one request: they come to what they come to one after the other",
    "verbs that overlap",
  );
  holds("by two requests on servers whose clocks are five minutes apart", "clocks apart, visitors");
  holds("by the reduced search: it meets whatever the whole one meets", "the reduction, visitors");
});
