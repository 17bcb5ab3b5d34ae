export function GET({ locals }) {
  locals.session.set("streamed", "yes");
  const lines = ["one\n", "two\n", "three\n"].values();
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    async pull(controller) {
      const { done, value } = lines.next();
      if (done) return controller.close();
      controller.enqueue(encoder.encode(value));
      await new Promise((resolve) => setTimeout(resolve, 5));
    },
  });
  return new Response(body);
}
