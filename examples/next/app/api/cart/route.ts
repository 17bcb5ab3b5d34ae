import { route } from "../../../lib/session";

export const GET = route((session) => Response.json({ cart: session.get("cart") ?? [] }));

export const POST = route(async (session, request) => {
  const { item } = (await request.json()) as { item: string };
  session.update("cart", (cart = []) => [...cart, item]);
  return Response.json({ cart: session.get("cart") });
});
