/** A rule keeps its response. It says why the session cannot be read here. */
export default defineEventHandler((event) => {
  const reasons = [() => event.context.session, () => useSession(event)].map((read) => {
    try {
      return `there is one: ${read().owner}`;
    } catch (error) {
      return `${error.code}: ${error.message}`;
    }
  });
  return reasons.join("\n");
});
