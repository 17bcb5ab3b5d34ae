import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { INestApplication } from "@nestjs/common";
import { Test } from "@nestjs/testing";
import { Sessions } from "holdfast/nestjs";
import { seed } from "holdfast/testing";
import request from "supertest";
import { AppModule } from "../src/app.module.js";

describe("the application", () => {
  let app: INestApplication;

  before(async () => {
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    app = module.createNestApplication();
    await app.init();
  });
  after(() => app.close());

  it("refuses visitors", async () => {
    await request(app.getHttpServer()).get("/account").expect(401);
  });

  it("shows the account to a user who is logged in", async () => {
    const headers = await seed(app.get(Sessions), { cart: ["rope"] }, { owner: "user-ann" });
    const { body } = await request(app.getHttpServer()).get("/account").set(headers).expect(200);
    assert.deepEqual(body, { owner: "user-ann", cart: ["rope"] });
  });

  it("keeps the cart of a visitor who logs in, and ends the session for good", async () => {
    const agent = request.agent(app.getHttpServer());
    await agent.post("/cart").send({ item: "rope" }).expect(201);
    await agent.post("/login").send({ name: "ann", password: "guess" }).expect(401);
    await agent.post("/login").send({ name: "ann", password: "correct horse" }).expect(204);
    const { body } = await agent.get("/account").expect(200);
    assert.deepEqual(body, { owner: "user-ann", cart: ["rope"] });
    await agent.post("/logout").expect(204);
    await agent.get("/account").expect(401);
  });
});
