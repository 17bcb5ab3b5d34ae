export default defineEventHandler(async (event) => {
  await useSession(event).destroy();
  return leave(event, "/");
});
