import { fromCookie } from "holdfast";
import { session } from "holdfast/sveltekit";
import { adapterStorage } from "holdfast/testing";
import { handle as own } from "./hooks.example";

const suite = session({
  storage: adapterStorage(),
  extractor: fromCookie("suite_id"),
  skip: ({ url }) => url.pathname === "/suite/storage",
});

export const handle = (input) => (input.event.url.pathname.startsWith("/suite") ? suite(input) : own(input));
