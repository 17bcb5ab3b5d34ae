import { assertRows } from "../check.js";
import type { Row } from "../row.js";
import { first } from "./first.js";

/** Every row of the matrix. */
export const ROWS: readonly Row[] = assertRows([...first]);
