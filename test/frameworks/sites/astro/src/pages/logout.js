export async function POST({ locals, redirect }) {
  await locals.session.destroy();
  return redirect("/untouched", 303);
}
