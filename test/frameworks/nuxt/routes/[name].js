import { adapterStorage } from "holdfast/testing";

/** The routes of the adapter suite. */
export default defineEventHandler(async (event) => {
  const { pathname, searchParams } = getRequestURL(event);
  const session = () => useSession(event);
  switch (pathname.slice("/suite".length)) {
    case "/storage":
      return adapterStorage().command(searchParams.get("do"));
    case "/untouched":
      return "untouched";
    case "/data":
      return { owner: session().owner ?? null, data: event.context.session.toJSON() };
    case "/set": {
      const { key, value } = await readBody(event);
      session().set(key, value);
      return "set";
    }
    case "/increment":
      session().update("n", (n = 0) => n + 1);
      return String(session().get("n"));
    case "/login":
      await session().authenticate((await readBody(event)).user);
      return sendRedirect(event, "/suite/account", 303);
    case "/logout":
      await session().destroy();
      return sendRedirect(event, "/suite/untouched", 303);
    case "/account":
      return session().owner ? `account of ${session().owner}` : sendRedirect(event, "/suite/untouched");
    case "/throw":
      session().set("thrown", "yes");
      throw new Error("the handler of the suite");
    case "/slow":
      await new Promise((resolve) => setTimeout(resolve, 300));
      session().set("late", "yes");
      return "slow";
    case "/calls": {
      for (let i = 0; i < 2; i++) await event.$fetch("/suite/increment", { method: "POST" });
      return { n: session().get("n") };
    }
    case "/alone":
      // Without the event: a request of nobody, with a response of its own.
      return $fetch
        .raw("/suite/set", { method: "POST", body: { key: "alone", value: "yes" } })
        .then((response) => ({ text: response._data, cookies: response.headers.getSetCookie().length }));
    case "/late":
      return late(session());
    case "/stream":
      session().set("streamed", "yes");
      return lines();
  }
});

/** A login after the first byte was sent. */
function late(session) {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async start(controller) {
      controller.enqueue(encoder.encode("begun\n"));
      await new Promise((resolve) => setTimeout(resolve, 50));
      const text = await session.authenticate("eve").then(
        () => "logged in",
        (error) => `${error.code}: ${error.message}`,
      );
      controller.enqueue(encoder.encode(text));
      controller.close();
    },
  });
}

function lines() {
  const waiting = ["one\n", "two\n", "three\n"];
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const line = waiting.shift();
      if (line === undefined) return controller.close();
      controller.enqueue(encoder.encode(line));
      await new Promise((resolve) => setTimeout(resolve, 5));
    },
  });
}
