import { Elysia, t } from "elysia";
import { crossOriginProtection, session } from "holdfast/elysia";
import { accountPage, loginPage, shop, type Data } from "./pages";

const app = new Elysia()
  .use(crossOriginProtection())
  .use(session<Data>())
  // The guard, for each route with `owned: true`: without an owner there is no account.
  .macro({
    owned: {
      beforeHandle({ session, redirect }) {
        if (session.owner === undefined) return redirect("/login", 303);
      },
    },
  })
  .get("/", ({ session }) => shop(session))
  .get("/login", ({ session }) => loginPage(session))
  .get("/account", ({ session }) => accountPage(session), { owned: true })
  .post(
    "/add",
    ({ session, body, redirect }) => {
      session.update("cart", (cart = []) => [...cart, body.item]);
      return redirect("/", 303);
    },
    { body: t.Object({ item: t.String() }) },
  )
  // A real login checks a password here.
  .post(
    "/login",
    async ({ session, body, redirect }) => {
      await session.authenticate(body.user);
      return redirect("/account", 303);
    },
    { body: t.Object({ user: t.String({ minLength: 1 }) }) },
  )
  .post("/logout", async ({ session, redirect }) => {
    await session.destroy();
    return redirect("/", 303);
  });

app.listen({ port: Number(process.env["PORT"] ?? 3000), hostname: process.env["HOST"] ?? "localhost" });
