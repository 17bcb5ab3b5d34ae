/**
 * What anybody would write by hand, and no less: a signed id in a cookie, one GET or one SET, JSON. It promises
 * nothing: of two writes at once one is lost, and a request that is on its way brings back what a logout removed.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { DATA } from "../kinds.mjs";

const SECRET = "a secret of at least thirty-two characters";
const SECONDS = 1800;
const NAME = "sid=";

export function make({ storage, client, kit }) {
  const { load, save, remove } = storage === "redis" ? redis(client) : memory();
  const idOf = (context) => verified(valueOf(kit.cookieOf(context)));
  const begin = async (context, answer, data) => {
    const id = randomBytes(24).toString("base64url");
    await save(id, data);
    kit.setCookie(
      context,
      answer,
      `${NAME}${id}.${signature(id)}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${SECONDS}`,
    );
  };
  return {
    actions: {
      async read(context) {
        const { name } = await load(idOf(context));
        return { name };
      },
      async write(context) {
        const id = idOf(context);
        const data = await load(id);
        data.count++;
        await save(id, data);
        return { count: data.count };
      },
      async login(context, answer) {
        const id = idOf(context);
        const data = await load(id);
        data.user = 7;
        await begin(context, answer, data);
        await remove(id);
        return { user: data.user };
      },
      async seed(context, answer) {
        await begin(context, answer, DATA);
        return { ok: true };
      },
    },
  };
}

function redis(client) {
  return {
    load: async (id) => JSON.parse(await client.get(`floor:${id}`)),
    save: (id, data) => client.set(`floor:${id}`, JSON.stringify(data), { EX: SECONDS }),
    remove: (id) => client.del(`floor:${id}`),
  };
}

function memory() {
  const entries = new Map();
  return {
    load: (id) => JSON.parse(entries.get(id)),
    save: (id, data) => void entries.set(id, JSON.stringify(data)),
    remove: (id) => entries.delete(id),
  };
}

function valueOf(cookies = "") {
  const pair = cookies.split("; ").find((one) => one.startsWith(NAME));
  return pair?.slice(NAME.length);
}

function verified(value) {
  const [id, signed] = value.split(".");
  if (!timingSafeEqual(Buffer.from(signed), Buffer.from(signature(id)))) throw new Error("the signature is wrong");
  return id;
}

function signature(id) {
  return createHmac("sha256", SECRET).update(id).digest("base64url");
}
