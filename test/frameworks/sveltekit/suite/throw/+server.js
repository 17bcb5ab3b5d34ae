export function GET({ locals }) {
  locals.session.set("thrown", "yes");
  throw new Error("the handler of the suite");
}
