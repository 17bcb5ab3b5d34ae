const began = performance.timeOrigin + performance.now();

/** When this server thread has begun. */
export default defineEventHandler(() => String(began));
