import { createFileRoute } from "@tanstack/react-router";
import { useServerFn } from "@tanstack/react-start";
import { login } from "../session.functions";

export const Route = createFileRoute("/login")({ component: Login });

function Login() {
  const send = useServerFn(login);
  return (
    <main>
      <h1>Log in</h1>
      <form action={(form) => send({ data: form })}>
        <input name="user" aria-label="User" />
        <button>Log in</button>
      </form>
    </main>
  );
}
