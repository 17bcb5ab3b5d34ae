import { Form, redirect, useLoaderData } from "react-router";
import { sessions } from "../sessions.server";

/** The guard: without an owner there is no account. */
export function loader({ context }) {
  const { owner } = sessions.get(context);
  if (!owner) throw redirect("/login");
  return { owner };
}

export default function Account() {
  const { owner } = useLoaderData();
  return (
    <main>
      <h1>{`account of ${owner}`}</h1>
      <Form method="post" action="/logout">
        <button>Log out</button>
      </Form>
    </main>
  );
}
