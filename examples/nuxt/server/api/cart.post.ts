export default defineEventHandler(async (event) => {
  const { item } = await readBody<{ item: string }>(event);
  useSession(event).update("cart", (cart = []) => [...cart, item]);
  return leave(event, "/");
});
