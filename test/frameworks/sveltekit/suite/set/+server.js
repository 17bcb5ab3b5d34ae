export async function POST({ locals, request }) {
  const form = await request.formData();
  locals.session.set(String(form.get("key")), form.get("value"));
  return new Response("set");
}
