import { fromCookie } from "holdfast";
import { session } from "holdfast/tanstack-start";
import { options } from "./story";

const made = options((request) => request.url.replace("/suite", ""));

export const suite = session({ ...made, extractor: fromCookie("suite_id") });

/** Mounted nowhere. */
export const elsewhere = session({ extractor: fromCookie("elsewhere_id") });
