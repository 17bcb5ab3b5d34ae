export async function POST({ locals, redirect }) {
  await locals.session.destroy();
  return redirect("/", 303);
}
