export default defineEventHandler(async (event) => {
  const { user } = await readBody<{ user: string }>(event);
  // A real login checks a password here.
  await useSession(event).authenticate(user);
  return leave(event, "/account");
});
