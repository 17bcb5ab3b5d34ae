import { data, Form, redirect, useActionData } from "react-router";
import { sessions } from "../sessions.server";

export async function action({ request, context }) {
  const user = (await request.formData()).get("user");
  if (typeof user !== "string" || user === "") return data({ missing: true }, { status: 400 });
  await sessions.get(context).authenticate(user);
  throw redirect("/account");
}

export default function Login() {
  const result = useActionData();
  return (
    <main>
      <h1>Log in</h1>
      <Form method="post">
        <label>
          Name <input name="user" autoComplete="username" />
        </label>
        <button>Log in</button>
        {result?.missing && <p role="alert">Who are you?</p>}
      </Form>
    </main>
  );
}
