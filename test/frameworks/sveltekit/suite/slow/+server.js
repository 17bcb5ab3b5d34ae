export async function GET({ locals }) {
  await new Promise((resolve) => setTimeout(resolve, 300));
  locals.session.set("late", "yes");
  return new Response("slow");
}
