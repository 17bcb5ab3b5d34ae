/** What TypeScript knows of the session in an application of Elysia; compiled by a case of the table. */
import { Elysia, status } from "elysia";
import { session, type Session } from "holdfast/elysia";

interface Data {
  cart: string[];
}

const auth = new Elysia({ prefix: "/auth", name: "auth" }).use(session<Data>());

const app = new Elysia({ prefix: "/shop" })
  .state("count", 1)
  .decorate("own", "a string")
  .use(session<Data>())
  .get("/", ({ session, own, store }) => {
    const typed: Session<Data> = session;
    const cart: string[] | undefined = session.get("cart");
    const others: [string, number] = [own, store.count];
    // @ts-expect-error the value of this key is a list
    session.set("cart", 1);
    // @ts-expect-error there is no such key
    session.get("other");
    return [typed.id, cart, others];
  })
  .macro({
    owned: {
      resolve({ session, status }) {
        return session.owner === undefined ? status(401) : { owner: session.owner };
      },
    },
  })
  .get("/account", ({ owner }) => owner.toUpperCase(), { owned: true })
  .guard({ owned: true }, (app) => app.get("/guarded", ({ session }) => session.owner))
  .group("/group", (app) => app.get("/", ({ session }) => session.get("cart")))
  .onError(({ session }) => void session.owner)
  .ws("/socket", { message: (ws) => void ws.data.session.get("cart") });

new Elysia()
  .use(app)
  .use(auth)
  .get("/", ({ session }) => session.get("cart") ?? status(404));

// @ts-expect-error there is no session without the plugin
new Elysia().get("/", ({ session }) => session.owner);
