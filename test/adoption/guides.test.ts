import assert from "node:assert/strict";
import { test } from "node:test";
import { pageAt, pages } from "../docs/pages.js";

/** The pages of libraries from which an application moves. */
const guides = pages.filter(({ path }) => path.startsWith("docs/migrate/"));
const OF_LIBRARIES = [
  "express-session",
  "fastify-session",
  "koa-session",
  "cookie-session",
  "iron-session",
  "authjs",
  "lucia",
  "go-fiber",
];
/** Whose session has a method of that name. */
const WITH_REGENERATE = ["README", "express-session", "fastify-session", "koa-session", "go-fiber", "codemod"];

test("each library has a page, with a section on what changes in meaning, and its first words in bold", () => {
  for (const name of OF_LIBRARIES) {
    const { text } = pageAt(`migrate/${name}`);
    const section = /\n## What (changes in meaning|is different)\n([^]*?)\n## /.exec(`${text}\n## `);
    assert.match(section?.[2] ?? "", /\*\*[^*]+\*\*/, name);
  }
  assert.ok(guides.length >= OF_LIBRARIES.length + 3);
});

test("where regenerate() empties a session there, the page says in bold that it keeps the data here", () => {
  for (const name of WITH_REGENERATE) {
    const bold = [...pageAt(`migrate/${name}`).text.matchAll(/\*\*([^*]+)\*\*/g)].map(([, words]) => words!);
    assert.ok(
      bold.some(
        (words) => /keeps all data/.test(words.replaceAll("\n", " ")) || /never `regenerate\(\)`/.test(words),
      ),
      name,
    );
  }
});
