import { assertRows } from "../check.js";
import { neighbours } from "../neighbours/all.js";
import type { Row } from "../row.js";
import { aborts } from "./aborts.js";
import { wrongArguments } from "./arguments.js";
import { expressWays } from "./express.js";
import { fastifyWays } from "./fastify.js";
import { first } from "./first.js";
import { koaWays } from "./koa.js";
import { orders } from "./order.js";
import { protocol } from "./protocol.js";
import { standIn } from "./standins.js";
import { streams } from "./streams.js";
import { webWays } from "./web.js";

/** Every row of the matrix. */
export const ROWS: readonly Row[] = assertRows([
  ...first,
  ...wrongArguments,
  ...orders,
  ...streams,
  ...protocol,
  ...aborts,
  ...standIn,
  ...expressWays,
  ...koaWays,
  ...fastifyWays,
  ...webWays,
  ...neighbours,
]);
