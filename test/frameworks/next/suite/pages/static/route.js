import { getSession } from "../../../lib.js";

export const dynamic = "force-static";

export async function GET() {
  try {
    await getSession();
    return new Response("a session");
  } catch (error) {
    return new Response(`${error.code}: ${error.message}`);
  }
}
