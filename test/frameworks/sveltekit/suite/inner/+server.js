import { json } from "@sveltejs/kit";

/** Requests of the server to itself have the cookie of the request, and their cookies reach the client. */
export async function GET({ fetch }) {
  await fetch("/suite/increment", { method: "POST" });
  return json(await (await fetch("/suite/data")).json());
}
