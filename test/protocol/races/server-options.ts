/** How many sessions an owner of these stories may have. */
export const MOST_SESSIONS = 3;
