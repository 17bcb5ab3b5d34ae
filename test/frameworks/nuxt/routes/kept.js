/** Nitro keeps its response, although no rule says so. */
export default defineCachedEventHandler(
  (event) => {
    try {
      return `there is one: ${event.context.session.owner}`;
    } catch (error) {
      return `${error.code}: ${error.message}`;
    }
  },
  { maxAge: 60 },
);
