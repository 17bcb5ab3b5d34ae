import assert from "node:assert/strict";
import { chain, fromCookie, fromForm } from "holdfast";
import type { Routes } from "../../support/apps.js";
import { COOKIE, type Case, type Stage } from "../world.js";

const extractor = chain(fromCookie(COOKIE), fromForm("token"));

const ROUTES: Routes = {
  "/put": (h) => {
    h.session.set("user", "ann");
    return h.answer({ body: h.session.token });
  },
  "/read": async (h) => h.json({ user: h.session.get("user"), body: await h.readBody() }),
  "/parsed": async (h) => h.json({ user: h.session.get("user"), ...(await h.parsedBody()) }),
  "/lazy": async (h) => {
    const session = await h.loadSession();
    return h.json({ user: session.get("user"), body: await h.readBody() });
  },
};

export const forms: readonly Case[] = [
  {
    name: "form: the token in a url-encoded body, and the handler reads the body itself",
    async run(world) {
      const stage = await world.stage(ROUTES, { session: { extractor } });
      const token = await tokenOf(stage);
      const answer = await stage.newClient().post("/read", { form: { token, text: "ä b" } });
      assert.deepEqual(answer.json(), { user: "ann", body: `token=${token}&text=%C3%A4+b` });
    },
  },
  {
    name: "form: what the framework already parsed",
    async run(world) {
      const stage = await world.stage(ROUTES, { session: { extractor }, parsesForms: true });
      const token = await tokenOf(stage);
      const answer = await stage.newClient().post("/parsed", { form: { token, text: "ä b" } });
      assert.deepEqual(answer.json(), { user: "ann", token, text: "ä b" });
    },
  },
  {
    name: "form: bodies without a token (JSON, empty, none, very long) can still be read by the handler",
    async run(world) {
      const stage = await world.stage(ROUTES, { session: { extractor } });
      const token = await tokenOf(stage);
      const long = `token=${token}&text=${"x".repeat(300_000)}`;
      const bodies: readonly [type: string, body: string, user?: string][] = [
        ["application/json", JSON.stringify({ token })],
        ["application/x-www-form-urlencoded", ""],
        ["application/x-www-form-urlencoded", "token=&token=&&=;%zz"],
        ["application/x-www-form-urlencoded", long],
        ["text/plain", long],
      ];
      for (const [type, body, user] of bodies) {
        const answer = await stage.newClient().post("/read", { body, headers: { "content-type": type } });
        assert.deepEqual(answer.json(), { body, ...(user && { user }) });
      }
      assert.deepEqual((await stage.newClient().get("/read")).json(), { body: "" });
    },
  },
  {
    name: "form: in lazy mode the body is read by loadSession, and once more by the handler",
    async run(world) {
      const stage = await world.stage(ROUTES, { session: { extractor } });
      const token = await tokenOf(stage);
      const lazy = await world.stage(ROUTES, { session: { extractor, load: "lazy", storage: stage.storage } });
      const answer = await lazy.newClient().post("/lazy", { form: { token } });
      assert.deepEqual(answer.json(), { user: "ann", body: `token=${token}` });
    },
  },
];

async function tokenOf({ newClient }: Stage): Promise<string> {
  return (await newClient().get("/put")).body;
}
