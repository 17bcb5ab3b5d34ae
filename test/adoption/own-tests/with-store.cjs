"use strict";

/** What express-session's own tests load as `../`: the drop-in, with the stores that they pass. */
module.exports = require(process.env.HOLDFAST_DROP_IN);
